"""Reading and writing along one dimension by an array of indices: gather, scatter and its reductions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.dtypes import dtype as DType
from retrograd.meta import Array, Meta
from retrograd.ops.cast import to_copy
from retrograd.ops.compare import eq
from retrograd.ops.fill import fill
from retrograd.ops.mask import masked_fill
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.ops.select import where
from retrograd.tensor import Tensor

Key = tuple[Array, ...]


def along(xp: Namespace, index: Array, dim: int) -> Key:
    """The full index that ``index`` stands for in dimension ``dim``: in every other, each element's own place."""
    rank = index.ndim
    return tuple(
        index if axis == dim else xp.arange(length).reshape((-1,) + (1,) * (rank - axis - 1))
        for axis, length in enumerate(index.shape)
    )


def lookups(rng: np.random.Generator) -> Iterator[Sample]:
    """Indices of a dimension, with repeats, for fewer places of the others."""
    yield Sample((apart(rng, 3, 4), np.array([[0, 2, 2], [1, 1, 0]])), {"dim": 0})
    yield Sample((apart(rng, 2, 3), np.array([[2, 0, 2, 1], [1, 1, 0, 0]])), {"dim": 1})


@primitive(samples=lookups, torch="-", public=False)
def gather(xp: Namespace, input: Array, index: Array, *, dim: int) -> Array:
    """The elements at ``index`` along ``dim``."""
    return input[along(xp, index, dim)]


@gather.vjp("input")
def _(g: Tensor, index: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    return gathered_back(g, index, size=tuple(input_meta.shape), dim=dim)


@gather.jvp("input")
def _(t: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return gather(t, index, dim=dim)


def spread_lookups(rng: np.random.Generator) -> Iterator[Sample]:
    """Gradients of lookups."""
    yield Sample((apart(rng, 2, 3), np.array([[0, 2, 2], [1, 1, 0]])), {"size": (3, 4), "dim": 0})


@primitive(samples=spread_lookups, torch="-", name="gather_backward", public=False)
def gathered_back(xp: Namespace, input: Array, index: Array, *, size: tuple[int, ...], dim: int) -> Array:
    """Zeros of ``size`` to which ``input`` is added at ``index`` along ``dim``."""
    made = xp.zeros(size, input.dtype)
    xp.add.at(made, along(xp, index, dim), input)
    return made


@gathered_back.vjp("input")
def _(g: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return gather(g, index, dim=dim)


@gathered_back.jvp("input")
def _(t: Tensor, index: Tensor, *, size: tuple[int, ...], dim: int) -> Tensor:
    return gathered_back(t, index, size=size, dim=dim)


def scatters(rng: np.random.Generator) -> Iterator[Sample]:
    """Elements and distinct places for them."""
    yield Sample((apart(rng, 3, 4), np.array([[0, 2, 1], [1, 0, 0]]), apart(rng, 2, 3)), {"dim": 0})
    yield Sample((apart(rng, 2, 3), np.array([[2, 0], [1, 2]]), apart(rng, 2, 2)), {"dim": 1})


@primitive(samples=scatters, torch="-", public=False)
def scatter(xp: Namespace, input: Array, index: Array, src: Array, *, dim: int) -> Array:
    """A copy of input with ``src`` at ``index`` along ``dim``."""
    made = xp.array(input)
    made[along(xp, index, dim)] = src
    return made


@scatter.vjp("input")
def _(g: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return scatter(g, index, 0.0, dim=dim)


@scatter.vjp("src")
def _(g: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return gather(g, index, dim=dim)


@scatter.jvp("input")
def _(t: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return scatter(t, index, 0.0, dim=dim)


@scatter.jvp("src")
def _(t: Tensor, input: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return scatter(fill(input, 0.0), index, t, dim=dim)


def additions(rng: np.random.Generator) -> Iterator[Sample]:
    """Elements and places for them, some of which repeat."""
    yield Sample((apart(rng, 3, 4), np.array([[0, 2, 2], [0, 1, 0]]), apart(rng, 2, 3)), {"dim": 0})
    yield Sample((apart(rng, 2, 3), np.array([[2, 2], [1, 0]]), apart(rng, 2, 2)), {"dim": 1})


@primitive(samples=additions, torch="-", public=False)
def scatter_add(xp: Namespace, input: Array, index: Array, src: Array, *, dim: int) -> Array:
    """A copy of input to which ``src`` is added at ``index`` along ``dim``."""
    made = xp.array(input)
    xp.add.at(made, along(xp, index, dim), src)
    return made


@scatter_add.vjp("input")
def _(g: Tensor) -> Tensor:
    return g


@scatter_add.vjp("src")
def _(g: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return gather(g, index, dim=dim)


@scatter_add.jvp("input")
def _(t: Tensor) -> Tensor:
    return t


@scatter_add.jvp("src")
def _(t: Tensor, input: Tensor, index: Tensor, *, dim: int) -> Tensor:
    return scatter_add(fill(input, 0.0), index, t, dim=dim)


def extreme_scatters(rng: np.random.Generator) -> Iterator[Sample]:
    """Distinct elements and places for them, some of which repeat."""
    for which in ("amax", "amin"):
        yield Sample(
            (apart(rng, 3, 4), np.array([[0, 2, 2], [0, 1, 0]]), apart(rng, 2, 3) + 0.03), {"dim": 0, "which": which}
        )


@primitive(samples=extreme_scatters, torch="-", name="scatter_reduce", node="ScatterReduceBackward0", public=False)
def scatter_extreme(xp: Namespace, input: Array, index: Array, src: Array, *, dim: int, which: str) -> Array:
    """The largest (or smallest) of each element and those of ``src`` that ``index`` sends there; equal ones share the
    gradient."""
    made = xp.array(input)
    join = xp.maximum if which == "amax" else xp.minimum
    join.at(made, along(xp, index, dim), src)
    return made


def _shares(
    input: Tensor, index: Tensor, src: Tensor, out: Tensor, kind: DType, dim: int
) -> tuple[Tensor, Tensor, Tensor]:
    own = to_copy(eq(input, out), dtype=kind)
    sent = to_copy(eq(src, gather(out, index, dim=dim)), dtype=kind)
    return own, sent, scatter_add(own, index, sent, dim=dim)


@scatter_extreme.vjp("input", "src")
def _(
    g: Tensor,
    input: Tensor,
    index: Tensor,
    src: Tensor,
    out: Tensor,
    input_meta: Meta,
    needs: Sequence[bool],
    *,
    dim: int,
) -> tuple[Tensor | None, Tensor | None]:
    own, sent, count = _shares(input, index, src, out, input_meta.dtype, dim)
    each = g / count
    return own * each if needs[0] else None, sent * gather(each, index, dim=dim) if needs[1] else None


@scatter_extreme.jvp("input")
def _(t: Tensor, input: Tensor, index: Tensor, src: Tensor, out: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    own, _sent, count = _shares(input, index, src, out, input_meta.dtype, dim)
    return t * own / count


@scatter_extreme.jvp("src")
def _(t: Tensor, input: Tensor, index: Tensor, src: Tensor, out: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    _own, sent, count = _shares(input, index, src, out, input_meta.dtype, dim)
    return scatter_add(fill(input, 0.0), index, t * sent, dim=dim) / count


def products(rng: np.random.Generator) -> Iterator[Sample]:
    """Elements and places for them, some of which repeat."""
    yield Sample((apart(rng, 3, 4), np.array([[0, 2, 2], [0, 1, 0]]), apart(rng, 2, 3)), {"dim": 0})


@primitive(samples=products, torch="-", name="scatter_reduce", node="ScatterReduceBackward0", public=False)
def scatter_prod(xp: Namespace, input: Array, index: Array, src: Array, *, dim: int) -> Array:
    """Each element times those of ``src`` that ``index`` sends there."""
    made = xp.array(input)
    xp.multiply.at(made, along(xp, index, dim), src)
    return made


@scatter_prod.vjp("input")
def _(g: Tensor, input: Tensor, index: Tensor, src: Tensor, *, dim: int) -> Tensor:
    return g * scatter_prod(fill(input, 1.0), index, src, dim=dim)


def _others(input: Tensor, index: Tensor, src: Tensor, out: Tensor, kind: DType, dim: int) -> Tensor:
    """For each of ``src`` the product of all else sent to its place; without division by one that alone is zero."""
    zero = eq(src, 0)
    zeros = gather(scatter_add(fill(input, 0.0), index, to_copy(zero, dtype=kind), dim=dim), index, dim=dim)
    numbers = masked_fill(src, zero, value=1)
    without = gather(scatter_prod(input, index, numbers, dim=dim), index, dim=dim)
    return where(zero & eq(zeros, 1), without, gather(out, index, dim=dim) / numbers)


@scatter_prod.vjp("src")
def _(g: Tensor, input: Tensor, index: Tensor, src: Tensor, out: Tensor, src_meta: Meta, *, dim: int) -> Tensor:
    return gather(g, index, dim=dim) * _others(input, index, src, out, src_meta.dtype, dim)


@scatter_prod.jvp("input")
def _(t: Tensor, input: Tensor, index: Tensor, src: Tensor, *, dim: int) -> Tensor:
    return t * scatter_prod(fill(input, 1.0), index, src, dim=dim)


@scatter_prod.jvp("src")
def _(t: Tensor, input: Tensor, index: Tensor, src: Tensor, out: Tensor, src_meta: Meta, *, dim: int) -> Tensor:
    others = _others(input, index, src, out, src_meta.dtype, dim)
    return scatter_add(fill(input, 0.0), index, t * others, dim=dim)
