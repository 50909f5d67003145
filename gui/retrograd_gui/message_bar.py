"""Sentences in place: what happened, where, what to do; details behind a link. Never a dialog that blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from retrograd_events.text import tr
from retrograd_gui.theme.fonts import CODE, mono_font
from retrograd_gui.theme.icons import icon, pixmap
from retrograd_gui.theme.tokens import Theme

_LOOKS = {
    "error": ("msc.error", "error", "errorFill"),
    "warning": ("msc.warning", "warn", "chip"),
    "info": ("msc.info", "accent", "chip"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """``kind``: error, warning or info. ``details`` (long, monospaced) stay behind a link. ``button`` is what can be
    done about it. A newer message with the same ``topic`` replaces an older one."""

    kind: str
    text: str
    details: str = ""
    button: str = ""
    run: Callable[[], None] | None = None
    topic: str = ""


class MessageBar(QWidget):
    """One message at a time; the newest is shown."""

    dismissed = Signal()
    shown = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("message")
        self._theme = theme
        self._message: Message | None = None
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._details_link = QPushButton(tr("Details"))
        self._details_link.setFlat(True)
        self._details_link.setCheckable(True)
        self._details_link.toggled.connect(self._show_details)
        self._do = QPushButton()
        self._do.clicked.connect(self._run)
        self._close = QToolButton()
        self._close.setAccessibleName(tr("Dismiss the message"))
        self._close.setToolTip(tr("Dismiss"))
        self._close.setIconSize(QSize(16, 16))
        self._close.clicked.connect(self.clear)
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setFont(mono_font(CODE))
        self._details.setAccessibleName(tr("Details"))
        self._details.setMaximumHeight(160)
        row = QHBoxLayout()
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._details_link)
        row.addWidget(self._do)
        row.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self._details)
        self.hide()

    @property
    def message(self) -> Message | None:
        """What is shown, if anything."""
        return self._message

    def show_message(self, message: Message) -> None:
        """Show ``message`` in place of the one before."""
        self._message = message
        self._text.setText(message.text)
        self.setAccessibleName(message.text)
        self._details_link.setVisible(bool(message.details))
        self._details_link.setChecked(False)
        self._details.setPlainText(message.details)
        self._details.hide()
        self._do.setVisible(bool(message.button))
        self._do.setText(message.button)
        self.use_theme(self._theme)
        self.show()
        self.shown.emit()

    def clear(self) -> None:
        """Show nothing."""
        self._message = None
        self.hide()
        self.dismissed.emit()

    def clear_topic(self, topic: str) -> None:
        """Dismiss the message if it is about ``topic``."""
        if self._message is not None and self._message.topic == topic:
            self.clear()

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self._close.setIcon(icon("msc.close", theme))
        if self._message is not None:
            name, token, _ = _LOOKS[self._message.kind]
            self._icon.setPixmap(pixmap(name, theme, token, ratio=self.devicePixelRatioF()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A quiet ground and a hairline in the kind's colour."""
        if self._message is None:
            return
        _, token, ground = _LOOKS[self._message.kind]
        painter = QPainter(self)
        try:
            painter.fillRect(self.rect(), QColor(self._theme[ground]))
            painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(self._theme[token]))
        finally:
            painter.end()

    def _show_details(self, shown: bool) -> None:
        self._details.setVisible(shown)

    def _run(self) -> None:
        message = self._message
        self.clear()
        if message is not None and message.run is not None:
            message.run()
