"""The key to a heatmap's colours, and the range they show: two handles that can be dragged."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from retrograd_debug import format as fmt
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import CAPTION, mono_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.picture import MAGNITUDE, SYMMETRIC, Description, colours, lookup
from retrograd_gui.widgets.heatmap import map_stops

BAR = 10
TOP = 4
HEIGHT = 30
GRIP = 8


class ColorBar(QWidget):
    """``range_chosen`` asks for other limits; ``range_reset`` for those that show everything (a double click)."""

    range_chosen = Signal(float, float)
    range_reset = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: Description | None = None
        self._grip = ""
        self.setFixedHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName(tr("Range of the colours"))
        self.setToolTip(tr("Drag the ends to narrow the range; a double click shows everything"))

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def show_description(self, description: Description | None) -> None:
        """Show the range of ``description``."""
        self._shown = description
        self.update()

    def x_of(self, value: float) -> float:
        """Where a number of the full range lies."""
        if self._shown is None:
            return 0.0
        low, high = self._shown.full
        return 1 + (value - low) / (high - low or 1.0) * (self.width() - 2)

    def _value_at(self, x: float) -> float:
        if self._shown is None:
            return 0.0
        low, high = self._shown.full
        return low + min(max((x - 1) / max(1, self.width() - 2), 0.0), 1.0) * (high - low)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the colours, the handles and three ticks."""
        painter = QPainter(self)
        try:
            if self._shown is None:
                return
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            low, high = self._shown.shown
            left, right = self.x_of(low), self.x_of(high)
            steps = max(1, round(self.width() - 2))
            row = colours(
                np.arange(1.0, steps + 1.0)[None], (left, right), lookup(map_stops(self._theme, self._shown.scale))
            )
            pixels = np.ascontiguousarray(row)
            strip = QImage(pixels.data, steps, 1, steps * 3, QImage.Format.Format_RGB888)
            painter.drawImage(QRectF(1, TOP, steps, BAR), strip)
            painter.setPen(QPen(QColor(self._theme["lineStrong"]), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(0.5, TOP - 0.5, self.width() - 1, BAR + 1))
            if (low, high) != self._shown.full or self.hasFocus() or self._grip:
                self._paint_grips(painter, left, right)
            self._paint_ticks(painter)
        finally:
            painter.end()

    def _paint_grips(self, painter: QPainter, left: float, right: float) -> None:
        painter.setPen(QPen(QColor(self._theme["panel"]), 1))
        painter.setBrush(QColor(self._theme["accent"]))
        for x in (left, right):
            x = min(max(x, 4.0), self.width() - 4.0)
            points = [QPointF(x - 4, TOP - 4), QPointF(x + 4, TOP - 4), QPointF(x, TOP + 2)]
            painter.drawPolygon(QPolygonF(points))
            painter.drawRect(QRectF(x - 1.5, TOP, 3, BAR))

    def _paint_ticks(self, painter: QPainter) -> None:
        if self._shown is None:
            return
        font = mono_font(CAPTION)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(QColor(self._theme["text2"]))
        low, high = self._shown.shown
        middle = 0.0 if self._shown.scale == SYMMETRIC and low < 0 < high else (low + high) / 2
        taken: list[tuple[float, float]] = []
        for value in (low, high, middle):
            text = self._text(value)
            width = metrics.horizontalAdvance(text)
            x = min(max(self.x_of(value) - width / 2, 1.0), self.width() - 1 - width)
            if all(x + width + 6 <= start or x >= end + 6 for start, end in taken):
                painter.drawText(QPointF(x, HEIGHT - 3), text)
                taken.append((x, x + width))

    def _text(self, value: float) -> str:
        if self._shown is not None and self._shown.scale == MAGNITUDE:
            return fmt.tick(10.0**value)
        return fmt.number(value)

    # --- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the nearer handle."""
        if self._shown is None or event.button() != Qt.MouseButton.LeftButton:
            return
        low, high = self._shown.shown
        x = event.position().x()
        self._grip = "low" if abs(x - self.x_of(low)) <= abs(x - self.x_of(high)) else "high"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move it; a symmetric range stays symmetric."""
        if self._shown is None or not self._grip:
            return
        low, high = self._shown.shown
        value = self._value_at(event.position().x())
        least = (self._shown.full[1] - self._shown.full[0]) / 200
        if self._shown.scale == SYMMETRIC:
            bound = max(abs(value), least)
            self.range_chosen.emit(-bound, bound)
        elif self._grip == "low":
            self.range_chosen.emit(min(value, high - least), high)
        else:
            self.range_chosen.emit(low, max(value, low + least))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._grip = ""
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show everything."""
        self.range_reset.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left narrows, Right widens, 0 shows everything."""
        if self._shown is None:
            return
        low, high = self._shown.shown
        middle, half = (low + high) / 2, (high - low) / 2
        if event.key() == Qt.Key.Key_Left:
            self.range_chosen.emit(middle - half * 0.8, middle + half * 0.8)
        elif event.key() == Qt.Key.Key_Right:
            full = self._shown.full
            self.range_chosen.emit(max(full[0], middle - half * 1.25), min(full[1], middle + half * 1.25))
        elif event.key() == Qt.Key.Key_0:
            self.range_reset.emit()
        else:
            super().keyPressEvent(event)
