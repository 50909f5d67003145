"""Source text, painted: line numbers, a gutter for breakpoints, the current line, what each line costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import wrap

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from retrograd_gui.theme.fonts import CODE, mono_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.highlight import Run
from retrograd_gui.view_models.source import Dot

LINE_HEIGHT = 18
GUTTER = 18
TOP = 4
CLICK_MARGIN = 4


@dataclass(frozen=True)
class Page:
    """Everything painted. ``marks``: line -> running, looking, forward or script; ``message`` stands below its line."""

    lines: list[list[Run]] = field(default_factory=list)
    marks: Mapping[int, str] = field(default_factory=dict)
    dots: Mapping[int, Dot] = field(default_factory=dict)
    times: Mapping[int, str] = field(default_factory=dict)
    message_line: int = 0
    message: str = ""


@dataclass(frozen=True, order=True)
class Spot:
    """A place in the text: line from 1, column from 0."""

    line: int
    column: int


class CodeView(QAbstractScrollArea):
    """Read-only. A click in the gutter or F9 asks for a breakpoint; text can be selected and copied."""

    breakpoint_asked = Signal(int)
    followed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._page = Page()
        self._font = mono_font(CODE)
        self._bold = mono_font(CODE, bold=True)
        self._metrics = QFontMetricsF(self._font)
        self._caret = Spot(1, 0)
        self._anchor = Spot(1, 0)
        self._hover = 0
        self._widest = 0.0
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)
        self.verticalScrollBar().setSingleStep(LINE_HEIGHT)
        self.horizontalScrollBar().setSingleStep(round(self._metrics.horizontalAdvance("0")) * 2)

    # --- what is shown

    def show_page(self, page: Page) -> None:
        """Show ``page``; the view stays where it is. With the same text, only lines that look different are painted."""
        before = self._page
        if page.lines is not before.lines:
            self._widest = max(
                (self._metrics.horizontalAdvance("".join(run.text for run in line)) for line in page.lines), default=0.0
            )
            self._caret = self._anchor = Spot(min(self._caret.line, max(1, len(page.lines))), 0)
        self._page = page
        self._set_ranges()
        told = (page.message_line, page.message)
        if page.lines is not before.lines or told != (before.message_line, before.message):
            self.viewport().update()
            return
        for shown, was in ((page.marks, before.marks), (page.dots, before.dots), (page.times, before.times)):
            for line in shown.keys() | was.keys():
                if shown.get(line) != was.get(line):
                    self.viewport().update(self.line_rect(line))

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.viewport().update()

    @property
    def caret_line(self) -> int:
        """The line that F9 means."""
        return self._caret.line

    def set_caret(self, line: int) -> None:
        """Put the caret on a line."""
        self._caret = self._anchor = Spot(max(1, min(line, max(1, len(self._page.lines)))), 0)
        self.viewport().update()

    def reveal(self, line: int) -> None:
        """Scroll as little as needed for ``line`` to stand clear of the edges."""
        top, height = self._top_of(line), self.viewport().height()
        bar = self.verticalScrollBar()
        margin = min(3 * LINE_HEIGHT, height // 3)
        if top - margin < bar.value():
            bar.setValue(top - margin if top - bar.value() > -height else top - height // 3)
        elif top + LINE_HEIGHT + margin > bar.value() + height:
            far = top > bar.value() + 2 * height
            bar.setValue(top - height // 3 if far else top + LINE_HEIGHT + margin - height)

    def is_visible_line(self, line: int) -> bool:
        """Whether ``line`` can be seen."""
        top = self._top_of(line) - self.verticalScrollBar().value()
        return top >= 0 and top + LINE_HEIGHT <= self.viewport().height()

    # --- geometry

    def _digits_width(self) -> float:
        return self._metrics.horizontalAdvance("0") * max(2, len(str(len(self._page.lines))))

    @property
    def text_left(self) -> float:
        """Where the text begins, in px of the viewport when not scrolled."""
        return GUTTER + self._digits_width() + 10

    def _time_width(self, line: int) -> float:
        time = self._page.times.get(line)
        return self._metrics.horizontalAdvance(time) + 16 if time else 0.0

    def _message_lines(self) -> list[str]:
        """The message broken to the width there is."""
        if not self._page.message_line:
            return []
        room = self.viewport().width() - self.text_left - 8
        columns = max(20, int(room / self._metrics.horizontalAdvance("0")))
        return [part for line in self._page.message.splitlines() for part in wrap(line, columns) or [""]]

    def _message_rows(self) -> int:
        return len(self._message_lines())

    def _top_of(self, line: int) -> int:
        extra = self._message_rows() if 0 < self._page.message_line < line else 0
        return TOP + (line - 1 + extra) * LINE_HEIGHT

    def line_rect(self, line: int) -> QRect:
        """Where a line stands now, in the viewport."""
        return QRect(0, self._top_of(line) - self.verticalScrollBar().value(), self.viewport().width(), LINE_HEIGHT)

    def _line_at(self, y: float) -> int:
        row = int((y + self.verticalScrollBar().value() - TOP) // LINE_HEIGHT) + 1
        rows = self._message_rows()
        if self._page.message_line and row > self._page.message_line:
            row = max(self._page.message_line, row - rows)
        return row

    def _spot_at(self, point: QPointF) -> Spot:
        line = max(1, min(self._line_at(point.y()), max(1, len(self._page.lines))))
        text = self._text(line)
        x = point.x() - self.text_left + self.horizontalScrollBar().value()
        column = 0
        while column < len(text):
            advance = self._metrics.horizontalAdvance(text[: column + 1])
            if (self._metrics.horizontalAdvance(text[:column]) + advance) / 2 > x:
                break
            column += 1
        return Spot(line, column)

    def _text(self, line: int) -> str:
        if not 1 <= line <= len(self._page.lines):
            return ""
        return "".join(run.text for run in self._page.lines[line - 1])

    def _set_ranges(self) -> None:
        viewport = self.viewport()
        height = TOP * 2 + (len(self._page.lines) + self._message_rows()) * LINE_HEIGHT
        self.verticalScrollBar().setRange(0, max(0, height - viewport.height()))
        self.verticalScrollBar().setPageStep(max(LINE_HEIGHT, viewport.height() - LINE_HEIGHT))
        timed = (
            self._metrics.horizontalAdvance(self._text(line)) + self._time_width(line) for line in self._page.times
        )
        width = self.text_left + max(self._widest + 8, max(timed, default=0.0))
        self.horizontalScrollBar().setRange(0, max(0, round(width - viewport.width())))
        self.horizontalScrollBar().setPageStep(max(1, viewport.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the scroll bars' ranges."""
        super().resizeEvent(event)
        self._set_ranges()

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the lines in view."""
        painter = QPainter(self.viewport())
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            area = event.rect()
            painter.fillRect(area, QColor(self._theme["panel"]))
            painter.setFont(self._font)
            first = max(1, self._line_at(area.top()) - 1)
            last = min(len(self._page.lines), self._line_at(area.bottom()) + 1)
            for line in range(first, last + 1):
                self._paint_line(painter, line)
        finally:
            painter.end()

    def _paint_line(self, painter: QPainter, line: int) -> None:
        rect = self.line_rect(line)
        mark = self._page.marks.get(line, "")
        theme = self._theme
        if mark in ("running", "looking"):
            painter.fillRect(rect, QColor(theme["curLine"]))
        elif mark == "forward":
            painter.fillRect(rect, QColor(theme["forwardFill"]))
        baseline = rect.top() + (LINE_HEIGHT + self._metrics.ascent() - self._metrics.descent()) / 2
        room = rect.width() - self.text_left - self._time_width(line)
        painter.save()
        painter.setClipRect(QRectF(self.text_left, rect.top(), room, LINE_HEIGHT))
        self._paint_selection(painter, line, rect)
        x = self.text_left - self.horizontalScrollBar().value()
        for run in self._page.lines[line - 1]:
            painter.setPen(QColor(theme[run.token]))
            painter.drawText(QPointF(x, baseline), run.text)
            x += self._metrics.horizontalAdvance(run.text)
        painter.restore()
        if x - self.text_left > room and self._page.times.get(line):
            painter.setPen(QColor(theme["text3"]))
            painter.drawText(QPointF(self.text_left + room - 2, baseline), "…")
        number = str(line)
        current = mark in ("running", "looking")
        painter.setFont(self._bold if current else self._font)
        painter.setPen(QColor(theme["text" if current else "text3"]))
        right = GUTTER + self._digits_width()
        painter.drawText(QPointF(right - self._metrics.horizontalAdvance(number), baseline), number)
        painter.setFont(self._font)
        time = self._page.times.get(line)
        if time:
            painter.setPen(QColor(theme["text3"]))
            painter.drawText(QPointF(rect.right() - 8 - self._metrics.horizontalAdvance(time), baseline), time)
        if line == self._caret.line and self.hasFocus():
            painter.setPen(QPen(QColor(theme["accent"]), 1, Qt.PenStyle.DotLine))
            painter.drawLine(
                QPointF(self.text_left - 5, rect.top() + 2), QPointF(self.text_left - 5, rect.bottom() - 1)
            )
        self._paint_gutter(painter, line, mark, rect)
        if line == self._page.message_line:
            self._paint_message(painter, rect)

    def _paint_selection(self, painter: QPainter, line: int, rect: QRect) -> None:
        start, end = min(self._anchor, self._caret), max(self._anchor, self._caret)
        if start == end or not start.line <= line <= end.line:
            return
        text = self._text(line)
        left = self._metrics.horizontalAdvance(text[: start.column]) if line == start.line else 0.0
        right = self._metrics.horizontalAdvance(text[: end.column] if line == end.line else text + " ")
        origin = self.text_left - self.horizontalScrollBar().value()
        painter.fillRect(QRectF(origin + left, rect.top(), right - left, LINE_HEIGHT), QColor(self._theme["select"]))

    def _paint_gutter(self, painter: QPainter, line: int, mark: str, rect: QRect) -> None:
        center = QPointF(GUTTER / 2, rect.top() + LINE_HEIGHT / 2)
        dot = self._page.dots.get(line)
        if dot is not None or line == self._hover:
            color = QColor(self._theme["error"])
            if dot is None:
                color.setAlphaF(0.4)
            painter.setPen(QPen(color, 1.5))
            painter.setBrush(color if dot is None or dot.state == "on" else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(center, 5, 5)
        if mark in ("running", "looking", "script"):
            self._paint_arrow(painter, center, mark)
        elif mark == "forward":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme["forward"]))
            painter.drawPolygon(_triangle(center, 3.5))

    def _paint_arrow(self, painter: QPainter, center: QPointF, mark: str) -> None:
        shape = QPolygonF(
            [
                QPointF(center.x() - 3.5, center.y() - 3.5),
                QPointF(center.x() + 1, center.y() - 3.5),
                QPointF(center.x() + 5, center.y()),
                QPointF(center.x() + 1, center.y() + 3.5),
                QPointF(center.x() - 3.5, center.y() + 3.5),
            ]
        )
        if mark == "script":
            painter.setPen(QPen(QColor(self._theme["text3"]), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            painter.setPen(QPen(QColor(self._theme["onHeld"]), 1))
            painter.setBrush(QColor(self._theme["heldTag"]))
        painter.drawPolygon(shape)

    def _paint_message(self, painter: QPainter, rect: QRect) -> None:
        lines = self._message_lines()
        box = QRectF(0, rect.bottom() + 1, rect.width(), LINE_HEIGHT * len(lines))
        painter.fillRect(box, QColor(self._theme["errorFill"]))
        painter.fillRect(QRectF(0, box.top(), 2, box.height()), QColor(self._theme["error"]))
        painter.setPen(QColor(self._theme["error"]))
        for index, text in enumerate(lines):
            middle = (LINE_HEIGHT + self._metrics.ascent() - self._metrics.descent()) / 2
            painter.drawText(QPointF(self.text_left, box.top() + index * LINE_HEIGHT + middle), text)

    # --- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """In the gutter: ask for a breakpoint. In the text: begin a selection."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        line = self._line_at(event.position().y())
        if event.position().x() < self.text_left - CLICK_MARGIN:
            if 1 <= line <= len(self._page.lines):
                self.set_caret(line)
                self.breakpoint_asked.emit(line)
            return
        self._caret = self._spot_at(event.position())
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._anchor = self._caret
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw out a selection; show where a breakpoint would go."""
        in_gutter = event.position().x() < self.text_left - CLICK_MARGIN
        line = self._line_at(event.position().y()) if in_gutter and not event.buttons() else 0
        if line != self._hover:
            self._hover = line if line <= len(self._page.lines) else 0
            self.viewport().update()
        shape = Qt.CursorShape.PointingHandCursor if in_gutter else Qt.CursorShape.IBeamCursor
        self.viewport().setCursor(shape)
        if event.buttons() & Qt.MouseButton.LeftButton and not in_gutter:
            self._caret = self._spot_at(event.position())
            self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        """Take the hover mark away."""
        self._hover = 0
        self.viewport().update()
        super().leaveEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Say why a breakpoint is hollow, and show messages in full."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos()), self)
            return True
        return super().viewportEvent(event)

    def tip_at(self, point: QPoint) -> str:
        """What the tool tip says at a place of the viewport ("" nothing)."""
        line = self._line_at(point.y())
        if self._page.message and line == self._page.message_line:
            return self._page.message
        dot = self._page.dots.get(line)
        return dot.problem if dot is not None and point.x() < self.text_left else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the caret, copy, ask for a breakpoint."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text() or self._text(self._caret.line))
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            last = max(1, len(self._page.lines))
            self._anchor, self._caret = Spot(1, 0), Spot(last, len(self._text(last)))
            self.viewport().update()
        elif event.key() == Qt.Key.Key_F9 and not event.modifiers():
            self.breakpoint_asked.emit(self._caret.line)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            page = max(1, self.viewport().height() // LINE_HEIGHT - 1)
            step = page if event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) else 1
            down = event.key() in (Qt.Key.Key_Down, Qt.Key.Key_PageDown)
            self.set_caret(self._caret.line + (step if down else -step))
            self.reveal(self._caret.line)
        else:
            super().keyPressEvent(event)

    def selected_text(self) -> str:
        """The selected characters."""
        start, end = min(self._anchor, self._caret), max(self._anchor, self._caret)
        if start.line == end.line:
            return self._text(start.line)[start.column : end.column]
        middle = [self._text(line) for line in range(start.line + 1, end.line)]
        return "\n".join([self._text(start.line)[start.column :], *middle, self._text(end.line)[: end.column]])


def _triangle(center: QPointF, size: float) -> QPolygonF:
    return QPolygonF(
        [
            QPointF(center.x() - size, center.y() - size),
            QPointF(center.x() + size, center.y()),
            QPointF(center.x() - size, center.y() + size),
        ]
    )
