"""What the person has selected: one thing at a time, shown by every panel that knows it."""

from __future__ import annotations

from dataclasses import dataclass

from retrograd_events.events import NodeId, ScopeId, Seq, TensorId


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
