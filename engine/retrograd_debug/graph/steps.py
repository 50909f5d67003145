"""The operations that a picture shows: those of the cursor's iteration, and, while live, those that the iteration
before lets one expect next.

An operation belongs to the picture's work when a gradient can pass it; what is made where nothing requires grad is data
and shows as a leaf, except in the setup, where there is nothing else to see yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from retrograd_debug.session.api import Hold, Snapshot
from retrograd_events.events import (
    AnyEvent,
    BackwardStarted,
    ExceptionRaised,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    Ref,
    ScalarLogged,
    ScopeEntered,
    ScopeId,
    Seq,
    TensorId,
    TensorMeta,
)

SETUP_SHOWN = 48
"""How many operations of a long setup are drawn: the newest."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation to draw. ``event`` is what happened, of the previous iteration when ``expected``; None for a held
    operation of which only the hold knows."""

    name: str
    event: OpApplied | None
    inputs: tuple[Ref, ...]
    outputs: tuple[TensorMeta, ...]
    wanted: tuple[bool, ...]
    scope: ScopeId
    seq: Seq
    expected: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one iteration's events say that a picture needs. ``work``: operations that gradients pass; ``plain``: the
    others outside the optimizer; ``optimizing``: those of the optimizer's step."""

    work: list[OpApplied]
    plain: list[OpApplied]
    optimizing: list[OpApplied]
    scopes: dict[ScopeId, ScopeEntered]
    backwards: list[BackwardStarted]
    steps: list[OptimizerStepStarted]
    step_ends: list[OptimizerStepEnded]
    scalars: list[ScalarLogged]
    error: ExceptionRaised | None


def optimizer_of(scopes: dict[ScopeId, ScopeEntered], scope: ScopeId) -> ScopeId:
    """The optimizer's scope around ``scope``, 0 when there is none."""
    while scope in scopes:
        entered = scopes[scope]
        if entered.kind == "optimizer":
            return scope
        scope = entered.parent
    return ScopeId(0)


def read(events: Iterable[AnyEvent]) -> Reading:
    """Sort one iteration's events by what they mean for the picture."""
    reading = Reading([], [], [], {}, [], [], [], [], None)
    error: ExceptionRaised | None = None
    for event in events:
        if isinstance(event, OpApplied):
            if event.backward:
                continue
            if optimizer_of(reading.scopes, event.scope):
                reading.optimizing.append(event)
            elif event.node:
                reading.work.append(event)
            else:
                reading.plain.append(event)
        elif isinstance(event, ScopeEntered):
            reading.scopes[event.scope] = event
        elif isinstance(event, BackwardStarted):
            reading.backwards.append(event)
        elif isinstance(event, OptimizerStepStarted):
            reading.steps.append(event)
        elif isinstance(event, OptimizerStepEnded):
            reading.step_ends.append(event)
        elif isinstance(event, ScalarLogged):
            reading.scalars.append(event)
        elif isinstance(event, ExceptionRaised):
            error = event
    return replace(reading, error=error)


def step_of(event: OpApplied) -> Step:
    """An operation as it happened."""
    return Step(
        event.name,
        event,
        tuple(event.inputs),
        tuple(event.outputs),
        tuple(bool(node) for node in event.next),
        event.scope,
        event.seq,
    )


def holds_work(snapshot: Snapshot, hold: Hold | None) -> bool:
    """Whether the held operation is one that gradients will pass: it stands in a module, or an input requires grad."""
    if hold is None or hold.kind != "op":
        return hold is not None and hold.kind in ("node", "backward", "optimizer")
    tensors = snapshot.state.tensors
    wants = [tensors[ref[0]].meta.requires_grad for ref in hold.inputs if ref[0] in tensors]
    if hold.name.endswith("_") and not hold.scope:
        return False
    if any(scope.kind == "module" for scope in snapshot.state.scopes.get(hold.thread, [])):
        return bool(wants) and any(wants)
    return any(wants)


def in_setup(snapshot: Snapshot, reading: Reading) -> bool:
    """Whether the cursor stands before any work of the run's first iteration."""
    if snapshot.state.iteration != 0:
        return False
    if reading.work and reading.work[0].seq <= snapshot.cursor:
        return False
    if any(backward.seq <= snapshot.cursor for backward in reading.backwards):
        return False
    return not (snapshot.live and holds_work(snapshot, snapshot.hold))


def _alike(old: OpApplied, new: OpApplied) -> bool:
    return (
        old.name == new.name
        and len(old.inputs) == len(new.inputs)
        and [output.shape for output in old.outputs] == [output.shape for output in new.outputs]
        and [output.dtype for output in old.outputs] == [output.dtype for output in new.outputs]
    )


def expect(reading: Reading, before: Reading) -> list[Step]:
    """The work still to come if this iteration goes as the one before: empty when it has already parted from it."""
    old, new = before.work, reading.work
    if len(old) <= len(new) or not all(_alike(a, b) for a, b in zip(old, new, strict=False)):
        return []
    renamed: dict[TensorId, TensorId] = {}
    scopes: dict[ScopeId, ScopeId] = {}
    for was, now in zip(old, new, strict=False):
        renamed.update((a[0], b[0]) for a, b in zip(was.inputs, now.inputs, strict=False))
        renamed.update((a.id, b.id) for a, b in zip(was.outputs, now.outputs, strict=False))
        _pair_scopes(scopes, before, reading, was.scope, now.scope)
    steps = []
    for event in old[len(new) :]:
        inputs = tuple((renamed.get(id, id), version) for id, version in event.inputs)
        wanted = tuple(bool(node) for node in event.next)
        scope = scopes.get(event.scope, event.scope)
        steps.append(Step(event.name, event, inputs, tuple(event.outputs), wanted, scope, event.seq, expected=True))
    return steps


def _pair_scopes(pairs: dict[ScopeId, ScopeId], before: Reading, now: Reading, old: ScopeId, new: ScopeId) -> None:
    while old in before.scopes and new in now.scopes and old not in pairs:
        pairs[old] = new
        old, new = before.scopes[old].parent, now.scopes[new].parent


def held_step(hold: Hold) -> Step:
    """The operation that the script is held before, when nothing else tells of it."""
    return Step(hold.name, None, tuple(hold.inputs), (), (), hold.scope, Seq(hold.seq + 1), expected=True, held=True)


def with_hold(steps: Sequence[Step], hold: Hold | None, cursor: Seq) -> list[Step]:
    """``steps`` with the held operation marked: the next expected one when it is that, else a new one at the end of
    what ran (expectations that it contradicts go)."""
    if hold is None or hold.kind != "op":
        return list(steps)
    run = [step for step in steps if not step.expected and step.seq <= cursor]
    coming = list(steps[len(run) :])
    if coming and coming[0].name == hold.name:
        coming[0] = replace(coming[0], held=True)
        return run + coming
    return [*run, held_step(hold)]
