"""Compares two runs: where they part, and how far their losses, parameters and gradients lie apart.

Events are aligned by what they are, their line, their scope, and which occurrence of these they are; so a branch is
compared with its parent, and two unrelated runs of one script with each other. Contents are compared where both runs
recorded them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from retrograd_debug.log.api import Log
from retrograd_debug.log.describe import describe
from retrograd_debug.log.reader import LogReader
from retrograd_debug.log.trace import UNSET
from retrograd_events.events import (
    AnyEvent,
    BackwardEnded,
    BackwardStarted,
    Edited,
    GradientAccumulated,
    GradientsZeroed,
    NodeStarted,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    Ref,
    ScopeEntered,
    Seq,
    SiteDefined,
    SiteId,
    TensorId,
    TensorMeta,
    TensorNamed,
)

_PIECE = 4096

Key = tuple[str, str, str, str]
"""Kind, name, line and scope of an event."""


@dataclass(frozen=True, slots=True)
class Parting:
    """An event of each run (0: none) that were to be the same, in words. ``apart``: the largest difference of an
    element, where it is their contents that differ."""

    left: int
    right: int
    left_text: str
    right_text: str
    apart: float | None = None


@dataclass(frozen=True, slots=True)
class Apart:
    """How far something of a name lies apart: at the end, and when it first did (None: never). ``compared`` are the
    occurrences that both runs recorded. ``norms`` are the last ones' (of a scalar: the values)."""

    name: str
    compared: int
    last: float
    first: int | None
    norms: tuple[float, float]


@dataclass(slots=True)
class Difference:
    """All that was found. ``event``: the first of another kind, line, scope or shape; ``value``: the first op whose
    contents differ by more than the tolerance."""

    left: str
    right: str
    tolerance: float
    parent: int
    """The event of the other run that one of them is a branch at (0: neither is)."""
    event: Parting | None = None
    value: Parting | None = None
    scalars: list[Apart] = field(default_factory=list)
    parameters: list[Apart] = field(default_factory=list)
    gradients: list[Apart] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        everything = (*self.scalars, *self.parameters, *self.gradients)
        return self.event is None and self.value is None and all(each.first is None for each in everything)


@dataclass(slots=True)
class _Op:
    seq: Seq
    outputs: Sequence[TensorMeta]


class _Run:
    """What one run holds, gone through once."""

    def __init__(self, log: LogReader) -> None:
        self.log = log
        self.ops: dict[Key, list[_Op]] = defaultdict(list)
        self.paths: dict[int, str] = {}
        self.parameters: dict[str, Ref] = {}
        self.gradients: dict[str, list[tuple[int, Ref]]] = defaultdict(list)
        self._scopes: dict[int, str] = {0: ""}
        self._stacks: dict[int, list[int]] = defaultdict(list)
        self._lines: dict[SiteId, str] = {}

    def keys(self) -> Iterator[tuple[Key, Sequence[object], AnyEvent]]:
        """Every event that has a key, with the shapes that it has."""
        at = 0
        while at < self.log.head:
            last = min(self.log.head, at + _PIECE)
            for event in self.log.events(Seq(at + 1), Seq(last)):
                found = self._take(event)
                if found is None:
                    self._note(event)
                else:
                    yield (*found, event)
            at = last

    def _take(self, event: AnyEvent) -> tuple[Key, Sequence[object]] | None:
        match event:
            case OpApplied():
                key = ("op", event.name, self._line(event.site), self._scopes.get(event.scope, ""))
                self.ops[key].append(_Op(event.seq, event.outputs))
                for meta in event.outputs:
                    self._changed(meta.id, meta.version)
                return key, [(each.shape, each.dtype) for each in event.outputs]
            case NodeStarted():
                return ("node", event.name, "", ""), [each and (each.shape, each.dtype) for each in event.grads]
            case BackwardStarted():
                return ("backward", "", self._line(event.site), ""), ()
            case BackwardEnded():
                return ("backward ended", "", "", ""), ()
            case OptimizerStepStarted():
                return ("step", event.type, self._line(event.site), ""), ()
            case GradientsZeroed():
                return ("zeroed", "", self._line(event.site), ""), ()
            case Edited():
                return ("edited", event.text, "", ""), ()
            case ScopeEntered():
                self._scopes[event.scope] = event.path or event.type
                return ("scope", event.path or event.type, self._line(event.site), ""), ()
            case _:
                return None

    def _note(self, event: AnyEvent) -> None:
        """What an event says of parameters and their gradients."""
        match event:
            case OptimizerStepEnded():
                for tensor, version in event.params:
                    self._changed(tensor, version)
            case TensorNamed(kind="parameter"):
                self.paths[event.tensor] = event.path
                self.parameters.setdefault(event.path, (event.tensor, 0))
            case GradientAccumulated():
                name = self.paths.setdefault(event.tensor, f"#{event.tensor}")
                iteration = self.log.iteration_at(event.seq)
                number = iteration.index if iteration is not None else 0
                self.gradients[name].append((number, (event.grad.id, event.grad.version)))
            case _:
                pass

    def _changed(self, tensor: TensorId, version: int) -> None:
        path = self.paths.get(tensor)
        if path is not None and not path.startswith("#"):
            self.parameters[path] = (tensor, version)

    def _line(self, site: SiteId) -> str:
        known = self._lines.get(site)
        if known is None:
            found = self.log.sites.get(site)
            known = "" if found is None else f"{os.path.basename(found.file)}:{found.line}"
            self._lines[site] = known
        return known


def compare(left: LogReader, right: LogReader, tolerance: float = 0.0) -> Difference:
    """How ``right`` differs from ``left``; contents count as the same up to ``tolerance`` (largest difference of an
    element)."""
    found = Difference(str(left.path), str(right.path), tolerance, _parent(left, right))
    runs = _Run(left), _Run(right)
    found.event = _first_event(*runs)
    found.value = _first_value(*runs, tolerance)
    found.scalars = _scalars(left, right, tolerance)
    for name in runs[0].parameters:
        if name in runs[1].parameters:
            pair = (0, runs[0].parameters[name]), (0, runs[1].parameters[name])
            found.parameters.append(_apart(runs, name, [pair], tolerance))
    for name, grads in runs[0].gradients.items():
        others = runs[1].gradients.get(name, [])
        if others:
            # a branch that runs on, or a run that ended earlier, has more of them
            found.gradients.append(_apart(runs, name, list(zip(grads, others, strict=False)), tolerance))
    return found


def _parent(left: Log, right: Log) -> int:
    for child, other in ((right, left), (left, right)):
        environment: Mapping[str, str] = child.run.environment if child.run is not None else {}
        if environment.get("parent") == str(other.path.resolve()):
            return int(environment.get("parent.seq", "0"))
    return 0


def _first_event(left: _Run, right: _Run) -> Parting | None:
    """The first event of another kind, line, scope or shape. Goes through both runs to their ends."""
    ours, theirs = left.keys(), right.keys()
    parting = None
    while True:
        one, other = next(ours, None), next(theirs, None)
        if one is None and other is None:
            return parting
        if parting is None and (one is None or other is None or one[:2] != other[:2]):
            parting = Parting(
                one[2].seq if one else 0,
                other[2].seq if other else 0,
                _words(one[2], left.log.sites) if one else "",
                _words(other[2], right.log.sites) if other else "",
            )


def _first_value(left: _Run, right: _Run, tolerance: float) -> Parting | None:
    """The first op, by ``left``'s order, whose contents lie further apart than ``tolerance``."""
    first: tuple[_Op, _Op, float] | None = None
    for key, ops in left.ops.items():
        if key[1] in UNSET:
            continue
        for one, other in zip(ops, right.ops.get(key, ()), strict=False):
            if first is not None and one.seq > first[0].seq:
                break
            apart = _outputs_apart(left, right, one, other)
            if apart is not None and not apart <= tolerance:
                first = one, other, apart
                break
    if first is None:
        return None
    one, other, apart = first
    there = _words(left.log.events(one.seq, one.seq)[0], left.log.sites)
    here = _words(right.log.events(other.seq, other.seq)[0], right.log.sites)
    return Parting(one.seq, other.seq, there, here, apart)


def _outputs_apart(left: _Run, right: _Run, one: _Op, other: _Op) -> float | None:
    found = [
        _values_apart(left, right, (a.id, a.version), (b.id, b.version))
        for a, b in zip(one.outputs, other.outputs, strict=False)
    ]
    known = [each[0] for each in found if each is not None]
    return max(known, default=None)


def _values_apart(left: _Run, right: _Run, one: Ref, other: Ref) -> tuple[float, tuple[float, float]] | None:
    """The largest difference of an element, and both norms; None where one was not recorded, or not the same part."""
    values = left.log.value(*one), right.log.value(*other)
    arrays = [each.array if each is not None else None for each in values]
    a, b = arrays
    if a is None or b is None or a.shape != b.shape or values[0].stride != values[1].stride:  # type: ignore[union-attr]  # an array came of each
        return None
    kind = np.complex128 if a.dtype.kind == "c" else np.float64
    x, y = a.astype(kind), b.astype(kind)
    norms = float(np.sqrt(np.sum(np.abs(x) ** 2))), float(np.sqrt(np.sum(np.abs(y) ** 2)))
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    with np.errstate(invalid="ignore"):
        gaps = np.where(same, 0.0, np.abs(x - y))
    # infinities and NaN on one side only
    worst = float(np.where(np.isnan(gaps), np.inf, gaps).max(initial=0.0))
    return worst, norms


def _apart(
    runs: tuple[_Run, _Run], name: str, pairs: Sequence[tuple[tuple[int, Ref], tuple[int, Ref]]], tolerance: float
) -> Apart:
    compared, last, first, norms = 0, 0.0, None, (0.0, 0.0)
    for (iteration, one), (_, other) in pairs:
        found = _values_apart(*runs, one, other)
        if found is None:
            continue
        compared += 1
        last, norms = found
        if first is None and not last <= tolerance:
            first = iteration
    return Apart(name, compared, last, first, norms)


def _scalars(left: Log, right: Log, tolerance: float) -> list[Apart]:
    """Scalars by name and line, occurrence by occurrence."""
    kept: list[dict[str, list[tuple[int, float]]]] = []
    for log in (left, right):
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for each in log.scalars:
            site, iteration = log.sites.get(each.site), log.iteration_at(each.seq)
            name = each.name if site is None else f"{each.name} ({os.path.basename(site.file)}:{site.line})"
            found[name].append((iteration.index if iteration is not None else 0, each.value))
        kept.append(found)
    result = []
    for name, values in kept[0].items():
        others = kept[1].get(name, [])
        pairs = list(zip(values, others, strict=False))
        if not pairs:
            continue
        gaps = [(at, _gap(one, other)) for (at, one), (_, other) in pairs]
        first = next((at for at, gap in gaps if not gap <= tolerance), None)
        result.append(Apart(name, len(pairs), gaps[-1][1], first, (pairs[-1][0][1], pairs[-1][1][1])))
    return result


def _gap(one: float, other: float) -> float:
    if one == other or (one != one and other != other):
        return 0.0
    gap = abs(one - other)
    return gap if gap == gap else float("inf")


def _words(event: AnyEvent, sites: Mapping[SiteId, SiteDefined]) -> str:
    return describe(event, sites)
