"""Distances between vectors."""

from __future__ import annotations

import math

import numpy as np

from retrograd.functional.create import tensor
from retrograd.functional.join import cat
from retrograd.functional.norms import vector_norm
from retrograd.functional.surface import both, function
from retrograd.tensor import Tensor

MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@both
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return vector_norm(input - other, p)


@function
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = MODES[0]) -> Tensor:
    """The p-norm distance of each vector of x1 (*, n, d) from each of x2 (*, m, d): (*, n, m); batches broadcast.

    Euclidean distances of more than 25 vectors come from a matrix product, unless ``compute_mode`` says otherwise.
    The gradient is 0 where the distance is.
    """
    for name, each in (("x1", x1), ("x2", x2)):
        if each.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {each.ndim}D")
        if not each.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {each.dtype}")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if compute_mode not in MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    many = max(x1.shape[-2], x2.shape[-2]) > 25
    if p == 2 and (compute_mode == MODES[1] or (compute_mode == MODES[0] and many)):
        return _euclidean(x1, x2)
    if not x1.shape[-1]:
        return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).sum(-1)
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def _euclidean(x1: Tensor, x2: Tensor) -> Tensor:
    """|a|² - 2ab + |b|² as one product."""
    norms = x1.square().sum(-1, keepdim=True), x2.square().sum(-1, keepdim=True)
    ones = norms[0].new_ones(norms[0].shape), norms[1].new_ones(norms[1].shape)
    left = cat([x1 * -2.0, norms[0], ones[0]], -1)
    right = cat([x2, ones[1], norms[1]], -1)
    return (left @ right.transpose(-2, -1)).clamp_min(1e-30).sqrt()


@function
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances of all pairs of rows of a matrix (n, d), as the upper triangle has them: n(n - 1) / 2."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = np.triu_indices(input.shape[0], 1)
    rows = [input[tensor(each, device=input.device)] for each in (first, second)]
    difference = rows[0] - rows[1]
    return vector_norm(difference, p, -1) if input.shape[1] or p != math.inf else difference.sum(-1)
