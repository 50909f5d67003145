"""Other windows on the same elements: strided views, diagonals, sliding windows, another type of the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from retrograd.devices import Namespace, namespace_of
from retrograd.dtypes import dtype as DType
from retrograd.meta import Array, Meta
from retrograd.ops.index import gathered, scattered
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart, none
from retrograd.tensor import Tensor, from_array

Dims = tuple[int, ...]


def places(size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """For each element of a strided view, its position in memory (on the host)."""
    found = np.full(tuple(size), offset, np.int64)
    for dim, (length, step) in enumerate(zip(size, stride, strict=True)):
        found += (np.arange(length, dtype=np.int64) * step).reshape((-1,) + (1,) * (len(size) - dim - 1))
    return found


def extent(size: Sequence[int], stride: Sequence[int], offset: int = 0) -> int:
    """How many elements of memory a strided view spans, from the first."""
    if 0 in size:
        return 0
    return offset + 1 + sum((length - 1) * step for length, step in zip(size, stride, strict=True))


def restrided(xp: Namespace, array: Array, size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """A view of ``array``'s memory, ``offset`` elements after its first, with steps in elements."""
    make = xp.lib.stride_tricks.as_strided
    if offset:
        array = make(array, (offset + 1,), (array.itemsize,))[offset:]
    return make(array, tuple(size), tuple(step * array.itemsize for step in stride))


def beside(g: object, array: Array) -> Tensor:
    """A host array as something that can be combined with ``g``: an array of its device, or a tensor."""
    if isinstance(g, Tensor):
        return from_array(g._meta.xp.asarray(array), g.device)
    return cast(Tensor, namespace_of(g).asarray(array))  # rules see arrays as tensors


def strides(rng: np.random.Generator) -> Iterator[Sample]:
    """Windows on dense arrays and on a transposed one, with overlap."""
    yield Sample((apart(rng, 3, 4),), {"size": (2, 2), "stride": (4, 2), "offset": 1, "own": (4, 1)})
    yield Sample((apart(rng, 6),), {"size": (4, 3), "stride": (1, 1), "offset": 0, "own": (1,)})


@primitive(samples=strides, torch="-", node="AsStridedBackward0", view=True, linear=True, public=False)
def as_strided(xp: Namespace, input: Array, *, size: Dims, stride: Dims, offset: int, own: Dims) -> Array:
    """The memory from ``offset`` elements after the first, in another shape and with other steps; ``own``: the
    input's steps."""
    return restrided(xp, input, size, stride, offset)


@as_strided.vjp("input")
def _(g: Tensor, input_meta: Meta, *, size: Dims, stride: Dims, offset: int, own: Dims) -> Tensor:
    shape = tuple(input_meta.shape)
    long = max(extent(size, stride, offset), extent(shape, own))
    memory = scattered(g, positions=places(size, stride, offset), size=(long,))
    mine = places(shape, own, 0)
    found = gathered(memory, positions=mine)
    shared = np.bincount(mine.reshape(-1), minlength=long)[mine]  # elements that are one in memory share alike
    if (shared == 1).all():
        return found
    return found * beside(g, (1.0 / shared).astype(input_meta.numpy_dtype))


def windows(rng: np.random.Generator) -> Iterator[Sample]:
    """Sliding windows with and without overlap."""
    yield Sample((apart(rng, 7),), {"dimension": 0, "size": 3, "step": 2})
    yield Sample((apart(rng, 2, 6, 2),), {"dimension": 1, "size": 2, "step": 3})
    yield Sample((apart(rng),), {"dimension": 0, "size": 1, "step": 1})


@primitive(samples=windows, torch="-", view=True, linear=True, public=False)
def unfold(xp: Namespace, input: Array, *, dimension: int, size: int, step: int) -> Array:
    """Windows of ``size`` every ``step`` elements of a dimension; what is in a window becomes the last one."""
    if not input.ndim:
        return xp.reshape(input, (1,))[:size]
    count = (input.shape[dimension] - size) // step + 1
    steps = [each // input.itemsize for each in input.strides]
    lengths = [count if dim == dimension else length for dim, length in enumerate(input.shape)]
    stride = [each * step if dim == dimension else each for dim, each in enumerate(steps)]
    return restrided(xp, input, [*lengths, size], [*stride, steps[dimension]], 0)


@unfold.vjp("input")
def _(g: Tensor, input_meta: Meta, *, dimension: int, size: int, step: int) -> Tensor:
    return folded(g, shape=tuple(input_meta.shape), dimension=dimension, size=size, step=step)


def folds(rng: np.random.Generator) -> Iterator[Sample]:
    """Gradients of windows."""
    yield Sample((apart(rng, 3, 3),), {"shape": (7,), "dimension": 0, "size": 3, "step": 2})


@primitive(samples=folds, torch="-", name="unfold_backward", linear=True, public=False)
def folded(xp: Namespace, input: Array, *, shape: Dims, dimension: int, size: int, step: int) -> Array:
    """Zeros of ``shape`` to which windows are added where they came from."""
    if not shape:
        return xp.add.reduce(input, axis=0)
    made = xp.zeros(shape, input.dtype)
    count = input.shape[dimension]
    for place in range(size):
        part = (slice(None),) * dimension + (slice(place, place + (count - 1) * step + 1, step),)
        made[part] += input[..., place]
    return made


@folded.vjp("input")
def _(g: Tensor, *, dimension: int, size: int, step: int) -> Tensor:
    return unfold(g, dimension=dimension, size=size, step=step)


@primitive(samples=none, torch="-", node="ViewDtypeBackward0", name="view", view=True, public=False)
def view_dtype(xp: Namespace, input: Array, *, dtype: DType) -> Array:
    """The same bytes read as another type; the last dimension's length follows the size of an element."""
    if input.dtype.itemsize == dtype.numpy.itemsize or input.flags.c_contiguous:
        seen: Array = input.view(dtype.numpy)
        return seen
    return xp.array(input, order="C").view(dtype.numpy)
