"""Regions: the stretches of a thread that a step counts as one, kept alike in a live script and in a log's state."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Region(msgspec.Struct):
    """An open region. ``kind``: construction, optimizer or backward. ``id`` tells one from another in its run.
    ``fresh`` until an op has run inside."""

    kind: str
    id: int
    fresh: bool = True


def leave(regions: list[Region], kind: str) -> None:
    """Close the innermost region of that kind, and what an exception left open inside it."""
    for at in range(len(regions) - 1, -1, -1):
        if regions[at].kind == kind:
            del regions[at:]
            return


def op_ran(regions: Sequence[Region]) -> None:
    """An op ran inside all of them."""
    for region in regions:
        region.fresh = False


def entered(regions: Sequence[Region]) -> int:
    """How many of ``regions`` whoever stands at the next op is inside of: the first op of a construction stands for all
    of it, as the start of a backward pass or of an optimizer's step does."""
    count = len(regions)
    while count and regions[count - 1].kind == "construction" and regions[count - 1].fresh:
        count -= 1
    return count
