"""Work beside the GUI thread of which only the newest matters: what waits is replaced while one piece runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal

T = TypeVar("T")


class _Signals(QObject):
    finished = Signal(object)


class _Job(QRunnable):
    """Runs one piece of work and hands over what its result leads to."""

    def __init__(self, work: Callable[[], Callable[[], None]], signals: _Signals) -> None:
        super().__init__()
        self._work, self._signals = work, signals

    def run(self) -> None:
        try:
            settle = self._work()
        except Exception as error:  # noqa: BLE001  # raised again in the GUI thread
            settle = _raise(error)
        self._signals.finished.emit(settle)


def _raise(error: Exception) -> Callable[[], None]:
    def settle() -> None:
        raise error

    return settle


class Lane(QObject, Generic[T]):
    """One piece of work at a time, its result delivered in the GUI thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._signals = _Signals(self)
        self._signals.finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._busy = False
        self._closed = False
        self._waiting: tuple[Callable[[], T], Callable[[T], None]] | None = None

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run ``work`` beside the GUI thread, then ``done`` with its result in it."""
        if self._closed:
            return
        if self._busy:
            self._waiting = (work, done)
            return
        self._busy = True

        def run() -> Callable[[], None]:
            result = work()
            return lambda: done(result)

        self._pool.start(_Job(run, self._signals))

    def _deliver(self, settle: Callable[[], None]) -> None:
        self._busy = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.submit(*waiting)
        if not self._closed:
            settle()

    def finish(self) -> None:
        """Wait for what runs, drop what waits; nothing is delivered any more."""
        self._closed = True
        self._waiting = None
        self._pool.waitForDone(5000)
