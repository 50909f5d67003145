"""A window as the app has it, with a session that shows what it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fixtures.stage import FILE, StageSession, held_before_addmm_backward, snapshot
from retrograd_debug.session.api import Breakpoint
from retrograd_gui.errors import ErrorLog
from retrograd_gui.main_window import MainWindow
from retrograd_gui.settings import Settings
from retrograd_gui.theme.fonts import install_fonts


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    """The window on its start page."""
    install_fonts(qapp)
    made = MainWindow(Settings(), "dark", ErrorLog(tmp_path / "errors.log"))
    made.resize(1440, 900)
    made.show()
    qtbot.waitUntil(lambda: made.background.pending == 0)
    yield made
    shut(qtbot, made)


def shut(qtbot: QtBot, window: MainWindow) -> None:
    """Close the window and wait until nothing of it runs."""
    if not window.ended:
        with qtbot.waitSignal(window.closed, timeout=20_000):
            window.close()
    # panels end their helpers when they are destroyed, which must not wait for a later event loop
    shiboken6.delete(window)


@pytest.fixture
def held(window: MainWindow, qtbot: QtBot) -> StageSession:
    """A run held in backward of iteration 3, open in the window."""
    log, hold = held_before_addmm_backward()
    return show(window, qtbot, StageSession(snapshot(log, hold=hold)))


def show(
    window: MainWindow, qtbot: QtBot, session: StageSession, breakpoints: tuple[Breakpoint, ...] = ()
) -> StageSession:
    """Open ``session`` as a script in the window, as if the app had started it."""
    window.show_session(session, Path(FILE), FILE, is_script=True, breakpoints=breakpoints)
    qtbot.waitUntil(lambda: window.context.snapshot is not None and window.status.pill.text != "")
    return session
