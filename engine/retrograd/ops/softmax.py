"""Softmax and its logarithm along a dimension, each fused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.activation import wide
from retrograd.ops.elementwise import exp, log
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_dim
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def along(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays with a dimension."""
    yield Sample((apart(rng, 3, 4),), {"dim": 1})
    yield Sample((apart(rng, 2, 3, 4),), {"dim": 0})
    yield Sample((apart(rng, 2, 0),), {"dim": 1})
    yield Sample((apart(rng),), {"dim": 0})


def _shifted(xp: Namespace, input: Array, dim: int) -> tuple[Array, int | None]:
    """input less its largest along the dimension, so that exp can't overflow, and the axis."""
    axis = dim if input.ndim else None
    x = wide(input)
    return xp.subtract(x, xp.maximum.reduce(x, axis=axis, keepdims=True)), axis


@primitive(samples=along, public=False)
def softmax(xp: Namespace, input: Array, *, dim: int) -> Array:
    """exp(input) over its sum along ``dim``; computed from input less its maximum."""
    if not input.size:
        return xp.array(input)
    shifted, axis = _shifted(xp, input, dim)
    out = xp.exp(shifted)
    return xp.divide(out, xp.add.reduce(out, axis=axis, keepdims=True)).astype(input.dtype, copy=False)


def _softmax_rule(g: Tensor, out: Tensor, *, dim: int) -> Tensor:
    weighted = g * out
    return weighted - out * _total(weighted, dim)


softmax.vjp("input")(_softmax_rule)
softmax.jvp("input")(_softmax_rule)


def _total(value: Tensor, dim: int) -> Tensor:
    """The sum along a dimension, kept; of a 0-dimensional value itself."""
    return sum_dim(value, dim=(dim,), keepdim=True) if len(value.shape) else value


@softmax.decomposed
def _(input: Tensor, *, dim: int) -> Tensor:
    powers = exp(input - _peak(input, dim))
    return powers / _total(powers, dim)


def _peak(input: Tensor, dim: int) -> Tensor:
    """The largest along the dimension as a constant: the result does not depend on it."""
    return input.detach().amax(dim, keepdim=True) if input._meta.numel else input.detach().sum(dim, keepdim=True)


@primitive(samples=along, public=False)
def log_softmax(xp: Namespace, input: Array, *, dim: int) -> Array:
    """input less the logarithm of the sum of exp(input) along ``dim``."""
    if not input.size:
        return xp.array(input)
    shifted, axis = _shifted(xp, input, dim)
    total = xp.log(xp.add.reduce(xp.exp(shifted), axis=axis, keepdims=True))
    return xp.subtract(shifted, total).astype(input.dtype, copy=False)


@log_softmax.vjp("input")
def _(g: Tensor, out: Tensor, *, dim: int) -> Tensor:
    return g - exp(out) * _total(g, dim)


@log_softmax.jvp("input")
def _(t: Tensor, out: Tensor, *, dim: int) -> Tensor:
    return t - _total(exp(out) * t, dim)


@log_softmax.decomposed
def _(input: Tensor, *, dim: int) -> Tensor:
    shifted = input - _peak(input, dim)
    return shifted - log(_total(exp(shifted), dim))
