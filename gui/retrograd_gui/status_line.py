"""The status line: a pill and a sentence say where the run stands; a button leads back to it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QStatusBar, QWidget

from retrograd_events.text import tr
from retrograd_gui.status_text import StatusText
from retrograd_gui.theme.fonts import BODY, SMALL, ui_font
from retrograd_gui.theme.icons import pixmap
from retrograd_gui.theme.tokens import Theme


@dataclass(frozen=True, slots=True)
class PillLook:
    """Icon, colour and ground of a pill."""

    icon: str
    token: str
    ground: str


PILLS = {
    "held": PillLook("msc.debug-pause", "held", "heldFill"),
    "running": PillLook("msc.sync", "forward", "forwardFill"),
    "starting": PillLook("msc.loading", "forward", "forwardFill"),
    "looking-back": PillLook("msc.history", "forward", "forwardFill"),
    "finished": PillLook("msc.check", "done", "doneFill"),
    "error": PillLook("msc.error", "error", "errorFill"),
    "lost": PillLook("msc.error", "error", "errorFill"),
    "busy": PillLook("msc.watch", "gradient", "gradientFill"),
    "input": PillLook("msc.terminal", "accent", "select"),
    "stopped": PillLook("msc.debug-stop", "text2", "hover"),
}
_PLAIN = PillLook("", "text2", "hover")


class Pill(QWidget):
    """A word with a glyph on a coloured ground."""

    def __init__(self, theme: Theme, height: int = 20) -> None:
        super().__init__()
        self._theme = theme
        self._kind = ""
        self._text = ""
        self.setFont(ui_font(SMALL, bold=True))
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def kind(self) -> str:
        """What the pill says, as a key of ``PILLS``."""
        return self._kind

    @property
    def text(self) -> str:
        """What the pill says, in words."""
        return self._text

    def set(self, kind: str, text: str) -> None:
        """Say something else."""
        if (kind, text) != (self._kind, self._text):
            self._kind, self._text = kind, text
            self.setAccessibleName(text)
            self.setFixedWidth(self.sizeHint().width())
            self.update()

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Icon, gap, text."""
        width = QFontMetricsF(self.font()).horizontalAdvance(self._text)
        return QSize(round(width) + (34 if self._look().icon else 16), self.height())

    def _look(self) -> PillLook:
        return PILLS.get(self._kind, _PLAIN)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, glyph, word."""
        look, theme = self._look(), self._theme
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QColor(theme[look.token]) if theme.name == "highContrast" else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme[look.ground]))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            left = 8
            if look.icon:
                picture = pixmap(look.icon, theme, look.token, 14, self.devicePixelRatioF())
                painter.drawPixmap(left, (self.height() - 14) // 2, picture)
                left += 18
            painter.setPen(QColor(theme[look.token]))
            painter.drawText(self.rect().adjusted(left, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self._text)
        finally:
            painter.end()


class StatusLine(QStatusBar):
    """Shows a ``StatusText``."""

    way_taken = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setSizeGripEnabled(False)
        self.setFixedHeight(26)
        self._theme = theme
        self._shown = StatusText("", "", "")
        self.pill = Pill(theme)
        self._way = QPushButton()
        self._way.setObjectName("way")
        self._way.setFlat(True)
        self._way.setFixedHeight(22)
        self._way.clicked.connect(self.way_taken)
        self._sentence = QLabel()
        self._sentence.setObjectName("sentence")
        self._sentence.setFont(ui_font(BODY))
        self._sentence.setProperty("main", True)
        self._sentence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        left = QWidget()
        row = QHBoxLayout(left)
        row.setContentsMargins(10, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.pill)
        row.addWidget(self._way)
        row.addWidget(self._sentence, 1)
        self.addWidget(left, 1)
        self._facts = QLabel()
        self._facts.setObjectName("facts")
        self._facts.setContentsMargins(12, 0, 10, 0)
        self.addPermanentWidget(self._facts)
        self.show_status(StatusText("", "", tr("No run open")))

    @property
    def shown(self) -> StatusText:
        """What is shown."""
        return self._shown

    def show_status(self, status: StatusText) -> None:
        """Say something else."""
        if status == self._shown:
            return
        self._shown = status
        self.pill.set(status.kind, status.pill)
        self.pill.setVisible(bool(status.pill))
        self._sentence.setText(status.sentence)
        self._sentence.setToolTip(status.sentence)
        self._way.setText(status.way)
        self._way.setVisible(bool(status.way))
        self._facts.setText("     ".join(status.facts))
        self.setAccessibleName(f"{status.pill}: {status.sentence}" if status.pill else status.sentence)

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.pill.use_theme(theme)
