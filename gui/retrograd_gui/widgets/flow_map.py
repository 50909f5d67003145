"""The gradient norm of each parameter in each iteration as coloured cells; a click travels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from retrograd_debug import format as fmt
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import CAPTION, SMALL, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.picture import colours, lookup
from retrograd_gui.widgets.cells import CellImage, rgb_of

NAMES = 150.0
AXIS = 18.0
BAR = 14.0
LOWEST = 1e-12


class FlowMap(QWidget):
    """Rows are parameters in the order of the model, columns iterations. ``travelled`` carries (row, column)."""

    travelled = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._names: list[str] = []
        self._iterations: list[int] = []
        self._norms: NDArray[np.float64] = np.empty((0, 0))
        self._cells: CellImage | None = None
        self._limits = (-6.0, 2.0)
        self._current = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Gradient norms over the iterations"))

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self._make_image()

    def show_norms(self, names: Sequence[str], iterations: Sequence[int], norms: NDArray[np.float64]) -> None:
        """Show norms, a row a name and a column an iteration (NaN: none)."""
        self._names, self._iterations, self._norms = list(names), list(iterations), norms
        self._make_image()

    def set_current(self, iteration: int) -> None:
        """Mark an iteration."""
        self._current = iteration
        self.update()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(400, 160)

    # --- geometry

    def area(self) -> QRectF:
        """Where the cells are."""
        left = min(NAMES, self.width() / 3)
        return QRectF(left, 4, max(1.0, self.width() - left - 8), max(1.0, self.height() - AXIS - BAR - 8))

    def cell_at(self, at: QPointF) -> tuple[int, int] | None:
        """Row and column under a place."""
        area = self.area()
        if not self._norms.size or not area.contains(at):
            return None
        rows, columns = self._norms.shape
        row = min(rows - 1, int((at.y() - area.top()) / area.height() * rows))
        return row, min(columns - 1, int((at.x() - area.left()) / area.width() * columns))

    # --- painting

    def _make_image(self) -> None:
        norms = self._norms
        if not norms.size:
            self._cells = None
            self.update()
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log10(np.maximum(norms, LOWEST))
        finite = logs[np.isfinite(logs)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (-6.0, 2.0)
        self._limits = (math.floor(low), max(math.floor(low) + 1, math.ceil(high)))
        rgb = colours(logs, self._limits, lookup(self._theme.sequential))
        rgb[np.isnan(norms)] = rgb_of(self._theme["field"])
        rgb[np.isposinf(norms)] = rgb_of(self._theme["nan"])
        self._cells = CellImage(rgb)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint cells, names, iterations and the key."""
        painter = QPainter(self)
        try:
            if self._cells is None:
                return
            area = self.area()
            painter.drawImage(area, self._cells.image)
            self._paint_names(painter, area)
            self._paint_axis(painter, area)
            self._paint_key(painter, area)
        finally:
            painter.end()

    def _paint_names(self, painter: QPainter, area: QRectF) -> None:
        metrics = QFontMetricsF(ui_font(SMALL))
        painter.setFont(ui_font(SMALL))
        painter.setPen(QColor(self._theme["text2"]))
        height = area.height() / len(self._names)
        every = max(1, math.ceil(metrics.height() / height))
        for row in range(0, len(self._names), every):
            place = QRectF(8, area.top() + row * height, area.left() - 14, max(height, metrics.height()))
            text = metrics.elidedText(self._names[row], Qt.TextElideMode.ElideMiddle, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)

    def _paint_axis(self, painter: QPainter, area: QRectF) -> None:
        width = area.width() / len(self._iterations)
        painter.setFont(mono_font(CAPTION))
        metrics = QFontMetricsF(mono_font(CAPTION))
        every = max(1, math.ceil((metrics.horizontalAdvance(str(self._iterations[-1])) + 12) / width))
        for column in range(0, len(self._iterations), every):
            place = QRectF(area.left() + column * width, area.bottom() + 1, max(width, 60.0), AXIS)
            text = str(self._iterations[column])
            if place.left() + metrics.horizontalAdvance(text) <= self.width():
                painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        if self._current in self._iterations:
            column = self._iterations.index(self._current)
            painter.setPen(QPen(QColor(self._theme["held"]), 1.5))
            painter.drawRect(QRectF(area.left() + column * width, area.top(), max(width, 2.0), area.height()))

    def _paint_key(self, painter: QPainter, area: QRectF) -> None:
        """The colours with the norms at both ends."""
        table = lookup(self._theme.sequential)
        bar = QRectF(area.left() + 60, self.height() - BAR - 1, max(20.0, min(180.0, area.width() - 120)), 8)
        for step in range(int(bar.width())):
            color = table[int(step / bar.width() * (len(table) - 1))]
            painter.fillRect(QRectF(bar.left() + step, bar.top(), 1.5, bar.height()), QColor(*map(int, color)))
        painter.setFont(mono_font(CAPTION))
        painter.setPen(QColor(self._theme["text2"]))
        align = Qt.AlignmentFlag.AlignVCenter
        low, high = self._limits
        painter.drawText(
            QRectF(area.left(), bar.top() - 4, 54, 16), align | Qt.AlignmentFlag.AlignRight, f"1e{int(low)}"
        )
        painter.drawText(
            QRectF(bar.right() + 6, bar.top() - 4, 120, 16), align | Qt.AlignmentFlag.AlignLeft, f"1e{int(high)}  ‖g‖"
        )

    # --- the person

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Travel."""
        cell = self.cell_at(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.travelled.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right travel by an iteration."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step and self._iterations:
            here = self._iterations.index(self._current) if self._current in self._iterations else 0
            self.travelled.emit(0, max(0, min(len(self._iterations) - 1, here + step)))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tell the norm under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self.cell_at(QPointF(event.pos()))
            if cell is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self.words(*cell), self)
            return True
        return super().event(event)

    def words(self, row: int, column: int) -> str:
        """A cell as a sentence."""
        norm = float(self._norms[row, column])
        shown = tr("not known") if math.isnan(norm) else fmt.number(norm)
        return tr("{name}, iteration {number}: ‖g‖ {norm}", name=self._names[row], number=self._iterations[column],
                  norm=shown)  # fmt: skip
