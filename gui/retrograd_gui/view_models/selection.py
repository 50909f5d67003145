"""What the person has selected: one thing at a time, shown by every panel that knows it."""

from __future__ import annotations

from dataclasses import dataclass

from retrograd_debug.session.api import Snapshot
from retrograd_events.events import NodeId, OpApplied, ScopeId, Seq, TensorId


@dataclass(frozen=True, slots=True)
class Selection:
    """``kind``: "" (nothing), op, node, tensor or scope. ``tensor``/``version`` name the tensor to inspect (an op's
    first output, a leaf); ``facet`` is value or gradient."""

    kind: str = ""
    op: Seq = Seq(0)
    node: NodeId = NodeId(0)
    scope: ScopeId = ScopeId(0)
    tensor: TensorId = TensorId(0)
    version: int = 0
    facet: str = "value"


NOTHING = Selection()


def of_node(snapshot: Snapshot, node: NodeId) -> Selection:
    """A backward node with the op that made it, whose output's gradient enters it; of an AccumulateGrad its leaf."""
    info = snapshot.state.nodes.get(node)
    if info is None:
        return Selection("node", node=node, facet="gradient")
    if info.tensor:
        return Selection("node", node=node, tensor=info.tensor, facet="gradient")
    for events in (snapshot.iteration_events, snapshot.previous_events):
        for event in events:
            if event.seq == info.op and isinstance(event, OpApplied):
                made = event.outputs[0] if event.outputs else None
                tensor, version = (made.id, made.version) if made is not None else (TensorId(0), 0)
                return Selection("node", event.seq, node, event.scope, tensor, version, "gradient")
    return Selection("node", info.op, node, facet="gradient")
