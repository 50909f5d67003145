"""Draws a key as it is written on a keyboard."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from retrograd_gui.theme.fonts import CAPTION, mono_font
from retrograd_gui.theme.tokens import Theme


def draw_keycap(painter: QPainter, theme: Theme, key: str, right: float, middle: float) -> int:
    """A key as written on it, ending at ``right``; returns its width."""
    font = mono_font(CAPTION)
    width = round(QFontMetricsF(font).horizontalAdvance(key)) + 10
    box = QRectF(right - width, middle - 8, width, 16)
    painter.setBrush(QColor(theme["chip"]))
    painter.setPen(QPen(QColor(theme["line"]), 1))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
    painter.setFont(font)
    painter.setPen(QColor(theme["text2"]))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, key)
    return width
