"""Theme tokens as pens and brushes, and the small glyphs of the drawing vocabulary (all drawn, none a font's)."""

from __future__ import annotations

import math
from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from retrograd_gui.theme.tokens import Theme

_CAP = Qt.PenCapStyle
_JOIN = Qt.PenJoinStyle


@cache
def color(value: str) -> QColor:
    """A colour from "#RRGGBB"."""
    return QColor(value)


def pen(value: str, width: float, dash: tuple[float, ...] = ()) -> QPen:
    """A pen; ``dash`` in px (on, off …)."""
    result = QPen(color(value), width)
    result.setJoinStyle(_JOIN.RoundJoin)
    result.setCapStyle(_CAP.FlatCap if dash else _CAP.RoundCap)
    if dash:
        result.setDashPattern([max(0.1, part / width) for part in dash])
    return result


def device_color(theme: Theme, device: str) -> str:
    """A device's colour: cpu first, then the cards in their order, the meta and test devices, and all others."""
    if device.startswith("cpu"):
        return theme.categories[0]
    if device.startswith("cuda"):
        number = int(device.partition(":")[2] or 0)
        return theme.categories[1 + number] if number < 4 else theme.categories[7]
    return theme.categories[{"meta": 5, "test": 6}.get(device.partition(":")[0], 7)]


def tick(painter: QPainter, x: float, y: float, value: str) -> None:
    """A tick whose box's middle is (x, y)."""
    painter.setPen(pen(value, 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline([QPointF(x - 5, y + 0.5), QPointF(x - 1.5, y + 4), QPointF(x + 5.5, y - 4.5)])


def circle(painter: QPainter, x: float, y: float, value: str) -> None:
    """An open circle."""
    painter.setPen(pen(value, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(x, y), 4.0, 4.0)


def pause(painter: QPainter, x: float, y: float, value: str) -> None:
    """Two bars."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(value))
    painter.drawRect(QRectF(x - 3.4, y - 5, 2.2, 10))
    painter.drawRect(QRectF(x + 1.6, y - 5, 2.2, 10))


def clock(painter: QPainter, x: float, y: float, value: str) -> None:
    """A clock face."""
    painter.setPen(pen(value, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(x, y), 5.0, 5.0)
    painter.drawPolyline([QPointF(x, y - 3), QPointF(x, y), QPointF(x + 2.4, y + 1.4)])


def turning(painter: QPainter, x: float, y: float, value: str) -> None:
    """Two turning arrows."""
    painter.setPen(pen(value, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    box = QRectF(x - 5, y - 5, 10, 10)
    painter.drawArc(box, 30 * 16, 130 * 16)
    painter.drawArc(box, 210 * 16, 130 * 16)
    for sign in (1, -1):
        tip = QPointF(x + 5 * sign, y - 1.2 * sign)
        painter.drawPolyline(
            [QPointF(tip.x() - 3 * sign, tip.y() - 0.6), tip, QPointF(tip.x() + 0.8, tip.y() - 3 * sign)]
        )


def arrow(painter: QPainter, x: float, y: float, value: str, up: bool = False) -> None:
    """A small arrow, down unless ``up``."""
    way = -1 if up else 1
    painter.setPen(pen(value, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawLine(QPointF(x, y - 4 * way), QPointF(x, y + 4 * way))
    painter.drawPolyline([QPointF(x - 2.6, y + 1.2 * way), QPointF(x, y + 4 * way), QPointF(x + 2.6, y + 1.2 * way)])


def warning(painter: QPainter, x: float, y: float, value: str) -> None:
    """A triangle with a mark in it."""
    painter.setPen(pen(value, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolygon([QPointF(x, y - 5), QPointF(x + 5.6, y + 4.6), QPointF(x - 5.6, y + 4.6)])
    painter.drawLine(QPointF(x, y - 1.6), QPointF(x, y + 1.2))
    painter.drawPoint(QPointF(x, y + 3))


def cross(painter: QPainter, x: float, y: float, value: str) -> None:
    """A cross in a circle."""
    painter.setPen(pen(value, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(x, y), 5.0, 5.0)
    painter.drawLine(QPointF(x - 2.2, y - 2.2), QPointF(x + 2.2, y + 2.2))
    painter.drawLine(QPointF(x - 2.2, y + 2.2), QPointF(x + 2.2, y - 2.2))


def diamond(painter: QPainter, x: float, y: float, value: str, filled: bool = True) -> None:
    """A diamond: a parameter."""
    painter.setPen(Qt.PenStyle.NoPen if filled else pen(value, 1.5))
    painter.setBrush(color(value) if filled else Qt.BrushStyle.NoBrush)
    painter.drawPolygon([QPointF(x, y - 5), QPointF(x + 5, y), QPointF(x, y + 5), QPointF(x - 5, y)])


def ring(painter: QPainter, x: float, y: float, value: str) -> None:
    """A thick ring: an input or buffer."""
    painter.setPen(pen(value, 2.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(x, y), 4.4, 4.4)


def square(painter: QPainter, x: float, y: float, value: str) -> None:
    """A filled square: a result."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(value))
    painter.drawRect(QRectF(x - 4.5, y - 4.5, 9, 9))


def chevron(painter: QPainter, x: float, y: float, value: str, is_open: bool) -> None:
    """The fold mark of a scope."""
    painter.setPen(pen(value, 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if is_open:
        painter.drawPolyline([QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)])
    else:
        painter.drawPolyline([QPointF(x - 2, y - 4), QPointF(x + 2, y), QPointF(x - 2, y + 4)])


def folded_corner(rect: QRectF, fold: float, radius: float) -> QPainterPath:
    """The outline of a mirror: a card whose top right corner is folded."""
    path = QPainterPath()
    path.moveTo(rect.left() + radius, rect.top())
    path.lineTo(rect.right() - fold, rect.top())
    path.lineTo(rect.right(), rect.top() + fold)
    path.lineTo(rect.right(), rect.bottom() - radius)
    path.quadTo(rect.right(), rect.bottom(), rect.right() - radius, rect.bottom())
    path.lineTo(rect.left() + radius, rect.bottom())
    path.quadTo(rect.left(), rect.bottom(), rect.left(), rect.bottom() - radius)
    path.lineTo(rect.left(), rect.top() + radius)
    path.quadTo(rect.left(), rect.top(), rect.left() + radius, rect.top())
    return path


def gradient_width(norm: float) -> float:
    """The width of a gradient edge: 1.5 to 8 px by log10 of its norm from 1e-12 to 1e4."""
    if math.isnan(norm) or norm <= 0:
        return 1.5
    share = (math.log10(min(norm, 1e300)) + 12.0) / 16.0
    return 1.5 + 6.5 * min(1.0, max(0.0, share))
