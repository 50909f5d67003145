"""Comparison and logic: booleans out, no gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, pairs_of_reals, reals


def pairs_with_equals(rng: np.random.Generator) -> Iterator[Sample]:
    """Pairs of which some elements are equal."""
    yield from pairs_of_reals(rng)
    yield Sample((np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 3.0])))


def pairs_of_masks(rng: np.random.Generator) -> Iterator[Sample]:
    """Two arrays of booleans."""
    yield Sample((rng.random((2, 3)) > 0.5, rng.random(3) > 0.5))


def masks(rng: np.random.Generator) -> Iterator[Sample]:
    """An array of booleans."""
    yield Sample((rng.random((2, 3)) > 0.5,))


@primitive(samples=pairs_with_equals, elementwise=True, result="bool", numbers=("other",))
def eq(xp: Namespace, input: Array, other: Array) -> Array:
    """input == other"""
    return xp.equal(input, other)


@primitive(samples=pairs_with_equals, elementwise=True, result="bool", numbers=("other",))
def ne(xp: Namespace, input: Array, other: Array) -> Array:
    """input != other"""
    return xp.not_equal(input, other)


@primitive(samples=pairs_with_equals, elementwise=True, result="bool", numbers=("other",))
def lt(xp: Namespace, input: Array, other: Array) -> Array:
    """input < other"""
    return xp.less(input, other)


@primitive(samples=pairs_with_equals, elementwise=True, result="bool", numbers=("other",))
def le(xp: Namespace, input: Array, other: Array) -> Array:
    """input <= other"""
    return xp.less_equal(input, other)


@primitive(samples=pairs_with_equals, elementwise=True, result="bool", numbers=("other",))
def gt(xp: Namespace, input: Array, other: Array) -> Array:
    """input > other"""
    return xp.greater(input, other)


@primitive(samples=pairs_with_equals, elementwise=True, result="bool", numbers=("other",))
def ge(xp: Namespace, input: Array, other: Array) -> Array:
    """input >= other"""
    return xp.greater_equal(input, other)


@primitive(samples=pairs_of_masks, elementwise=True)
def bitwise_and(xp: Namespace, input: Array, other: Array) -> Array:
    """input & other"""
    return xp.bitwise_and(input, other)


@primitive(samples=pairs_of_masks, elementwise=True)
def bitwise_or(xp: Namespace, input: Array, other: Array) -> Array:
    """input | other"""
    return xp.bitwise_or(input, other)


@primitive(samples=pairs_of_masks, elementwise=True)
def bitwise_xor(xp: Namespace, input: Array, other: Array) -> Array:
    """input ^ other"""
    return xp.bitwise_xor(input, other)


@primitive(samples=masks, elementwise=True)
def bitwise_not(xp: Namespace, input: Array) -> Array:
    """~input"""
    return xp.invert(input)


@primitive(samples=pairs_of_masks, elementwise=True, result="bool", numbers=())
def logical_and(xp: Namespace, input: Array, other: Array) -> Array:
    """Whether both are true."""
    return xp.logical_and(input, other)


@primitive(samples=pairs_of_masks, elementwise=True, result="bool", numbers=())
def logical_or(xp: Namespace, input: Array, other: Array) -> Array:
    """Whether either is true."""
    return xp.logical_or(input, other)


@primitive(samples=reals, elementwise=True, result="bool")
def logical_not(xp: Namespace, input: Array) -> Array:
    """Whether it is false."""
    return xp.logical_not(input)


@primitive(samples=reals, elementwise=True, result="bool")
def isnan(xp: Namespace, input: Array) -> Array:
    """Where NaN is."""
    return xp.isnan(input)


@primitive(samples=reals, elementwise=True, result="bool")
def isinf(xp: Namespace, input: Array) -> Array:
    """Where an infinity is."""
    return xp.isinf(input)


@primitive(samples=reals, elementwise=True, result="bool")
def isfinite(xp: Namespace, input: Array) -> Array:
    """Where neither NaN nor infinity is."""
    return xp.isfinite(input)


@primitive(samples=pairs_of_reals, elementwise=True)
def floor_divide(xp: Namespace, input: Array, other: Array) -> Array:
    """The quotient rounded down."""
    return xp.floor_divide(input, other)
