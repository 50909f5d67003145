"""The window: gallery or workspace, with menus, tool bar and status line around it."""

from __future__ import annotations

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget

from retrograd_events.text import tr
from retrograd_gui.context import Context
from retrograd_gui.panel_registry import panel_specs
from retrograd_gui.settings import Settings
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.theme.style import apply_theme
from retrograd_gui.workspace import Workspace


class MainWindow(QMainWindow):
    """The app's one window."""

    def __init__(self, settings: Settings, theme: str) -> None:
        super().__init__()
        self.settings = settings
        self.context = Context(settings, load_theme(theme), self)
        self.setWindowTitle(tr("Retrograd"))
        self.workspace = Workspace(self.context, self.context, panel_specs())
        self._pages = QStackedWidget()
        self._pages.addWidget(self.workspace)
        self.setCentralWidget(self._pages)
        self.resize(1440, 900)

    def set_theme(self, name: str) -> None:
        """Dress the app in another theme."""
        theme = load_theme(name)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, theme)
        self.context.set_theme(theme)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Let go of the run."""
        session = self.context.release()
        if session is not None:
            session.close()
        super().closeEvent(event)
