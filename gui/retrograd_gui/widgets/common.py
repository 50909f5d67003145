"""Small pieces that several panels share."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from retrograd_gui.theme.fonts import BODY, ui_font
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme

BAR = 28
TARGET = 24


class Empty(QWidget):
    """One sentence and at most one action, where there is nothing to show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = QLabel()
        self._label.setProperty("quiet", True)
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._button = QPushButton()
        self._button.setFlat(True)
        self._run: Callable[[], None] | None = None
        self._button.clicked.connect(self._clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addStretch(1)
        layout.addWidget(self._label)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)
        self._button.hide()

    @property
    def text(self) -> str:
        """The sentence."""
        return self._label.text()

    def say(self, text: str, action: str = "", run: Callable[[], None] | None = None) -> None:
        """Show ``text`` and, when ``action`` names one, a button that does it."""
        self._label.setText(text)
        self._button.setText(action)
        self._button.setVisible(bool(action))
        self._run = run

    def _clicked(self) -> None:
        if self._run is not None:
            self._run()


def on_panel(widget: QWidget) -> None:
    """Give ``widget`` the panels' background, wherever it lies."""
    widget.setBackgroundRole(QPalette.ColorRole.Base)
    widget.setAutoFillBackground(True)


def tool_button(name: str, text: str, theme: Theme, token: str = "text2") -> QToolButton:
    """A button of at least the smallest target, with an icon; ``text`` is its tip and its name for screen readers."""
    button = QToolButton()
    button.setIcon(icon(name, theme, token))
    button.setIconSize(QSize(16, 16))
    button.setFixedSize(TARGET, TARGET)
    button.setToolTip(text)
    button.setAccessibleName(text)
    button.setFont(ui_font(BODY))
    return button


def row(*widgets: QWidget, margins: tuple[int, int, int, int] = (8, 0, 8, 0), spacing: int = 4) -> QHBoxLayout:
    """Widgets in a row; the first takes the room that is left when it wants to."""
    layout = QHBoxLayout()
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def column(widget: QWidget) -> QVBoxLayout:
    """A layout for ``widget`` without margins or gaps."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout
