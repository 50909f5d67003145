"""Keeping gradients small."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable

from retrograd.autograd.mode import no_grad
from retrograd.functional.create import tensor
from retrograd.functional.join import stack
from retrograd.functional.norms import vector_norm
from retrograd.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Tensors = Tensor | Iterable[Tensor]


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all tensors as if they were one vector.

    Args:
        norm_type: its order; ``inf`` for the largest modulus.
        foreach: accepted as in PyTorch, where it chooses between implementations of the same numbers.

    Raises:
        RuntimeError: with ``error_if_nonfinite``, when it is infinite or no number.
    """
    found = _listed(tensors)
    order = float(norm_type)
    if not found:
        return tensor(0.0)
    norms = [vector_norm(each, order).to(found[0].device) for each in found]
    total = vector_norm(stack(norms), order)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply all gradients, in place, by ``max_norm / (total_norm + 1e-6)`` where that is below 1.

    Args:
        foreach: accepted as in PyTorch, where it chooses between implementations of the same numbers.
    """
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for grad in _gradients(parameters):
        grad.mul_(factor.to(grad.device))


@no_grad()
def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """``get_total_norm`` of all gradients, which it returns, and ``clip_grads_with_norm_`` by it.

    Args:
        parameters: those without a gradient are passed over.

    Raises:
        RuntimeError: with ``error_if_nonfinite``, when the norm is infinite or no number.
    """
    known = _listed(parameters)
    if not known and isinstance(parameters, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", UserWarning, stacklevel=3)
    total = get_total_norm(_gradients(known), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(known, max_norm, total, foreach)
    return total


@no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Keep every element of every gradient within ±``clip_value``, in place.

    Args:
        foreach: accepted as in PyTorch, where it chooses between implementations of the same numbers.
    """
    limit = float(clip_value)
    for grad in _gradients(parameters):
        grad.clamp_(-limit, limit)


def _listed(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensors) -> list[Tensor]:
    return [each.grad for each in _listed(parameters) if each.grad is not None]
