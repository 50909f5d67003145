"""Paints edges: lines, heads, halos where they cross, and the words beside them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from retrograd_debug.format import number
from retrograd_debug.graph.geometry import Point
from retrograd_debug.graph.model import Edge, EdgeKind, EdgeState
from retrograd_gui.canvas.facts import Fact
from retrograd_gui.canvas.measure import fonts, text_width
from retrograd_gui.canvas.pens import arrow, color, gradient_width, pen
from retrograd_gui.canvas.picture import Route
from retrograd_gui.theme.tokens import Theme

_CORNER = 7.0
_HEAD = 7.0
_HALO = 2.0
_HELD_WIDTH = 3.0
EXPLODING = 1e3
VANISHED = 1e-7


def rounded(points: Sequence[Point]) -> QPainterPath:
    """A polyline with round corners."""
    path = QPainterPath(QPointF(*points[0]))
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        back = min(_CORNER, _length(before, at) / 2)
        ahead = min(_CORNER, _length(at, after) / 2)
        path.lineTo(QPointF(*_toward(at, before, back)))
        path.quadTo(QPointF(*at), QPointF(*_toward(at, after, ahead)))
    path.lineTo(QPointF(*points[-1]))
    return path


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _toward(a: Point, b: Point, distance: float) -> Point:
    length = _length(a, b) or 1.0
    return a[0] + (b[0] - a[0]) * distance / length, a[1] + (b[1] - a[1]) * distance / length


class EdgePainter:
    """Paints routes in picture coordinates with one theme."""

    def __init__(self, painter: QPainter, theme: Theme, background: str) -> None:
        self._painter = painter
        self._theme = theme
        self._background = background

    def line(self, route: Route, fact: Fact | None, lit: bool, detail: bool) -> None:
        """One route; ``lit`` when selected, ``detail`` when near enough for heads and halos."""
        edge = route.edge
        width, value, dash, filled = self._look(edge, fact)
        if lit:
            value = self._theme["accent"]
        head = _HEAD + max(0.0, width - 2.0) * 1.1
        points = list(route.points)
        if detail:
            tip = points[-1]
            points[-1] = _toward(tip, points[-2], min(head - 1.0, _length(tip, points[-2]) - 0.5))
            self._halos(route, width)
        self._painter.setBrush(Qt.BrushStyle.NoBrush)
        self._painter.setPen(pen(value, width, dash))
        self._painter.drawPath(rounded(points))
        if edge.state is EdgeState.HELD and not lit:
            self._painter.setPen(pen(self._theme["heldTag"], min(_HELD_WIDTH, max(1.5, width * 0.5)), (7.0, 4.0)))
            self._painter.drawPath(rounded(points))
        if detail:
            self._head(route.points[-2], route.points[-1], head, width, value, filled)

    def _look(self, edge: Edge, fact: Fact | None) -> tuple[float, str, tuple[float, ...], bool]:
        """Width, colour, dash and whether the head is filled."""
        theme = self._theme
        if edge.kind is EdgeKind.GRADIENT:
            if edge.state is EdgeState.WAITING:
                return 2.0, theme["gradient"], (1.5, 4.0), False
            if edge.state is EdgeState.IDLE:
                return 1.2, theme["scopeLine"], (1.5, 4.0), False
            width = gradient_width(fact.norm) if fact is not None else 3.0
            return width, theme["gradient"], (), True
        value = theme["edge"] if edge.state is EdgeState.PLAIN else theme["scopeLine"]
        if edge.kind is EdgeKind.VIEW:
            return 1.5, value, (5.0, 3.0), False
        return (1.5, value, (), True) if edge.state is EdgeState.PLAIN else (1.2, value, (4.0, 3.0), True)

    def _halos(self, route: Route, width: float) -> None:
        self._painter.setPen(pen(self._background, width + 2 * _HALO + 1.0, ()))
        reach = 5.0
        for crossing in route.crossings:
            dx, dy = (reach, 0.0) if crossing.along else (0.0, reach)
            self._painter.drawLine(QPointF(crossing.x - dx, crossing.y - dy), QPointF(crossing.x + dx, crossing.y + dy))

    def _head(self, before: Point, tip: Point, size: float, width: float, value: str, filled: bool) -> None:
        length = _length(before, tip) or 1.0
        ux, uy = (tip[0] - before[0]) / length, (tip[1] - before[1]) / length
        half = max(size * 0.5, width * 0.5 + 2.5)
        inset = 0.0 if filled else 0.8
        base = (tip[0] - ux * size, tip[1] - uy * size)
        corners = [
            QPointF(tip[0] - ux * inset, tip[1] - uy * inset),
            QPointF(base[0] - uy * half, base[1] + ux * half),
            QPointF(base[0] + uy * half, base[1] - ux * half),
        ]
        if filled:
            self._painter.setPen(Qt.PenStyle.NoPen)
            self._painter.setBrush(color(value))
        else:
            self._painter.setPen(pen(value, 1.3))
            self._painter.setBrush(color(self._background))
        self._painter.drawPolygon(corners)

    def sample(self, state: EdgeState, left: float, right: float, y: float) -> None:
        """A short gradient edge as a legend shows it."""
        edge = Edge("", EdgeKind.GRADIENT, "", "", state)
        self.line(Route(edge, [(left, y), (right, y)]), None, False, True)

    def words(self, route: Route, fact: Fact | None) -> None:
        """What stands beside a route: the tensor's name, or the gradient's norm."""
        if route.label is None:
            return
        left, top, width, height = route.label
        painter, theme = self._painter, self._theme
        painter.setFont(fonts()["value"])
        if route.edge.kind is not EdgeKind.GRADIENT:
            painter.setPen(color(theme["text2"]))
            painter.drawText(QRectF(left, top, width, height), Qt.AlignmentFlag.AlignCenter, route.edge.label)
            return
        if fact is None or route.edge.state not in (EdgeState.ARRIVED, EdgeState.HELD):
            return
        if fact.single is not None and route.edge.source.startswith("m:r"):
            # a seed's pill already says its number
            return
        text = norm_text(fact)
        marked = fact.norm > EXPLODING or 0 < fact.norm < VANISHED
        wide = text_width("value", text) + 10.0 + (12.0 if marked else 0.0)
        x = left if left >= route.points[-1][0] else left + width - wide
        box = QRectF(x, top, wide, height)
        outline = theme["error"] if fact.norm > EXPLODING or fact.nan or fact.inf else theme["gradient"]
        painter.setPen(pen(outline, 1.0))
        painter.setBrush(color(self._background))
        painter.drawRoundedRect(box, 3.0, 3.0)
        if marked:
            up = fact.norm > EXPLODING
            arrow(painter, x + 9.0, top + height / 2, theme["error"] if up else theme["accent"], up)
            box.setLeft(x + 12.0)
        painter.setPen(color(theme["text"]))
        painter.setFont(fonts()["value"])
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def norm_text(fact: Fact) -> str:
    """``‖g‖ 0.3189``; of a sample with ``≈``; NaN and Inf by count."""
    if fact.nan or fact.inf:
        return "‖g‖ NaN" if fact.nan else "‖g‖ Inf"
    return f"‖g‖ {'≈' if fact.partial else ''}{number(fact.norm)}"
