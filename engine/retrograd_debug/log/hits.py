"""Where breakpoints are hit in a recorded log.

What a breakpoint asks of events and recorded values is answered here by the rules that hold at the gate
(``retrograd_debug.agent.points``); an expression is only ever evaluated in the script's own process, so a breakpoint
with a condition is not looked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd_debug.log.api import Log
from retrograd_debug.session.api import Breakpoint
from retrograd_debug.session.contents import born_nonfinite, outside
from retrograd_debug.session.lines import resolve_line
from retrograd_debug.session.patterns import inside, matches
from retrograd_events.events import (
    IN_PLACE,
    AnyEvent,
    BackwardEnded,
    BackwardStarted,
    ConstructionStarted,
    ExceptionRaised,
    GradientAccumulated,
    GradientsZeroed,
    IterationStarted,
    NodeFinished,
    NodeId,
    NodeStarted,
    OpApplied,
    OptimizerStepStarted,
    ScopeEntered,
    ScopeExited,
    ScopeId,
    Seq,
    SiteId,
    TensorId,
    TensorMeta,
    TensorNamed,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNANSWERED = frozenset(("expression", "spoil"))
"""Kinds that only the running script can answer."""


class Hits:
    """The hits of those of ``breakpoints`` that stop and that a log can answer. False when there are none of them."""

    def __init__(self, log: Log, breakpoints: Sequence[Breakpoint]) -> None:
        self._log = log
        self._lines: set[tuple[str, int]] = set()
        self._points: list[Breakpoint] = []
        for each in breakpoints:
            if not each.enabled or each.log or each.condition.strip() or each.kind in UNANSWERED:
                continue
            if each.kind == "line":
                file = os.path.realpath(each.file)
                line, _ = resolve_line(file, each.line, log.source(file))
                self._lines.add((file, line))
            else:
                self._points.append(each)

    def __bool__(self) -> bool:
        return bool(self._points or self._lines)

    def among(self, events: Sequence[AnyEvent]) -> Iterator[Seq]:
        """Where ``events``, those of an iteration, hit one of them."""
        if self._lines:
            yield from self._on_lines(events)
        if self._points and events:
            window = _Window(self._log, events[0].seq)
            for event in events:
                window.follow(event)
                if any(_is_hit(each, event, window) for each in self._points):
                    yield event.seq

    def _on_lines(self, events: Iterable[AnyEvent]) -> Iterator[Seq]:
        """A line is hit where it begins, not with each thing that it does. It goes on after the lines of what it calls,
        which lie deeper on the stack."""
        running: dict[int, dict[int, tuple[str, int]]] = {}
        for event in events:
            site = _site(event)
            where = self._log.sites.get(site) if site else None
            if where is None:
                continue
            lines = running.setdefault(event.thread, {})
            for depth in [depth for depth in lines if depth > where.depth]:
                del lines[depth]
            here = (where.file, where.line)
            if here in self._lines and lines.get(where.depth) != here:
                yield event.seq
            lines[where.depth] = here


class _Window:
    """What is known beside an event, while the events of an iteration are gone through."""

    def __init__(self, log: Log, first: Seq) -> None:
        state = log.state_at(Seq(first - 1))
        self.log = log
        self.iteration = state.iteration
        self.fresh = False
        """No op, pass or step of the iteration has come yet."""
        self._scopes: dict[ScopeId, tuple[str, str, ScopeId]] = {}
        for stack in state.scopes.values():
            parent = ScopeId(0)
            for scope in stack:
                self._scopes[scope.id] = (scope.path, scope.type, parent)
                parent = scope.id
        self._made_in: dict[NodeId, ScopeId] = {}
        self.paths: dict[TensorId, str] = {id: info.path for id, info in state.tensors.items() if info.path}
        self.went_in: dict[NodeId, Sequence[TensorMeta | None]] = {}

    def follow(self, event: AnyEvent) -> None:
        """Take note of what later events refer to."""
        match event:
            case IterationStarted(index=index):
                self.iteration, self.fresh = index, True
            case ScopeEntered(scope=scope, path=path, type=type, parent=parent):
                self._scopes[scope] = (path, type, parent)
            case OpApplied(node=node, scope=scope) if node:
                self._made_in[node] = scope
            case TensorNamed(tensor=tensor, path=path):
                self.paths[tensor] = path
            case NodeStarted(node=node, grads=grads):
                self.went_in[node] = grads
            case _:
                pass

    def scopes(self, event: AnyEvent) -> list[tuple[str, str]]:
        """Path and type of the scopes that ``event`` belongs to, innermost first; a node's are its op's."""
        scope = ScopeId(0)
        match event:
            case OpApplied(scope=found) | ScopeEntered(scope=found) | ScopeExited(scope=found):
                scope = found
            case NodeStarted(node=node) | NodeFinished(node=node):
                scope = self._made_in.get(node, ScopeId(0))
            case _:
                pass
        found_scopes = []
        while scope in self._scopes:
            path, type_name, parent = self._scopes[scope]
            found_scopes.append((path, type_name))
            scope = parent
        return found_scopes

    def values(self, metas: Iterable[tuple[TensorId, int] | None]) -> Iterator[NDArray[np.generic]]:
        """Recorded contents, where they were kept whole."""
        for each in metas:
            value = self.log.value(*each) if each is not None and each[0] else None
            if value is not None and value.array is not None:
                yield value.array


def _is_hit(point: Breakpoint, event: AnyEvent, window: _Window) -> bool:  # one case a kind
    if point.scope and point.kind != "scope" and not inside(point.scope, window.scopes(event)):
        return False
    match point.kind:
        case "op":
            return matches(_name(event), point.op)
        case "scope":
            entered = point.access != "leave"
            right = isinstance(event, ScopeEntered if entered else ScopeExited)
            return right and inside(point.scope, window.scopes(event)[:1])
        case "tensor":
            return window.paths != {} and _touches(point, event, window)
        case "gradient":
            return isinstance(event, GradientAccumulated) and window.paths.get(event.tensor) == point.tensor
        case "backward":
            return isinstance(event, BackwardEnded if point.access == "end" else BackwardStarted)
        case "iteration":
            return _first_of(point.iteration, event, window)
        case "optimizer":
            return isinstance(event, OptimizerStepStarted) and matches(event.type, point.op or "*")
        case "exception":
            return isinstance(event, ExceptionRaised) and matches(event.type, point.op or "*")
        case "nonfinite":
            return _is_born(event, window)
        case "range":
            return _leaves(point, event, window)
        case _:
            return False


def _touches(point: Breakpoint, event: AnyEvent, window: _Window) -> bool:
    if not isinstance(event, OpApplied):
        return False
    reads = point.access != "write" and any(window.paths.get(id) == point.tensor for id, _ in event.inputs)
    writes = point.access != "read" and bool(event.flags & IN_PLACE)
    return reads or (writes and any(window.paths.get(meta.id) == point.tensor for meta in event.outputs))


def _first_of(iteration: int, event: AnyEvent, window: _Window) -> bool:
    if window.iteration != iteration or not window.fresh:
        return False
    window.fresh = not isinstance(event, (OpApplied, BackwardStarted, OptimizerStepStarted))
    return not window.fresh


def _made(event: AnyEvent) -> list[tuple[TensorId, int] | None]:
    match event:
        case OpApplied(outputs=outputs):
            return [(meta.id, meta.version) for meta in outputs]
        case NodeFinished(grads=grads):
            return [None if meta is None else (meta.id, meta.version) for meta in grads]
        case GradientAccumulated(grad=meta):
            return [(meta.id, meta.version)]
        case _:
            return []


def _is_born(event: AnyEvent, window: _Window) -> bool:
    came: Sequence[tuple[TensorId, int] | None] = ()
    if isinstance(event, GradientAccumulated):
        return False
    if isinstance(event, OpApplied):
        came = event.inputs
    elif isinstance(event, NodeFinished):
        came = [None if meta is None else (meta.id, meta.version) for meta in window.went_in.get(event.node, ())]
    return born_nonfinite(window.values(_made(event)), window.values(came)) is not None


def _leaves(point: Breakpoint, event: AnyEvent, window: _Window) -> bool:
    name = "AccumulateGrad" if isinstance(event, GradientAccumulated) else _name(event)
    if point.op and not matches(name, point.op):
        return False
    if point.tensor and not (isinstance(event, GradientAccumulated) and window.paths.get(event.tensor) == point.tensor):
        writes = Breakpoint(0, "tensor", tensor=point.tensor, access="write")
        if not _touches(writes, event, window):
            return False
    return outside(window.values(_made(event)), point.low, point.high) is not None


def _name(event: AnyEvent) -> str:
    """What a breakpoint on an op may name of ``event``."""
    match event:
        case OpApplied(name=name) | NodeStarted(name=name):
            return name
        case BackwardStarted():
            return "backward"
        case OptimizerStepStarted(type=type):
            return type
        case _:
            return ""


def _site(event: AnyEvent) -> SiteId:
    match event:
        case OpApplied(site=site) | BackwardStarted(site=site) | OptimizerStepStarted(site=site):
            return site
        case ScopeEntered(site=site) | GradientsZeroed(site=site) | ConstructionStarted(site=site):
            return site
        case _:
            return SiteId(0)
