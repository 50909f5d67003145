"""Order along a dimension: sort, topk, and picks by rank (kthvalue, median, mode)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.gather import gather, gathered_back
from retrograd.ops.primitive import Primitive, primitive
from retrograd.ops.reduce import one_dim
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import reshaped
from retrograd.tensor import Tensor

PAIR = ("values", "indices")


def order(xp: Namespace, input: Array, dim: int, descending: bool) -> Array:
    """The indices that sort ``input`` along ``dim``, equal ones in their order; NaN is the largest."""
    if not descending:
        return xp.argsort(input, axis=dim, kind="stable")
    turned = xp.argsort(xp.flip(input, dim), axis=dim, kind="stable")
    return xp.flip(input.shape[dim] - 1 - turned, dim)


def _back(g: Sequence[Tensor], indices: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    size = tuple(input_meta.shape)
    return gathered_back(g[0], indices, size=size, dim=dim) if size else g[0]


def _forth(t: Tensor, indices: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    return gather(t, indices, dim=dim) if input_meta.shape else t


def sorts(rng: np.random.Generator) -> Iterator[Sample]:
    """A dimension to sort along, both ways."""
    yield Sample((apart(rng, 5),), {"dim": 0, "descending": False})
    yield Sample((apart(rng, 2, 4, 3),), {"dim": 1, "descending": True})
    yield Sample((apart(rng),), {"dim": 0, "descending": False})


@primitive(samples=sorts, torch="-", outputs=PAIR, public=False)
def sort(xp: Namespace, input: Array, *, dim: int, descending: bool) -> tuple[Array, Array]:
    """The elements in order along ``dim``, and where they were; equal ones keep their order."""
    if not input.ndim:
        return xp.array(input), xp.zeros((), "int64")
    found = order(xp, input, dim, descending)
    return xp.take_along_axis(input, found, axis=dim), found


sort.vjp("input")(_back)
sort.jvp("input")(_forth)


def tops(rng: np.random.Generator) -> Iterator[Sample]:
    """How many of the largest or smallest."""
    yield Sample((apart(rng, 5),), {"k": 2, "dim": 0, "largest": True})
    yield Sample((apart(rng, 2, 4, 3),), {"k": 3, "dim": 1, "largest": False})


@primitive(samples=tops, torch="-", outputs=PAIR, public=False)
def topk(xp: Namespace, input: Array, *, k: int, dim: int, largest: bool) -> tuple[Array, Array]:
    """The ``k`` largest (or smallest) along ``dim`` in order, and where they were."""
    if not input.ndim:
        return xp.array(input), xp.zeros((), "int64")
    part = (slice(None),) * dim + (slice(0, k),)
    found = xp.array(order(xp, input, dim, largest)[part])
    return xp.take_along_axis(input, found, axis=dim), found


topk.vjp("input")(_back)
topk.jvp("input")(_forth)

Find = Callable[[Namespace, Array], Array]


def _picked(xp: Namespace, input: Array, dim: int, keepdim: bool, find: Find) -> tuple[Array, Array]:
    """What ``find`` points at in each line of ``dim``; it gets the lines as the last dimension."""
    if not input.ndim:
        return xp.array(input), xp.zeros((), "int64")
    lines = xp.moveaxis(input, dim, -1)
    places = find(xp, lines)
    values = xp.take_along_axis(lines, places, axis=-1)
    if keepdim:
        return xp.array(xp.moveaxis(values, -1, dim)), xp.array(xp.moveaxis(places, -1, dim))
    return values[..., 0], places[..., 0]


def _pick_back(g: Sequence[Tensor], indices: Tensor, input_meta: Meta, *, dim: int, keepdim: bool) -> Tensor:
    size = tuple(input_meta.shape)
    if not size:
        return g[0]
    kept = tuple(1 if place == dim % len(size) else length for place, length in enumerate(size))
    return gathered_back(reshaped(g[0], kept), reshaped(indices, kept), size=size, dim=dim % len(size))


def _pick_forth(t: Tensor, indices: Tensor, input_meta: Meta, *, dim: int, keepdim: bool) -> Tensor:
    size = tuple(input_meta.shape)
    if not size:
        return t
    kept = tuple(1 if place == dim % len(size) else length for place, length in enumerate(size))
    return reshaped(gather(t, reshaped(indices, kept), dim=dim % len(size)), tuple(indices.shape))


def _picking(op: Primitive) -> Primitive:
    op.vjp("input")(_pick_back)
    op.jvp("input")(_pick_forth)
    return op


def _first_nan_or(xp: Namespace, lines: Array, places: Array) -> Array:
    if lines.dtype.kind != "f":
        return places
    lost = xp.isnan(lines)
    return xp.where(lost.any(-1, keepdims=True), xp.argmax(lost, axis=-1)[..., None], places)


def ranks(rng: np.random.Generator) -> Iterator[Sample]:
    """A rank along a dimension."""
    yield Sample((apart(rng, 2, 4, 3),), {"k": 2, "dim": 1, "keepdim": False})
    yield Sample((apart(rng, 5),), {"k": 5, "dim": 0, "keepdim": True})
    yield Sample((apart(rng),), {"k": 1, "dim": 0, "keepdim": False})


@_picking
@primitive(samples=ranks, torch="-", outputs=PAIR, public=False)
def kthvalue(xp: Namespace, input: Array, *, k: int, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The ``k``-th smallest along ``dim``, and where it is."""
    return _picked(xp, input, dim, keepdim, lambda xp, lines: order(xp, lines, -1, False)[..., k - 1 : k])


def _middle(xp: Namespace, lines: Array) -> Array:
    middle = (lines.shape[-1] - 1) // 2
    return _first_nan_or(xp, lines, order(xp, lines, -1, False)[..., middle : middle + 1])


def _middle_of_numbers(xp: Namespace, lines: Array) -> Array:
    count = (lines == lines).sum(-1, keepdims=True)
    return xp.take_along_axis(order(xp, lines, -1, False), xp.maximum((count - 1) // 2, 0), axis=-1)


def _most_frequent(xp: Namespace, lines: Array) -> Array:
    found = order(xp, lines, -1, False)
    ordered = xp.take_along_axis(lines, found, axis=-1)
    steps = xp.arange(lines.shape[-1])
    fresh = xp.concatenate([xp.ones_like(ordered[..., :1], "bool"), ordered[..., 1:] != ordered[..., :-1]], axis=-1)
    since = steps - xp.maximum.accumulate(xp.where(fresh, steps, 0), axis=-1)
    return xp.take_along_axis(found, xp.argmax(since, axis=-1)[..., None], axis=-1)


def pick_samples(rng: np.random.Generator) -> Iterator[Sample]:
    """One dimension to look along, kept and dropped."""
    return one_dim(rng)


@_picking
@primitive(samples=pick_samples, torch="-", node="MedianBackward1", outputs=PAIR, name="median", public=False)
def median_dim(xp: Namespace, input: Array, *, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The lower median along ``dim``, and where it is; NaN where there is one."""
    return _picked(xp, input, dim, keepdim, _middle)


@_picking
@primitive(samples=pick_samples, torch="-", node="NanmedianBackward1", outputs=PAIR, name="nanmedian", public=False)
def nanmedian_dim(xp: Namespace, input: Array, *, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The lower median of what is not NaN along ``dim``, and where it is."""
    return _picked(xp, input, dim, keepdim, _middle_of_numbers)


@_picking
@primitive(samples=pick_samples, torch="-", outputs=PAIR, public=False)
def mode(xp: Namespace, input: Array, *, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The most frequent value along ``dim`` (of several the smallest), and where it is last."""
    return _picked(xp, input, dim, keepdim, _most_frequent)
