"""Where a step ends: one rule, asked at the gate of a live script and by whoever walks a recorded log.

A place is where a thread can stand: before an op, a backward pass, a node or an optimizer's step, or right after a
backward pass. A construction, a pass and a step count as one place unless the person has entered them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrograd_debug.log.regions import Region
from retrograd_debug.session.api import StepKind


class Place(Protocol):
    """A place as its thread reaches it. ``kind``: op, backward, node, backward-end or optimizer. ``regions`` and
    ``scopes`` are open there, innermost last; of the regions the first ``entered`` are entered by standing here."""

    @property
    def kind(self) -> str: ...
    @property
    def regions(self) -> Sequence[Region]: ...
    @property
    def entered(self) -> int: ...
    @property
    def scopes(self) -> Sequence[int]: ...
    @property
    def iteration(self) -> int: ...

    def by_user(self) -> bool:
        """Whether a line of the user's files issued it, not a library that such a line called."""
        ...

    def depth(self) -> int:
        """How many frames of the user's files are on the stack."""
        ...

    def where(self) -> tuple[str, int]:
        """The user's file and line that run ("" and 0: none)."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a step begins: the ids of the regions entered there and of the open scopes, the depth of the stack, the
    iteration, and the user's line."""

    entered: tuple[int, ...] = ()
    scopes: tuple[int, ...] = ()
    depth: int = 0
    iteration: int = 0
    where: tuple[str, int] = ("", 0)


def ends(kind: StepKind, origin: Origin, place: Place) -> bool:
    """Whether a step of that kind from ``origin`` ends at ``place``, the first such in its thread being the one."""
    match kind:
        case StepKind.OP:
            return place.kind != "backward-end" and _counts(origin, place)
        case StepKind.INTO:
            return True
        case StepKind.OVER:
            inside = place.scopes and place.scopes[-1] not in origin.scopes
            return place.kind != "backward-end" and not inside and _counts(origin, place)
        case StepKind.OUT:
            return _is_out(origin, place)
        case StepKind.LINE:
            return place.kind != "backward-end" and _counts(origin, place) and place.where() != origin.where
        case StepKind.NODE:
            return place.kind == "node"
        case StepKind.BACKWARD_START:
            return place.kind == "backward"
        case StepKind.BACKWARD_END:
            return place.kind == "backward-end"
        case StepKind.ITERATION:
            return place.kind != "backward-end" and place.iteration > origin.iteration
        case StepKind.RUN | StepKind.TO_LINE:
            return False


def _shared(origin: Origin, place: Place) -> int:
    """How many of the regions open at ``place`` were entered before the step."""
    count = 0
    for region, id in zip(place.regions, origin.entered):  # noqa: B905  # the shorter one decides
        if region.id != id:
            break
        count += 1
    return count


def _counts(origin: Origin, place: Place) -> bool:
    shared = _shared(origin, place)
    if shared < len(place.regions):
        return shared >= place.entered
    if place.kind != "op":
        return True
    inside = place.regions[-1].kind if place.regions else "construction"
    return inside == "optimizer" or (inside == "construction" and place.by_user())


def _is_out(origin: Origin, place: Place) -> bool:
    """Whether ``place`` has left the innermost region, else the innermost scope or function, that the step began in."""
    shared = _shared(origin, place)
    if shared < place.entered:
        return False
    if origin.entered:
        return shared < len(origin.entered)
    if origin.scopes and origin.scopes[-1] not in place.scopes:
        return True
    return place.depth() < origin.depth
