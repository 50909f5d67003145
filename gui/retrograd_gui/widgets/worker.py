"""Work that would hold up the window, done beside it; the newest job of a lane replaces one that still waits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

Result = TypeVar("Result")


class Worker(QObject):
    """A thread that lives while there is work. Answers arrive in the GUI thread; after ``stop`` none does."""

    _answered = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs: OrderedDict[str, Callable[[], Callable[[], None]]] = OrderedDict()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        parent.destroyed.connect(self._end)

    def submit(self, lane: str, work: Callable[[], Result], done: Callable[[Result], None]) -> None:
        """Have ``work`` done in the thread, then ``done`` called with its result in the GUI thread."""

        def job() -> Callable[[], None]:
            result = work()
            return lambda: done(result)

        with self._lock:
            if self._stopped:
                return
            self._jobs.pop(lane, None)
            self._jobs[lane] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="panel worker", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Forget what waits and deliver nothing more."""
        with self._lock:
            self._stopped = True
            self._jobs.clear()

    def _end(self) -> None:
        self.stop()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                _, job = self._jobs.popitem(last=False)
            answer = job()
            with self._lock:
                if self._stopped:
                    continue
                self._answered.emit(answer)

    @Slot(object)
    def _deliver(self, answer: Callable[[], None]) -> None:
        if not self._stopped:
            answer()
