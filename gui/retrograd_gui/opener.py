"""Opens files one after the other and closes what was open, all beside the GUI thread. The newest wish wins."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from retrograd_debug.log.api import LogError
from retrograd_debug.session.api import Session
from retrograd_gui import sessions
from retrograd_gui.background import Background
from retrograd_gui.opening import Opening, Refused


class Opener(QObject):
    """``opening``: what is open must be let go now. ``opened`` brings a ``sessions.Opened``, ``refused`` a ``Refused``;
    ``closed``: a session has ended for good."""

    opening = Signal()
    opened = Signal(object)
    refused = Signal(object)
    closed = Signal()

    def __init__(self, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self._request = 0
        self.closing = 0

    def open(self, path: Path) -> None:
        """Open a script or a recorded run."""
        self._request += 1
        request = self._request
        self._background.submit(
            lambda: sessions.prepare(path),
            lambda opening: self._prepared(request, opening),
            lambda error: self._refuse(request, path, error),
        )

    def forget(self) -> None:
        """What is being opened is not wanted any more."""
        self._request += 1

    def close(self, session: Session) -> None:
        """Close a session; its script ends, its log stays."""
        self.closing += 1
        self._background.submit(session.close, lambda _none: self._closed(), self._closed_badly)

    def _prepared(self, request: int, opening: Opening) -> None:
        if request != self._request:
            return
        if isinstance(opening, Refused):
            self.refused.emit(opening)
            return
        self.opening.emit()
        self.closing += 1  # until it is there, a session may be starting that must be closed
        self._background.submit(
            lambda: sessions.open_session(opening),
            lambda opened: self._take(request, opened),
            lambda error: self._fail(request, opening.path, error),
        )

    def _take(self, request: int, opened: sessions.Opened) -> None:
        if request == self._request:
            self.closing -= 1
            self.opened.emit(opened)
        else:
            self.close(opened.session)
            self.closing -= 1

    def _fail(self, request: int, path: Path, error: Exception) -> None:
        self._closed()
        self._refuse(request, path, error)

    def _refuse(self, request: int, path: Path, error: Exception) -> None:
        if request == self._request:
            self.refused.emit(Refused(path, str(error)))
        if not isinstance(error, (LogError, OSError)):
            raise error

    def _closed(self) -> None:
        self.closing -= 1
        self.closed.emit()

    def _closed_badly(self, error: Exception) -> None:
        self._closed()
        raise error
