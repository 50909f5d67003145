"""What goes wrong inside the app itself: written to a file and said in a sentence, never a crash."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, qInstallMessageHandler

LARGEST_LOG = 1_000_000
# what the offscreen platform says of every window, and means nothing
HARMLESS = ("This plugin does not support propagateSizeHints()",)


class ErrorLog(QObject):
    """Catches exceptions that reach the top, in any thread, and Qt's own warnings."""

    caught = Signal(str, str)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._lock = threading.Lock()
        self._show: Callable[[str, str], None] = _nobody
        self.caught.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Catch from now on."""
        sys.excepthook = self._exception
        threading.excepthook = lambda args: self._exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        qInstallMessageHandler(self._qt_message)

    def remove(self) -> None:
        """Catch no more."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)
        self._show = _nobody

    def show_with(self, show: Callable[[str, str], None]) -> None:
        """Say errors with ``show`` (a sentence, details), in the GUI thread."""
        self._show = show

    def write(self, text: str) -> None:
        """Add to the file; a file that has grown large is begun anew."""
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                large = self.path.exists() and self.path.stat().st_size > LARGEST_LOG
                with self.path.open("w" if large else "a", encoding="utf-8") as file:
                    file.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{text.rstrip()}\n")
            except OSError:
                # a full or read-only disk must not stop the app from saying what happened
                sys.stderr.write(text)

    def text(self) -> str:
        """What the file holds."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        self.write(details)
        self.caught.emit(f"{kind.__name__}: {error}", details)

    def _qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if message not in HARMLESS and kind != QtMsgType.QtDebugMsg:
            self.write(f"Qt: {message}")

    def _tell(self, what: str, details: str) -> None:
        self._show(what, details)


def _nobody(what: str, details: str) -> None:
    sys.stderr.write(details)
