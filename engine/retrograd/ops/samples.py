"""Inputs that primitives are tried on: small, varied, away from the points where a function has a corner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from retrograd.meta import Array


@dataclass(frozen=True, slots=True)
class Sample:
    """One call: ``inputs`` are float64 arrays (a test may take them to other types), arrays of another type that must
    stay so (indices, masks), or numbers; ``params`` as the op takes them. ``torch`` are other parameters for PyTorch,
    where its names differ. ``changes``: makes of any array a change that an input may get, where not
    every one is allowed (symmetric matrices, of which one triangle is read, stay symmetric)."""

    inputs: tuple[object, ...]
    params: dict[str, object] = field(default_factory=dict)
    torch: dict[str, object] | None = None
    changes: Callable[[Array], Array] | None = None


Samples = Callable[[np.random.Generator], Iterable[Sample]]


def apart(rng: np.random.Generator, *shape: int) -> Array:
    """Distinct reals in random order, at least 0.1 from each other and from zero: safe for max, sort, abs, relu."""
    count = int(np.prod(shape, dtype=int))
    values = (np.arange(count) - count // 2 + 0.5) * 0.3 + rng.uniform(-0.05, 0.05, count)
    return rng.permutation(values).reshape(shape)


SHAPE_PAIRS = (((3,), (3,)), ((2, 3), (3,)), ((2, 1, 4), (3, 1)), ((), (2, 2)), ((), ()), ((2, 0), (2, 1)))


def reals(rng: np.random.Generator) -> Iterator[Sample]:
    """One array, of several shapes."""
    for shape in ((), (5,), (2, 3), (2, 0, 3), (1, 2, 1, 3)):
        yield Sample((apart(rng, *shape),))


def positives(rng: np.random.Generator) -> Iterator[Sample]:
    """One array of numbers well above zero."""
    for shape in ((), (5,), (2, 3), (0,)):
        yield Sample((np.asarray(rng.uniform(0.5, 2.5, shape)),))


def pairs_of_reals(rng: np.random.Generator) -> Iterator[Sample]:
    """Two arrays that broadcast, and an array with a number."""
    for first, second in SHAPE_PAIRS:
        yield Sample((apart(rng, *first), np.asarray(apart(rng, *second) + 0.04)))
    yield Sample((apart(rng, 2, 3), 1.7))
    yield Sample((apart(rng, 2, 3), 2))


def pairs_of_tensors(rng: np.random.Generator) -> Iterator[Sample]:
    """Two arrays that broadcast, for what takes no plain numbers."""
    for first, second in SHAPE_PAIRS:
        yield Sample((apart(rng, *first), np.asarray(apart(rng, *second) + 0.04)))


def pairs_over_positives(rng: np.random.Generator) -> Iterator[Sample]:
    """A numerator and a denominator away from zero."""
    for first, second in SHAPE_PAIRS:
        yield Sample((apart(rng, *first), np.asarray(rng.uniform(0.5, 2.0, second))))
    yield Sample((apart(rng, 2, 3), 1.7))


def pairs_of_positives(rng: np.random.Generator) -> Iterator[Sample]:
    """A positive base and any exponent."""
    for first, second in SHAPE_PAIRS:
        yield Sample((np.asarray(rng.uniform(0.5, 2.0, first)), apart(rng, *second)))


def with_number(rng: np.random.Generator) -> Iterator[Sample]:
    """An array and a number."""
    yield Sample((apart(rng, 2, 3), 1.7))
    yield Sample((apart(rng), 2))


def powers(rng: np.random.Generator) -> Iterator[Sample]:
    """A base and a number as exponent: whole, broken, negative, zero."""
    for exponent in (2, 3, 1, 0, -1, 0.5, 2.0):
        yield Sample((rng.uniform(0.5, 2.0, (2, 3)), exponent))


def none(rng: np.random.Generator) -> Iterator[Sample]:
    """Nothing: for what has tests of its own."""
    return iter(())
