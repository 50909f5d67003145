"""An identity of any number of tensors, with one backward node for all of them: where a module's hooks look in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retrograd.autograd.node import Node, Output
from retrograd.autograd.versions import versions_of
from retrograd.ops.dispatch import make_node
from retrograd.tensor import Tensor, wrap
from retrograd_events.tap import tap

_NAME = "backward_hook_function"
_VIEW = 1


class BackwardHookFunctionBackward(Node):
    """Passes every gradient on as it came."""

    __slots__ = ()

    op_name = _NAME

    def run(self, grad: object) -> Sequence[object]:
        """On raw arrays and on tensors alike: the gradients, one per tensor."""
        return cast("Sequence[object]", grad) if self.outputs else (grad,)

    run_recorded = run


def boundary(*tensors: Tensor) -> tuple[Tensor, ...]:
    """``tensors`` again, sharing storage, behind one ``BackwardHookFunctionBackward`` node. One of them at least must
    require grad."""
    listener = tap.listener
    started = 0 if listener is None else listener.op_starting(_NAME, tensors, {})
    passed = tuple(wrap(tensor._data, tensor._meta, None) for tensor in tensors)
    metas = tuple(tensor._meta for tensor in tensors) if len(tensors) > 1 else ()
    node = make_node(BackwardHookFunctionBackward, tuple(tensor._node for tensor in tensors), (), None, {}, metas)
    for index, (tensor, out) in enumerate(zip(tensors, passed, strict=True)):
        out._cell = versions_of(tensor)
        if out._meta.floating:
            out._node = Output(node, index) if metas else node
    if listener is not None:
        listener.op_applied(_NAME, tensors, {}, passed, started, _VIEW)
    return passed
