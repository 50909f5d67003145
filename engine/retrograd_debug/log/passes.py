"""What a backward pass changes in the state: which nodes wait, are ready, have run."""

from __future__ import annotations

from retrograd_debug.log.state import BackwardInfo, NodeInfo, State, TensorInfo
from retrograd_events.events import (
    BackwardEnded,
    BackwardStarted,
    GradientAccumulated,
    NodeFinished,
    NodeId,
    NodeStarted,
    Seq,
    SiteId,
    TensorId,
    TensorMeta,
)

_NO_SEQ = Seq(0)
NO_GRADS: list[TensorMeta | None] = []
"""Shared, as events' own lists are: nothing changes a list of gradients in place."""


def backward_started(state: State, event: BackwardStarted) -> None:
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
        node.grads_in = NO_GRADS
        node.grads_out = NO_GRADS
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


def node_started(state: State, event: NodeStarted) -> None:
    node = state.nodes.get(event.node)
    if node is None:
        node = state.nodes[event.node] = NodeInfo(event.node, event.name, Seq(0), TensorId(0), [])
    node.status = "started"
    node.needs = 0
    node.backward = event.backward
    node.started = event.seq
    node.grads_in = event.grads
    node.used = state.iteration


def node_finished(state: State, event: NodeFinished) -> None:
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


def gradient_accumulated(state: State, event: GradientAccumulated) -> None:
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


def backward_ended(state: State, event: BackwardEnded) -> None:
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
