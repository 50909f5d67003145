"""Losses of distances and margins. ``reduction`` is ``mean``, ``sum`` or ``none`` throughout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrograd.functional.create import tensor
from retrograd.functional.surface import function
from retrograd.nn.functional._reduction import chosen, known, reduced
from retrograd.nn.functional.activation import logsigmoid
from retrograd.ops.flat import flat_gather
from retrograd.ops.select import where
from retrograd.tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "pairwise_distance",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@function
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x1 and x2 along ``dim``; lengths are at least ``eps``."""
    if not (x1.dtype.is_floating_point and x2.dtype.is_floating_point):
        raise RuntimeError(f"cosine_similarity needs floating point tensors, got {x1.dtype} and {x2.dtype}")
    shape = np.broadcast_shapes(x1.shape, x2.shape)
    left, right = x1.expand(shape), x2.expand(shape)
    return (_unit(left, dim, eps) * _unit(right, dim, eps)).sum(dim)


def _unit(x: Tensor, dim: int, eps: float) -> Tensor:
    square = (x * x).sum(dim, keepdim=True)
    tiny = square == 0
    length = where.call(tiny, 0.0, where.call(tiny, 1.0, square).sqrt())
    held = length.detach().clamp(min=eps)
    return x / (length + (held - length.detach()))


@function
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


@function
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """input where target is 1; ``max(0, margin - input)`` where it is -1."""
    reduction = chosen(size_average, reduce, reduction)
    near = where.call(target != -1, input, 0.0)
    far = where.call(target != 1, (margin - input).clamp_min(0), 0.0)
    return reduced(near + far, reduction)


@function
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target (input1 - input2) + margin)``: input1 should be larger where target is 1, smaller where -1."""
    reduction = chosen(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


@function
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """With c the cosine of the inputs (N, D) or (D): ``1 - c`` where target is 1, ``max(0, c - margin)`` where -1."""
    reduction = chosen(size_average, reduce, reduction)
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}"
        )
    epsilon = 1e-12
    product = (input1 * input2).sum(target.ndim)
    lengths = ((input1 * input1).sum(target.ndim) + epsilon) * ((input2 * input2).sum(target.ndim) + epsilon)
    cosine = product / lengths.sqrt()
    near = where.call(target == 1, 1 - cosine, 0.0)
    far = where.call(target == -1, (cosine - margin).clamp_min(0), 0.0)
    return reduced(near + far, reduction)


def _same_ranks(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )


@function
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, |anchor - positive| - |anchor - negative| + margin)`` in the p-norm over the last dimension.

    ``swap``: take the distance of positive and negative where it is the smaller (Balntas et al., 2016).
    """
    reduction = chosen(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _same_ranks(anchor, positive, negative)
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """``triplet_margin_loss`` with a distance of one's own."""
    known(reduction)
    distance = pairwise_distance if distance_function is None else distance_function
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _same_ranks(anchor, positive, negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)


def _check_vectors(input: Tensor) -> None:
    if input.ndim > 2 or (input.ndim and not input.shape[-1]):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the other classes of ``max(0, margin - input[target] + input) ** p``, times the target's weight.

    Args:
        input: scores (N, C) or (C).
        target: classes (N) or a single one.
        p: 1 or 2.
        margin: how much more the right class should have.
        weight: (C), or none.
    """
    reduction = chosen(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    _check_vectors(input)
    rows = input.reshape(-1, input.shape[-1] if input.ndim else 1)
    if target.ndim > 1 or target._meta.numel != rows.shape[0]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the batch. Expected target size "
            f"[{rows.shape[0]}], but got {list(target.shape)}"
        )
    if target.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype}")
    if weight is not None and weight.shape[0] != rows.shape[1]:
        raise RuntimeError(f"inconsistent weight size, expected {rows.shape[1]} but got {list(weight.shape)}")
    classes = target.reshape(-1, 1)
    each = (margin - flat_gather.call(rows, classes) + rows).clamp_min(0)
    each = each if p == 1 else each * each
    if weight is not None:
        each = each * weight[classes]
    others = tensor(np.arange(rows.shape[1]), device=input.device) != classes
    lost = where.call(others, each, 0.0).sum(1) / rows.shape[1]
    return reduced(lost.reshape(()) if input.ndim < 2 and target.ndim == 0 else lost, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The sum over all pairs of a right and a wrong class of ``max(0, 1 - input[right] + input[wrong])``, over their
    number. Target (N, C) or (C) lists the right classes of each sample up to the first -1."""
    reduction = chosen(size_average, reduce, reduction)
    _check_vectors(input)
    if tuple(target.shape) != tuple(input.shape):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    width = input.shape[-1] if input.ndim else 1
    rows = input.reshape(-1, width)
    host = target.device.to_host(target._data).reshape(-1, width)
    listed = np.cumsum(host < 0, 1) == 0
    right = np.zeros(host.shape, bool)
    lines = np.nonzero(listed)[0]
    right[lines, host[listed]] = True
    safe = tensor(np.where(listed, host, 0), device=input.device)
    gaps = 1 - flat_gather.call(rows, safe).unsqueeze(2) + rows.unsqueeze(1)
    pairs = tensor(listed[:, :, None] & ~right[:, None, :], device=input.device)
    lost = where.call(pairs, gaps.clamp_min(0), 0.0).sum((1, 2)) / width
    return reduced(lost if input.ndim == 2 else lost.reshape(()), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the classes (last dimension) of the cross entropy of each as a yes or no."""
    reduction = chosen(size_average, reduce, reduction)
    each = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        each = each * weight
    return reduced(each.mean(-1), reduction)
