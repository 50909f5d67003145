"""The small pictures on the examples' cards, drawn from the theme's colours.

A picture is chosen by a word in the example's name; an example without one of its own gets forward and backward arrows.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from retrograd_gui.theme.tokens import Theme

Picture = Callable[[QPainter, QRectF, Theme], None]


def picture_for(name: str) -> Picture:
    """The picture of the example ``name``."""
    for word, picture in _PICTURES:
        if word in name:
            return picture
    return _arrows


def _cloud(count: int, seed: int) -> list[tuple[float, float]]:
    # a small generator of our own: the picture is the same everywhere and loads nothing
    state, numbers = seed, []
    for _ in range(count * 4):
        state = (state * 1103515245 + 12345) % 2**31
        numbers.append(state / 2**31)
    pairs = []
    for i in range(0, len(numbers), 4):
        radius = math.sqrt(-2 * math.log(max(numbers[i], 1e-9)))
        pairs.append((radius * math.cos(2 * math.pi * numbers[i + 1]), numbers[i + 2] + numbers[i + 3] - 1))
    return pairs


def _line_fit(painter: QPainter, rect: QRectF, theme: Theme) -> None:
    center = rect.center()
    painter.setPen(Qt.PenStyle.NoPen)
    dot = QColor(theme["text3"])
    dot.setAlpha(200)
    painter.setBrush(dot)
    for x, noise in _cloud(90, 7):
        at = QPointF(center.x() + x * rect.width() * 0.17, center.y() - (x * 0.2 + noise * 0.26) * rect.height())
        if rect.adjusted(4, 4, -4, -4).contains(at):
            painter.drawEllipse(at, 1.8, 1.8)
    painter.setPen(QPen(QColor(theme["gradient"]), 2))
    left, right = rect.left() + 14, rect.right() - 14
    slope = 0.2 / 0.17 * rect.height() / rect.width()
    painter.drawLine(
        QPointF(left, center.y() + (center.x() - left) * slope),
        QPointF(right, center.y() - (right - center.x()) * slope),
    )


def _network(painter: QPainter, rect: QRectF, theme: Theme) -> None:
    layers = [2, 5, 5, 2]
    columns = [
        [
            QPointF(
                rect.left() + rect.width() * (0.18 + 0.213 * i),
                rect.center().y() + (j - (count - 1) / 2) * rect.height() * 0.17,
            )
            for j in range(count)
        ]
        for i, count in enumerate(layers)
    ]
    for i in range(len(columns) - 1):
        for a, start in enumerate(columns[i]):
            for b, end in enumerate(columns[i + 1]):
                strong = (a * 3 + b * 2 + i) % 5 == 0
                painter.setPen(QPen(QColor(theme["gradient" if strong else "line"]), 1.2 if strong else 1))
                painter.drawLine(start, end)
    painter.setBrush(QColor(theme["card"]))
    painter.setPen(QPen(QColor(theme["forward"]), 1.6))
    for column in columns:
        for point in column:
            painter.drawEllipse(point, 4.6, 4.6)


def _arrows(painter: QPainter, rect: QRectF, theme: Theme) -> None:
    height = rect.height()
    for token, y, ahead in (("forward", 0.4, True), ("gradient", 0.64, False)):
        level = rect.top() + height * y
        left, right = rect.left() + rect.width() * 0.16, rect.right() - rect.width() * 0.16
        painter.setPen(QPen(QColor(theme[token]), 2))
        painter.drawLine(QPointF(left, level), QPointF(right, level))
        tip, way = (right, -1) if ahead else (left, 1)
        painter.setBrush(QColor(theme[token]))
        head = [QPointF(tip, level), QPointF(tip + way * 8, level - 4), QPointF(tip + way * 8, level + 4)]
        painter.drawPolygon(QPolygonF(head))
        painter.setBrush(QColor(theme["card"]))
        for k in range(4):
            box = QRectF(left + (right - left) * (0.14 + 0.2 * k), level - 6, 20, 12)
            painter.drawRoundedRect(box, 2, 2)


_PICTURES: tuple[tuple[str, Picture], ...] = (
    ("linear", _line_fit),
    ("mlp", _network),
    ("moons", _network),
)
