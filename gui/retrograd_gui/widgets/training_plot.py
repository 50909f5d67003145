"""The plot itself: curves in pyqtgraph, the cursor, the script's own place, a tip at the mouse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from retrograd_debug import format as fmt
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import CAPTION, SMALL, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.training import Marker, TrainingModel
from retrograd_gui.widgets.common import column
from retrograd_gui.widgets.legend import curve_pen

FEW = 60
"""Points up to which each is dotted."""
NEAR = 24
"""Px from the mouse within which a point is told."""


class Tip(QWidget):
    """A box with a title and a row of name and value, like the picture's; lets the mouse through."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self._theme = theme
        self.title, self.name, self.value = "", "", ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def show_at(self, at: QPointF, title: str, name: str, value: str, bounds: QRectF) -> None:
        """Stand beside ``at``, inside ``bounds``."""
        self.title, self.name, self.value = title, name, value
        words, numbers = QFontMetricsF(ui_font(SMALL)), QFontMetricsF(mono_font(SMALL))
        width = max(
            words.horizontalAdvance(title), words.horizontalAdvance(name) + 24 + numbers.horizontalAdvance(value)
        )
        self.resize(round(width + 18), 38)
        x = at.x() + 10 if at.x() + 14 + self.width() <= bounds.right() else at.x() - 10 - self.width()
        y = min(max(at.y() - self.height() - 6, bounds.top() + 2), bounds.bottom() - self.height())
        self.move(round(max(bounds.left(), x)), round(y))
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the box."""
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self._theme["lineStrong"]), 1))
            painter.setBrush(QColor(self._theme["card"]))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.setFont(ui_font(SMALL))
            painter.setPen(QColor(self._theme["text2"]))
            top = QRectF(9, 3, self.width() - 18, 16)
            bottom = top.translated(0, 16)
            left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.drawText(top, left, self.title)
            painter.drawText(bottom, left, self.name)
            painter.setFont(mono_font(SMALL))
            painter.setPen(QColor(self._theme["text"]))
            painter.drawText(bottom, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.value)
        finally:
            painter.end()


class TrainingPlot(QWidget):
    """``travel`` asks for an iteration. Wheel zooms, dragging moves the view, ``fit`` shows all."""

    travel = Signal(float)

    def __init__(self, model: TrainingModel, theme: Theme) -> None:
        super().__init__()
        self._model = model
        self._theme = theme
        self._drawn = -1
        self._marked: tuple[Marker | None, Marker | None] | None = None
        self._log = False
        self._widget = pg.PlotWidget()
        self._plot = self._widget.getPlotItem()
        self._curves: list[pg.PlotDataItem] = []
        self._cursor_x = pg.InfiniteLine(angle=90)
        self._cursor_y = pg.InfiniteLine(angle=0)
        self._script_x = pg.InfiniteLine(angle=90)
        self._ring = pg.ScatterPlotItem(size=10, symbol="o")
        self._script_ring = pg.ScatterPlotItem(size=9, symbol="o")
        # invisible, but counted when everything is to be in view: the cursor may be past the last point
        self._reach = pg.ScatterPlotItem(size=1, pen=pg.mkPen(None), brush=pg.mkBrush(None))
        self._tip = Tip(self._widget, theme)
        self._build()
        self.set_theme(theme)

    def _build(self) -> None:
        plot = self._plot
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.35)
        plot.setContentsMargins(4, 4, 12, 0)
        plot.setLabel("bottom", tr("iteration"))
        for name in ("bottom", "left"):
            axis = plot.getAxis(name)
            axis.setTickFont(mono_font(CAPTION))
            axis.setStyle(tickLength=0, tickTextOffset=6)
            axis.enableAutoSIPrefix(False)
        plot.getAxis("bottom").tickStrings = _whole_ticks
        plot.getAxis("left").tickStrings = self._value_ticks
        for item in (self._cursor_x, self._cursor_y, self._script_x, self._ring, self._script_ring):
            item.setZValue(10)
            plot.addItem(item, ignoreBounds=True)
            item.hide()
        plot.addItem(self._reach)
        self._widget.scene().sigMouseClicked.connect(self._clicked)
        self._widget.scene().sigMouseMoved.connect(self._moved)
        self._widget.viewport().installEventFilter(self)
        self._widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Training plot"))
        plot.getViewBox().sigRangeChanged.connect(lambda *_: self._place_tip())
        column(self).addWidget(self._widget)

    # --- what is shown

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self._tip.set_theme(theme)
        self._widget.setBackground(QColor(theme["panel"]))
        for name in ("bottom", "left"):
            axis = self._plot.getAxis(name)
            axis.setPen(pg.mkPen(theme["line"], width=1))
            axis.setTextPen(pg.mkPen(theme["text2"]))
        self._plot.getAxis("bottom").label.setFont(ui_font(CAPTION))
        self._cursor_x.setPen(pg.mkPen(theme["held"], width=2))
        self._cursor_y.setPen(pg.mkPen(theme["held"], width=1, style=Qt.PenStyle.DashLine))
        self._script_x.setPen(pg.mkPen(theme["text3"], width=1.5, style=Qt.PenStyle.DashLine))
        self._ring.setPen(pg.mkPen(theme["held"], width=2))
        self._ring.setBrush(pg.mkBrush(theme["panel"]))
        self._script_ring.setPen(pg.mkPen(theme["text3"], width=1.5))
        self._script_ring.setBrush(pg.mkBrush(theme["panel"]))
        self._drawn = -1
        self.refresh()

    def set_log(self, on: bool) -> None:
        """Logarithmic or linear values."""
        self._log = on
        self._plot.setLogMode(x=False, y=on)
        self._place_marks()
        self.fit()

    def fit(self) -> None:
        """Show every point, and go on doing so."""
        self._plot.enableAutoRange()

    def refresh(self) -> None:
        """The model changed. A step within an iteration changes nothing here, and a plot's paint costs 8 ms."""
        marked = (self._model.cursor, self._model.script)
        if self._drawn == self._model.version and self._marked == marked:
            return
        if self._drawn != self._model.version:
            self._drawn = self._model.version
            self._draw_curves()
        self._marked = marked
        self._place_marks()

    def _draw_curves(self) -> None:
        model = self._model
        while len(self._curves) > len(model.curves):
            self._plot.removeItem(self._curves.pop())
        while len(self._curves) < len(model.curves):
            item = pg.PlotDataItem(connect="finite", autoDownsample=True, clipToView=True, downsampleMethod="peak")
            item.setLogMode(False, self._log)
            self._plot.addItem(item)
            self._curves.append(item)
        for index, (item, curve) in enumerate(zip(self._curves, model.curves, strict=True)):
            xs, ys = curve.points()
            pen = curve_pen(self._theme, index)
            dots = "o" if len(xs) <= FEW else None
            item.setData(xs, ys, pen=pen, symbol=dots, symbolSize=5, symbolPen=None, symbolBrush=pen.color())

    def _place_marks(self) -> None:
        self._place(self._model.cursor, self._cursor_x, self._ring, self._cursor_y)
        self._place(self._model.script, self._script_x, self._script_ring, None)
        self._set_reach()
        self._place_tip()

    def _place(
        self, marker: Marker | None, vertical: pg.InfiniteLine, ring: pg.ScatterPlotItem, level: pg.InfiniteLine | None
    ) -> None:
        vertical.setVisible(marker is not None)
        height = self._height(marker.value) if marker is not None and marker.value is not None else None
        ring.setVisible(height is not None)
        if level is not None:
            level.setVisible(height is not None)
        if marker is None:
            return
        vertical.setPos(marker.iteration)
        if height is not None:
            ring.setData([marker.iteration], [height])
            if level is not None:
                level.setPos(height)

    def _set_reach(self) -> None:
        cursor, curves = self._model.cursor, self._model.curves
        values = [value for value in curves[0].values[-1:] if self._height(value) is not None] if curves else []
        if cursor is None or not values:
            self._reach.setData([], [])
        else:
            self._reach.setData([cursor.iteration], values)

    def _height(self, value: float) -> float | None:
        """Where a value lies on the axis; None when the scale has no place for it."""
        if not np.isfinite(value) or (self._log and value <= 0):
            return None
        return float(np.log10(value)) if self._log else value

    def _place_tip(self) -> None:
        marker = self._model.cursor
        if marker is None or marker.value is None or not self._model.curves:
            self._tip.hide()
            return
        height = self._height(marker.value)
        if height is None:
            self._tip.hide()
            return
        self._show_tip(marker.iteration, height, self._model.curves[0].title, marker.value)

    def _show_tip(self, iteration: int, height: float, name: str, value: float) -> None:
        at = self.pixel_of(iteration, height)
        bounds = QRectF(self._plot.getViewBox().sceneBoundingRect())
        if not bounds.contains(at):
            self._tip.hide()
            return
        self._tip.show_at(at, tr("iteration {index}", index=iteration), name, fmt.number(value), bounds)

    # --- mouse

    def pixel_of(self, iteration: float, height: float) -> QPointF:
        """Where a point of the axes lies in the plot's widget, in px."""
        scene = self._plot.getViewBox().mapViewToScene(QPointF(iteration, height))
        return QPointF(self._widget.mapFromScene(scene))

    def _clicked(self, event: pg.GraphicsScene.mouseEvents.MouseClickEvent) -> None:
        box = self._plot.getViewBox()
        if event.button() != Qt.MouseButton.LeftButton or not box.sceneBoundingRect().contains(event.scenePos()):
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.double():
            self.fit()
            return
        self.travel.emit(float(box.mapSceneToView(event.scenePos()).x()))

    def _moved(self, at: QPointF) -> None:
        box = self._plot.getViewBox()
        if not box.sceneBoundingRect().contains(at):
            self._place_tip()
            return
        view = box.mapSceneToView(at)
        pixel_width, pixel_height = box.viewPixelSize()
        value = 10.0 ** view.y() if self._log else view.y()
        point = self._model.near(view.x(), value, 1 / max(pixel_width, 1e-300), 0.0 if self._log else 1 / pixel_height)
        if point is None:
            return
        height = self._height(point.value)
        if height is None:
            return
        distance = self.pixel_of(point.iteration, height) - QPointF(self._widget.mapFromScene(at))
        if abs(distance.x()) <= NEAR and abs(distance.y()) <= NEAR:
            self._show_tip(point.iteration, height, point.curve.title, point.value)
        else:
            self._place_tip()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right travel by an iteration, 0 shows everything."""
        cursor = self._model.cursor
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and cursor is not None:
            self.travel.emit(float(cursor.iteration + (1 if event.key() == Qt.Key.Key_Right else -1)))
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """When the mouse leaves, the tip goes back to the cursor."""
        if event.type() == QEvent.Type.Leave:
            self._place_tip()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the tip at its point."""
        super().resizeEvent(event)
        self._place_tip()

    @property
    def tip(self) -> Tip:
        """The box at the cursor or the mouse."""
        return self._tip

    @property
    def items(self) -> Sequence[pg.PlotDataItem]:
        """The curves drawn."""
        return self._curves

    def _value_ticks(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [fmt.tick(float(10.0**value) if self._log else _clean(value, spacing)) for value in values]


def _whole_ticks(values: list[float], scale: float, spacing: float) -> list[str]:
    """Iterations are whole: no tick between two."""
    return [fmt.count(round(value)) if abs(value - round(value)) < 1e-9 else "" for value in values]


def _clean(value: float, spacing: float) -> float:
    """Zero that is not quite zero, by the axis's own arithmetic."""
    return 0.0 if abs(value) < spacing * 1e-9 else value
