"""Draws the small pictures in ``assets/icons`` that Qt needs as files: the app's icon, arrows and ticks of controls.

``python -m retrograd_gui.theme.drawn`` writes them anew from the tokens.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPainterPath, QPen

from retrograd_debug.assets import data_folder
from retrograd_gui.theme.loading import NAMES, load_theme

ICON_SIZES = (16, 32, 48, 128, 256)


def draw_app_icon(painter: QPainter, size: float) -> None:
    """A forward arrow going down in blue, a gradient coming back up in orange."""
    unit = size / 16
    painter.setBrush(QColor("#17191D"))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRoundedRect(QRectF(0, 0, size, size), 3.5 * unit, 3.5 * unit)
    for x, color, up in ((5.2, "#83D3FF", False), (10.8, "#EDA752", True)):
        tail, tip = (12.6, 3.4) if up else (3.4, 12.6)
        way = -1 if up else 1
        pen = QPen(QColor(color), 1.9 * unit, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawLine(QPointF(x * unit, tail * unit), QPointF(x * unit, tip * unit))
        head = QPainterPath(QPointF((x - 2.4) * unit, (tip - 2.6 * way) * unit))
        head.lineTo(x * unit, tip * unit)
        head.lineTo((x + 2.4) * unit, (tip - 2.6 * way) * unit)
        painter.drawPath(head)


def _stroke(points: tuple[tuple[float, float], ...], color: str, width: float) -> Callable[[QPainter, float], None]:
    def draw(painter: QPainter, size: float) -> None:
        unit = size / 16
        pen = QPen(QColor(color), width * unit, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        path = QPainterPath(QPointF(points[0][0] * unit, points[0][1] * unit))
        for x, y in points[1:]:
            path.lineTo(x * unit, y * unit)
        painter.drawPath(path)

    return draw


def _write(name: str, size: int, draw: Callable[[QPainter, float], None]) -> None:
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw(painter, size)
    finally:
        painter.end()
    image.save(str(data_folder("assets") / "icons" / name))


def main() -> int:
    """Write every picture."""
    app = QGuiApplication.instance() or QGuiApplication(sys.argv)
    for size in ICON_SIZES:
        _write(f"retrograd-{size}.png", size, draw_app_icon)
    for name in NAMES:
        theme = load_theme(name)
        for suffix, size in (("", 16), ("@2x", 32)):
            _write(f"chevron-{name}{suffix}.png", size, _stroke(((4, 6), (8, 10.5), (12, 6)), theme["text2"], 1.3))
            _write(
                f"tick-{name}{suffix}.png", size, _stroke(((3.5, 8.5), (6.8, 11.8), (12.5, 4.8)), theme["onAccent"], 2)
            )
    del app
    return 0


if __name__ == "__main__":
    sys.exit(main())
