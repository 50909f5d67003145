"""Paints items near by: cards, mirrors, pills, scopes, tags, rings. In picture coordinates."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from retrograd_debug.format import number, tick
from retrograd_debug.graph.geometry import SCOPE_HEAD
from retrograd_debug.graph.model import Item, ItemKind, ItemState, Mark, Role
from retrograd_events.text import tr
from retrograd_gui.canvas import pens
from retrograd_gui.canvas.facts import Fact
from retrograd_gui.canvas.measure import PAD, PILL_LEFT, PILL_RIGHT, STRIPE, fonts, text_width
from retrograd_gui.canvas.pens import color, pen
from retrograd_gui.theme.tokens import Theme

_RADIUS = 4.0
_FOLD = 10.0
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MIDDLE = Qt.AlignmentFlag.AlignCenter


def elided(face: str, text: str, width: float) -> str:
    """``text`` cut in the middle so that it fits ``width``."""
    if text_width(face, text) <= width:
        return text
    keep = len(text) - 1
    while keep > 1:
        left = (keep + 1) // 2
        short = text[:left] + "…" + text[len(text) - (keep - left) :]
        if text_width(face, short) <= width:
            return short
        keep -= 1
    return "…"


def tag_text(mark: Mark) -> str:
    """The word on a mark's tag."""
    return tr("HELD BEFORE") if mark is Mark.HELD else tr("CURSOR")


class NodePainter:
    """Paints items with one theme."""

    def __init__(self, painter: QPainter, theme: Theme) -> None:
        self._painter = painter
        self._theme = theme

    def item(self, item: Item, rect: QRectF, fact: Fact | None, hovered: bool) -> None:
        """Everything but scopes."""
        if item.kind is ItemKind.SCOPE:
            self.folded_scope(item, rect, hovered)
        elif item.kind is ItemKind.OP:
            self._card(item, rect, fact, hovered)
        elif item.kind is ItemKind.MIRROR:
            self._mirror(item, rect, fact, hovered)
        else:
            self._pill(item, rect, fact, hovered)

    # --- looks

    def _look(self, item: Item, fact: Fact | None) -> tuple[float, str, tuple[float, ...], str]:
        """Outline width, outline colour, dash, fill."""
        theme = self._theme
        if item.mark in (Mark.HELD, Mark.CURSOR):
            return 2.5, theme["held"], (), theme["heldFill"]
        if item.state is ItemState.ERROR:
            return 2.0, theme["error"], (), theme["errorFill"]
        if is_sick(fact):
            return 2.0, theme["nan"], (), theme["nanFill"]
        if item.state is ItemState.RUNNING:
            return 1.5, theme["forward"], (), theme["forwardFill"]
        if item.state is ItemState.READY:
            return 1.5, theme["gradient"], (), theme["gradientFill"]
        if item.state is ItemState.WAITING:
            return 1.0, theme["gradient"], (4.0, 3.0), theme["card"]
        if item.state is ItemState.IDLE:
            return 1.0, theme["edge"], (4.0, 3.0), theme["card"]
        return 1.0, theme["edge"], (), theme["card"]

    def _fill(self, item: Item, fill: str, hovered: bool) -> str:
        return self._theme["cardHover"] if hovered and fill == self._theme["card"] else fill

    def glyph(self, item: Item, x: float, y: float, fact: Fact | None) -> None:
        """The glyph of an item's state, its middle at (x, y)."""
        painter, theme = self._painter, self._theme
        if item.mark is Mark.HELD:
            pens.pause(painter, x, y, theme["held"])
        elif item.mark is Mark.CURSOR:
            pens.clock(painter, x, y, theme["held"])
        elif item.state is ItemState.ERROR:
            pens.cross(painter, x, y, theme["error"])
        elif is_sick(fact):
            pens.warning(painter, x, y, theme["nan"])
        elif item.state is ItemState.RUNNING:
            pens.turning(painter, x, y, theme["forward"])
        elif item.state is ItemState.DONE:
            pens.tick(painter, x, y, theme["done"])
        elif item.state is ItemState.PASSED:
            pens.tick(painter, x, y, theme["gradient"])
        elif item.state is ItemState.READY:
            pens.arrow(painter, x, y, theme["gradient"])
        else:
            pens.circle(painter, x, y, theme["text3"])

    def _ring(self, item: Item, rect: QRectF, radius: float) -> None:
        """The dashed ring of a held item, and the hollow marker of the script's own place."""
        painter = self._painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if item.mark in (Mark.HELD, Mark.CURSOR):
            painter.setPen(pen(self._theme["held"], 1.0, (3.0, 2.0)))
            painter.drawRoundedRect(rect.adjusted(-4, -4, 4, 4), radius + 3, radius + 3)
        elif item.mark is Mark.SCRIPT:
            painter.setPen(pen(self._theme["lineStrong"], 2.0))
            painter.drawRoundedRect(rect.adjusted(-4, -4, 4, 4), radius + 3, radius + 3)

    def _hatch(self, rect: QRectF) -> None:
        self._painter.setPen(pen(self._theme["nan"], 1.0))
        right, bottom = rect.right() - 6, rect.bottom() - 3
        for step in range(6):
            x = right - step * 5
            self._painter.drawLine(QPointF(x - 4, bottom), QPointF(x, bottom - 7))

    # --- cards

    def _card(self, item: Item, rect: QRectF, fact: Fact | None, hovered: bool) -> None:
        width, outline, dash, fill = self._look(item, fact)
        painter, theme = self._painter, self._theme
        path = QPainterPath()
        path.addRoundedRect(rect, _RADIUS, _RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(self._fill(item, fill, hovered)))
        painter.drawPath(path)
        if item.device:
            painter.save()
            painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
            painter.fillRect(
                QRectF(rect.left(), rect.top(), STRIPE, rect.height()), color(pens.device_color(theme, item.device))
            )
            painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme["text3"] if hovered and width == 1.0 and not dash else outline, width, dash))
        painter.drawPath(path)
        if is_sick(fact):
            self._hatch(rect)
        self._ring(item, rect, _RADIUS)
        self._two_lines(item, rect, fact, "title", STRIPE + PAD - 2)
        self.glyph(item, rect.right() - 15, rect.top() + 15, fact)

    def _mirror(self, item: Item, rect: QRectF, fact: Fact | None, hovered: bool) -> None:
        width, outline, dash, fill = self._look(item, fact)
        painter, theme = self._painter, self._theme
        painter.setBrush(color(self._fill(item, fill, hovered)))
        painter.setPen(pen(theme["text3"] if hovered and width == 1.0 and not dash else outline, width, dash))
        painter.drawPath(pens.folded_corner(rect, _FOLD, _RADIUS))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(outline, min(width, 1.2)))
        corner = QPointF(rect.right() - _FOLD, rect.top() + _FOLD)
        painter.drawPolyline([QPointF(corner.x(), rect.top()), corner, QPointF(rect.right(), corner.y())])
        if is_sick(fact):
            self._hatch(rect)
        self._ring(item, rect, _RADIUS)
        if rect.height() > 30:
            self._two_lines(item, rect, fact, "plain", PAD - 2)
            self.glyph(item, rect.right() - 22, rect.top() + 15, fact)
            return
        painter.setFont(fonts()["plain"])
        painter.setPen(color(theme["text2"] if item.state is not ItemState.READY else theme["text"]))
        room = rect.width() - PAD - 26
        painter.drawText(rect.adjusted(PAD - 2, 0, -24, 0), _LEFT, elided("plain", item.title, room))
        self.glyph(item, rect.right() - 18, rect.center().y(), fact)

    def _two_lines(self, item: Item, rect: QRectF, fact: Fact | None, face: str, left: float) -> None:
        painter, theme = self._painter, self._theme
        quiet = item.state in (ItemState.IDLE, ItemState.WAITING) and item.mark is Mark.NONE
        painter.setFont(fonts()[face])
        painter.setPen(color(theme["text2"] if quiet else theme["text"]))
        room = rect.width() - left - (34.0 if item.kind is ItemKind.MIRROR else 26.0)
        top = QRectF(rect.left() + left, rect.top() + 5, rect.width() - left - PAD, 18)
        painter.drawText(top, _LEFT, elided(face, item.title, room))
        painter.setFont(fonts()["value"])
        painter.setPen(color(theme["text3"] if quiet else theme["text2"]))
        second = QRectF(rect.left() + left, rect.top() + 23, rect.width() - left - PAD + 2, 17)
        words = item.detail
        if is_sick(fact) and fact is not None and item.state is not ItemState.ERROR:
            words = tr("{nan} NaN, {inf} Inf", nan=fact.nan, inf=fact.inf)
        info = "" if is_sick(fact) else item.info
        # rather no duration than a cut shape
        if info and text_width("value", words) + 8 + text_width("value", info) > second.width():
            info = ""
        painter.drawText(second, _LEFT, elided("value", words, second.width()))
        if info:
            painter.setPen(color(theme["text3"] if item.mark is Mark.NONE else theme["text2"]))
            painter.drawText(second, _RIGHT, info)

    # --- leaves

    def _pill(self, item: Item, rect: QRectF, fact: Fact | None, hovered: bool) -> None:
        painter, theme = self._painter, self._theme
        idle = item.state is ItemState.IDLE and item.mark is Mark.NONE
        marked = item.mark in (Mark.HELD, Mark.CURSOR)
        width, outline, dash, fill = self._look(item, None) if marked else (1.0, theme["edge"], (), theme["chip"])
        if idle:
            dash = (4.0, 3.0)
        if hovered and not marked:
            fill, outline = theme["cardHover"], theme["text3"]
        painter.setBrush(color(fill))
        painter.setPen(pen(outline, width, dash))
        radius = rect.height() / 2
        painter.drawRoundedRect(rect, radius, radius)
        self._ring(item, rect, radius)
        x, y = rect.left() + 15, rect.center().y()
        self._leaf_glyph(item, x, y)
        painter.setFont(fonts()["title"])
        painter.setPen(color(theme["text2"] if idle else theme["text"]))
        info = item.info
        if fact is not None and fact.single is not None:
            if item.kind is ItemKind.SEED:
                info = tick(fact.single)
            elif item.role is Role.RESULT and info == "[]" and not idle:
                info = number(fact.single)
        taken = text_width("value", info) + 10 if info else 0
        inside = rect.adjusted(PILL_LEFT, 0, -PILL_RIGHT, 0)
        painter.drawText(inside, _LEFT, elided("title", item.title, inside.width() - taken))
        painter.setFont(fonts()["value"])
        painter.setPen(color(theme["text2"]))
        painter.drawText(inside, _RIGHT, info)

    def _leaf_glyph(self, item: Item, x: float, y: float) -> None:
        painter, theme = self._painter, self._theme
        if item.mark is Mark.HELD:
            pens.pause(painter, x, y, theme["held"])
        elif item.kind is ItemKind.SEED:
            pens.square(painter, x, y, theme["gradient"])
        elif item.role is Role.RESULT:
            pens.square(painter, x, y, theme["forward"])
        elif item.role is Role.PARAMETER:
            pens.diamond(painter, x, y, theme.categories[5])
        elif item.role is Role.FROZEN:
            pens.ring(painter, x, y, theme["text3"])
        elif item.role is Role.BUFFER:
            pens.ring(painter, x, y, theme["text"])
        else:
            pens.ring(painter, x, y, theme.categories[2])

    # --- scopes

    def scope(self, item: Item, rect: QRectF, hovered: bool) -> None:
        """The box of an open scope."""
        painter, theme = self._painter, self._theme
        dash = (5.0, 3.0) if item.group == "function" else ()
        painter.setBrush(color(theme["scope"]))
        painter.setPen(pen(theme["text3"] if hovered else theme["scopeLine"], 1.0, dash))
        painter.drawRoundedRect(rect, 6, 6)

    def scope_head(self, item: Item, rect: QRectF) -> None:
        """The title of an open scope."""
        painter, theme = self._painter, self._theme
        pens.chevron(painter, rect.left() + 15, rect.top() + 14, theme["text3"], True)
        head = QRectF(rect.left() + 26, rect.top() + 2, rect.width() - 38, SCOPE_HEAD - 2)
        painter.setFont(fonts()["head"])
        painter.setPen(color(theme["text2"]))
        taken = text_width("small", item.info) + 12
        painter.drawText(head, _LEFT, elided("head", item.title, head.width() - taken))
        painter.setFont(fonts()["small"])
        painter.setPen(color(theme["text3"]))
        painter.drawText(head, _RIGHT, item.info)

    def folded_scope(self, item: Item, rect: QRectF, hovered: bool) -> None:
        """A folded scope: its name, how much of it ran in words and as a bar."""
        painter, theme = self._painter, self._theme
        marked = item.mark in (Mark.HELD, Mark.CURSOR)
        fill = theme["heldFill"] if marked else theme["cardHover"] if hovered else theme["scope"]
        dash = (5.0, 3.0) if item.group == "function" and not marked else ()
        painter.setBrush(color(fill))
        painter.setPen(pen(theme["held"] if marked else theme["scopeLine"], 2.5 if marked else 1.2, dash))
        painter.drawRoundedRect(rect, 5, 5)
        self._ring(item, rect, 5)
        pens.chevron(painter, rect.left() + 15, rect.top() + 15, theme["text3"], False)
        painter.setFont(fonts()["head"])
        painter.setPen(color(theme["text"]))
        line = QRectF(rect.left() + 27, rect.top() + 5, rect.width() - 40, 20)
        painter.drawText(line, _LEFT, elided("head", item.title, line.width()))
        if marked:
            self.glyph(item, rect.right() - 14, rect.top() + 15, None)
        painter.setFont(fonts()["small"])
        painter.setPen(color(theme["text2"]))
        painter.drawText(line.translated(0, 19), _LEFT, elided("small", item.detail, line.width()))
        bar = QRectF(rect.left() + 12, rect.bottom() - 14, rect.width() - 24, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(theme["line"]))
        painter.drawRoundedRect(bar, 2, 2)
        if item.share > 0:
            painter.setBrush(color(theme["done"]))
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * item.share, bar.height()), 2, 2)

    # --- over everything

    def tag(self, item: Item, rect: QRectF) -> None:
        """The tag HELD BEFORE or CURSOR on an item's upper border."""
        if item.mark not in (Mark.HELD, Mark.CURSOR):
            return
        painter, theme = self._painter, self._theme
        text = tag_text(item.mark)
        width = text_width("tag", text) + 30
        box = QRectF(rect.center().x() - width / 2, rect.top() - 12, width, 17)
        painter.setBrush(color(theme["heldTag"]))
        painter.setPen(pen(theme["held"], 1.0))
        painter.drawRoundedRect(box, 3, 3)
        glyph = pens.pause if item.mark is Mark.HELD else pens.clock
        glyph(painter, box.left() + 11, box.center().y(), theme["onHeld"])
        painter.setFont(fonts()["tag"])
        painter.setPen(color(theme["onHeld"]))
        painter.drawText(box.adjusted(20, 0, -5, 0), _MIDDLE, text)

    def selection(self, rect: QRectF, round_ends: bool, dotted: bool) -> None:
        """The ring of a selected item; dotted for the keyboard's focus."""
        painter = self._painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(self._theme["accent"], 2.0, (2.0, 3.0) if dotted else ()))
        ring = rect.adjusted(-4, -4, 4, 4)
        radius = ring.height() / 2 if round_ends else 7.0
        painter.drawRoundedRect(ring, radius, radius)


def is_sick(fact: Fact | None) -> bool:
    """Whether values hold NaN or infinities."""
    return fact is not None and (fact.nan > 0 or fact.inf > 0)
