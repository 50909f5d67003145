"""Sums, means, variances; and broadcasting, whose gradient is a sum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace, broadcast_to
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart, reals
from retrograd.ops.shape import reshaped
from retrograd.tensor import Tensor

Dims = tuple[int, ...]


def kept(shape: tuple[int, ...], dim: Dims) -> tuple[int, ...]:
    """``shape`` with the reduced dimensions kept as 1."""
    rank = len(shape)
    gone = {each % rank for each in dim} if rank else set()
    return tuple(1 if place in gone else length for place, length in enumerate(shape))


def spread(value: Tensor, meta: Meta, dim: Dims) -> Tensor:
    """A reduced value (or its gradient) over the shape it was reduced from."""
    return expand(reshaped(value, kept(meta.shape, dim)), size=tuple(meta.shape))


def sum_like(g: Tensor, meta: Meta) -> Tensor:
    """A gradient summed to the shape that was broadcast."""
    shape = tuple(g.shape)
    if shape == tuple(meta.shape):
        return g
    extra = len(shape) - len(meta.shape)
    axes = tuple(range(extra)) + tuple(
        extra + place for place, length in enumerate(meta.shape) if length == 1 and shape[extra + place] != 1
    )
    return reshaped(sum_dim(g, dim=axes, keepdim=True) if axes else g, tuple(meta.shape))


def spreads(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays with a larger shape they broadcast to."""
    yield Sample((apart(rng, 3, 1),), {"size": (2, 3, 4)})
    yield Sample((apart(rng),), {"size": (2,)})
    yield Sample((apart(rng, 1),), {"size": (0,)})


@primitive(samples=spreads, torch="-", view=True, linear=True, public=False)
def expand(xp: Namespace, input: Array, *, size: Dims) -> Array:
    """Repeated along dimensions of length 1, without a copy."""
    return broadcast_to(xp, input, size)


@expand.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return sum_like(g, input_meta)


@primitive(samples=reals, linear=True, public=False)
def sum(xp: Namespace, input: Array) -> Array:
    """The sum of all elements."""
    return xp.add.reduce(input, axis=None)


@sum.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return expand(g, size=input_meta.shape)


def reductions(rng: np.random.Generator) -> Iterator[Sample]:
    """Dimensions to reduce, kept and dropped."""
    for dim, keepdim in (((0,), False), ((1,), True), ((0, 2), False), ((-1, 0), True)):
        yield Sample((apart(rng, 2, 3, 4),), {"dim": dim, "keepdim": keepdim})


def one_dim(rng: np.random.Generator) -> Iterator[Sample]:
    """One dimension to reduce, kept and dropped."""
    for dim, keepdim in ((0, False), (1, True), (-1, False)):
        yield Sample((apart(rng, 2, 3, 4),), {"dim": dim, "keepdim": keepdim})


@primitive(samples=reductions, name="sum", node="SumBackward1", linear=True, public=False)
def sum_dim(xp: Namespace, input: Array, *, dim: Dims, keepdim: bool = False) -> Array:
    """The sum along dimensions."""
    return xp.add.reduce(input, axis=dim, keepdims=keepdim)


@sum_dim.vjp("input")
def _(g: Tensor, input_meta: Meta, *, dim: Dims) -> Tensor:
    return spread(g, input_meta, dim)


def filled(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays that are not empty."""
    for shape in ((), (5,), (2, 3)):
        yield Sample((apart(rng, *shape),))


@primitive(samples=filled, linear=True, public=False)
def mean(xp: Namespace, input: Array) -> Array:
    """The mean of all elements."""
    return xp.true_divide(xp.add.reduce(input, axis=None), input.dtype.type(input.size))


@mean.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return expand(g / input_meta.numel, size=input_meta.shape)


def count_of(meta: Meta, dim: Dims) -> int:
    count = 1
    for each in dim:
        count *= meta.shape[each] if meta.shape else 1
    return count


@primitive(samples=reductions, name="mean", node="MeanBackward1", linear=True, public=False)
def mean_dim(xp: Namespace, input: Array, *, dim: Dims, keepdim: bool = False) -> Array:
    """The mean along dimensions."""
    total = xp.add.reduce(input, axis=dim, keepdims=keepdim)
    count = 1
    for each in dim:
        count *= input.shape[each] if input.ndim else 1
    return xp.true_divide(total, input.dtype.type(count))


@mean_dim.vjp("input")
def _(g: Tensor, input_meta: Meta, *, dim: Dims) -> Tensor:
    return spread(g / count_of(input_meta, dim), input_meta, dim)


def variances(rng: np.random.Generator) -> Iterator[Sample]:
    """Dimensions and corrections."""
    for dim, correction, keepdim in (((0,), 1, False), ((0, 1), 0, True), ((-1,), 2, False)):
        yield Sample((apart(rng, 4, 5),), {"dim": dim, "correction": correction, "keepdim": keepdim})


@primitive(samples=variances, public=False)
def var(xp: Namespace, input: Array, *, dim: Dims, correction: float = 1, keepdim: bool = False) -> Array:
    """The variance along dimensions; ``correction`` is taken off the count."""
    count = 1
    for each in dim:
        count *= input.shape[each] if input.ndim else 1
    kind = input.dtype.type
    off = input - xp.add.reduce(input, axis=dim, keepdims=True) / kind(count)
    left = count - correction
    total = xp.add.reduce(off * off, axis=dim, keepdims=keepdim)
    return xp.true_divide(total, kind(left if left > 0 else 0))


@var.vjp("input")
def _(g: Tensor, input: Tensor, input_meta: Meta, *, dim: Dims, correction: float) -> Tensor:
    count = count_of(input_meta, dim)
    off = input - mean_dim(input, dim=dim, keepdim=True)
    return spread(g, input_meta, dim) * off * (2.0 / (count - correction))


@var.jvp("input")
def _(t: Tensor, input: Tensor, input_meta: Meta, *, dim: Dims, correction: float, keepdim: bool) -> Tensor:
    off = input - mean_dim(input, dim=dim, keepdim=True)
    return sum_dim(t * off, dim=dim, keepdim=keepdim) * (2.0 / (count_of(input_meta, dim) - correction))
