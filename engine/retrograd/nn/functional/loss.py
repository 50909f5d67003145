"""Losses of numbers and of probabilities. ``reduction`` is ``mean``, ``sum`` or ``none`` throughout."""

from __future__ import annotations

import math

from retrograd.functional.create import tensor
from retrograd.nn.functional._reduction import alike, chosen, known, reduced
from retrograd.nn.functional.activation import softplus
from retrograd.ops.loss import mse_loss as _mse_loss
from retrograd.ops.select import where
from retrograd.tensor import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
]


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared difference of ``input`` and ``target``, each times ``weight`` if given."""
    reduction = chosen(size_average, reduce, reduction)
    if input._meta.shape != target._meta.shape:
        input, target = alike(input, target)
    if input.dtype is not target.dtype:
        kind = (input * target.detach()).dtype if target._meta.numel else input.dtype
        input, target = input.to(kind), target.to(kind)
    if weight is not None:
        return _weighted(_mse_loss.call(input, target, reduction="none"), weight, reduction)
    return _mse_loss.call(input, target, reduction=reduction)


def _weighted(each: Tensor, weight: Tensor, reduction: str) -> Tensor:
    """A loss whose mean is by the weights' sum."""
    if weight.shape != each.shape:
        raise ValueError("Inputs and weights must have the same size.")
    total = each * weight
    return total.sum() / weight.sum() if reduction == "mean" else reduced(total, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The absolute difference of ``input`` and ``target``, each times ``weight`` if given."""
    reduction = chosen(size_average, reduce, reduction)
    input, target = alike(input, target)
    off = (input - target).abs()
    return reduced(off, reduction) if weight is None else _weighted(off, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """With d the absolute difference: ``d² / (2 beta)`` below ``beta``, else ``d - beta / 2`` (Girshick, 2015)."""
    reduction = chosen(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = alike(input, target)
    off = (input - target).abs()
    if beta == 0:
        return reduced(off, reduction)
    return reduced(where.call(off < beta, off * off * (0.5 / beta), off - 0.5 * beta), reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """With d the absolute difference: ``d² / 2`` up to ``delta``, else ``delta (d - delta / 2)`` (Huber, 1964)."""
    known(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = alike(input, target)
    off = (input - target).abs()
    each = where.call(off <= delta, off * off * 0.5, (off - 0.5 * delta) * delta)
    return reduced(each, reduction) if weight is None else _weighted(each, weight, reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(target log(input) + (1 - target) log(1 - input))``, times ``weight``; logarithms are at least -100.

    Raises:
        ValueError: when the shapes differ.
        RuntimeError: for an input outside [0, 1].
    """
    reduction = chosen(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    array = input._data
    if array.size and not bool(((array >= 0) & (array <= 1)).all()):
        raise RuntimeError("all elements of input should be between 0 and 1")
    each = (target - 1) * (1 - input).log().clamp(min=-100) - target * input.log().clamp(min=-100)
    return reduced(each if weight is None else each * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """``binary_cross_entropy`` of ``sigmoid(input)`` without overflow; ``pos_weight`` multiplies target's share."""
    reduction = chosen(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    lost = softplus(-input, 1.0, math.inf)
    if pos_weight is None:
        each = (1 - target) * input + lost
    else:
        each = (1 - target) * input + ((pos_weight - 1) * target + 1) * lost
    return reduced(each if weight is None else each * weight, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """``target (log(target) - input)``: the divergence of probabilities whose logarithms are ``input``.

    ``log_target``: target is given by logarithms as well; ``reduction`` may be ``batchmean``, the sum over the batch's
    length.
    """
    if reduction == "batchmean":
        total = _divergence(input, target, log_target).sum()
        return total / input.shape[0] if input.ndim else total
    return reduced(_divergence(input, target, log_target), chosen(size_average, reduce, reduction))


def _divergence(input: Tensor, target: Tensor, log_target: bool) -> Tensor:
    if log_target:
        return target.exp() * (target - input)
    some = target != 0
    safe = where.call(some, target, 1.0)
    return where.call(some, target * safe.log(), 0.0) - target * input


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log likelihood of counts with rate ``input`` (``log_input``: its logarithm); ``full`` adds
    Stirling's term for the factorial."""
    reduction = chosen(size_average, reduce, reduction)
    each = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        each = each + stirling.masked_fill(target <= 1, 0)
    return reduced(each, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log likelihood of normal targets with mean ``input`` and variance ``var`` (at least ``eps``).

    ``var`` has input's shape, or 1 in place of one length, or lacks the last. ``full`` adds the constant.

    Raises:
        ValueError: for a negative variance or one that does not fit.
    """
    if not isinstance(var, Tensor):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = tensor(float(var), dtype=input.dtype, device=input.device).expand(input.shape)
    elif var._meta.numel and bool((var._data < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif input.ndim != var.ndim or [n for n, m in zip(var.shape, input.shape, strict=True) if n != m] != [1]:
            raise ValueError("var is of incorrect size")
    known(reduction)
    held = var + (var.detach().clamp(min=eps) - var.detach())  # raised to eps without losing its gradient
    each = 0.5 * (held.log() + (input - target) ** 2 / held)
    return reduced(each + 0.5 * math.log(2 * math.pi) if full else each, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``log(1 + exp(-target input))`` for targets of 1 and -1."""
    return reduced(softplus(-target * input, 1.0, math.inf), chosen(size_average, reduce, reduction))
