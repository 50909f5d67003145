"""Sizes of what is drawn, from the fonts in use: structure in, layout request out."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtGui import QFont, QFontMetricsF

from retrograd_debug.graph.geometry import Box, Link, Request
from retrograd_debug.graph.model import EdgeKind, Item, ItemKind, Role, Scene
from retrograd_gui.theme.fonts import BODY, SMALL, VALUE, mono_font, ui_font

CARD_HEIGHT = 46.0
PILL_HEIGHT = 28.0
FOLDED_HEIGHT = 64.0
STRIPE = 4.0
PAD = 12.0
GLYPH = 16.0
PILL_LEFT = 27.0
PILL_RIGHT = 11.0
_LEAST = 124.0
_MOST = 200.0
_MARGIN_LEAST = 96.0
_TIME = "0.99 µs"
_VALUE = "−9.999e−99"


@lru_cache(maxsize=1)
def fonts() -> dict[str, QFont]:
    """The faces of the canvas: title, plain, value, head, caption."""
    return {
        "title": ui_font(BODY, bold=True),
        "plain": ui_font(BODY),
        "value": mono_font(VALUE),
        "head": ui_font(BODY, bold=True),
        "small": ui_font(SMALL),
        "tag": ui_font(SMALL, bold=True),
    }


@lru_cache(maxsize=16)
def _metrics(name: str) -> QFontMetricsF:
    return QFontMetricsF(fonts()[name])


@lru_cache(maxsize=8192)
def text_width(name: str, text: str) -> float:
    """How wide ``text`` is in the face ``name``, in px at 100 %."""
    return _metrics(name).horizontalAdvance(text)


def ascent(name: str) -> float:
    """The ascent of the face ``name``."""
    return _metrics(name).ascent()


def _card(title: str, details: list[str], face: str) -> float:
    first = text_width(face, title) + 8.0 + GLYPH
    second = max(text_width("value", detail) for detail in details) + 12.0 + text_width("value", _TIME)
    return round(min(_MOST, max(_LEAST, STRIPE + 2 * PAD + max(first, second))))


def _op_width(item: Item) -> float:
    return max(150.0 if item.pair else _LEAST, _card(item.title, [item.detail], "title"))


def _mirror_width(item: Item, pair: Item | None) -> float:
    if pair is not None and pair.kind is ItemKind.LEAF:
        return round(max(_LEAST, PAD + text_width("plain", item.title) + 32.0))
    dims = pair.detail.partition("]")[0] + "]" if pair is not None and "]" in pair.detail else ""
    # wide enough for each thing it will say in turn, so that it stands still while it does
    least = max(
        text_width("value", f"in {dims}"), text_width("value", f"out {dims}") + 12.0 + text_width("value", _TIME)
    )
    words = max(least, text_width("value", "no gradient yet"))
    first = text_width("plain", item.title) + 8.0 + GLYPH
    return round(min(_MOST, max(_LEAST, 2 * PAD + max(first, words))))


def _pill_width(item: Item) -> float:
    info = _VALUE if item.role is Role.RESULT else item.info
    width = PILL_LEFT + PILL_RIGHT + 12.0 + text_width("title", item.title) + text_width("value", info)
    width += 1.0
    return round(max(_MARGIN_LEAST if item.role is Role.DATA else _LEAST, min(width, 260.0)))


def _scope_box(item: Item) -> Box:
    head = 34.0 + text_width("head", item.title)
    tail = text_width("small", item.info) + 12.0
    if item.folded:
        width = max(170.0, head + 24.0, text_width("small", item.detail) + 32.0)
        return Box(item.key, item.parent, "pair", round(width), FOLDED_HEIGHT, last=item.group == "optimizer")
    return Box(
        item.key, item.parent, "scope", 0.0, 0.0, head=round(head), tail=round(tail), last=item.group == "optimizer"
    )


def request_for(scene: Scene) -> Request:
    """The layout request of a scene."""
    boxes: list[Box] = []
    for item in scene.items:
        if item.kind is ItemKind.SCOPE:
            boxes.append(_scope_box(item))
        elif item.kind in (ItemKind.OP, ItemKind.LEAF):
            boxes.append(_pair_box(scene, item))
    gradients = {edge.rail: edge.key for edge in scene.edges if edge.kind is EdgeKind.GRADIENT}
    links = [
        Link(edge.key, edge.source, edge.target, gradients.get(edge.key, ""))
        for edge in scene.edges
        if edge.kind is not EdgeKind.GRADIENT
    ]
    return Request(boxes, links)


def _pair_box(scene: Scene, item: Item) -> Box:
    if item.role is Role.DATA:
        return Box(item.key, "", "data", _pill_width(item), PILL_HEIGHT)
    mirror = scene.item(item.pair) if item.pair else None
    width = _op_width(item) if item.kind is ItemKind.OP else _pill_width(item)
    beside = _mirror_width(mirror, item) if mirror is not None else 0.0
    if item.role is Role.RESULT and mirror is not None:
        beside = round(max(_LEAST, 2 * PAD + 24.0 + text_width("title", mirror.title) + text_width("value", "  99")))
    height = CARD_HEIGHT if item.kind is ItemKind.OP else PILL_HEIGHT
    return Box(item.key, item.parent, "pair", width, height, mirror.key if mirror is not None else "", beside)
