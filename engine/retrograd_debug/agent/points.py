"""Breakpoints, compiled to a table by the kind of place where each can be hit.

Where no breakpoint can be hit nothing is looked up, and what a place holds (its tensors, their contents) is only asked
for by a breakpoint that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retrograd_debug.agent.expressions import Expression, ExpressionError, Message
from retrograd_debug.session.api import Breakpoint
from retrograd_debug.session.contents import born_nonfinite, outside
from retrograd_debug.session.patterns import inside, is_pattern, matches
from retrograd_events import tr

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEFORE = frozenset(("op", "node", "backward", "backward-end", "optimizer"))
"""Places where a step can end as well."""

PLACES_OF: dict[str, frozenset[str]] = {
    "op": frozenset(("op", "node", "backward", "optimizer")),
    "tensor": frozenset(("op", "applied")),
    "gradient": frozenset(("accumulated",)),
    "iteration": frozenset(("op", "backward", "optimizer")),
    "nonfinite": frozenset(("applied", "ran")),
    "optimizer": frozenset(("optimizer",)),
    "exception": frozenset(("failed",)),
    "range": frozenset(("applied", "ran", "accumulated")),
    "spoil": frozenset(("op",)),
    "line": frozenset(("line",)),
}

WORDS_AT: dict[str, frozenset[str]] = {
    "op": frozenset(("input", "inputs")),
    "applied": frozenset(("input", "inputs", "output", "outputs")),
    "node": frozenset(("grad", "grads")),
    "accumulated": frozenset(("grad", "tensor")),
    "backward": frozenset(("input", "inputs")),
    "optimizer": frozenset(),
}
"""What expressions may name at a place, beside ``name``, ``iteration`` and ``scope``."""

_EVENT_WORDS = frozenset().union(*WORDS_AT.values())
_ACCESS = {"read": "op", "write": "applied", "enter": "scope", "leave": "scope-end", "start": "backward",
           "end": "backward-end"}  # fmt: skip


class Facts(Protocol):
    """What the source of events knows of a place; asked for only where a breakpoint needs it."""

    def touches(self, name: str, frames: Sequence[FrameType]) -> bool:
        """Whether a tensor called ``name`` (a parameter's path, or a variable) is read (before) or written (after)."""
        ...

    def made(self) -> Iterable[NDArray[np.generic]]:
        """The contents of what was made there."""
        ...

    def fed(self) -> Iterable[NDArray[np.generic]]:
        """The contents of what went in."""
        ...

    def words(self) -> Mapping[str, object]:
        """What expressions may name."""
        ...

    def spoils(self) -> str:
        """A sentence naming whose saved tensor the op is about to change, and both lines; "" when none's."""
        ...


@dataclass(slots=True)
class Occasion:
    """A place that a thread has reached. ``scopes`` are open there, outermost first, each by its path and its type; one
    that is entered or left is the last of them."""

    place: str
    name: str
    scopes: Sequence[tuple[str, str]]
    iteration: int
    frame: FrameType
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A breakpoint that stops here. ``message`` is what there is to say beside where."""

    breakpoint: int
    message: str = ""


@dataclass(slots=True)
class Point:
    """One breakpoint as it is asked, and what became of it so far."""

    spec: Breakpoint
    places: frozenset[str]
    condition: Expression | None
    message: Message | None
    problem: str = ""
    hits: int = 0
    spent: bool = False
    seen: int = field(default=-1)
    """The iteration that an iteration breakpoint last looked at."""


class Points:
    """The breakpoints of a run. ``frames_of`` gives the user's frames of a place, innermost last; ``muted`` keeps what
    an expression does from being recorded; ``note`` passes a message on."""

    def __init__(
        self,
        frames_of: Callable[[FrameType], list[FrameType]],
        muted: Callable[[], AbstractContextManager[None]],
        note: Callable[[int, str], None],
    ) -> None:
        self.places: frozenset[str] = frozenset()
        """Where any of them can be hit."""
        self.scoped = False
        """Whether any of them asks in which scope the op of a node ran."""
        self._frames_of = frames_of
        self._muted = muted
        self._note = note
        self._points: dict[int, Point] = {}
        self._at: dict[str, list[Point]] = {}
        self._named: dict[str, dict[str, list[Point]]] = {}

    def set(self, breakpoints: Iterable[Breakpoint]) -> None:
        """Replace all; those that stay as they are keep their counts."""
        before = self._points
        self._points = {}
        for each in breakpoints:
            known = before.get(each.id)
            if known is not None and known.spec == each:
                self._points[each.id] = known
            else:
                self._points[each.id] = _compiled(each, known.hits if known is not None else 0)
        self._arrange()

    def clear(self) -> None:
        """Stop nowhere."""
        self._points = {}
        self._arrange()

    def _arrange(self) -> None:
        self._at, self._named = {}, {}
        self.scoped = any(point.spec.scope and "node" in point.places for point in self._points.values())
        for point in self._points.values():
            if not point.spec.enabled or point.spent or point.problem:
                continue
            plain = point.spec.kind == "op" and not is_pattern(point.spec.op)
            for place in point.places:
                if plain:
                    self._named.setdefault(place, {}).setdefault(point.spec.op, []).append(point)
                else:
                    self._at.setdefault(place, []).append(point)
        self.places = frozenset(self._at) | frozenset(self._named)

    def hits(self, id: int) -> int:
        """How often a breakpoint was hit."""
        point = self._points.get(id)
        return point.hits if point is not None else 0

    def problem(self, id: int) -> str:
        """What is wrong with a breakpoint ("": nothing)."""
        point = self._points.get(id)
        return point.problem if point is not None else ""

    def spent(self, id: int) -> bool:
        """Whether it was to stop once, and has."""
        point = self._points.get(id)
        return point is not None and point.spent

    def at(self, occasion: Occasion) -> Hit | None:
        """Count what is hit here; the first that stops."""
        points: Iterable[Point] = self._at.get(occasion.place, ())
        named = self._named.get(occasion.place)
        if named is not None:
            points = [*points, *named.get(occasion.name, ())]
        stop: Hit | None = None
        for point in points:
            hit = self._look(point, occasion)
            stop = stop or hit
        return stop

    def at_line(self, id: int, occasion: Occasion) -> Hit | None:
        """The same for one line breakpoint, whose line is about to run."""
        point = self._points.get(id)
        return self._look(point, occasion) if point is not None else None

    def _look(self, point: Point, occasion: Occasion) -> Hit | None:
        frames: list[FrameType] = []
        try:
            found = self._matches(point, occasion, frames)
            if found is None:
                return None
            if point.condition is not None and not self._holds(point.condition, occasion, frames):
                return None
        except ExpressionError as error:
            return self._broken(point, str(error))
        point.hits += 1
        if point.hits <= point.spec.ignore:
            return None
        if point.message is not None:
            with self._muted():
                text = point.message.text(_words(occasion), frames or self._frames_of(occasion.frame))
            self._note(point.spec.id, text)
            return None
        if point.spec.once:
            point.spent = True
            self._arrange()
        return Hit(point.spec.id, found)

    def _broken(self, point: Point, problem: str) -> Hit:
        """Stop this once, and say why it will not again."""
        point.problem = problem
        self._arrange()
        return Hit(point.spec.id, tr("breakpoint {id} is off: {problem}", id=point.spec.id, problem=problem))

    def _holds(self, condition: Expression, occasion: Occasion, frames: list[FrameType]) -> bool:
        with self._muted():
            return condition.holds(_words(occasion), frames or self._frames_of(occasion.frame))

    def _matches(self, point: Point, occasion: Occasion, frames: list[FrameType]) -> str | None:
        """None, or what there is to say of the match ("": nothing)."""
        spec = point.spec
        if spec.scope and spec.kind not in ("scope", "line") and not inside(spec.scope, occasion.scopes):
            return None
        facts = occasion.facts
        match spec.kind:
            case "line" | "backward" | "expression":
                return ""
            case "op":
                return "" if matches(occasion.name, spec.op) else None
            case "scope":
                return "" if inside(spec.scope, occasion.scopes[-1:]) else None
            case "optimizer" | "exception":
                return "" if matches(occasion.name, spec.op or "*") else None
            case "iteration":
                fresh = occasion.iteration != point.seen and occasion.iteration == spec.iteration
                point.seen = occasion.iteration
                return "" if fresh else None
            case _ if facts is None:
                return None
            case "tensor" | "gradient":
                frames.extend(self._frames_of(occasion.frame))
                return "" if facts.touches(spec.tensor, frames) else None
            case "nonfinite":
                return _nonfinite(facts)
            case "range":
                return self._leaves(spec, occasion, facts, frames)
            case "spoil":
                return facts.spoils() or None
            case _:
                return None

    def _leaves(self, spec: Breakpoint, occasion: Occasion, facts: Facts, frames: list[FrameType]) -> str | None:
        if spec.op and not matches(occasion.name, spec.op):
            return None
        if spec.tensor:
            frames.extend(self._frames_of(occasion.frame))
            if not facts.touches(spec.tensor, frames):
                return None
        found = outside(facts.made(), spec.low, spec.high)
        return tr("values from {low:.6g} to {high:.6g}", low=found[0], high=found[1]) if found is not None else None


def _compiled(spec: Breakpoint, hits: int) -> Point:
    problem, condition, message = "", None, None
    try:
        condition = Expression(spec.condition) if spec.condition.strip() else None
        message = Message(spec.log) if spec.log else None
    except ExpressionError as error:
        problem = str(error)
    places = PLACES_OF.get(spec.kind, frozenset())
    if spec.kind in ("scope", "backward"):
        places = frozenset((_ACCESS.get(spec.access or ("enter" if spec.kind == "scope" else "start"), ""),))
    elif spec.kind == "tensor" and spec.access:
        places = frozenset((_ACCESS.get(spec.access, ""),))
    elif spec.kind == "expression":
        places = _where(condition)
        problem = problem or ("" if condition is not None else tr("an expression is needed"))
    if not places:
        problem = problem or tr("there is no such kind of breakpoint: {kind}", kind=spec.kind)
    return Point(spec, places, condition, message, problem, hits)


def _where(condition: Expression | None) -> frozenset[str]:
    """Where everything that an expression names of an event is there."""
    asked = (condition.names if condition is not None else frozenset()) & _EVENT_WORDS
    if not asked:
        return frozenset(("op", "node", "backward", "optimizer"))
    found = frozenset(place for place, words in WORDS_AT.items() if asked <= words)
    return found - {"applied", "backward"} if "op" in found else found


def _words(occasion: Occasion) -> dict[str, object]:
    words: dict[str, object] = {
        "name": occasion.name,
        "iteration": occasion.iteration,
        "scope": occasion.scopes[-1][0] if occasion.scopes else "",
    }
    if occasion.facts is not None:
        words.update(occasion.facts.words())
    return words


def _nonfinite(facts: Facts) -> str | None:
    """What there is to say of NaN or an infinity that was made here of finite numbers."""
    array = born_nonfinite(facts.made(), facts.fed())
    if array is None:
        return None
    count = int(array.size - np.count_nonzero(np.isfinite(array)))
    return tr("{count} of {size} elements are NaN or infinite", count=f"{count:,}", size=f"{array.size:,}")
