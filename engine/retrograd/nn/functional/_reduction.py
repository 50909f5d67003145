"""What the losses share: reducing, and shapes that should agree."""

from __future__ import annotations

import warnings

import numpy as np

from retrograd.tensor import Tensor


def known(reduction: str) -> str:
    """``reduction``; ``ValueError`` unless it is mean, sum or none."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def chosen(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction, also when it is asked for by PyTorch's older two flags."""
    if size_average is None and reduce is None:
        return known(reduction)
    warnings.warn("size_average and reduce args will be deprecated, please use reduction instead.", stacklevel=3)
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def reduced(each: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of a loss's elements, or (``none``) them."""
    known(reduction)
    return each if reduction == "none" else each.mean() if reduction == "mean" else each.sum()


def alike(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the shape that they broadcast to, with PyTorch's warning: it is seldom what was meant."""
    if input._meta.shape == target._meta.shape:
        return input, target
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
