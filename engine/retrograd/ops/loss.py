"""Losses, each one primitive with a decomposition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import mean, sum  # noqa: A004
from retrograd.ops.samples import Sample, apart
from retrograd.ops.select import where
from retrograd.tensor import Tensor


def predictions(rng: np.random.Generator) -> Iterator[Sample]:
    """Predictions and targets with every way of reducing."""
    for reduction in ("mean", "sum", "none"):
        yield Sample((apart(rng, 4, 2), apart(rng, 4, 2) + 0.04), {"reduction": reduction})


def _reduce(xp: Namespace, each: Array, reduction: str) -> Array:
    if reduction == "none":
        return each
    total = xp.add.reduce(each, axis=None)
    return total / each.dtype.type(each.size) if reduction == "mean" else total


def _reduced(each: Tensor, reduction: str) -> Tensor:
    return each if reduction == "none" else mean(each) if reduction == "mean" else sum(each)


def _pair(grad: Tensor, needs: Sequence[bool]) -> tuple[Tensor | None, Tensor | None]:
    return grad if needs[0] else None, -grad if needs[1] else None


@primitive(samples=predictions, torch="nn.functional.mse_loss", public=False)
def mse_loss(xp: Namespace, input: Array, target: Array, *, reduction: str = "mean") -> Array:
    """The squared difference: its mean, its sum, or none of both."""
    off = xp.subtract(input, target)
    return _reduce(xp, off * off, reduction)


@mse_loss.vjp("input", "target")
def _(
    g: Tensor, input: Tensor, target: Tensor, needs: Sequence[bool], *, reduction: str
) -> tuple[Tensor | None, Tensor | None]:
    off = input - target
    scale = 2.0 / (math.prod(off.shape) or math.nan) if reduction == "mean" else 2.0
    return _pair(off * (g * scale), needs)


@mse_loss.jvp("input")
def _(t: Tensor, input: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return _reduced(2.0 * (input - target) * t, reduction)


@mse_loss.jvp("target")
def _(t: Tensor, input: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return _reduced(-2.0 * (input - target) * t, reduction)


@mse_loss.decomposed
def _(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    return _reduced((input - target) * (input - target), reduction)


def class_scores(rng: np.random.Generator) -> Iterator[Sample]:
    """Log probabilities of classes and what was right, with weights of classes and what is ignored."""
    for reduction in ("mean", "sum", "none"):
        params: dict[str, object] = {"reduction": reduction, "ignore_index": 1}
        yield Sample((apart(rng, 4, 3), np.array([0, 2, 1, 2]), None), params)
        yield Sample((apart(rng, 2, 3, 2), np.array([[0, 2], [1, 2]]), rng.uniform(0.5, 1.5, 3)), params)


def _class_shares(
    xp: Namespace, target: Array, weight: Array | None, kind: np.dtype[np.generic], ignore_index: int
) -> tuple[Array, Array]:
    """The targets with 0 for what is ignored, and what each counts."""
    counts = target != ignore_index
    safe = xp.where(counts, target, 0)
    if weight is None:
        return safe, counts.astype(kind)
    return safe, xp.where(counts, xp.take(weight, safe), weight.dtype.type(0)).astype(kind)


@primitive(samples=class_scores, torch="-", public=False)
def nll_loss(
    xp: Namespace, input: Array, target: Array, weight: Array | None, *, reduction: str, ignore_index: int
) -> Array:
    """Less input (N, C, ...) at the classes target (N, ...), times weight (C); the mean is by the weights' sum."""
    safe, share = _class_shares(xp, target, weight, input.dtype, ignore_index)
    each = -xp.squeeze(xp.take_along_axis(input, xp.expand_dims(safe, 1), 1), 1) * share
    if reduction == "none":
        return each
    total = xp.add.reduce(each, axis=None)
    return total / xp.add.reduce(share, axis=None) if reduction == "mean" else total


@nll_loss.decomposed
def _(input: Tensor, target: Tensor, weight: Tensor | None, *, reduction: str, ignore_index: int) -> Tensor:
    counts = target != ignore_index
    safe = where(counts, target, 0)
    share: Tensor = counts.to(input.dtype)
    if weight is not None:
        share = share * weight.detach().index_select(0, safe.reshape(-1)).reshape(safe.shape)
    each: Tensor = -input.gather(1, safe.unsqueeze(1)).squeeze(1) * share
    return sum(each) / sum(share) if reduction == "mean" else _reduced(each, reduction)


def class_grads(rng: np.random.Generator) -> Iterator[Sample]:
    """Gradients of such losses."""
    for sample in class_scores(rng):
        scores, target, weight = sample.inputs
        size = target.shape if sample.params["reduction"] == "none" else ()  # type: ignore[attr-defined]  # arrays
        params = {**sample.params, "size": scores.shape}  # type: ignore[attr-defined]
        yield Sample((np.asarray(rng.normal(size=size)), target, weight), params)


@primitive(samples=class_grads, torch="-", public=False)
def nll_loss_backward(
    xp: Namespace,
    input: Array,
    target: Array,
    weight: Array | None,
    *,
    size: tuple[int, ...],
    reduction: str,
    ignore_index: int,
) -> Array:
    """Zeros of ``size`` with the gradient input of ``nll_loss`` at the classes."""
    safe, share = _class_shares(xp, target, weight, input.dtype, ignore_index)
    if reduction == "mean":
        total = xp.add.reduce(share, axis=None)
        share = xp.where(share == 0, share, share / total)  # what is ignored has no gradient even where all is
    made = xp.zeros(size, input.dtype)
    xp.put_along_axis(made, xp.expand_dims(safe, 1), xp.expand_dims(-share * input, 1), 1)
    return made


@nll_loss.vjp("input")
def _(
    g: Tensor, target: Tensor, weight: Tensor | None, input_meta: Meta, *, reduction: str, ignore_index: int
) -> Tensor:
    size = tuple(input_meta.shape)
    return nll_loss_backward(g, target, weight, size=size, reduction=reduction, ignore_index=ignore_index)


@nll_loss_backward.vjp("input")
def _(g: Tensor, target: Tensor, weight: Tensor | None, *, reduction: str, ignore_index: int) -> Tensor:
    return nll_loss(g, target, weight, reduction=reduction, ignore_index=ignore_index)


@nll_loss.jvp("input")
def _(t: Tensor, target: Tensor, weight: Tensor | None, *, reduction: str, ignore_index: int) -> Tensor:
    return nll_loss(t, target, weight, reduction=reduction, ignore_index=ignore_index)


@nll_loss_backward.jvp("input")
def _(
    t: Tensor,
    target: Tensor,
    weight: Tensor | None,
    *,
    size: tuple[int, ...],
    reduction: str,
    ignore_index: int,
) -> Tensor:
    return nll_loss_backward(t, target, weight, size=size, reduction=reduction, ignore_index=ignore_index)
