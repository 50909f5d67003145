"""Where the keyboard goes: along edges, or between neighbours."""

from __future__ import annotations

from enum import Enum

from retrograd_debug.graph.model import EdgeKind
from retrograd_gui.canvas.picture import Picture


class Way(Enum):
    """A direction on the screen."""

    UP = (0, -1)
    DOWN = (0, 1)
    LEFT = (-1, 0)
    RIGHT = (1, 0)


def next_key(picture: Picture, start: str, way: Way, siblings: bool) -> str:
    """The item that ``way`` leads to from ``start``: the nearest along an edge that way, else (or with ``siblings``)
    the nearest item that lies there; "" when there is none."""
    if start not in picture.at:
        return picture.items[0].key if picture.items else ""
    if not siblings:
        along = [key for key in _joined(picture, start) if _distance(picture, start, key, way) is not None]
        if along:
            return min(along, key=lambda key: _distance(picture, start, key, way) or 0.0)
    parent = picture.items[picture.at[start]].parent
    others = [item for item in picture.items if item.key != start]
    if siblings:
        others = [item for item in others if item.parent == parent]
    found = [(distance, item.key) for item in others
             if (distance := _distance(picture, start, item.key, way)) is not None]  # fmt: skip
    return min(found)[1] if found else ""


def _joined(picture: Picture, key: str) -> list[str]:
    result = []
    for route in picture.routes:
        edge = route.edge
        if edge.source == key and edge.target in picture.at:
            result.append(edge.target)
        elif edge.target == key and edge.source in picture.at:
            result.append(edge.source)
        elif edge.kind is EdgeKind.GRADIENT:
            continue
    return result


def _distance(picture: Picture, start: str, end: str, way: Way) -> float | None:
    """How far ``end`` is that way, sideways counted double; None when it is not that way at all."""
    a, b = picture.rect(start), picture.rect(end)
    if a is None or b is None:
        return None
    dx, dy = b[0] + b[2] / 2 - a[0] - a[2] / 2, b[1] + b[3] / 2 - a[1] - a[3] / 2
    ahead = dx * way.value[0] + dy * way.value[1]
    aside = abs(dx * way.value[1]) + abs(dy * way.value[0])
    if ahead <= 1.0:
        return None
    return ahead + 2.0 * aside
