"""The state of a run at one event: what a reader knows after reducing every event up to it.

``State`` is data only. ``reduce`` folds one event into it; the recorder does so while writing (its keyframes are
encoded states), the reader does so from the nearest keyframe on. Both use this one function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn, Union

import msgspec

from retrograd_events.events import (
    AllocationAnnounced,
    AnyEvent,
    BackwardEnded,
    BackwardId,
    BackwardStarted,
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
    NodeId,
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
    ScopeId,
    Seq,
    SiteDefined,
    SiteId,
    TensorId,
    TensorMeta,
    TensorNamed,
    TensorSeen,
    ValueRecorded,
    WarningIssued,
)


class TensorInfo(msgspec.Struct):
    """A tensor that can still matter. ``op`` is the seq of the op that made or last changed it (0: from outside),
    ``slot`` its place among that op's outputs. ``kind``: parameter, buffer, gradient or "" (plain). ``path`` is set for
    parameters and buffers. ``grad`` is what ``.grad`` holds. ``used`` is the iteration that last touched it."""

    meta: TensorMeta
    born: Seq
    op: Seq
    slot: int
    site: SiteId
    kind: str = ""
    path: str = ""
    owner: int = 0
    grad: TensorMeta | None = None
    node: NodeId = NodeId(0)
    used: int = 0


class NodeInfo(msgspec.Struct):
    """A backward node. ``op``: seq of its forward op (0 for AccumulateGrad, then ``tensor`` is its leaf). ``status``:
    idle (no backward reached it), waiting (needed by the open pass, ``needs`` gradients still to come), ready (all
    there), started, done. ``grads_in``/``grads_out``: of the latest pass, when seen. ``used`` is the iteration that
    last touched it."""

    id: NodeId
    name: str
    op: Seq
    tensor: TensorId
    next: list[NodeId]
    status: str = "idle"
    needs: int = 0
    backward: BackwardId = BackwardId(0)
    started: Seq = Seq(0)
    finished: Seq = Seq(0)
    duration: int = 0
    grads_in: list[Union[TensorMeta, None]] = []
    grads_out: list[Union[TensorMeta, None]] = []
    used: int = 0


class BackwardInfo(msgspec.Struct):
    """An open (or the latest) backward pass; ``ended`` is 0 while it is open. ``total`` nodes are needed, ``done`` of
    them have run."""

    id: BackwardId
    parent: BackwardId
    started: Seq
    site: SiteId
    roots: list[Ref]
    ended: Seq = Seq(0)
    total: int = 0
    done: int = 0


class OpenScope(msgspec.Struct):
    """A scope that is open in a thread."""

    id: ScopeId
    kind: str
    path: str
    type: str
    site: SiteId


class State(msgspec.Struct):
    """Everything known at ``seq``. ``phase``: setup (before iteration work), forward, backward, step, ended.

    ``tensors`` and ``nodes`` hold what the current and the previous iteration touched, and every parameter and buffer;
    ``tensors`` also the newest 1,024 of what came from outside or was made before the first forward op (``setup`` is
    the last event before that): data, which a later iteration may take up again.
    """

    seq: Seq = Seq(0)
    time: int = 0
    iteration: int = 0
    phase: str = "setup"
    ops: int = 0
    nodes_run: int = 0
    events: int = 0
    scopes: dict[int, list[OpenScope]] = {}
    tensors: dict[TensorId, TensorInfo] = {}
    nodes: dict[NodeId, NodeInfo] = {}
    backwards: list[BackwardInfo] = []
    memory: dict[str, int] = {}
    setup: Seq = Seq(0)


_SETUP_KEPT = 1024
_NO_TENSOR = TensorId(0)
_NO_BACKWARD = BackwardId(0)
_NO_SEQ = Seq(0)
_NO_GRADS: list[Union[TensorMeta, None]] = []
"""Shared, as events' own lists are: nothing changes a list of gradients in place."""


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
            _node_started(state, event)
        case NodeFinished():
            _node_finished(state, event)
        case ScopeEntered():
            _scope_entered(state, event)
        case ScopeExited():
            _scope_exited(state, event)
        case GradientAccumulated():
            _gradient_accumulated(state, event)
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
            _backward_started(state, event)
        case BackwardEnded():
            _backward_ended(state, event)
        case OptimizerStepStarted(params=params):
            state.phase = "step"
            _touch_parameters(state, params)
        case OptimizerStepEnded(params=params):
            _touch_parameters(state, params)
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
            "idle", 0, _NO_BACKWARD, _NO_SEQ, _NO_SEQ, 0, _NO_GRADS, _NO_GRADS, iteration,
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


def _backward_started(state: State, event: BackwardStarted) -> None:
    state.phase = "backward"
    needed = _needed(state, event)
    arriving = dict.fromkeys(needed, 0)
    for id in needed:
        for following in state.nodes[id].next:
            if following in arriving:
                arriving[following] += 1
    for id, count in arriving.items():
        node = state.nodes[id]
        node.status = "waiting" if count else "ready"
        node.needs = count
        node.backward = event.backward
        node.started = node.finished = _NO_SEQ
        node.duration = 0
        node.grads_in = _NO_GRADS
        node.grads_out = _NO_GRADS
        node.used = state.iteration
    state.backwards = [info for info in state.backwards if not info.ended]
    state.backwards.append(
        BackwardInfo(event.backward, event.parent, event.seq, event.site, event.roots, total=len(needed))
    )


def _needed(state: State, event: BackwardStarted) -> list[NodeId]:
    """The nodes that this pass will run: all that the roots reach or, with ``inputs``, those that lead to one of them.

    Without recursion: a chain may be 100,000 nodes long.
    """
    nodes = state.nodes
    reached = [id for id in dict.fromkeys(event.root_nodes) if id in nodes]
    seen = set(reached)
    for id in reached:  # grows while it is walked
        for following in nodes[id].next:
            if following not in seen and following in nodes:
                seen.add(following)
                reached.append(following)
    if not event.inputs:
        return reached
    wanted = set(event.inputs)
    behind: dict[NodeId, list[NodeId]] = {}
    for id in reached:
        for following in nodes[id].next:
            behind.setdefault(following, []).append(id)
    targets = {info.node for tensor in wanted if (info := state.tensors.get(tensor)) is not None}
    leading = [id for id in reached if id in targets or nodes[id].tensor in wanted]
    kept = set(leading)
    for id in leading:
        for before in behind.get(id, ()):
            if before not in kept:
                kept.add(before)
                leading.append(before)
    return [id for id in reached if id in kept]


def _node_started(state: State, event: NodeStarted) -> None:
    node = state.nodes.get(event.node)
    if node is None:
        node = state.nodes[event.node] = NodeInfo(event.node, event.name, Seq(0), TensorId(0), [])
    node.status = "started"
    node.needs = 0
    node.backward = event.backward
    node.started = event.seq
    node.grads_in = event.grads
    node.used = state.iteration


def _node_finished(state: State, event: NodeFinished) -> None:
    state.nodes_run += 1
    node = state.nodes.get(event.node)
    if node is None:
        return
    node.status = "done"
    node.finished = event.seq
    node.duration = event.duration
    node.grads_out = event.grads
    for id in node.next:
        following = state.nodes.get(id)
        if following is not None and following.status == "waiting" and following.backward == event.backward:
            following.needs -= 1
            if following.needs <= 0:
                following.status = "ready"
    for info in reversed(state.backwards):
        if info.id == event.backward:
            info.done += 1
            break


def _gradient_accumulated(state: State, event: GradientAccumulated) -> None:
    leaf = state.tensors.get(event.tensor)
    if leaf is not None:
        leaf.grad = event.grad
        leaf.used = state.iteration
    known = state.tensors.get(event.grad.id)
    if known is None:
        state.tensors[event.grad.id] = TensorInfo(
            event.grad, event.seq, event.seq, 0, SiteId(0), kind="gradient", owner=event.tensor, used=state.iteration
        )
    else:
        known.meta = event.grad
        known.used = state.iteration


def _backward_ended(state: State, event: BackwardEnded) -> None:
    """Nodes that the pass did not run after all (an error, a captured input) wait no longer."""
    for info in state.backwards:
        if info.id == event.backward:
            info.ended = event.seq
    for node in state.nodes.values():
        if node.backward == event.backward and node.status in ("waiting", "ready"):
            node.status = "idle"
            node.needs = 0
    if all(info.ended for info in state.backwards):
        state.phase = "step" if _stepping(state) else "forward"


def _stepping(state: State) -> bool:
    return any(scope.kind == "optimizer" for stack in state.scopes.values() for scope in stack)


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
    NodeStarted: _node_started,
    NodeFinished: _node_finished,
    ScopeEntered: _scope_entered,
    ScopeExited: _scope_exited,
    GradientAccumulated: _gradient_accumulated,
    ValueRecorded: _nothing,
    ScalarLogged: _nothing,
    SiteDefined: _nothing,
}
"""A shorter way to the same functions that ``_handle`` names."""
