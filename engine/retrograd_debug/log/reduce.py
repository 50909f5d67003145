"""Folds events into the state of a run, one after the other: the recorder does so while it writes, a reader from the
nearest keyframe on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn, Union

import msgspec

from retrograd_debug.log import passes
from retrograd_debug.log.regions import Region, leave, op_ran
from retrograd_debug.log.state import NodeInfo, OpenScope, State, TensorInfo
from retrograd_events.events import (
    AllocationAnnounced,
    AnyEvent,
    BackwardEnded,
    BackwardId,
    BackwardStarted,
    ConstructionEnded,
    ConstructionStarted,
    DeviceTransferred,
    Edited,
    ExceptionRaised,
    Gap,
    GradientAccumulated,
    GradientsZeroed,
    IterationStarted,
    MemoryAllocated,
    MemoryFreed,
    NodeDefined,
    NodeFinished,
    NodeStarted,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    OutputWritten,
    Ref,
    RunEnded,
    RunStarted,
    ScalarLogged,
    ScopeEntered,
    ScopeExited,
    Seq,
    SiteDefined,
    SiteId,
    TensorId,
    TensorNamed,
    TensorSeen,
    ValueRecorded,
    WarningIssued,
)

_SETUP_KEPT = 1024
_NO_TENSOR = TensorId(0)
_NO_BACKWARD = BackwardId(0)
_NO_SEQ = Seq(0)


def reduce(state: State, event: AnyEvent) -> None:
    """Fold ``event``, the next one, into ``state``."""
    reduce_all(state, (event,))


def reduce_all(state: State, events: Sequence[AnyEvent]) -> None:
    """Fold ``events``, the next ones, into ``state``."""
    if not events:
        return
    # The recorder runs this for every event, and a failed class pattern on a msgspec type costs 0.1 µs.
    frequent = _FREQUENT.get
    for event in events:
        handle = frequent(type(event))
        if handle is not None:
            handle(state, event)
        else:
            _handle(state, event)
    last = events[-1]
    state.seq = last.seq
    state.time = last.time
    state.events += len(events)


def _handle(state: State, event: AnyEvent) -> None:  # noqa: C901 (one case an event kind, exhaustive)
    match event:
        case OpApplied():
            _op_applied(state, event)
        case NodeStarted():
            passes.node_started(state, event)
        case NodeFinished():
            passes.node_finished(state, event)
        case ScopeEntered():
            _scope_entered(state, event)
        case ScopeExited():
            _scope_exited(state, event)
        case GradientAccumulated():
            passes.gradient_accumulated(state, event)
        case ValueRecorded() | ScalarLogged() | SiteDefined():
            _nothing(state, event)
        case MemoryAllocated(device=device, total=total) | MemoryFreed(device=device, total=total):
            state.memory[device] = total
        case IterationStarted(index=index):
            state.iteration = index
            if state.phase != "setup" or index:
                state.phase = "forward"
            _prune(state)
        case TensorSeen(tensor=meta):
            state.tensors[meta.id] = TensorInfo(meta, event.seq, Seq(0), 0, SiteId(0), used=state.iteration)
        case TensorNamed():
            _tensor_named(state, event)
        case NodeDefined(node=node, name=name, tensor=tensor):
            state.nodes[node] = NodeInfo(node, name, Seq(0), tensor, [], used=state.iteration)
            if (info := state.tensors.get(tensor)) is not None:
                info.node = node
        case BackwardStarted():
            passes.backward_started(state, event)
            _enter(state, event, "backward")
        case BackwardEnded():
            _leave(state, event, "backward")
            passes.backward_ended(state, event)
        case OptimizerStepStarted(params=params):
            state.phase = "step"
            _touch_parameters(state, params)
            _enter(state, event, "optimizer")
        case OptimizerStepEnded(params=params):
            _leave(state, event, "optimizer")
            _touch_parameters(state, params)
        case ConstructionStarted():
            _enter(state, event, "construction")
        case ConstructionEnded():
            _leave(state, event, "construction")
        case GradientsZeroed():
            _gradients_zeroed(state, event)
        case DeviceTransferred(target=meta):
            if meta.id not in state.tensors:
                state.tensors[meta.id] = TensorInfo(meta, event.seq, event.seq, 0, SiteId(0), used=state.iteration)
        case Edited():
            _edited(state, event)
        case RunEnded():
            state.phase = "ended"
        case RunStarted() | AllocationAnnounced() | OutputWritten() | WarningIssued() | ExceptionRaised() | Gap():
            pass
        case _:
            assert_never(event)


def assert_never(value: NoReturn) -> NoReturn:
    """Tell the type checker that nothing gets here (``typing.assert_never`` came with Python 3.11)."""
    raise AssertionError(f"unhandled: {value!r}")


def _op_applied(state: State, event: OpApplied) -> None:
    iteration = state.iteration
    tensors = state.tensors
    state.ops += 1
    if state.phase == "setup":
        if event.node:
            state.phase = "forward"
        else:
            state.setup = event.seq
    elif state.phase == "step" and not _in_optimizer(state, event):
        state.phase = "forward"
    if state.regions:
        op_ran(state.regions.get(event.thread, ()))
    for ref in event.inputs:
        info = tensors.get(ref[0])
        if info is not None:
            info.used = iteration
    node = event.node
    seq = event.seq
    for slot, meta in enumerate(event.outputs):
        id = meta.id
        info = tensors.get(id)
        if info is None:
            tensors[id] = TensorInfo(meta, seq, seq, slot, event.site, "", "", 0, None, node, iteration)
        else:
            info.meta = meta
            info.op = seq
            info.slot = slot
            info.site = event.site
            info.used = iteration
            if node:
                info.node = node
    if node:
        state.nodes[node] = NodeInfo(
            node, event.node_name, seq, _NO_TENSOR, event.next,
            "idle", 0, _NO_BACKWARD, _NO_SEQ, _NO_SEQ, 0, passes.NO_GRADS, passes.NO_GRADS, iteration,
        )  # fmt: skip


def _nothing(state: State, event: Union[ValueRecorded, ScalarLogged, SiteDefined]) -> None:
    """Kinds that leave the state as it is."""


def _in_optimizer(state: State, event: OpApplied) -> bool:
    return any(scope.kind == "optimizer" for scope in state.scopes.get(event.thread, ()))


def _scope_entered(state: State, event: ScopeEntered) -> None:
    scope = OpenScope(event.scope, event.kind, event.path, event.type, event.site)
    stack = state.scopes.get(event.thread)
    if stack is None:
        state.scopes[event.thread] = [scope]
    else:
        stack.append(scope)


def _scope_exited(state: State, event: ScopeExited) -> None:
    """Close the scope and whatever was left open inside it."""
    scope = event.scope
    stack = state.scopes.get(event.thread, [])
    for at in range(len(stack) - 1, -1, -1):
        if stack[at].id == scope:
            del stack[at:]
            break
    if not stack:
        state.scopes.pop(event.thread, None)


def _enter(state: State, event: AnyEvent, kind: str) -> None:
    state.regions.setdefault(event.thread, []).append(Region(kind, event.seq))


def _leave(state: State, event: AnyEvent, kind: str) -> None:
    regions = state.regions.get(event.thread)
    if regions is not None:
        leave(regions, kind)
        if not regions:
            del state.regions[event.thread]


def _tensor_named(state: State, event: TensorNamed) -> None:
    info = state.tensors.get(event.tensor)
    if info is not None:
        info.kind, info.path, info.owner = event.kind, event.path, event.owner


def _touch_parameters(state: State, params: list[Ref]) -> None:
    """What an optimizer steps is a parameter, also where no module names it."""
    for tensor, version in params:
        info = state.tensors.get(tensor)
        if info is None:
            continue
        info.used = state.iteration
        if not info.kind:
            info.kind = "parameter"
        if info.meta.version != version:
            info.meta = msgspec.structs.replace(info.meta, version=version)


def _gradients_zeroed(state: State, event: GradientsZeroed) -> None:
    for tensor in event.tensors:
        info = state.tensors.get(tensor)
        if info is None or info.grad is None:
            continue
        if event.to_none:
            state.tensors.pop(info.grad.id, None)
            info.grad = None


def _edited(state: State, event: Edited) -> None:
    info = state.tensors.get(event.before.id)
    if info is not None and event.target in ("tensor", "gradient") and event.after.id == event.before.id:
        info.meta = event.after
    if event.target == "gradient":
        for leaf in state.tensors.values():
            if leaf.grad is not None and leaf.grad.id == event.before.id:
                leaf.grad = event.after


def _prune(state: State) -> None:
    """Forget what neither this iteration nor the one before it touched, but no parameter and no buffer."""
    oldest = state.iteration - 1
    setup = state.setup
    tensors: dict[TensorId, TensorInfo] = {}
    data: list[TensorId] = []
    for id, info in state.tensors.items():
        if info.used >= oldest or info.kind in ("parameter", "buffer"):
            tensors[id] = info
        elif info.born <= setup or not info.op:
            data.append(id)
            tensors[id] = info
    for id in data[:-_SETUP_KEPT]:
        del tensors[id]
    state.tensors = tensors
    state.nodes = {
        id: node
        for id, node in state.nodes.items()
        if node.used >= oldest or (not node.op and node.tensor in state.tensors)
    }


_FREQUENT: Final[Mapping[type, Callable[..., None]]] = {
    OpApplied: _op_applied,
    NodeStarted: passes.node_started,
    NodeFinished: passes.node_finished,
    ScopeEntered: _scope_entered,
    ScopeExited: _scope_exited,
    GradientAccumulated: passes.gradient_accumulated,
    ValueRecorded: _nothing,
    ScalarLogged: _nothing,
    SiteDefined: _nothing,
}
"""A shorter way to the same functions that ``_handle`` names."""
