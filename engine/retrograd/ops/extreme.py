"""The largest, the smallest and the middle element."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.cast import to_copy
from retrograd.ops.compare import eq, ne
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import Dims, filled, reductions, spread, sum_dim
from retrograd.ops.reduce import sum as total
from retrograd.ops.samples import Sample
from retrograd.ops.shape import reshaped
from retrograd.tensor import Tensor


@primitive(samples=filled, name="max", node="MaxBackward1", public=False)
def max(xp: Namespace, input: Array) -> Array:
    """The largest element; equal ones share the gradient."""
    return xp.maximum.reduce(input, axis=None)


@primitive(samples=filled, name="min", node="MinBackward1", public=False)
def min(xp: Namespace, input: Array) -> Array:
    """The smallest element; equal ones share the gradient."""
    return xp.minimum.reduce(input, axis=None)


@primitive(samples=filled, public=False)
def median(xp: Namespace, input: Array) -> Array:
    """The median, of two the lower; NaN where there is one; equal ones share the gradient."""
    flat = xp.sort(input.reshape(-1))
    found: Array = flat[-1] if bool(flat[-1] != flat[-1]) else flat[(flat.size - 1) // 2]
    return found


@primitive(samples=filled, public=False)
def nanmedian(xp: Namespace, input: Array) -> Array:
    """The median of what is not NaN; equal ones share the gradient."""
    flat = xp.sort(input.reshape(-1))
    count = int((flat == flat).sum())
    found: Array = flat[(count - 1) // 2 if count else 0]
    return found


def _equals(input: Tensor, out: Tensor) -> Tensor:
    return eq(input, out) | (ne(input, input) & ne(out, out))


def _to_equal(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    mask = _equals(input, out)
    return g / float(total(mask)) * mask


def _from_equal(t: Tensor, input: Tensor, out: Tensor) -> Tensor:
    mask = _equals(input, out)
    return total(t * mask) / float(total(mask))


for _op in (max, min, median, nanmedian):
    _op.vjp("input")(_to_equal)
    _op.jvp("input")(_from_equal)


def every_way(rng: np.random.Generator) -> Iterator[Sample]:
    """Dimensions to reduce, kept and dropped."""
    return reductions(rng)


@primitive(samples=every_way, public=False)
def amax(xp: Namespace, input: Array, *, dim: Dims, keepdim: bool = False) -> Array:
    """The largest along dimensions; equal ones share the gradient."""
    return xp.maximum.reduce(input, axis=dim, keepdims=keepdim)


@primitive(samples=every_way, public=False)
def amin(xp: Namespace, input: Array, *, dim: Dims, keepdim: bool = False) -> Array:
    """The smallest along dimensions; equal ones share the gradient."""
    return xp.minimum.reduce(input, axis=dim, keepdims=keepdim)


def _share(input: Tensor, out: Tensor, meta: Meta, dim: Dims) -> Tensor:
    mask = to_copy(eq(input, spread(out, meta, dim)), dtype=meta.dtype)
    return mask / sum_dim(mask, dim=dim, keepdim=True)


def _to_extremes(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: Dims) -> Tensor:
    return spread(g, input_meta, dim) * _share(input, out, input_meta, dim)


def _from_extremes(t: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: Dims) -> Tensor:
    return reshaped(sum_dim(t * _share(input, out, input_meta, dim), dim=dim), tuple(out.shape))


for _op in (amax, amin):
    _op.vjp("input")(_to_extremes)
    _op.jvp("input")(_from_extremes)
