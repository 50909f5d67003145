"""Losses, each one primitive with a decomposition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import mean, sum  # noqa: A004
from retrograd.ops.samples import Sample, apart
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
