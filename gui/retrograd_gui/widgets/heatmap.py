"""Numbers as coloured cells, with marks over those that are NaN, infinite, zero or out of the range shown."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from retrograd_debug import format as fmt
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import CAPTION, mono_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.picture import MAGNITUDE, SYMMETRIC, Description, colours, lookup
from retrograd_gui.widgets.cells import CellImage, rgb_of

STRIP = 28
LABELS = 16
SHORTEST, TALLEST = 40, 72
SMALLEST_MARKED = 7.0
MOST_MARKS = 4000


def map_stops(theme: Theme, scale: str) -> tuple[str, ...]:
    """The colours of a scale."""
    return theme.diverging if scale == SYMMETRIC else theme.sequential


class Heatmap(QWidget):
    """A strip for column-vectors, a picture otherwise. A click chooses an element (row, column)."""

    chosen = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: Description | None = None
        self._cells: CellImage | None = None
        self._current = (-1, -1)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self._make_image()

    def show_description(self, description: Description | None) -> None:
        """Show the numbers of ``description``."""
        self._shown = description
        self._make_image()
        self.updateGeometry()

    def set_current(self, row: int, column: int) -> None:
        """Frame an element of the matrix."""
        self._current = (row, column)
        self.update()

    def sizeHint(self) -> QSize:
        """A strip is low; a picture keeps the matrix's proportions within reason."""
        if self._shown is None or self._shown.picture.strip:
            return QSize(200, STRIP + LABELS)
        rows, columns = self._shown.picture.size
        wanted = round(300 * rows / max(1, columns))
        return QSize(200, max(SHORTEST, min(TALLEST, wanted)) + LABELS)

    def minimumSizeHint(self) -> QSize:
        """As tall as wanted, however narrow."""
        return QSize(60, self.sizeHint().height())

    # --- geometry

    def area(self) -> QRectF:
        """Where the cells are."""
        return QRectF(1, 1, self.width() - 2, self.height() - LABELS - 2)

    def element_at(self, at: QPointF) -> tuple[int, int] | None:
        """The element (row, column) of the matrix under a place."""
        if self._shown is None or not self.area().contains(at):
            return None
        picture = self._shown.picture
        rows, columns = picture.cells.shape
        cell = self.area()
        row = min(rows - 1, int((at.y() - cell.top()) / cell.height() * rows))
        column = min(columns - 1, int((at.x() - cell.left()) / cell.width() * columns))
        return picture.element(row, column)

    def _cell_rect(self, row: int, column: int) -> QRectF:
        if self._shown is None:
            return QRectF()
        rows, columns = self._shown.picture.cells.shape
        area = self.area()
        width, height = area.width() / columns, area.height() / rows
        return QRectF(area.left() + column * width, area.top() + row * height, width, height)

    # --- painting

    def _make_image(self) -> None:
        shown = self._shown
        if shown is None:
            self._cells = None
            self.update()
            return
        cells = shown.picture.cells
        rgb = colours(cells, shown.shown, lookup(map_stops(self._theme, shown.scale)))
        special = ~np.isfinite(cells) if shown.scale != MAGNITUDE else np.isnan(cells) | np.isposinf(cells)
        rgb[np.isnan(cells)] = rgb_of(self._theme["nanFill"])
        rgb[special & ~np.isnan(cells)] = rgb_of(self._theme["errorFill"])
        if shown.scale == MAGNITUDE:
            rgb[np.isneginf(cells)] = rgb_of(self._theme["field"])
        self._cells = CellImage(rgb)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint cells, marks, the frame and the labels."""
        painter = QPainter(self)
        try:
            if self._shown is None or self._cells is None:
                return
            area = self.area()
            painter.drawImage(area, self._cells.image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_marks(painter)
            painter.setPen(QPen(QColor(self._theme["lineStrong"]), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5))
            self._paint_current(painter)
            self._paint_labels(painter)
        finally:
            painter.end()

    def _paint_marks(self, painter: QPainter) -> None:
        shown = self._shown
        if shown is None:
            return
        cells = shown.picture.cells
        first = self._cell_rect(0, 0)
        if min(first.width(), first.height()) < SMALLEST_MARKED:
            self._paint_ticks(painter)
            return
        low, high = shown.shown
        zero = np.isneginf(cells) if shown.scale == MAGNITUDE else cells == 0
        outside = np.isfinite(cells) & ((cells < low) | (cells > high))
        special = ~np.isfinite(cells) | zero | outside
        for row, column in np.argwhere(special)[:MOST_MARKS].tolist():
            rect = self._cell_rect(row, column)
            paint_special(painter, rect, float(cells[row, column]), bool(zero[row, column]), self._theme)

    def _paint_ticks(self, painter: QPainter) -> None:
        """Cells too small for a mark: NaN and infinities get a tick of 3 px, so that none is lost."""
        shown = self._shown
        if shown is None:
            return
        cells = shown.picture.cells
        bad = np.isnan(cells) | (np.isinf(cells) if shown.scale != MAGNITUDE else np.isposinf(cells))
        for row, column in np.argwhere(bad)[:MOST_MARKS].tolist():
            token = "nan" if np.isnan(cells[row, column]) else "error"
            center = self._cell_rect(row, column).center()
            painter.fillRect(QRectF(center.x() - 1.5, center.y() - 1.5, 3, 3), QColor(self._theme[token]))

    def _current_cell(self) -> QRectF | None:
        if self._shown is None or self._current[0] < 0:
            return None
        picture = self._shown.picture
        row, column = self._current[0] // picture.pool[0], self._current[1] // picture.pool[1]
        rows, columns = picture.cells.shape
        return self._cell_rect(row, column) if row < rows and column < columns else None

    def _paint_current(self, painter: QPainter) -> None:
        rect = self._current_cell()
        if rect is None:
            return
        painter.setPen(QPen(QColor(self._theme["accent"]), 2))
        grow = max(0.0, 4 - rect.width()) / 2
        painter.drawRoundedRect(rect.adjusted(-1 - grow, -1, 1 + grow, 1), 2, 2)

    def _paint_labels(self, painter: QPainter) -> None:
        shown = self._shown
        if shown is None:
            return
        font = mono_font(CAPTION)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        rows, columns = shown.picture.size
        base = self.height() - 4
        if shown.picture.strip:
            first, last = tr("row {index}", index=0), str(columns - 1)
        else:
            first, last = tr("{rows} rows", rows=rows), tr("{columns} columns", columns=columns)
        painter.setPen(QColor(self._theme["text2"]))
        painter.drawText(QPointF(1, base), first)
        right = self.width() - 1 - metrics.horizontalAdvance(last)
        if columns > 1 or not shown.picture.strip:
            painter.drawText(QPointF(right, base), last)
        rect = self._current_cell()
        if rect is None:
            return
        text = str(self._current[1]) if shown.picture.strip else fmt.shape(self._current)
        width = metrics.horizontalAdvance(text)
        x = min(max(rect.center().x() - width / 2, metrics.horizontalAdvance(first) + 8), right - 8 - width)
        painter.setPen(QColor(self._theme["accent"]))
        painter.drawText(QPointF(x, base), text)

    # --- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the element under the mouse."""
        element = self.element_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and element is not None:
            self.chosen.emit(*element)

    def event(self, event: QEvent) -> bool:
        """Tell the number under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def tip_at(self, at: QPointF) -> str:
        """What the tool tip says at a place."""
        element, shown = self.element_at(at), self._shown
        if element is None or shown is None:
            return ""
        picture = shown.picture
        cell = float(picture.cells[element[0] // picture.pool[0], element[1] // picture.pool[1]])
        place = tr("row {index}", index=element[1]) if picture.strip else fmt.shape(element)
        if shown.scale == MAGNITUDE:
            return f"{place}\n" + tr("magnitude {number}", number=fmt.number(10.0**cell))
        text = f"{place}\n{fmt.number(cell)}"
        if picture.pool != (1, 1):
            rows, columns = picture.pool
            text += "\n" + tr("largest of {count}", count=fmt.count(rows * columns))
        return text


def paint_special(painter: QPainter, rect: QRectF, value: float, zero: bool, theme: Theme) -> None:
    """The mark of a special cell (design sheet, "Special cells"): NaN crossed, infinities triangles, zero a dot,
    clipped a stroke."""
    size = min(rect.width(), rect.height(), 16.0) / 2 - 1.5
    center = rect.center()
    if np.isnan(value):
        painter.setPen(QPen(QColor(theme["nan"]), 1.3))
        painter.drawLine(QLineF(center + QPointF(-size, -size), center + QPointF(size, size)))
        painter.drawLine(QLineF(center + QPointF(-size, size), center + QPointF(size, -size)))
    elif zero:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme["text2"]))
        painter.drawEllipse(center, 1.3, 1.3)
    elif np.isinf(value):
        up = 1 if value > 0 else -1
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme["error"]))
        ends = (QPointF(0, -size * up), QPointF(size, size * up), QPointF(-size, size * up))
        painter.drawPolygon(QPolygonF([center + end for end in ends]))
    else:
        painter.setPen(QPen(QColor(theme["text"]), 1.2))
        painter.drawLine(QLineF(center + QPointF(-size, size), center + QPointF(size, -size)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
