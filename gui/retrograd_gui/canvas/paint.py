"""Paints a picture through a camera onto anything a QPainter paints on: the widget, a PNG, an SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from retrograd_debug.graph.model import EdgeKind, EdgeState, Item, ItemKind, ItemState, Mark
from retrograd_events.events import Ref
from retrograd_events.text import tr
from retrograd_gui.canvas import pens
from retrograd_gui.canvas.camera import MIDDLE, NEAR, Camera
from retrograd_gui.canvas.edges import EdgePainter
from retrograd_gui.canvas.facts import Fact
from retrograd_gui.canvas.measure import fonts, text_width
from retrograd_gui.canvas.nodes import NodePainter, elided, is_sick
from retrograd_gui.canvas.pens import color, pen
from retrograd_gui.canvas.picture import Picture, Route
from retrograd_gui.theme.fonts import SMALL, ui_font
from retrograd_gui.theme.tokens import Theme

_LEAST_MARK = 10.0
_DENSITY = 8.0
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True, slots=True)
class Lights:
    """What is lit: keys of the selected item or edge, the hovered item, the item with the keyboard's focus."""

    selected: str = ""
    hovered: str = ""
    focused: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that painting needs besides the painter."""

    picture: Picture
    camera: Camera
    theme: Theme
    facts: Mapping[Ref, Fact | None] = field(default_factory=dict)
    lights: Lights = field(default_factory=Lights)


def paint(painter: QPainter, sheet: Sheet, width: float, height: float) -> None:
    """Paint what a view of ``width`` by ``height`` px sees. The caller ends the painter, whatever happens here."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    painter.fillRect(QRectF(0, 0, width, height), color(sheet.theme["canvas"]))
    if sheet.camera.scale >= NEAR:
        _near(painter, sheet, width, height)
    else:
        _afar(painter, sheet, width, height)


def _fact(sheet: Sheet, item: Item) -> Fact | None:
    """The fact that tells on an item: of a result's or op's first output, of a mirror's incoming gradient."""
    return sheet.facts.get((item.tensor, item.version)) if item.tensor else None


def _edge_fact(sheet: Sheet, route: Route) -> Fact | None:
    return sheet.facts.get((route.edge.tensor, route.edge.version)) if route.edge.tensor else None


def _view(sheet: Sheet, width: float, height: float, slack: float = 24.0) -> tuple[float, float, float, float]:
    left, top = sheet.camera.to_picture(-slack, -slack)
    right, bottom = sheet.camera.to_picture(width + slack, height + slack)
    return left, top, right, bottom


def _box(picture: Picture, at: int) -> QRectF:
    left, top, right, bottom = (float(side) for side in picture.rects[at])
    return QRectF(left, top, right - left, bottom - top)


def _near(painter: QPainter, sheet: Sheet, width: float, height: float) -> None:
    picture, camera = sheet.picture, sheet.camera
    view = _view(sheet, width, height)
    painter.save()
    painter.scale(camera.scale, camera.scale)
    painter.translate(-camera.x, -camera.y)
    nodes = NodePainter(painter, sheet.theme)
    edges = EdgePainter(painter, sheet.theme, sheet.theme["canvas"])
    visible = [(picture.items[at], _box(picture, at)) for at in picture.visible(*view)]
    routes = [picture.routes[at] for at in picture.visible_routes(*view)]
    lights = sheet.lights
    for item, rect in visible:
        if item.kind is ItemKind.SCOPE and not item.folded:
            nodes.scope(item, rect, item.key == lights.hovered)
    for route in routes:
        edges.line(route, _edge_fact(sheet, route), route.edge.key == lights.selected, True)
    for item, rect in visible:
        if item.kind is ItemKind.SCOPE and not item.folded:
            nodes.scope_head(item, rect)
        else:
            nodes.item(item, rect, _fact(sheet, item), item.key == lights.hovered)
    for route in routes:
        edges.words(route, _edge_fact(sheet, route))
    for item, rect in visible:
        nodes.tag(item, rect)
    for item, rect in visible:
        if item.key in (lights.selected, lights.focused) and item.key:
            nodes.selection(rect, item.kind in (ItemKind.LEAF, ItemKind.SEED), item.key != lights.selected)
    painter.restore()


# --- farther away


def _afar(painter: QPainter, sheet: Sheet, width: float, height: float) -> None:
    picture, camera = sheet.picture, sheet.camera
    view = _view(sheet, width, height)
    middle = camera.scale >= MIDDLE
    visible = picture.visible(*view)
    scopes = [at for at in visible if _is_open(picture.items[at])]
    _far_scopes(painter, sheet, scopes)
    painter.save()
    painter.scale(camera.scale, camera.scale)
    painter.translate(-camera.x, -camera.y)
    edges = EdgePainter(painter, sheet.theme, sheet.theme["canvas"])
    if camera.scale > 0.08:
        for at in picture.visible_routes(*view):
            route = picture.routes[at]
            edges.line(route, _edge_fact(sheet, route), route.edge.key == sheet.lights.selected, middle)
    painter.restore()
    solid = [at for at in visible if not _is_open(picture.items[at])]
    if middle:
        _far_titles(painter, sheet, scopes)
        for at in solid:
            _middle_item(painter, sheet, picture.items[at], _seen(sheet, at))
    else:
        _blocks(painter, sheet, solid)
    for at in visible:
        _far_marks(painter, sheet, picture.items[at], _seen(sheet, at))


def _is_open(item: Item) -> bool:
    return item.kind is ItemKind.SCOPE and not item.folded


def _seen(sheet: Sheet, at: int) -> QRectF:
    box = _box(sheet.picture, at)
    x, y = sheet.camera.to_view(box.x(), box.y())
    return QRectF(x, y, box.width() * sheet.camera.scale, box.height() * sheet.camera.scale)


def _far_scopes(painter: QPainter, sheet: Sheet, scopes: list[int]) -> None:
    theme = sheet.theme
    for at in scopes:
        item, rect = sheet.picture.items[at], _seen(sheet, at)
        painter.setBrush(color(theme["scope"]))
        painter.setPen(pen(theme["scopeLine"], 1.0, (5.0, 3.0) if item.group == "function" else ()))
        painter.drawRoundedRect(rect, 4, 4)


def _far_titles(painter: QPainter, sheet: Sheet, scopes: list[int]) -> None:
    theme = sheet.theme
    size = _middle_size(26 * sheet.camera.scale)
    painter.setFont(ui_font(size))
    painter.setPen(color(theme["text2"]))
    for at in scopes:
        item, rect = sheet.picture.items[at], _seen(sheet, at)
        room = rect.width() - 10
        if room > 24:
            line = QRectF(rect.left() + 6, rect.top() + 1, room, 26 * sheet.camera.scale - 1)
            text = elided("small", item.title, room * SMALL / size)
            # words keep their size while the picture shrinks, so they may come to lie over an edge
            line.setWidth(min(room, text_width("small", text) * size / SMALL + 4))
            painter.fillRect(line, color(theme["scope"]))
            painter.drawText(line, _LEFT | int(Qt.TextFlag.TextDontClip), text)


def _middle_size(height: float) -> int:
    """The size of words that go into ``height`` px."""
    return max(8, min(SMALL, int(height * 0.8)))


def block_color(item: Item, fact: Fact | None, theme: Theme) -> str:
    """The colour of an item's state, for a plain block."""
    if item.mark in (Mark.HELD, Mark.CURSOR):
        return theme["held"]
    if item.state is ItemState.ERROR:
        return theme["error"]
    if is_sick(fact):
        return theme["nan"]
    if item.kind in (ItemKind.LEAF, ItemKind.SEED):
        return theme["text3"]
    return {
        ItemState.RUNNING: theme["forward"],
        ItemState.READY: theme["gradient"],
        ItemState.PASSED: theme["gradient"],
        ItemState.DONE: theme["edge"],
    }.get(item.state, theme["card"])


def _middle_item(painter: QPainter, sheet: Sheet, item: Item, rect: QRectF) -> None:
    theme, fact = sheet.theme, _fact(sheet, item)
    marked = item.mark in (Mark.HELD, Mark.CURSOR)
    outline = block_color(item, fact, theme)
    waits = item.state in (ItemState.IDLE, ItemState.WAITING) and not marked
    if waits:
        outline = theme["gradient"] if item.state is ItemState.WAITING else theme["edge"]
    fills = {ItemState.RUNNING: "forwardFill", ItemState.READY: "gradientFill", ItemState.ERROR: "errorFill"}
    fill = "heldFill" if marked else "nanFill" if is_sick(fact) else fills.get(item.state, "card")
    if item.state is ItemState.PASSED and not marked:
        outline = theme["edge"]
    round_ends = item.kind in (ItemKind.LEAF, ItemKind.SEED)
    radius = rect.height() / 2 if round_ends else 3.0
    painter.setBrush(color(theme[fill]))
    painter.setPen(pen(outline, 2.0 if marked else 1.0, (3.0, 2.0) if waits else ()))
    painter.drawRoundedRect(rect, radius, radius)
    if item.kind is ItemKind.OP and item.device:
        painter.fillRect(QRectF(rect.left(), rect.top() + 1, 2.5, rect.height() - 2), color(
            pens.device_color(theme, item.device)))  # fmt: skip
    left = 7.0 if not round_ends else 9.0
    glyph = rect.width() > 64 and rect.height() > 12 and not round_ends
    room = rect.width() - left - (20.0 if glyph else 4.0)
    if rect.height() >= 9 and room > 18:
        size = _middle_size(rect.height() * 0.6)
        painter.setFont(ui_font(size))
        painter.setPen(color(theme["text2"] if waits else theme["text"]))
        line = QRectF(rect.left() + left, rect.top(), room, rect.height())
        painter.drawText(line, _LEFT | int(Qt.TextFlag.TextDontClip), elided("small", item.title, room * SMALL / size))
    if glyph:
        NodePainter(painter, theme).glyph(item, rect.right() - 11, rect.center().y(), fact)


def _blocks(painter: QPainter, sheet: Sheet, solid: list[int]) -> None:
    """Plain blocks, one draw call a colour; where blocks are too small to see, cells by how many lie in them."""
    theme = sheet.theme
    by_color: dict[str, list[QRectF]] = {}
    dense: dict[tuple[int, int], int] = {}
    for at in solid:
        rect = _seen(sheet, at)
        if rect.height() < 2.0 and rect.width() < 8.0:
            cell = (int(rect.center().x() // _DENSITY), int(rect.center().y() // _DENSITY))
            dense[cell] = dense.get(cell, 0) + 1
            continue
        item = sheet.picture.items[at]
        by_color.setdefault(block_color(item, _fact(sheet, item), theme), []).append(rect)
    painter.setPen(Qt.PenStyle.NoPen)
    for value, rects in by_color.items():
        painter.setBrush(color(value))
        painter.drawRects(rects)
    most = max(dense.values(), default=1)
    for (x, y), count in dense.items():
        stop = int((len(theme.calm) - 1) * (0.25 + 0.75 * count / most))
        painter.fillRect(QRectF(x * _DENSITY, y * _DENSITY, _DENSITY - 1, _DENSITY - 1), color(theme.calm[stop]))


def _far_marks(painter: QPainter, sheet: Sheet, item: Item, rect: QRectF) -> None:
    """What needs eyes at any distance: never smaller than 10 px."""
    theme, lights = sheet.theme, sheet.lights
    fact = _fact(sheet, item)
    if _is_open(item):
        if item.key in (lights.selected, lights.focused):
            _outline(painter, rect, theme["accent"], item.key != lights.selected)
        return
    large = QRectF(rect)
    if large.width() < _LEAST_MARK or large.height() < _LEAST_MARK:
        size = max(large.width(), _LEAST_MARK), max(large.height(), _LEAST_MARK)
        large = QRectF(rect.center().x() - size[0] / 2, rect.center().y() - size[1] / 2, *size)
    if item.mark in (Mark.HELD, Mark.CURSOR):
        _outline(painter, large, theme["held"], False)
        _pointer(painter, large, theme["held"])
    elif item.mark is Mark.SCRIPT:
        _outline(painter, large, theme["lineStrong"], False)
    elif item.state is ItemState.ERROR and rect.width() <= 64:
        pens.cross(painter, large.center().x(), large.top() - 8, theme["error"])
    elif is_sick(fact) and rect.width() <= 64:
        pens.warning(painter, large.center().x(), large.top() - 8, theme["nan"])
    if item.key and item.key in (lights.selected, lights.focused):
        _outline(painter, large.adjusted(-2, -2, 2, 2), theme["accent"], item.key != lights.selected)


def _outline(painter: QPainter, rect: QRectF, value: str, dotted: bool) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(value, 2.0, (2.0, 3.0) if dotted else ()))
    painter.drawRoundedRect(rect.adjusted(-3, -3, 3, 3), 5, 5)


def _pointer(painter: QPainter, rect: QRectF, value: str) -> None:
    x, y = rect.center().x(), rect.top() - 5
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(value))
    painter.drawPolygon([QPointF(x - 6, y - 8), QPointF(x + 6, y - 8), QPointF(x, y)])


# --- legends, in view coordinates


def legend_rows(picture: Picture) -> list[tuple[EdgeState, str]]:
    """The states of gradient edges that are present, in words."""
    present = {route.edge.state for route in picture.routes if route.edge.kind is EdgeKind.GRADIENT}
    words = [
        (EdgeState.ARRIVED, tr("arrived")),
        (EdgeState.HELD, tr("held")),
        (EdgeState.WAITING, tr("waiting")),
        (EdgeState.IDLE, tr("not started")),
    ]
    return [(state, word) for state, word in words if state in present]


def devices(picture: Picture) -> list[str]:
    """The devices present, in order."""
    return sorted({item.device for item in picture.items if item.device})


def legend_rects(picture: Picture, width: float, height: float) -> tuple[QRectF, QRectF]:
    """Where the devices' legend and the edges' legend stand; empty ones are null."""
    names = devices(picture)
    rows = legend_rows(picture)
    wide = max((text_width("small", tr("device {name}", name=name)) for name in names), default=0.0) + 32
    left = QRectF(12, height - 12 - 24 * len(names), wide, 24 * len(names)) if names else QRectF()
    words = max((text_width("small", word) for _, word in rows), default=0.0) + 66
    high = 18 * len(rows) + 10
    right = QRectF(width - 12 - words, height - 12 - high, words, high) if rows else QRectF()
    return left, right


def paint_legends(painter: QPainter, picture: Picture, theme: Theme, width: float, height: float) -> None:
    """The devices at the left below, the states of gradients at the right below."""
    left, right = legend_rects(picture, width, height)
    painter.setFont(fonts()["small"])
    for box in (left, right):
        if not box.isNull():
            painter.setBrush(color(theme["chip"]))
            painter.setPen(pen(theme["line"], 1.0))
            painter.drawRoundedRect(box, 4, 4)
    for row, name in enumerate(devices(picture)):
        y = left.top() + 24 * row
        painter.fillRect(QRectF(left.left() + 8, y + 6, 4, 12), color(pens.device_color(theme, name)))
        painter.setPen(color(theme["text2"]))
        painter.drawText(QRectF(left.left() + 20, y, left.width() - 22, 24), _LEFT, tr("device {name}", name=name))
    edges = EdgePainter(painter, theme, theme["chip"])
    for row, (state, word) in enumerate(legend_rows(picture)):
        y = right.top() + 5 + 18 * row + 9
        edges.sample(state, right.left() + 10, right.left() + 44, y)
        painter.setFont(fonts()["small"])
        painter.setPen(color(theme["text2"]))
        painter.drawText(QRectF(right.left() + 54, y - 9, right.width() - 58, 18), _LEFT, word)
