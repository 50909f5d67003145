"""A scene with its layout, as arrays: what lies where, what is hit, what is in view. No painting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retrograd_debug.graph.geometry import SCOPE_HEAD, Layout, Point, Rect
from retrograd_debug.graph.model import Edge, EdgeKind, Item, ItemKind, Scene
from retrograd_gui.canvas.measure import text_width

_MOST_TRIES = 60
_LABEL_HEIGHT = 16.0
_NORM_WIDTH = 84.0
_REACH = 8.0
_TAG_ROOM = 10.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where an edge passes over another: ``along`` is True where it runs across (horizontally)."""

    x: float
    y: float
    along: bool


@dataclass(slots=True)
class Route:
    """An edge with its way. ``label`` is where its words stand (left, top, width, height), None: no room."""

    edge: Edge
    points: list[Point]
    label: Rect | None = None
    crossings: list[Crossing] = field(default_factory=list)


def _empty() -> Floats:
    return np.zeros((0, 4))


@dataclass
class Picture:
    """``rects``: left, top, right, bottom of each item, in the order of ``items``; ``boxes`` those of each route."""

    scene: Scene
    items: list[Item] = field(default_factory=list)
    rects: Floats = field(default_factory=_empty)
    routes: list[Route] = field(default_factory=list)
    boxes: Floats = field(default_factory=_empty)
    at: dict[str, int] = field(default_factory=dict)

    @property
    def bounds(self) -> Rect:
        """Left, top, width, height of everything, with room above for a tag."""
        if not len(self.rects):
            return (0.0, 0.0, 0.0, 0.0)
        lines = self.boxes + np.array([_REACH, _REACH, -_REACH, -_REACH])
        corners = [self.rects, lines] if len(self.boxes) else [self.rects]
        every = np.concatenate(corners)
        left, top = every[:, 0].min(), every[:, 1].min() - _TAG_ROOM
        return (float(left), float(top), float(every[:, 2].max() - left), float(every[:, 3].max() - top))

    def rect(self, key: str) -> Rect | None:
        """Left, top, width, height of an item."""
        at = self.at.get(key)
        if at is None:
            return None
        left, top, right, bottom = (float(side) for side in self.rects[at])
        return (left, top, right - left, bottom - top)

    def visible(self, left: float, top: float, right: float, bottom: float) -> list[int]:
        """The items that touch a part of the picture."""
        return _touching(self.rects, left, top, right, bottom)

    def visible_routes(self, left: float, top: float, right: float, bottom: float) -> list[int]:
        """The routes that touch a part of the picture."""
        return _touching(self.boxes, left, top, right, bottom)

    def item_at(self, x: float, y: float, slack: float = 0.0) -> Item | None:
        """The innermost item at a point; ``slack`` widens small ones."""
        hits = _touching(self.rects, x - slack, y - slack, x + slack, y + slack)
        solid = [at for at in hits if self.items[at].kind is not ItemKind.SCOPE or self.items[at].folded]
        if solid:
            return self.items[solid[-1]]
        return self.items[hits[-1]] if hits else None

    def on_head(self, item: Item, x: float, y: float) -> bool:
        """Whether a point lies on a scope's title."""
        rect = self.rect(item.key)
        return rect is not None and (item.folded or rect[1] <= y <= rect[1] + SCOPE_HEAD)

    def route_at(self, x: float, y: float, reach: float) -> Route | None:
        """The route nearest to a point within ``reach``."""
        best, least = None, reach
        for at in _touching(self.boxes, x - reach, y - reach, x + reach, y + reach):
            for (ax, ay), (bx, by) in pairwise(self.routes[at].points):
                dx = max(min(ax, bx) - x, 0.0, x - max(ax, bx))
                dy = max(min(ay, by) - y, 0.0, y - max(ay, by))
                if max(dx, dy) < least:
                    best, least = self.routes[at], max(dx, dy)
        return best


def _touching(rects: Floats, left: float, top: float, right: float, bottom: float) -> list[int]:
    if not len(rects):
        return []
    hit = (rects[:, 0] <= right) & (rects[:, 2] >= left) & (rects[:, 1] <= bottom) & (rects[:, 3] >= top)
    return [int(at) for at in np.flatnonzero(hit)]


def compose(scene: Scene, layout: Layout) -> Picture:
    """The picture of ``scene`` placed by ``layout``, undecorated; what the layout does not know is left out."""
    items = [item for item in scene.items if item.key in layout.rects]
    rects = np.array([layout.rects[item.key] for item in items], dtype=np.float64).reshape(-1, 4)
    rects[:, 2:] += rects[:, :2]
    routes = [Route(edge, layout.routes[edge.key]) for edge in scene.edges if len(layout.routes.get(edge.key, ())) > 1]
    routes.sort(key=lambda route: route.edge.kind is EdgeKind.GRADIENT)
    boxes = np.array(
        [
            (
                min(x for x, _ in route.points) - _REACH,
                min(y for _, y in route.points) - _REACH,
                max(x for x, _ in route.points) + _REACH,
                max(y for _, y in route.points) + _REACH,
            )
            for route in routes
        ],
        dtype=np.float64,
    ).reshape(-1, 4)
    picture = Picture(scene, items, rects, routes, boxes, {item.key: at for at, item in enumerate(items)})
    return picture


def _segments(routes: Sequence[Route]) -> tuple[Floats, Floats]:
    """All level and all upright pieces: where they lie (y or x), from, to, and the place of their route."""
    level: list[tuple[float, float, float, float]] = []
    upright: list[tuple[float, float, float, float]] = []
    for at, route in enumerate(routes):
        for (ax, ay), (bx, by) in pairwise(route.points):
            if ay == by:
                level.append((ay, min(ax, bx), max(ax, bx), at))
            else:
                upright.append((ax, min(ay, by), max(ay, by), at))
    return (
        np.array(level, dtype=np.float64).reshape(-1, 4),
        np.array(upright, dtype=np.float64).reshape(-1, 4),
    )


def _find_crossings(routes: Sequence[Route]) -> None:
    """Where each route passes over an earlier one, which the later one's halo then interrupts."""
    level, upright = _segments(routes)
    for y, left, right, one in level:
        hit = (upright[:, 0] > left) & (upright[:, 0] < right) & (upright[:, 1] < y) & (upright[:, 2] > y)
        for x, _, _, other in upright[hit]:
            if one != other:
                over = routes[int(max(one, other))]
                over.crossings.append(Crossing(float(x), float(y), one > other))


def _obstacles(picture: Picture) -> Floats:
    """What words beside an edge must not cover: items, the titles and the borders of scopes."""
    found: list[tuple[float, float, float, float]] = []
    for item, (left, top, right, bottom) in zip(picture.items, picture.rects, strict=True):
        if item.kind is ItemKind.SCOPE and not item.folded:
            found += [
                (left, top - 3, right, top + SCOPE_HEAD),
                (left, bottom - 3, right, bottom + 3),
                (left - 3, top, left + 3, bottom),
                (right - 3, top, right + 3, bottom),
            ]
        else:
            found.append((left - 2, top - 2, right + 2, bottom + 2))
    return np.array(found, dtype=np.float64).reshape(-1, 4)


def _place_labels(picture: Picture) -> None:
    solid = _obstacles(picture)
    level, upright = _segments(picture.routes)
    lines = np.concatenate(
        [
            np.column_stack([level[:, 1] - 3, level[:, 0] - 3, level[:, 2] + 3, level[:, 0] + 3]),
            np.column_stack([upright[:, 0] - 3, upright[:, 1] - 3, upright[:, 0] + 3, upright[:, 2] + 3]),
        ]
    )
    owners = np.concatenate([level[:, 3], upright[:, 3]])
    placed: list[Rect] = []
    named: set[str] = set()
    for at, route in enumerate(picture.routes):
        gradient = route.edge.kind is EdgeKind.GRADIENT
        if not gradient and (not route.edge.label or route.edge.label in named):
            continue
        width = _NORM_WIDTH if gradient else text_width("value", route.edge.label) + 4.0
        left, top, right, bottom = picture.boxes[at]
        near = (left - width - 12, top, right + width + 12, bottom)
        others = _touching(lines, *near)
        taken = [solid[_touching(solid, *near)], lines[[other for other in others if owners[other] != at]]]
        if placed:
            here = np.array(placed, dtype=np.float64)
            taken.append(here[_touching(here, *near)])
        route.label = _room(route, width, gradient, np.concatenate(taken))
        if route.label is not None:
            named.add(route.edge.label)
            placed.append((route.label[0], route.label[1], route.label[0] + width, route.label[1] + _LABEL_HEIGHT))


def _room(route: Route, width: float, right: bool, taken: Floats) -> Rect | None:
    """A free place beside an upright stretch of a route, at its right or left."""
    stretches = [(a, b) for a, b in pairwise(route.points) if a[0] == b[0] and abs(a[1] - b[1]) >= _LABEL_HEIGHT]
    stretches.sort(key=lambda ends: -abs(ends[0][1] - ends[1][1]))
    for (x, y0), (_, y1) in stretches:
        low, high = min(y0, y1) + 1.0, max(y0, y1) - _LABEL_HEIGHT - 1.0
        middle = (low + high) / 2
        steps = np.arange(min(_MOST_TRIES, int((high - low) / 4) + 1)) * 2.0
        # the middle first, then ever farther from it, below before above
        tops = middle + np.stack([steps, -steps], axis=1).ravel()
        sides = [x + 10.0, x - 8.0 - width] if right else [x - 8.0 - width, x + 8.0]
        for left in sides:
            beside = taken[(taken[:, 0] <= left + width) & (taken[:, 2] >= left)]
            hit = (beside[None, :, 1] <= tops[:, None] + _LABEL_HEIGHT) & (beside[None, :, 3] >= tops[:, None])
            free = np.flatnonzero(~hit.any(axis=1))
            if free.size:
                return (left, float(tops[free[0]]), width, _LABEL_HEIGHT)
    return None


@dataclass
class Decor:
    """What was worked out for one layout: labels and crossings, which only its structure and names decide."""

    names: tuple[str, ...]
    labels: list[Rect | None]
    crossings: list[list[Crossing]]

    def fits(self, picture: Picture) -> bool:
        """Whether it was worked out for the same edges with the same names."""
        return self.names == tuple(route.edge.label for route in picture.routes)


def decorate(picture: Picture, known: Decor | None) -> Decor:
    """Give a picture's routes their crossings and places for words; ``known`` is taken over where it fits."""
    routes = picture.routes
    if known is not None and known.fits(picture):
        for route, label, crossings in zip(routes, known.labels, known.crossings, strict=True):
            route.label, route.crossings = label, crossings
        return known
    _find_crossings(routes)
    _place_labels(picture)
    return Decor(
        tuple(route.edge.label for route in routes),
        [route.label for route in routes],
        [route.crossings for route in routes],
    )
