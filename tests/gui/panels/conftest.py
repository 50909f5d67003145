"""What panel tests stand on: a dressed application, the app's own context, a session on a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from fixtures.stage import FILE, StageSession
from retrograd_debug.session.api import Snapshot
from retrograd_gui.context import FRAME_MS, Context
from retrograd_gui.panels.base import PanelContext
from retrograd_gui.settings import Settings
from retrograd_gui.theme.fonts import install_fonts
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.theme.style import apply_theme


@pytest.fixture(scope="session")
def dressed(qapp: QApplication) -> QApplication:
    """The application in the app's fonts and style."""
    install_fonts(qapp)
    apply_theme(qapp, load_theme("dark"))
    return qapp


@dataclass
class Stage:
    """Opens panels and runs."""

    qtbot: QtBot
    context: Context
    actions: list[str] = field(default_factory=list)
    _session: StageSession | None = None

    @property
    def session(self) -> StageSession:
        assert self._session is not None
        return self._session

    def open(self, snapshot: Snapshot) -> StageSession:
        """Open a run that stands as ``snapshot`` says."""
        self._session = StageSession(snapshot)
        self.context.open(self._session, FILE)
        return self._session

    def show(self, make: Callable[[PanelContext], QWidget], width: int, height: int) -> QWidget:
        """A panel on the (offscreen) screen."""
        panel = make(self.context)
        self.qtbot.addWidget(panel)
        panel.resize(width, height)
        panel.show()
        self.qtbot.waitExposed(panel)
        return panel

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what comes through a thread or the event loop."""
        self.qtbot.waitUntil(condition, timeout=5000)


@pytest.fixture
def stage(qtbot: QtBot, dressed: QApplication, tmp_path: Path) -> Iterator[Stage]:
    context = Context(Settings(tmp_path), load_theme("dark"))
    made = Stage(qtbot, context)
    context.serve_actions(made.actions.append)
    yield made
    context.release()
    # the frame that the last news waits for
    qtbot.wait(2 * FRAME_MS)
