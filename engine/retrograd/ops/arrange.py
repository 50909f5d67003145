"""The elements in another order or several times: flip, roll, repeat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_dim
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import reshaped
from retrograd.tensor import Tensor

Dims = tuple[int, ...]


def flips(rng: np.random.Generator) -> Iterator[Sample]:
    """Dimensions to turn round."""
    yield Sample((apart(rng, 2, 3),), {"dims": (0,)})
    yield Sample((apart(rng, 2, 3, 2),), {"dims": (-1, 0)})
    yield Sample((apart(rng),), {"dims": ()})


@primitive(samples=flips, linear=True, public=False)
def flip(xp: Namespace, input: Array, *, dims: Dims) -> Array:
    """The elements in reverse order along dimensions."""
    return xp.array(xp.flip(input, dims))


@flip.vjp("input")
def _(g: Tensor, *, dims: Dims) -> Tensor:
    return flip(g, dims=dims)


def rolls(rng: np.random.Generator) -> Iterator[Sample]:
    """Shifts along dimensions, and of the flattened array."""
    yield Sample((apart(rng, 2, 3),), {"shifts": (1,), "dims": (1,)})
    yield Sample((apart(rng, 2, 3),), {"shifts": (-1, 4), "dims": (0, 1)})
    yield Sample((apart(rng, 2, 3),), {"shifts": (2,), "dims": ()})


@primitive(samples=rolls, linear=True, public=False)
def roll(xp: Namespace, input: Array, *, shifts: Dims, dims: Dims) -> Array:
    """The elements moved along dimensions (none: in the flattened order), those that fall off come in again."""
    return xp.roll(input, shifts, dims) if dims else xp.roll(input, shifts[0])


@roll.vjp("input")
def _(g: Tensor, *, shifts: Dims, dims: Dims) -> Tensor:
    return roll(g, shifts=tuple(-each for each in shifts), dims=dims)


def repeats(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers of copies, with new dimensions in front, and none."""
    yield Sample((apart(rng, 2, 3),), {"repeats": (2, 1)})
    yield Sample((apart(rng, 3),), {"repeats": (2, 3, 2)})
    yield Sample((apart(rng, 3),), {"repeats": (0, 2)})


@primitive(samples=repeats, torch="-", linear=True, public=False)
def repeat(xp: Namespace, input: Array, *, repeats: Dims) -> Array:
    """Copies side by side along each dimension."""
    return xp.tile(input, repeats) if repeats else xp.array(input)


@repeat.vjp("input")
def _(g: Tensor, input_meta: Meta, *, repeats: Dims) -> Tensor:
    if not repeats:
        return g
    lengths = (1,) * (len(repeats) - len(input_meta.shape)) + tuple(input_meta.shape)
    pairs = tuple(each for pair in zip(repeats, lengths, strict=True) for each in pair)
    copies = tuple(range(0, 2 * len(repeats), 2))
    return reshaped(sum_dim(reshaped(g, pairs), dim=copies), tuple(input_meta.shape))
