"""The timeline, painted: lanes of blocks under the iterations, a flag at the cursor."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from retrograd_debug import format as fmt
from retrograd_events.events import Seq
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import CAPTION, SMALL, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.timeline import Lane, Span, TimelineModel, clock_label, nice_step

HEADER = 24
AXIS = 22
LABEL_PADDING = 10
BLOCK = 20
TALLEST_LANE = 36
MOST_HITS = 2000
DETAIL = 3000
"""Blocks in view above which lanes are drawn as density."""
AT_FIRST = 4
"""Iterations in view while following."""
_LANE_TOKENS = {Lane.FORWARD: "forward", Lane.BACKWARD: "gradient", Lane.OPTIMIZER: "text3", Lane.MARKERS: "error"}


class TimelineView(QWidget):
    """Dragging asks to travel (``seek``); the wheel zooms about the mouse, with Shift it moves sideways; a double click
    on the header shows everything."""

    seek = Signal(int)

    def __init__(self, model: TimelineModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._start, self._end = 0.0, 1.0
        self._follow = True
        self._cursor = Seq(0)
        self._script: Seq | None = None
        self._dragging = False
        self._panning: tuple[float, float, float] | None = None
        self._names = (tr("Forward"), tr("Backward"), tr("Optimizer"), tr("Markers"))
        self._clock_name = tr("time\nwithout stops")
        self.setMinimumSize(160, HEADER + AXIS + 4 * 22)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # --- what is shown

    def set_model(self, model: TimelineModel) -> None:
        """Show another run."""
        self._model = model
        self._follow = True
        self.refresh()

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def set_cursor_at(self, cursor: Seq, script: Seq | None) -> None:
        """Where the person looks and, when that is elsewhere, where the script stands."""
        if (cursor, script) != (self._cursor, self._script):
            self._cursor, self._script = cursor, script
            self.refresh()

    def refresh(self) -> None:
        """The model grew."""
        if self._follow:
            self._show_newest()
        self.update()

    def _show_newest(self) -> None:
        model = self._model
        start, end = 0.0, max(float(model.clock), 1.0)
        if model.iterations > AT_FIRST:
            newest = model.iterations - AT_FIRST
            here = model.position_at(model.clock_at(self._cursor))
            first = newest if here >= newest else max(0, here - 1)
            last = min(model.iterations, first + AT_FIRST) - 1
            start, end = float(model.span(first).start), float(model.span(last).end)
        self._start, self._end = start, end + 0.04 * (end - start)

    def show_all(self) -> None:
        """Bring the whole run into view."""
        self._follow = False
        self._start, self._end = 0.0, max(1.0, self._model.clock * 1.02)
        self.update()

    def follow(self) -> None:
        """Keep the newest iterations in view again."""
        self._follow = True
        self.refresh()

    # --- geometry

    @cached_property
    def left(self) -> float:
        """Where the lanes begin, in px; asked for with every block, so measured once."""
        metrics, small = QFontMetricsF(ui_font(SMALL)), QFontMetricsF(ui_font(CAPTION))
        words = [metrics.horizontalAdvance(name) for name in self._names]
        words += [small.horizontalAdvance(part) for part in self._clock_name.split("\n")]
        return 2 * LABEL_PADDING + max(words)

    def x_of(self, clock: float) -> float:
        """Where a time lies, in px."""
        width = max(1.0, self.width() - self.left)
        return self.left + (clock - self._start) / max(self._end - self._start, 1e-9) * width

    def clock_of(self, x: float) -> float:
        """Which time lies at ``x``."""
        width = max(1.0, self.width() - self.left)
        return self._start + (x - self.left) / width * (self._end - self._start)

    def lane_rect(self, lane: Lane) -> QRectF:
        """A lane's row."""
        height = min(TALLEST_LANE, (self.height() - HEADER - AXIS) / len(Lane))
        return QRectF(self.left, HEADER + lane * height, self.width() - self.left, height)

    def _lanes_bottom(self) -> float:
        return self.lane_rect(Lane.MARKERS).bottom()

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint bands, blocks, axis and flags."""
        painter = QPainter(self)
        try:
            painter.fillRect(self.rect(), QColor(self._theme["panel"]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_iterations(painter)
            self._paint_lanes(painter)
            self._paint_clock_name(painter)
            painter.save()
            painter.setClipRect(QRectF(self.left, 0, self.width() - self.left, self.height()))
            self._paint_blocks(painter)
            self._paint_hits(painter)
            self._paint_axis(painter)
            self._paint_flags(painter)
            painter.restore()
        finally:
            painter.end()

    def _paint_iterations(self, painter: QPainter) -> None:
        bottom = self._lanes_bottom()
        header = QColor(self._theme["header"])
        painter.fillRect(QRectF(0, 0, self.width(), HEADER), header)
        here = self._model.position_at(self._model.clock_at(self._cursor))
        taken = self._paint_current_iteration(painter, self._model.span(here)) if here >= 0 else None
        font = ui_font(SMALL)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        free = self.left
        for span in self._model.spans_between(self._start, self._end):
            left, right = max(self.left, self.x_of(span.start)), min(float(self.width()), self.x_of(span.end))
            if span.index % 2 and right - left > 3:
                painter.fillRect(QRectF(left, HEADER, right - left, bottom - HEADER), header)
            text = tr("iteration {index}", index=span.index)
            if metrics.horizontalAdvance(text) + 12 > right - left:
                text = str(span.index)
            x, width = left + 6, metrics.horizontalAdvance(text)
            blocked = taken is not None and x < taken.right() + 8 and x + width > taken.left() - 8
            if x < free or x + width > self.width() or blocked:
                continue
            painter.setPen(QColor(self._theme["text2"]))
            painter.drawText(QPointF(x, HEADER - 8), text)
            free = x + width + 16

    def _paint_current_iteration(self, painter: QPainter, span: Span) -> QRectF | None:
        """Its name, in bold and kept inside; returns where it stands, None when it is out of view."""
        left, right = self.x_of(span.start), self.x_of(span.end)
        if right < self.left or left > self.width():
            return None
        font = ui_font(SMALL, bold=True)
        text = tr("iteration {index}", index=span.index)
        width = QFontMetricsF(font).horizontalAdvance(text)
        x = max(self.left + 6, min(left + 6, self.width() - width - 4))
        painter.setFont(font)
        painter.setPen(QColor(self._theme["text"]))
        painter.drawText(QPointF(x, HEADER - 8), text)
        return QRectF(x, 0, width, HEADER)

    def _paint_lanes(self, painter: QPainter) -> None:
        painter.setFont(ui_font(SMALL))
        for lane in Lane:
            rect = self.lane_rect(lane)
            painter.setPen(QColor(self._theme["text2"]))
            label = QRectF(LABEL_PADDING, rect.top(), self.left - LABEL_PADDING, rect.height())
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._names[lane])
            painter.setPen(QPen(QColor(self._theme["line"]), 1))
            painter.drawLine(QPointF(0, rect.bottom()), QPointF(self.width(), rect.bottom()))
        painter.drawLine(QPointF(0, HEADER), QPointF(self.width(), HEADER))

    def _paint_blocks(self, painter: QPainter) -> None:
        indexes = self._model.visible(self._start, self._end)
        if len(indexes) > DETAIL:
            self._paint_density(painter, indexes)
            return
        lanes, starts, ends, seqs = self._model.columns()
        for index in indexes.tolist():
            lane = Lane(int(lanes[index]))
            past = int(seqs[index]) <= self._cursor
            if lane is Lane.MARKERS:
                self._paint_marker(painter, index, past)
                continue
            rect = self._block_rect(lane, int(starts[index]), int(ends[index]))
            token = _LANE_TOKENS[lane]
            color = QColor(self._theme[token if past else "text3"])
            # what is still to come is hollow and faint (a dotted outline would cost ten times as much)
            color.setAlphaF(1.0 if past else 0.5)
            fill = QColor(self._theme[f"{token}Fill"]) if past and lane is not Lane.OPTIMIZER else QColor(0, 0, 0, 0)
            painter.setPen(QPen(color, 1))
            painter.setBrush(fill)
            painter.drawRoundedRect(rect, 2, 2)

    def _block_rect(self, lane: Lane, start: int, end: int) -> QRectF:
        row = self.lane_rect(lane)
        left, right = self.x_of(start), self.x_of(end)
        height = min(BLOCK, row.height() - 6)
        return QRectF(left, row.center().y() - height / 2, max(2.0, right - left - 1), height)

    def _paint_marker(self, painter: QPainter, index: int, past: bool) -> None:
        block = self._model.block(index)
        token = {"Edited": "accent", "WarningIssued": "warn"}.get(block.name, "error")
        center = QPointF(self.x_of(block.start), self.lane_rect(Lane.MARKERS).center().y())
        painter.setPen(QPen(QColor(self._theme[token]), 1.5))
        painter.setBrush(QColor(self._theme[token]) if past else Qt.BrushStyle.NoBrush)
        if block.name == "Edited":
            painter.drawPolygon(_diamond(center, 4.5))
        elif block.name == "WarningIssued":
            painter.drawPolygon(
                QPolygonF([center + QPointF(0, -4.5), center + QPointF(4.5, 4), center + QPointF(-4.5, 4)])
            )
        else:
            painter.drawLine(center + QPointF(-4, -4), center + QPointF(4, 4))
            painter.drawLine(center + QPointF(-4, 4), center + QPointF(4, -4))

    def _paint_hits(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme["error"]))
        y = self.lane_rect(Lane.MARKERS).center().y()
        for seq in self._model.hits_between(self._start, self._end)[-MOST_HITS:]:
            painter.drawEllipse(QPointF(self.x_of(self._model.clock_at(seq)), y), 4, 4)

    def _paint_density(self, painter: QPainter, indexes: NDArray[np.int64]) -> None:
        lanes, starts, ends, seqs = (column[indexes] for column in self._model.columns())
        width = max(1, round(self.width() - self.left))
        scale = width / max(self._end - self._start, 1e-9)
        for lane in (Lane.FORWARD, Lane.BACKWARD, Lane.OPTIMIZER):
            chosen = lanes == lane
            columns = np.clip(((starts[chosen] - self._start) * scale).astype(np.int64), 0, width - 1)
            busy = np.bincount(columns, weights=(ends - starts)[chosen] * scale, minlength=width)
            past = np.bincount(columns, weights=(seqs[chosen] <= self._cursor).astype(float), minlength=width)
            rect = self.lane_rect(lane)
            height = min(BLOCK, rect.height() - 6)
            for x in np.flatnonzero(busy).tolist():
                color = QColor(self._theme[_LANE_TOKENS[lane] if past[x] else "text3"])
                color.setAlphaF(0.25 + 0.75 * min(1.0, float(busy[x])))
                painter.fillRect(QRectF(self.left + x, rect.center().y() - height / 2, 1, height), color)

    def _paint_axis(self, painter: QPainter) -> None:
        font = mono_font(CAPTION)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        top = self.height() - AXIS
        painter.setPen(QPen(QColor(self._theme["line"]), 1))
        painter.drawLine(QPointF(self.left, top), QPointF(self.width(), top))
        step = nice_step(self._end - self._start, max(1, int((self.width() - self.left) / 90)))
        tick = np.ceil(self._start / step) * step
        while tick <= self._end:
            x = self.x_of(float(tick))
            text = clock_label(float(tick), step)
            painter.setPen(QPen(QColor(self._theme["text3"]), 1))
            painter.drawLine(QPointF(x, top), QPointF(x, top + 4))
            width = metrics.horizontalAdvance(text)
            if x + width / 2 <= self.width():
                painter.drawText(QPointF(max(self.left, x - width / 2), top + 16), text)
            tick += step

    def _paint_clock_name(self, painter: QPainter) -> None:
        """What the axis measures, in the corner below the lanes' names."""
        painter.setFont(ui_font(CAPTION))
        painter.setPen(QColor(self._theme["text3"]))
        corner = QRectF(LABEL_PADDING, self.height() - 30.0, self.left - LABEL_PADDING, 28)
        painter.drawText(corner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._clock_name)

    def _paint_flags(self, painter: QPainter) -> None:
        top, bottom = HEADER, float(self.height() - AXIS)
        if self._script is not None:
            x = self.x_of(self._model.clock_at(self._script))
            painter.setPen(QPen(QColor(self._theme["text3"]), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, top + 6), QPointF(x, bottom))
            painter.setPen(QPen(QColor(self._theme["text3"]), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolygon(_flag(x, top))
        if self._cursor:
            x = self.x_of(self._model.clock_at(self._cursor))
            painter.setPen(QPen(QColor(self._theme["held"]), 2))
            painter.drawLine(QPointF(x, top + 6), QPointF(x, bottom))
            painter.setPen(QPen(QColor(self._theme["held"]), 1))
            painter.setBrush(QColor(self._theme["heldTag"]))
            painter.drawPolygon(_flag(x, top))

    # --- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: travel. Middle: move the view."""
        x = event.position().x()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._panning = (x, self._start, self._end)
        elif event.button() == Qt.MouseButton.LeftButton and x >= self.left:
            self._dragging = True
            self._travel(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what began."""
        x = event.position().x()
        if self._panning is not None:
            from_x, start, end = self._panning
            shift = (from_x - x) / max(1.0, self.width() - self.left) * (end - start)
            self._show(start + shift, end + shift)
        elif self._dragging:
            self._travel(x)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End it."""
        self._dragging = False
        self._panning = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """On the header: between everything and following."""
        if event.position().y() < HEADER:
            self.show_all() if self._follow else self.follow()

    def _travel(self, x: float) -> None:
        clock = self.clock_of(max(self.left, x))
        seq = self._model.seq_at(clock)
        if seq is not None:
            # a press must not start the view moving under the mouse
            self._follow = False
            self.seek.emit(seq)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse; sideways with Shift or a sideways wheel."""
        delta = event.angleDelta()
        span = self._end - self._start
        sideways = delta.x() or (delta.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if sideways:
            shift = -sideways / 1200 * span
            self._show(self._start + shift, self._end + shift)
        else:
            factor = 0.8 ** (delta.y() / 120)
            at = self.clock_of(event.position().x())
            self._show(at - (at - self._start) * factor, at + (self._end - at) * factor)
        event.accept()

    def _show(self, start: float, end: float) -> None:
        whole = max(1.0, self._model.clock * 1.02)
        span = min(max(end - start, 100.0), whole)
        start = min(max(0.0, start), whole - span)
        self._follow = False
        self._start, self._end = start, start + span
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right travel by a block; plus and minus zoom, 0 shows everything."""
        middle = (self._start + self._end) / 2
        half = (self._end - self._start) / 2
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._show(middle - half * 0.8, middle + half * 0.8)
        elif event.key() == Qt.Key.Key_Minus:
            self._show(middle - half * 1.25, middle + half * 1.25)
        elif event.key() == Qt.Key.Key_0:
            self.show_all()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            neighbour = self._model.neighbour(self._cursor, 1 if event.key() == Qt.Key.Key_Right else -1)
            if neighbour is not None:
                self.seek.emit(neighbour)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tell what is under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos()), self)
            return True
        return super().event(event)

    def tip_at(self, point: QPoint) -> str:
        """What the tool tip says at a place."""
        clock = self.clock_of(point.x())
        slack = (self._end - self._start) / max(1.0, self.width() - self.left) * 3
        for lane in Lane:
            if self.lane_rect(lane).contains(QPointF(point)):
                index = self._model.first_block_at(clock, lane, slack)
                if lane is Lane.MARKERS and self._model.hits_between(clock - 2 * slack, clock + 2 * slack):
                    return tr("breakpoint")
                if index is None:
                    return ""
                block = self._model.block(index)
                if lane is Lane.MARKERS:
                    return {"Edited": tr("edit"), "WarningIssued": tr("warning")}.get(block.name, tr("exception"))
                return f"{block.name}\n{fmt.duration(block.end - block.start)}"
        return ""


def _flag(x: float, top: float) -> QPolygonF:
    return QPolygonF(
        [
            QPointF(x - 5, top - 4),
            QPointF(x + 5, top - 4),
            QPointF(x + 5, top + 3),
            QPointF(x, top + 8),
            QPointF(x - 5, top + 3),
        ]
    )


def _diamond(center: QPointF, size: float) -> QPolygonF:
    return QPolygonF(
        [center + QPointF(0, -size), center + QPointF(size, 0), center + QPointF(0, size), center + QPointF(-size, 0)]
    )
