"""Where extremes lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import one_dim
from retrograd.ops.samples import Sample
from retrograd.tensor import Tensor


@primitive(samples=one_dim, public=False)
def argmax(xp: Namespace, input: Array, *, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the first largest element."""
    return xp.argmax(input, axis=dim, keepdims=keepdim)


@primitive(samples=one_dim, public=False)
def argmin(xp: Namespace, input: Array, *, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the first smallest element."""
    return xp.argmin(input, axis=dim, keepdims=keepdim)


def extremes(rng: np.random.Generator) -> Iterator[Sample]:
    """One dimension to look along, for largest and smallest."""
    for sample in one_dim(rng):
        for which in ("max", "min"):
            yield Sample(sample.inputs, {**sample.params, "which": which})


@primitive(samples=extremes, torch="-", name="max", node="MaxBackward0", outputs=("values", "indices"), public=False)
def take_along(
    xp: Namespace, input: Array, *, dim: int, keepdim: bool = False, which: str = "max"
) -> tuple[Array, Array]:
    """The extreme along a dimension, and where it is."""
    if not input.ndim:
        return xp.array(input), xp.zeros((), "int64")
    find = xp.argmax if which == "max" else xp.argmin
    places = find(input, axis=dim, keepdims=True)
    values = xp.take_along_axis(input, places, axis=dim)
    return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))


@take_along.vjp("input")
def _(g: Sequence[Tensor], indices: Tensor, input_meta: Meta, *, dim: int, keepdim: bool) -> Tensor:
    return along_spread(g[0], indices, size=tuple(input_meta.shape), dim=dim, keepdim=keepdim)


def spread_extremes(rng: np.random.Generator) -> Iterator[Sample]:
    """Gradients of extremes."""
    yield Sample((rng.normal(size=(2, 4)), np.array([[0, 2, 1, 0], [1, 1, 2, 0]])),
                 {"size": (2, 3, 4), "dim": 1, "keepdim": False})  # fmt: skip


@primitive(samples=spread_extremes, torch="-", name="value_selecting_reduction_backward", public=False)
def along_spread(
    xp: Namespace, input: Array, indices: Array, *, size: tuple[int, ...], dim: int, keepdim: bool
) -> Array:
    """Zeros of ``size`` with ``input`` at ``indices`` of dimension ``dim``."""
    if not size:
        return xp.array(input)
    made = xp.zeros(size, input.dtype)
    if not keepdim:
        input, indices = xp.expand_dims(input, dim), xp.expand_dims(indices, dim)
    xp.put_along_axis(made, indices, input, dim)
    return made


@along_spread.vjp("input")
def _(g: Tensor, indices: Tensor, *, dim: int, keepdim: bool) -> Tensor:
    return along_gather(g, indices, dim=dim, keepdim=keepdim)


def gathers(rng: np.random.Generator) -> Iterator[Sample]:
    """Places along a dimension."""
    yield Sample((rng.normal(size=(2, 3, 4)), np.array([[0, 2, 1, 0], [1, 1, 2, 0]])), {"dim": 1, "keepdim": False})


@primitive(samples=gathers, torch="-", name="gather", public=False)
def along_gather(xp: Namespace, input: Array, indices: Array, *, dim: int, keepdim: bool) -> Array:
    """What lies at ``indices`` of dimension ``dim``."""
    if not input.ndim:
        return xp.array(input)
    if keepdim:
        return xp.take_along_axis(input, indices, axis=dim)
    return xp.take_along_axis(input, xp.expand_dims(indices, dim), axis=dim).squeeze(dim)


@along_gather.vjp("input")
def _(g: Tensor, indices: Tensor, input_meta: Meta, *, dim: int, keepdim: bool) -> Tensor:
    return along_spread(g, indices, size=tuple(input_meta.shape), dim=dim, keepdim=keepdim)


@take_along.jvp("input")
def _(t: Tensor, indices: Tensor, *, dim: int, keepdim: bool) -> Tensor:
    return along_gather(t, indices, dim=dim, keepdim=keepdim)


@along_spread.jvp("input")
def _(t: Tensor, indices: Tensor, *, size: tuple[int, ...], dim: int, keepdim: bool) -> Tensor:
    return along_spread(t, indices, size=size, dim=dim, keepdim=keepdim)


@along_gather.jvp("input")
def _(t: Tensor, indices: Tensor, *, dim: int, keepdim: bool) -> Tensor:
    return along_gather(t, indices, dim=dim, keepdim=keepdim)
