"""Running sums, products and extremes along a dimension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.arrange import flip
from retrograd.ops.compare import eq
from retrograd.ops.complex import abs as absolute
from retrograd.ops.elementwise import exp, log
from retrograd.ops.gather import gather, gathered_back
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.ops.select import where
from retrograd.ops.shape import unsqueeze
from retrograd.ops.views import beside
from retrograd.tensor import Tensor

_LOWEST = float(np.finfo(np.float32).min)  # the logarithm of nothing, but not so that a difference of two is NaN


def runs(rng: np.random.Generator) -> Iterator[Sample]:
    """A dimension to run along."""
    yield Sample((apart(rng, 4),), {"dim": 0})
    yield Sample((apart(rng, 2, 3, 2),), {"dim": 1})
    yield Sample((apart(rng),), {"dim": 0})


@primitive(samples=runs, linear=True, public=False)
def cumsum(xp: Namespace, input: Array, *, dim: int) -> Array:
    """The running sum along ``dim``."""
    return xp.add.accumulate(input, axis=dim) if input.ndim else xp.array(input)


@cumsum.vjp("input")
def _(g: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    return flip(cumsum(flip(g, dims=(dim,)), dim=dim), dims=(dim,)) if input_meta.shape else g


def with_zeros(rng: np.random.Generator) -> Iterator[Sample]:
    """A dimension to run along, with no zero, one, and two."""
    yield from runs(rng)
    one, two = apart(rng, 2, 4), apart(rng, 5)
    one[0, 1] = two[1] = two[3] = 0.0
    yield Sample((one,), {"dim": 1})
    yield Sample((two,), {"dim": 0})


@primitive(samples=with_zeros, public=False)
def cumprod(xp: Namespace, input: Array, *, dim: int) -> Array:
    """The running product along ``dim``."""
    return xp.multiply.accumulate(input, axis=dim) if input.ndim else xp.array(input)


@cumprod.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    if not input_meta.shape or input_meta.shape[dim] == 1:
        return g
    if not bool(eq(input, 0).any()):
        return flip(cumsum(flip(g * out, dims=(dim,)), dim=dim), dims=(dim,)) / input
    weights = _without_each(input, dim, len(input_meta.shape))
    return (unsqueeze(g, dim=dim) * weights).sum(dim + 1)


@cumprod.jvp("input")
def _(t: Tensor, input: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    if not input_meta.shape:
        return t
    return (unsqueeze(t, dim=dim + 1) * _without_each(input, dim, len(input_meta.shape))).sum(dim)


def _without_each(input: Tensor, dim: int, rank: int) -> Tensor:
    """[..., i, j, ...]: the product of the elements up to j without the i-th, 0 where i > j (dims ``dim``, ``dim+1``).

    It divides by nothing, so that it is right where elements are zero.
    """
    length = input.shape[dim]
    wide = (-1,) + (1,) * (rank - dim - 1)
    steps = np.arange(length)
    here = (steps[:, None] == steps).reshape((length, *wide))
    reached = (steps[:, None] <= steps).reshape((length, *wide))
    without = where(beside(input, here), 1.0, unsqueeze(input, dim=dim))
    return where(beside(input, reached), cumprod(without, dim=dim + 1), 0.0)


@primitive(samples=runs, public=False)
def logcumsumexp(xp: Namespace, input: Array, *, dim: int) -> Array:
    """The logarithm of the running sum of exponentials along ``dim``."""
    return xp.logaddexp.accumulate(input, axis=dim) if input.ndim else xp.array(input)


@logcumsumexp.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    if not input_meta.shape:
        return g
    size = log(absolute(g))
    up = _log_sums_after(where(g > 0, size, _LOWEST) - out, dim)
    down = _log_sums_after(where(g < 0, size, _LOWEST) - out, dim)
    return exp(up + input) - exp(down + input)


def _log_sums_after(value: Tensor, dim: int) -> Tensor:
    return flip(logcumsumexp(flip(value, dims=(dim,)), dim=dim), dims=(dim,))


@logcumsumexp.jvp("input")
def _(t: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    if not input_meta.shape:
        return t
    return cumsum(t * exp(input - input.max()), dim=dim) / exp(out - input.max())


def extreme_runs(rng: np.random.Generator) -> Iterator[Sample]:
    """A dimension to run along, for the largest and the smallest."""
    for sample in runs(rng):
        for which in ("max", "min"):
            yield Sample(sample.inputs, {**sample.params, "which": which})


@primitive(
    samples=extreme_runs, torch="-", name="cummax", node="CummaxBackward0", outputs=("values", "indices"), public=False
)
def cumextreme(xp: Namespace, input: Array, *, dim: int, which: str) -> tuple[Array, Array]:
    """The running extreme along ``dim``, and where it last was; NaN is every extreme."""
    if not input.ndim:
        return xp.array(input), xp.zeros((), "int64")
    values = (xp.maximum if which == "max" else xp.minimum).accumulate(input, axis=dim)
    steps = xp.arange(input.shape[dim]).reshape((-1,) + (1,) * (input.ndim - dim - 1))
    reached = input == values if input.dtype.kind not in "fc" else (input == values) | xp.isnan(input)
    return values, xp.maximum.accumulate(xp.where(reached, steps, 0), axis=dim)


@cumextreme.vjp("input")
def _(g: Sequence[Tensor], indices: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    size = tuple(input_meta.shape)
    return gathered_back(g[0], indices, size=size, dim=dim) if size else g[0]


@cumextreme.jvp("input")
def _(t: Tensor, indices: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    return gather(t, indices, dim=dim) if input_meta.shape else t
