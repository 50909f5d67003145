"""Looking up and adding up at places of a flattened last dimension, each row with places of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def rows(rng: np.random.Generator) -> Iterator[Sample]:
    """Rows with places in them, of which some repeat; places that hold for all channels."""
    yield Sample((apart(rng, 2, 3, 5), np.array([0, 4, 4, 1]) + np.zeros((2, 3, 4), np.int64)))
    yield Sample((apart(rng, 2, 3, 5), np.array([[[0, 4, 4]], [[1, 2, 2]]])))


@primitive(samples=rows, torch="-", public=False)
def flat_gather(xp: Namespace, input: Array, index: Array) -> Array:
    """input (..., size) at index (..., count), which broadcasts over the leading dimensions."""
    return xp.take_along_axis(input, xp.broadcast_to(index, (*input.shape[:-1], index.shape[-1])), axis=-1)


def row_parts(rng: np.random.Generator) -> Iterator[Sample]:
    """Values with the places that they go to."""
    yield Sample((apart(rng, 2, 3, 3), np.array([[[0, 4, 4]], [[1, 2, 2]]])), {"size": 5, "unique": False})
    yield Sample((apart(rng, 2, 3, 3), np.array([0, 4, 2]) + np.zeros((2, 3, 3), np.int64)),
                 {"size": 5, "unique": True})  # fmt: skip


@primitive(samples=row_parts, torch="-", public=False)
def flat_scatter(xp: Namespace, input: Array, index: Array, *, size: int, unique: bool) -> Array:
    """Zeros (..., size) to which input (..., count) is added at index; ``unique``: no place twice in a row."""
    made = xp.zeros((*input.shape[:-1], size), input.dtype)
    where = xp.broadcast_to(index, input.shape)
    starts = xp.arange(made.size // size if size else 0).reshape(*input.shape[:-1], 1) * size
    flat, spots = made.reshape(-1), (where + starts).reshape(-1)
    if unique:
        flat[spots] = input.reshape(-1)
    else:
        xp.add.at(flat, spots, input.reshape(-1))
    return made


@flat_gather.vjp("input")
def _(g: Tensor, index: Tensor, input_meta: Meta) -> Tensor:
    return flat_scatter(g, index, size=input_meta.shape[-1], unique=False)


@flat_gather.jvp("input")
def _(t: Tensor, index: Tensor) -> Tensor:
    return flat_gather(t, index)


@flat_scatter.vjp("input")
def _(g: Tensor, index: Tensor) -> Tensor:
    return flat_gather(g, index)


@flat_scatter.jvp("input")
def _(t: Tensor, index: Tensor, *, size: int, unique: bool) -> Tensor:
    return flat_scatter(t, index, size=size, unique=unique)
