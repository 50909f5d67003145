"""The functions behind the modules, under PyTorch's name ``torch.nn.functional``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from retrograd.missing import missing
from retrograd.ops import elementwise, linalg, loss, shape
from retrograd.tensor import Tensor

__all__ = ["l1_loss", "linear", "mse_loss", "relu", "relu_", "sigmoid", "tanh"]

_addmm = linalg.addmm.call
_mse_loss = loss.mse_loss.call
_relu = elementwise.relu.call
_t = shape.t.call


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``.

    Args:
        input: (*, in_features).
        weight: (out_features, in_features), or (in_features) for a single output without a dimension.
        bias: (out_features), or none.

    Raises:
        RuntimeError: when the shapes don't fit.
    """
    if bias is not None and len(input._meta.shape) == 2 and len(weight._meta.shape) == 2:
        return _addmm(bias, input, _t(weight))
    product = input.matmul(_t(weight))
    return product if bias is None else product + bias


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(0, input)``, element by element; ``inplace`` writes it over the input."""
    return input.relu_() if inplace else _relu(input)


def relu_(input: Tensor) -> Tensor:
    """``relu`` in place."""
    return input.relu_()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, element by element."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-input))``, element by element."""
    return input.sigmoid()


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The squared difference of ``input`` and ``target``, reduced by ``reduction``: mean, sum or none."""
    if input._meta.shape != target._meta.shape:
        input, target = _alike(input, target)
    return _mse_loss(input, target, reduction=_known(reduction))


def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The absolute difference of ``input`` and ``target``, reduced by ``reduction``: mean, sum or none."""
    if input._meta.shape != target._meta.shape:
        input, target = _alike(input, target)
    off = (input - target).abs()
    return off if _known(reduction) == "none" else off.mean() if reduction == "mean" else off.sum()


def _known(reduction: str) -> str:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def _alike(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the shape that they broadcast to, with PyTorch's warning: it is seldom what was meant."""
    warnings.warn(
        f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely "
        "lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )
    try:
        common = np.broadcast_shapes(input.shape, target.shape)
    except ValueError as error:
        raise RuntimeError(
            f"the shapes of input {list(input.shape)} and target {list(target.shape)} can't be broadcast together"
        ) from error
    return input.expand(common), target.expand(common)


if not TYPE_CHECKING:  # a checker knows the names there are

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
