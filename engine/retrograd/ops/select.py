"""Choosing between values: where, clamp."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_like
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def choices(rng: np.random.Generator) -> Iterator[Sample]:
    """A mask and two arrays that broadcast."""
    yield Sample((rng.random((2, 3)) > 0.5, apart(rng, 2, 3), apart(rng, 3)))
    yield Sample((rng.random(3) > 0.5, apart(rng, 2, 1), apart(rng, 1, 3)))
    yield Sample((rng.random((2, 3)) > 0.5, apart(rng, 2, 3), 0.5))


@primitive(samples=choices, public=False)
def where(xp: Namespace, condition: Array, input: Array, other: Array) -> Array:
    """input where condition is true, else other."""
    return xp.where(condition, input, other)


@where.vjp("input")
def _(g: Tensor, condition: Tensor, input_meta: Meta) -> Tensor:
    return sum_like(where(condition, g, 0.0), input_meta)


@where.vjp("other")
def _(g: Tensor, condition: Tensor, other_meta: Meta) -> Tensor:
    return sum_like(where(condition, 0.0, g), other_meta)


@where.jvp("input")
def _(t: Tensor, condition: Tensor) -> Tensor:
    return where(condition, t, 0.0)


@where.jvp("other")
def _(t: Tensor, condition: Tensor) -> Tensor:
    return where(condition, 0.0, t)


def bounded(rng: np.random.Generator) -> Iterator[Sample]:
    """An array with a lower bound, an upper bound, and both, away from the values."""
    for params in ({"min": -0.31}, {"max": 0.29}, {"min": -0.31, "max": 0.29}):
        yield Sample((apart(rng, 2, 5),), dict(params))


@primitive(samples=bounded, node="ClampBackward1", public=False)
def clamp(xp: Namespace, input: Array, *, min: float | None = None, max: float | None = None) -> Array:
    """input kept within bounds (numbers)."""
    return xp.clip(input, min, max)


@clamp.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, min: float | None, max: float | None) -> Tensor:
    if min is None or max is None:
        return g * (input <= max if min is None else input >= min)
    return g * ((input >= min) & (input <= max))
