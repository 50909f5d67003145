"""The cards of the start page: each is one button, reachable by keyboard, that paints itself from the theme."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from retrograd_events.text import tr
from retrograd_gui.gallery.examples import Example
from retrograd_gui.gallery.pictures import picture_for
from retrograd_gui.gallery.runs import RunCard
from retrograd_gui.keycap import draw_keycap
from retrograd_gui.status_line import PILLS
from retrograd_gui.theme.fonts import BODY, SMALL, ui_font
from retrograd_gui.theme.icons import pixmap
from retrograd_gui.theme.tokens import Theme

WRAP = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class Card(QAbstractButton):
    """A rounded box with hover and focus; subclasses paint what is in it."""

    def __init__(self, theme: Theme, name: str, hint: str) -> None:
        super().__init__()
        self.theme = theme
        self.setText(name)
        self.setAccessibleName(name)
        self.setAccessibleDescription(hint)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def use_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self.theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Box, content, outline."""
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            shape = QPainterPath()
            shape.addRoundedRect(box, 4, 4)
            hovered = self.underMouse() or self.isDown()
            painter.fillPath(shape, QColor(self.theme["cardHover" if hovered else "card"]))
            painter.save()
            painter.setClipPath(shape)
            self.paint_content(painter)
            painter.restore()
            token, width = ("accent", 2.0) if self.hasFocus() else self.outline()
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self.theme[token]), width))
            painter.drawRoundedRect(box, 4, 4)
        finally:
            painter.end()

    def outline(self) -> tuple[str, float]:
        """Token and width of the outline."""
        return ("text3" if self.underMouse() else "line"), 1.0

    def paint_content(self, painter: QPainter) -> None:
        """Paint what is in the box."""

    def write(
        self, painter: QPainter, rect: QRect, text: str, token: str, size: int = BODY, bold: bool = False
    ) -> None:
        """One elided line."""
        painter.setFont(ui_font(size, bold))
        painter.setPen(QColor(self.theme[token]))
        painter.drawText(
            rect, MIDDLE, painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        )


class ActionCard(Card):
    """A way to begin: icon, title, hint, key."""

    def __init__(self, theme: Theme, icon: str, title: str, hint: str, key: str) -> None:
        super().__init__(theme, title, hint)
        self._icon, self._hint, self._key = icon, hint, key
        self.setFixedHeight(60)
        self.setMinimumWidth(220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paint_content(self, painter: QPainter) -> None:
        """One row."""
        painter.drawPixmap(15, 22, pixmap(self._icon, self.theme, "accent", ratio=self.devicePixelRatioF()))
        right = self.width() - 12
        right -= draw_keycap(painter, self.theme, self._key, right, self.height() / 2) + 8
        self.write(painter, QRect(46, 11, right - 46, 20), self.text(), "text", bold=True)
        self.write(painter, QRect(46, 30, right - 46, 20), self._hint, "text2")


class ExampleCard(Card):
    """An example: a small picture, its title, one sentence."""

    PICTURE = 104

    def __init__(self, theme: Theme, example: Example) -> None:
        super().__init__(theme, example.title, example.sentence)
        self.example = example
        self._picture = picture_for(example.name)
        self.setMinimumWidth(180)
        self.setFixedHeight(self.PICTURE + 94)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def outline(self) -> tuple[str, float]:
        """The one to start with stands out."""
        return ("accent", 2.0) if self.example.first else super().outline()

    def paint_content(self, painter: QPainter) -> None:
        """Picture above, words below."""
        width, theme = self.width(), self.theme
        picture = QRectF(0, 0, width, self.PICTURE)
        painter.fillRect(picture, QColor(theme["canvas"]))
        painter.save()
        painter.setClipRect(picture)
        self._picture(painter, picture, theme)
        painter.restore()
        painter.fillRect(QRectF(0, self.PICTURE, width, 1), QColor(theme["line"]))
        right = width - 12
        if self.example.first:
            right -= self._badge(painter, right)
        self.write(painter, QRect(13, self.PICTURE + 9, right - 17, 20), self.example.title, "text", bold=True)
        painter.setFont(ui_font(BODY))
        painter.setPen(QColor(theme["text2"]))
        painter.drawText(QRect(13, self.PICTURE + 32, width - 24, 54), WRAP, self.example.sentence)

    def _badge(self, painter: QPainter, right: int) -> int:
        text, font = tr("start here"), ui_font(SMALL, bold=True)
        width = round(QFontMetricsF(font).horizontalAdvance(text)) + 12
        box = QRectF(right - width, self.PICTURE + 9, width, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme["forwardFill"]))
        painter.drawRoundedRect(box, 3, 3)
        painter.setFont(font)
        painter.setPen(QColor(self.theme["forward"]))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return width + 6


class RunButton(Card):
    """A recorded run: name, when, the loss as a small curve, how it ended. Delete or the menu key removes it."""

    def __init__(self, theme: Theme, run: RunCard) -> None:
        super().__init__(theme, run.title, f"{run.hint}, {run.word}")
        self.run = run
        self.setToolTip(f"{run.path}\n{run.size}")
        self.setFixedHeight(58)
        self.setMinimumWidth(260)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def sizeHint(self) -> QSize:
        """As wide as it may."""
        return QSize(300, 58)

    def paint_content(self, painter: QPainter) -> None:
        """Words, curve, pill."""
        right = self.width() - 12
        right -= self._draw_pill(painter, right) + 12
        if len(self.run.losses) > 1 and self.width() > 300:
            draw_sparkline(painter, QRectF(right - 68, 14, 68, 30), self.run.losses, self.theme)
            right -= 80
        self.write(painter, QRect(13, 9, right - 13, 20), self.run.title, "text", bold=True)
        self.write(painter, QRect(13, 29, right - 13, 18), self.run.hint, "text3", SMALL)

    def _draw_pill(self, painter: QPainter, right: int) -> int:
        look = PILLS.get(self.run.kind, PILLS["stopped"])
        font = ui_font(SMALL, bold=True)
        width = round(QFontMetricsF(font).horizontalAdvance(self.run.word)) + 30
        box = QRectF(right - width, self.height() / 2 - 9, width, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme[look.ground]))
        painter.drawRoundedRect(box, 4, 4)
        picture = pixmap(look.icon, self.theme, look.token, 12, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(box.left() + 6, box.top() + 3), picture)
        painter.setFont(font)
        painter.setPen(QColor(self.theme[look.token]))
        painter.drawText(box.adjusted(22, 0, 0, 0), MIDDLE, self.run.word)
        return width


def draw_sparkline(painter: QPainter, rect: QRectF, values: Sequence[float], theme: Theme) -> None:
    """A curve without axes; values that are not finite break it."""
    finite = [value for value in values if abs(value) != float("inf") and value == value]
    if len(finite) < 2:
        return
    low, high = min(finite), max(finite)
    span = (high - low) or 1.0
    path, pen_down = QPainterPath(), False
    for index, value in enumerate(values):
        if value not in finite:
            pen_down = False
            continue
        at = QPointF(
            rect.left() + rect.width() * index / (len(values) - 1), rect.bottom() - rect.height() * (value - low) / span
        )
        if pen_down:
            path.lineTo(at)
        else:
            path.moveTo(at)
        pen_down = True
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme["forward"]), 1.4))
    painter.drawPath(path)
