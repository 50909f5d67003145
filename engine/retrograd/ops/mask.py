"""Filling and copying where a mask is true."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.index import scattered
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_like
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def masked(rng: np.random.Generator) -> Iterator[Sample]:
    """Masks that broadcast, either way."""
    yield Sample((apart(rng, 2, 3), rng.random((2, 3)) > 0.5), {"value": 1.5})
    yield Sample((apart(rng, 2, 3), rng.random(3) > 0.5), {"value": -2})
    yield Sample((apart(rng, 3), rng.random((2, 1)) > 0.5), {"value": 0})


@primitive(samples=masked, torch="-", public=False)
def masked_fill(xp: Namespace, input: Array, mask: Array, *, value: complex) -> Array:
    """A number where the mask is true, else input."""
    return xp.where(mask, xp.asarray(value, input.dtype), input)


@masked_fill.vjp("input")
def _(g: Tensor, mask: Tensor, input_meta: Meta) -> Tensor:
    return sum_like(masked_fill(g, mask, value=0), input_meta)


@masked_fill.jvp("input")
def _(t: Tensor, mask: Tensor) -> Tensor:
    return masked_fill(t, mask, value=0)


def sources(rng: np.random.Generator) -> Iterator[Sample]:
    """A mask, and at least as many elements as it has true ones."""
    mask = np.array([[True, False, True], [False, True, False]])
    yield Sample((apart(rng, 2, 3), mask, apart(rng, 4)))
    yield Sample((apart(rng, 2, 3), mask, apart(rng, 3)))


@primitive(samples=sources, torch="-", public=False)
def masked_scatter(xp: Namespace, input: Array, mask: Array, source: Array) -> Array:
    """The first elements of ``source``, in order, where the mask is true; else input."""
    made = xp.array(input)
    made[mask] = source.reshape(-1)[: int(mask.sum())]
    return made


@masked_scatter.vjp("input")
def _(g: Tensor, mask: Tensor) -> Tensor:
    return masked_fill(g, mask, value=0)


@masked_scatter.vjp("source")
def _(g: Tensor, mask: Tensor, source_meta: Meta) -> Tensor:
    return masked_out(g, mask, size=tuple(source_meta.shape))


@masked_scatter.jvp("input")
def _(t: Tensor, mask: Tensor) -> Tensor:
    return masked_fill(t, mask, value=0)


@masked_scatter.jvp("source")
def _(t: Tensor, input: Tensor, mask: Tensor) -> Tensor:
    return masked_scatter(input * 0.0, mask, t)


def selections(rng: np.random.Generator) -> Iterator[Sample]:
    """A mask, and a shape that holds more elements than it has true ones."""
    yield Sample((apart(rng, 2, 3), np.array([[True, False, True], [False, True, False]])), {"size": (2, 2)})


@primitive(samples=selections, torch="-", name="masked_scatter_backward", public=False)
def masked_out(xp: Namespace, input: Array, mask: Array, *, size: tuple[int, ...]) -> Array:
    """The elements where the mask is true, in order, then zeros: of shape ``size``."""
    made = xp.zeros(size, input.dtype)
    made.reshape(-1)[: int(mask.sum())] = input[mask]
    return made


@masked_out.vjp("input")
def _(g: Tensor, mask: Tensor, input_meta: Meta) -> Tensor:
    blank = scattered(g.reshape(-1)[:0], positions=np.zeros(0, np.int64), size=tuple(input_meta.shape))
    return masked_scatter(blank, mask, g)


@masked_out.jvp("input")
def _(t: Tensor, mask: Tensor, *, size: tuple[int, ...]) -> Tensor:
    return masked_out(t, mask, size=size)
