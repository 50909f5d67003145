"""Recording where a thread asked for more than a node: saved-tensor hooks, inference mode, anomaly mode.

While no thread does, ``mode.special`` is empty and nothing here runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrograd.autograd.mode import EVERYWHERE, mode, no_grad, special
from retrograd.autograd.node import Node
from retrograd.autograd.versions import Untracked
from retrograd.meta import Meta
from retrograd.tensor import Tensor, wrap

if TYPE_CHECKING:
    from retrograd.ops.primitive import Op


def asked(
    op: Op,
    inputs: Sequence[object],
    outs: Sequence[Tensor],
    metas: tuple[Meta | None, ...] | None,
    params: Mapping[str, object],
) -> bool:
    """Do what this thread asked for with an op's outputs; whether that included to record it."""
    if mode.inference:
        untrack(outs)
        return True
    if not (mode.packers or EVERYWHERE in special):
        return False
    from retrograd.autograd import anomaly
    from retrograd.ops.dispatch import record

    if op.node_type is not None and mode.enabled:
        edges = tuple([each._node if isinstance(each, Tensor) else None for each in inputs])
        if edges.count(None) < len(edges):
            record(op, inputs, outs, edges, metas, dict(params))
    if EVERYWHERE in special:
        anomaly.seen(inputs, outs)
    return True


def untrack(outs: Sequence[Tensor]) -> None:
    """Note that tensors were made in inference mode, if they share nothing with one that was not."""
    for each in outs:
        if each._base is None:
            each._cell = Untracked()


class Packed:
    """A saved tensor as the user's hook packed it, and what is needed to have it again."""

    __slots__ = ("edge", "is_output", "payload", "unpack")

    def __init__(self, tensor: Tensor) -> None:
        pack, self.unpack = mode.packers[-1]
        self.edge = tensor._node
        with no_grad():
            self.payload = pack(wrap(tensor._data, tensor._meta, None))

    def restore(self) -> Tensor:
        """What the user's hook makes of it."""
        with no_grad():
            found = self.unpack(self.payload)
        if not isinstance(found, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got {type(found).__name__}"
            )
        return wrap(found._data, found._meta, self.edge)


def packed(saved: tuple[object, ...]) -> tuple[object, ...]:
    """``saved`` with its tensors packed by this thread's innermost hooks."""
    return tuple(
        [Packed(each) if isinstance(each, Tensor) else packed(each) if type(each) is tuple else each for each in saved]
    )


def unpacked(saved: tuple[object, ...]) -> tuple[object, ...]:
    """``packed`` undone."""
    return tuple(
        [
            each.restore() if isinstance(each, Packed) else unpacked(each) if type(each) is tuple else each
            for each in saved
        ]
    )


def pack(node: Node) -> None:
    """Let this thread's hooks, if it has any, pack what ``node`` saved."""
    if mode.packers and node.saved and any(isinstance(each, (Tensor, tuple)) for each in node.saved):
        node.saved = packed(node.saved)
        node._hooks().packed = True
