"""Advanced indexing: reading and writing elements by arrays of indices or masks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_like
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor

Key = tuple["Array | slice", ...]
Place = tuple["str | slice", ...]
"""An index per dimension: "?" for the next of the index arrays (or masks), or a full slice."""


def lookups(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays of indices (with repeats), masks, and both with slices between."""
    yield Sample((apart(rng, 4, 3), np.array([0, 2, 2])), {"place": ("?",)})
    yield Sample((apart(rng, 4, 3), np.array([0, 2]), np.array([1, 1])), {"place": ("?", "?")})
    yield Sample((apart(rng, 2, 4, 3), np.array([[0, 3]])), {"place": (slice(None), "?")})
    yield Sample((apart(rng, 2, 3), np.array([[True, False, True], [False, False, True]])), {"place": ("?",)})


def _full(place: Place, indices: tuple[Array, ...]) -> Key:
    left = iter(indices)
    return tuple(next(left) if isinstance(each, str) else each for each in place)


@primitive(samples=lookups, torch="-", public=False)
def index(xp: Namespace, input: Array, *indices: Array, place: Place) -> Array:
    """The elements at ``place``, where each "?" stands for the next of ``indices``."""
    return input[_full(place, indices)]


@index.vjp("input")
def _(g: Tensor, indices: tuple[Tensor, ...], input_meta: Meta, *, place: Place) -> Tensor:
    return index_spread(g, *indices, place=place, size=tuple(input_meta.shape))


@index.jvp("input")
def _(t: Tensor, indices: tuple[Tensor, ...], *, place: Place) -> Tensor:
    return index(t, *indices, place=place)


def spread_lookups(rng: np.random.Generator) -> Iterator[Sample]:
    """Gradients of lookups."""
    yield Sample((apart(rng, 3, 3), np.array([0, 2, 2])), {"place": ("?",), "size": (4, 3)})


@primitive(samples=spread_lookups, torch="-", name="index_backward", public=False)
def index_spread(xp: Namespace, input: Array, *indices: Array, place: Place, size: tuple[int, ...]) -> Array:
    """Zeros of ``size`` to which ``input`` is added at ``place`` (repeats add up)."""
    made = xp.zeros(size, input.dtype)
    xp.add.at(made, _full(place, indices), input)
    return made


@index_spread.vjp("input")
def _(g: Tensor, indices: tuple[Tensor, ...], *, place: Place) -> Tensor:
    return index(g, *indices, place=place)


@index_spread.jvp("input")
def _(t: Tensor, indices: tuple[Tensor, ...], *, place: Place, size: tuple[int, ...]) -> Tensor:
    return index_spread(t, *indices, place=place, size=size)


def parts(rng: np.random.Generator) -> Iterator[Sample]:
    """Positions in a flattened array."""
    yield Sample((apart(rng, 2, 3),), {"positions": np.array([[0, 4], [5, 1]])})


@primitive(samples=parts, torch="-", linear=True, public=False)
def gathered(xp: Namespace, input: Array, *, positions: Array) -> Array:
    """The elements at ``positions`` of the flattened input."""
    return input.reshape(-1)[xp.asarray(positions)]


@gathered.vjp("input")
def _(g: Tensor, input_meta: Meta, *, positions: Array) -> Tensor:
    return scattered(g, positions=positions, size=tuple(input_meta.shape))


def scattered_parts(rng: np.random.Generator) -> Iterator[Sample]:
    """Elements for positions, of which some repeat."""
    yield Sample((apart(rng, 4),), {"positions": np.array([0, 4, 4, 1]), "size": (2, 3)})


@primitive(samples=scattered_parts, torch="-", linear=True, public=False)
def scattered(xp: Namespace, input: Array, *, positions: Array, size: tuple[int, ...]) -> Array:
    """Zeros of ``size`` to which ``input`` is added at ``positions`` of the flattened whole."""
    made = xp.zeros(size, input.dtype)
    xp.add.at(made.reshape(-1), xp.asarray(positions), input)
    return made


@scattered.vjp("input")
def _(g: Tensor, *, positions: Array) -> Tensor:
    return gathered(g, positions=positions)


def replacements(rng: np.random.Generator) -> Iterator[Sample]:
    """A whole and a new part of it."""
    yield Sample((apart(rng, 2, 3), apart(rng, 2, 2)), {"positions": np.array([[0, 4], [5, 1]])})


@primitive(samples=replacements, torch="-", linear=True, public=False)
def replaced(xp: Namespace, input: Array, part: Array, *, positions: Array) -> Array:
    """A copy of input with ``part`` at ``positions`` of the flattened whole."""
    made = xp.array(input, order="C")
    made.reshape(-1)[xp.asarray(positions)] = part
    return made


@replaced.vjp("input")
def _(g: Tensor, *, positions: Array) -> Tensor:
    return replaced(g, 0.0, positions=positions)


@replaced.vjp("part")
def _(g: Tensor, *, positions: Array) -> Tensor:
    return gathered(g, positions=positions)


def put_(target: Tensor, source: Tensor, indices: list[Tensor], place: Place) -> Tensor:
    """Write ``source`` (broadcast) to ``place`` of ``target`` in place."""
    from retrograd.ops.inplace import recorded_change  # it is made of dispatch, which needs all primitives

    return recorded_change(index_put.op, target, (source, *indices), {"place": place}, _write)


def _write(target: Array, source: Array, *indices: Array, place: Place) -> None:
    target[_full(place, indices)] = source


def puts(rng: np.random.Generator) -> Iterator[Sample]:
    """Elements to write at lookups (without repeats)."""
    yield Sample((apart(rng, 4, 3), apart(rng, 2, 3), np.array([0, 2])), {"place": ("?",)})
    yield Sample((apart(rng, 4, 3), apart(rng), np.array([0, 2]), np.array([1, 1])), {"place": ("?", "?")})


@primitive(samples=puts, torch="-", linear=False, public=False)
def index_put(xp: Namespace, input: Array, values: Array, *indices: Array, place: Place) -> Array:
    """A copy of input with ``values`` written at ``place``."""
    made = xp.array(input)
    made[_full(place, indices)] = values
    return made


@index_put.vjp("input")
def _(g: Tensor, indices: tuple[Tensor, ...], *, place: Place) -> Tensor:
    return index_put(g, 0.0, *indices, place=place)


@index_put.vjp("values")
def _(g: Tensor, values_meta: Meta, indices: tuple[Tensor, ...], *, place: Place) -> Tensor:
    return sum_like(index(g, *indices, place=place), values_meta)


@index_put.jvp("input")
def _(t: Tensor, indices: tuple[Tensor, ...], *, place: Place) -> Tensor:
    return index_put(t, 0.0, *indices, place=place)


@index_put.jvp("values")
def _(t: Tensor, input: Tensor, indices: tuple[Tensor, ...], *, place: Place) -> Tensor:
    return index_put(input * 0.0, t, *indices, place=place)
