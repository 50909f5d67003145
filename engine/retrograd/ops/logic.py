"""Whether all or any are true, and how many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import Dims
from retrograd.ops.samples import Sample


def truths(rng: np.random.Generator) -> Iterator[Sample]:
    """Masks and numbers, dimensions kept and dropped."""
    mask = rng.random((2, 3, 4)) > 0.3
    for dim, keepdim in (((0,), False), ((1, 2), True), ((0, 1, 2), False)):
        yield Sample((mask,), {"dim": dim, "keepdim": keepdim})
        yield Sample((mask * 2.5,), {"dim": dim, "keepdim": keepdim})


@primitive(samples=truths, name="all", public=False)
def every(xp: Namespace, input: Array, *, dim: Dims, keepdim: bool = False) -> Array:
    """Whether all are true along dimensions."""
    return xp.all(input, axis=dim, keepdims=keepdim)


@primitive(samples=truths, name="any", public=False)
def some(xp: Namespace, input: Array, *, dim: Dims, keepdim: bool = False) -> Array:
    """Whether any is true along dimensions."""
    return xp.any(input, axis=dim, keepdims=keepdim)


def counted(rng: np.random.Generator) -> Iterator[Sample]:
    """The same without a choice to keep dimensions."""
    for sample in truths(rng):
        yield Sample(sample.inputs, {"dim": sample.params["dim"]})


@primitive(samples=counted, name="count_nonzero", public=False)
def count(xp: Namespace, input: Array, *, dim: Dims) -> Array:
    """How many are not zero along dimensions."""
    return xp.count_nonzero(input, axis=dim)
