"""What a layout is asked and what it answers: sizes in, places and routes out. Lengths in logical pixels at 100 %."""

from __future__ import annotations

import hashlib

import msgspec

MIRROR_GAP = 8.0
ROW_GAP = 32.0
COLUMN_GAP = 24.0
SCOPE_PAD = 12.0
SCOPE_HEAD = 26.0

Point = tuple[float, float]
Rect = tuple[float, float, float, float]


class Box(msgspec.Struct, frozen=True, array_like=True):
    """Something to place. ``kind``: pair (an op or leaf with its mirror; ``mirror`` is that key, "" for none), scope
    (open, sized by what it holds), or data (a leaf for the left margin). ``head``/``tail``: the widths that a scope's
    title and counts take. ``last`` boxes come below all that ran before them."""

    key: str
    parent: str
    kind: str
    width: float
    height: float
    mirror: str = ""
    mirror_width: float = 0.0
    head: float = 0.0
    tail: float = 0.0
    last: bool = False


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A forward edge between two boxes; ``gradient`` is the key of the gradient edge that answers it ("" for none)."""

    key: str
    source: str
    target: str
    gradient: str = ""


class Request(msgspec.Struct, frozen=True, array_like=True):
    """A graph to lay out. Boxes in the order in which they ran, a scope before what it holds."""

    boxes: list[Box]
    links: list[Link]

    def digest(self) -> str:
        """Equal for equal structure: same digest, same layout."""
        return hashlib.blake2b(msgspec.msgpack.encode(self), digest_size=16).hexdigest()


class Layout(msgspec.Struct, array_like=True):
    """Where everything is: rectangles (x, y, width, height) by key, mirrors included, and routes by edge key, from
    source to target in the direction of flow (gradient routes go up)."""

    rects: dict[str, Rect] = {}
    routes: dict[str, list[Point]] = {}
    engine: str = ""
