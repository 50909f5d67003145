"""Which line is which: short samples of the lines with their names."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from retrograd_gui.theme.fonts import SMALL, ui_font
from retrograd_gui.theme.tokens import Theme

SAMPLE = 20
HEIGHT = 24
DASHES: tuple[tuple[float, ...], ...] = ((), (8, 3), (1, 3), (6, 3, 1, 3), (6, 3, 1, 3, 1, 3), (3, 3), (12, 2), (2, 1))


def curve_pen(theme: Theme, index: int, width: float = 2.0) -> QPen:
    """The pen of curve ``index``: this run's first is in the forward colour, others in category colours and dashes."""
    color = theme["forward"] if index == 0 else theme.categories[index % len(theme.categories)]
    pen = QPen(QColor(color), width)
    pen.setCosmetic(True)
    dash = DASHES[index % len(DASHES)]
    if dash:
        pen.setDashPattern(list(dash))
    return pen


class Legend(QWidget):
    """One line of names; what does not fit is counted at the end and told in the tool tip."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._entries: list[tuple[str, int]] = []
        self.setMinimumHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_curves(self, entries: Sequence[tuple[str, int]]) -> None:
        """Show titles with their curve's number."""
        if list(entries) != self._entries:
            self._entries = list(entries)
            self.setToolTip("\n".join(title for title, _ in entries))
            self.setAccessibleName(", ".join(title for title, _ in entries))
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint samples and names."""
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            font = ui_font(SMALL)
            metrics = QFontMetricsF(font)
            painter.setFont(font)
            x, middle = 0.0, self.height() / 2
            for position, (title, index) in enumerate(self._entries):
                rest = len(self._entries) - position
                width = SAMPLE + 6 + metrics.horizontalAdvance(title) + 14
                more = f"+{rest}"
                if x + width > self.width() and x + metrics.horizontalAdvance(more) <= self.width() and position:
                    painter.setPen(QColor(self._theme["text3"]))
                    painter.drawText(QPointF(x, middle + metrics.ascent() / 2 - 1), more)
                    return
                painter.setPen(curve_pen(self._theme, index))
                painter.drawLine(QPointF(x, middle), QPointF(x + SAMPLE, middle))
                painter.setPen(QColor(self._theme["text2"]))
                room = QRectF(x + SAMPLE + 6, 0, max(0.0, self.width() - x - SAMPLE - 6), self.height())
                shown = metrics.elidedText(title, Qt.TextElideMode.ElideMiddle, room.width())
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
                x += width
        finally:
            painter.end()
