"""What is where: nonzero, unique, searchsorted, isin, counts and histograms. None has a gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart


def sparse(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays with zeros."""
    yield Sample((np.array([0.0, 1.5, 0.0, -2.0]),))
    yield Sample((rng.integers(0, 2, (2, 3)) * apart(rng, 2, 3),))


@primitive(samples=sparse, torch="nonzero", public=False)
def nonzero(xp: Namespace, input: Array) -> Array:
    """The indices of the elements that are not zero, a row each."""
    found = xp.stack(xp.nonzero(xp.atleast_1d(input)), axis=1)
    return found if input.ndim else found[:, :0]


def repeated(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays with elements that are equal."""
    yield Sample((np.array([3.0, 1.0, 3.0, 2.0, 1.0]),), {"dim": None})
    yield Sample((np.array([[1.0, 2.0], [0.0, 2.0], [1.0, 2.0]]),), {"dim": 0})


FACTS = ("output", "inverse_indices", "counts")


@primitive(samples=repeated, torch="-", name="unique2", outputs=FACTS, public=False)
def unique(xp: Namespace, input: Array, *, dim: int | None) -> tuple[Array, Array, Array]:
    """The distinct elements (or slices along ``dim``) in order; which one each is; how many of each."""
    if dim is not None and input.size == 0:
        return xp.array(input), xp.zeros(input.shape[dim], "int64"), xp.zeros(input.shape[dim], "int64")
    values, inverse, counts = xp.unique(input, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    return values, inverse.reshape(input.shape if dim is None else -1), counts


@primitive(samples=repeated, torch="-", outputs=FACTS, public=False)
def unique_consecutive(xp: Namespace, input: Array, *, dim: int | None) -> tuple[Array, Array, Array]:
    """The elements (or slices along ``dim``) without those equal to the one before; which one each is; the lengths of
    the runs."""
    if not input.size:
        count = 0 if dim is None else input.shape[dim]
        none = xp.zeros(input.shape if dim is None else count, "int64")
        return input.reshape(-1) if dim is None else xp.array(input), none, xp.zeros(count, "int64")
    lines = input.reshape(-1, 1) if dim is None else xp.moveaxis(input, dim, 0).reshape(input.shape[dim], -1)
    fresh = xp.ones(lines.shape[0], "bool")
    fresh[1:] = (lines[1:] != lines[:-1]).any(1)
    starts = xp.nonzero(fresh)[0]
    inverse = xp.cumsum(fresh) - 1
    counts = xp.diff(starts, append=xp.asarray([lines.shape[0]]))
    if dim is None:
        return input.reshape(-1)[fresh], inverse.reshape(input.shape), counts
    return xp.take(input, starts, axis=dim), inverse, counts


def ordered(rng: np.random.Generator) -> Iterator[Sample]:
    """A sorted vector with values to place, and batches of them; ties on both sides."""
    line = np.array([1.0, 2.0, 2.0, 4.0])
    for right in (False, True):
        yield Sample((line, np.array([[0.0, 2.0], [4.0, 9.0]])), {"right": right})
        yield Sample((np.stack([line, line + 1]), np.array([[2.0, 2.5, 7.0], [2.0, 3.0, 1.0]])), {"right": right})


@primitive(samples=ordered, torch="searchsorted", public=False)
def searchsorted(xp: Namespace, sorted_sequence: Array, input: Array, *, right: bool) -> Array:
    """Where each of ``input`` would go in the sorted last dimension, before (``right``: after) what equals it."""
    if sorted_sequence.ndim == 1:
        return xp.searchsorted(sorted_sequence, input, side="right" if right else "left")
    count = input.shape[-1]
    parts = [sorted_sequence, input] if right else [input, sorted_sequence]
    among_all = _ranks(xp, xp.concatenate(parts, axis=-1))
    mine = among_all[..., -count:] if right else among_all[..., :count]
    return mine - _ranks(xp, input) if count else xp.zeros(input.shape, "int64")


def _ranks(xp: Namespace, lines: Array) -> Array:
    return xp.argsort(xp.argsort(lines, axis=-1, kind="stable"), axis=-1, kind="stable")


def members(rng: np.random.Generator) -> Iterator[Sample]:
    """Elements, and what to look for."""
    yield Sample((np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2.0, 4.0, 9.0])), {"invert": False})
    yield Sample((np.array([1.0, 2.0]), np.array([2.0])), {"invert": True})


@primitive(samples=members, torch="isin", public=False)
def isin(xp: Namespace, elements: Array, test_elements: Array, *, invert: bool) -> Array:
    """Which elements are among the others."""
    return xp.isin(elements, test_elements, invert=invert)


def counted(rng: np.random.Generator) -> Iterator[Sample]:
    """Small whole numbers."""
    yield Sample((np.array([0, 3, 1, 3]),), {"minlength": 0})
    yield Sample((np.array([1, 1]),), {"minlength": 5})


@primitive(samples=counted, torch="bincount", public=False)
def bincount(xp: Namespace, input: Array, *, minlength: int = 0) -> Array:
    """How often each whole number occurs."""
    return xp.bincount(input.astype("int64"), minlength=minlength)


def weighed(rng: np.random.Generator) -> Iterator[Sample]:
    """Small whole numbers with weights."""
    yield Sample((np.array([0, 3, 1, 3]), apart(rng, 4)), {"minlength": 0})


@primitive(samples=weighed, torch="-", name="bincount", public=False)
def bincount_weighed(xp: Namespace, input: Array, weights: Array, *, minlength: int = 0) -> Array:
    """The sum of the weights of each whole number."""
    kind = "float32" if weights.dtype == "float32" else "float64"
    return xp.bincount(input.astype("int64"), weights, minlength=minlength).astype(kind)


def binned(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers and bins for them."""
    yield Sample((apart(rng, 3, 4),), {"bins": 4, "min": -1.0, "max": 1.5})


@primitive(samples=binned, torch="histc", public=False)
def histc(xp: Namespace, input: Array, *, bins: int, min: float, max: float) -> Array:
    """How many lie in each of ``bins`` equal parts of [min, max]."""
    counts: Array = xp.histogram(input.astype("float64"), bins, (min, max))[0]
    return counts.astype(input.dtype)


def edged(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers, edges of bins, weights."""
    yield Sample((apart(rng, 8), np.array([-2.0, 0.1, 0.2, 1.0]), apart(rng, 8)), {"density": False})


@primitive(samples=edged, torch="-", public=False)
def histogram(xp: Namespace, input: Array, edges: Array, weight: Array, *, density: bool) -> Array:
    """The weight in each bin between neighbours of ``edges``; as a density, with an integral of 1."""
    count = edges.shape[0] - 1
    flat = input.reshape(-1)
    place = xp.where(flat == edges[-1], count - 1, xp.searchsorted(edges, flat, side="right") - 1)
    within = (flat >= edges[0]) & (flat <= edges[-1])
    made = xp.zeros(count, weight.dtype)
    xp.add.at(made, place[within], weight.reshape(-1)[within])
    return xp.divide(made, made.sum() * xp.diff(edges)) if density else made
