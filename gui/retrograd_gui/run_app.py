"""The app once Qt can start: application, window, signals, and the picture that ``--screenshot`` takes."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import shiboken6
from PySide6.QtCore import QObject, QSocketNotifier, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from retrograd_debug.assets import data_folder as shipped
from retrograd_debug.home import data_folder
from retrograd_gui.errors import ErrorLog
from retrograd_gui.main_window import MainWindow
from retrograd_gui.photographer import Photographer
from retrograd_gui.settings import Settings
from retrograd_gui.theme.fonts import install_fonts
from retrograd_gui.theme.icons import app_icon
from retrograd_gui.theme.loading import NAMES
from retrograd_gui.version import version

ERROR_LOG = "app-errors.log"
EXAMPLE = "linear_regression.py"
SWITCH_INTERVAL = 0.0005
"""Seconds after which a busy thread lets another have the interpreter. The session's threads must not wait Python's
5 ms for the one that paints, several times a step."""


def run(
    file: Path | None, theme: str | None, screenshot: Path | None, steps: int | None, size: tuple[int, int] | None
) -> int:
    """Show the window until it is closed; returns the exit code."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("retrograd")
    app.setApplicationDisplayName("Retrograd")
    app.setApplicationVersion(version())
    app.setQuitOnLastWindowClosed(False)
    errors = ErrorLog(data_folder() / ERROR_LOG)
    errors.install()
    install_fonts(app)
    app.setWindowIcon(app_icon())
    settings = Settings()
    if theme:
        settings.set_text("theme", theme)
    window = MainWindow(settings, chosen_theme(settings), errors)
    window.closed.connect(app.quit)
    if size is not None or screenshot is not None:
        window.resize(*(size or (1440, 900)))
    interrupts = Interrupts(window)
    window.show()
    if screenshot is not None:
        photographer = Photographer(window, screenshot, steps)
        photographer.begin(file or shipped("examples") / EXAMPLE)
        code = app.exec() or photographer.exit_code
    else:
        if file is not None:
            window.open_path(file)
        code = app.exec()
    interrupts.close()
    # panels end their helpers when they are destroyed
    shiboken6.delete(window)
    errors.remove()
    return code


def chosen_theme(settings: Settings) -> str:
    """The theme that is kept, else the one that the desktop asks for."""
    kept = settings.text("theme")
    if kept in NAMES:
        return kept
    light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
    return "light" if light else "dark"


class Interrupts(QObject):
    """Ctrl+C in the terminal, and a polite request to end, close the window: the script ends and its log is kept."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        # Python's handlers only run between bytecodes; the byte written here wakes Qt's loop for them
        self._before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._close)

    def close(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self._read.close()
        self._write.close()

    def _drain(self) -> None:
        try:
            self._read.recv(64)
        except BlockingIOError:
            return

    def _close(self, _number: int, _frame: FrameType | None) -> None:
        self._window.close()
