"""Work that may wait on disk or on a process, done beside the GUI thread; its outcome comes back to it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

T = TypeVar("T")
WORKERS = 3


class Background(QObject):
    """``submit`` runs a function in a worker thread and calls ``done`` with its result in the GUI thread. What the work
    raises is raised again in the GUI thread, unless ``failed`` takes it."""

    _finished = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="retrograd-background")
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._closed = False
        self.pending = 0

    def submit(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run ``work`` beside the GUI thread. Nothing is delivered after ``close``."""
        if self._closed:
            return
        self.pending += 1

        def deliver(future: Future[T]) -> None:
            self._finished.emit(lambda: _settle(future, done, failed))

        self._pool.submit(work).add_done_callback(deliver)

    def close(self) -> None:
        """Wait for what runs, drop what waits."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    @Slot(object)
    def _deliver(self, settle: Callable[[], None]) -> None:
        self.pending -= 1
        if not self._closed:
            settle()


def _settle(future: Future[T], done: Callable[[T], None], failed: Callable[[Exception], None] | None) -> None:
    error = future.exception()
    if error is None:
        done(future.result())
    elif failed is not None and isinstance(error, Exception):
        failed(error)
    else:
        raise error
