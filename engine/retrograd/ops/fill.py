"""Overwriting: copy, fill, zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_like
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def overwritten(rng: np.random.Generator) -> Iterator[Sample]:
    """An array and what replaces it."""
    yield Sample((apart(rng, 2, 3), apart(rng, 3)))


@primitive(samples=overwritten, torch="-", node="CopyBackwards", public=False)
def copy(xp: Namespace, input: Array, src: Array) -> Array:
    """``src`` in the shape of input."""
    return xp.array(xp.broadcast_to(src, input.shape)).astype(input.dtype)


@copy.vjp("input")
def _(g: Tensor) -> Tensor:
    return g * 0.0


@copy.vjp("src")
def _(g: Tensor, src_meta: Meta) -> Tensor:
    return sum_like(g, src_meta)


@copy.jvp("input")
def _(t: Tensor) -> Tensor:
    return t * 0.0


@copy.jvp("src")
def _(t: Tensor, input: Tensor) -> Tensor:
    return input * 0.0 + t


def filled(rng: np.random.Generator) -> Iterator[Sample]:
    """An array and a number."""
    yield Sample((apart(rng, 2, 3), 1.5))


@primitive(samples=filled, torch="-", node="FillBackward0", public=False)
def fill(xp: Namespace, input: Array, value: Array) -> Array:
    """``value`` in the shape of input."""
    return xp.full(input.shape, value, input.dtype)


@fill.vjp("input")
def _(g: Tensor) -> Tensor:
    return g * 0.0


@fill.jvp("input")
def _(t: Tensor) -> Tensor:
    return t * 0.0


def store(target: Array, source: Array) -> None:
    """Overwrite all of ``target``."""
    target[...] = source
