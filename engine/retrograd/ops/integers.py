"""What there is for whole numbers only: common divisors and multiples, shifts. No gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample


def pairs_of_wholes(rng: np.random.Generator) -> Iterator[Sample]:
    """Two arrays of whole numbers that broadcast, of either sign and zero."""
    yield Sample((rng.integers(-12, 13, (2, 3)), rng.integers(-12, 13, 3)))
    yield Sample((np.array([0, 0, 12], np.int32), np.array([0, 5, -18], np.int32)))


def shifts(rng: np.random.Generator) -> Iterator[Sample]:
    """Whole numbers and by how many places to shift them: none, few, more than there are."""
    yield Sample((rng.integers(-9, 10, (2, 3)), np.array([0, 2, 70])))
    yield Sample((np.array([1, 200], np.uint8), np.array([7, 1], np.uint8)))
    yield Sample((rng.integers(-9, 10, 4), 3))


@primitive(samples=pairs_of_wholes, elementwise=True, numbers=())
def gcd(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """The greatest common divisor, not negative; that of 0 and 0 is 0."""
    return xp.gcd(input, other, out)


@primitive(samples=pairs_of_wholes, elementwise=True, numbers=())
def lcm(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """The least common multiple, not negative; 0 where either is."""
    return xp.lcm(input, other, out)


@primitive(samples=shifts, elementwise=True)
def bitwise_left_shift(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """input * 2**other by shifting bits; 0 when all are shifted out."""
    return xp.left_shift(input, other, out)


@primitive(samples=shifts, elementwise=True)
def bitwise_right_shift(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """input / 2**other rounded down, by shifting bits; 0 or -1 when all are shifted out."""
    return xp.right_shift(input, other, out)
