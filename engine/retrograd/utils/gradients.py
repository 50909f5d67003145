"""Clearing gradients, as modules and optimizers do it."""

from __future__ import annotations

from collections.abc import Iterable

from retrograd.tensor import Tensor
from retrograd_events.tap import tap


def clear_gradients(owner: object, tensors: Iterable[Tensor], set_to_none: bool) -> None:
    """Set each ``.grad`` to None, or to zeros in place, and tell the tap whose they were.

    Args:
        owner: the module or optimizer that was asked.
        tensors: those without a gradient are passed over.
        set_to_none: False keeps the gradient's memory and cuts it from its graph.
    """
    listener = tap.listener
    if set_to_none and listener is None:
        for tensor in tensors:
            tensor.grad = None
        return
    cleared = [tensor for tensor in tensors if tensor.grad is not None]
    for tensor in cleared:
        if set_to_none:
            tensor.grad = None
        elif tensor.grad is not None:
            tensor.grad = tensor.grad.detach().requires_grad_(False)
            tensor.grad.zero_()
    if listener is not None:
        listener.gradients_zeroed(owner, cleared, set_to_none)
