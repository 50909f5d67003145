"""How a tensor's elements spread over the range shown, in the colours of the heatmap."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from retrograd_debug import format as fmt
from retrograd_events.text import trn
from retrograd_gui.theme.fonts import CAPTION, mono_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.picture import MAGNITUDE, SYMMETRIC, Description, colours, lookup
from retrograd_gui.widgets.heatmap import map_stops

HEIGHT = 84
FOOT = 16
TOP = 8


class HistogramView(QWidget):
    """Bars with a count at the top of the scale and the limits below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: Description | None = None
        self.setFixedHeight(HEIGHT)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def show_description(self, description: Description | None) -> None:
        """Show the histogram of ``description``."""
        self._shown = description
        self.update()

    def _left(self) -> float:
        if self._shown is None:
            return 0.0
        most = fmt.count(int(self._shown.histogram.counts.max(initial=0)))
        return QFontMetricsF(mono_font(CAPTION)).horizontalAdvance(most) + 6

    def bar_rect(self, index: int) -> QRectF:
        """Where a bar's column is, from top to foot."""
        bins = len(self._shown.histogram.counts) if self._shown is not None else 1
        left = self._left()
        width = (self.width() - left - 1) / bins
        return QRectF(left + index * width, TOP, width, self.height() - TOP - FOOT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint bars and the two axes' ends."""
        painter = QPainter(self)
        try:
            if self._shown is None:
                return
            counts = self._shown.histogram.counts
            most = int(counts.max(initial=0))
            low, high = self._shown.histogram.low, self._shown.histogram.high
            centers = np.linspace(low, high, len(counts) * 2 + 1)[1::2]
            rgb = colours(centers, self._shown.shown, lookup(map_stops(self._theme, self._shown.scale)))
            for index, count in enumerate(counts.tolist()):
                if not count:
                    continue
                column = self.bar_rect(index)
                height = max(1.0, column.height() * count / most)
                bar = QRectF(column.left() + 0.5, column.bottom() - height, column.width() - 1, height)
                red, green, blue = rgb[index].tolist()
                painter.fillRect(bar, QColor(red, green, blue))
                painter.setPen(QPen(QColor(self._theme["text3"]), 1))
                painter.drawRect(bar)
            self._paint_axes(painter, most, low, high)
        finally:
            painter.end()

    def _paint_axes(self, painter: QPainter, most: int, low: float, high: float) -> None:
        font = mono_font(CAPTION)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        left, bottom = self._left(), float(self.height() - FOOT)
        painter.setPen(QPen(QColor(self._theme["lineStrong"]), 1))
        painter.drawLine(QPointF(left, bottom), QPointF(self.width() - 1, bottom))
        painter.setPen(QColor(self._theme["text2"]))
        for text, y in ((fmt.count(most), TOP + metrics.ascent() / 2), ("0", bottom)):
            painter.drawText(QPointF(left - 5 - metrics.horizontalAdvance(text), y + 1), text)
        painter.drawText(QPointF(left, self.height() - 3), self._text(low))
        right = self._text(high)
        painter.drawText(QPointF(self.width() - 1 - metrics.horizontalAdvance(right), self.height() - 3), right)
        if self._shown is not None and self._shown.scale == SYMMETRIC:
            middle = (left + self.width() - 1) / 2
            painter.drawText(QPointF(middle - metrics.horizontalAdvance("0") / 2, self.height() - 3), "0")

    def _text(self, value: float) -> str:
        if self._shown is not None and self._shown.scale == MAGNITUDE:
            return fmt.tick(10.0**value)
        return fmt.number(value)

    def event(self, event: QEvent) -> bool:
        """Tell the bar under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos()), self)
            return True
        return super().event(event)

    def tip_at(self, at: QPoint) -> str:
        """What the tool tip says at a place."""
        if self._shown is None or at.x() < self._left():
            return ""
        counts = self._shown.histogram.counts
        index = int((at.x() - self._left()) / self.bar_rect(0).width())
        if not 0 <= index < len(counts):
            return ""
        edges = np.linspace(self._shown.histogram.low, self._shown.histogram.high, len(counts) + 1)
        return f"{self._text(float(edges[index]))} … {self._text(float(edges[index + 1]))}\n" + trn(
            "{count} element", "{count} elements", int(counts[index])
        )
