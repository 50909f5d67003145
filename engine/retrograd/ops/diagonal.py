"""Triangles and diagonals of matrices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def triangles(rng: np.random.Generator) -> Iterator[Sample]:
    """Matrices, square and not, and where the triangle begins."""
    for shape, diagonal in (((3, 3), 0), ((2, 3, 4), 1), ((4, 2), -1), ((0, 3), 0)):
        yield Sample((apart(rng, *shape),), {"diagonal": diagonal})


@primitive(samples=triangles, linear=True, public=False)
def tril(xp: Namespace, input: Array, *, diagonal: int = 0) -> Array:
    """The elements on and below a diagonal, zeros elsewhere."""
    return xp.tril(input, diagonal)


@tril.vjp("input")
def _(g: Tensor, *, diagonal: int) -> Tensor:
    return tril(g, diagonal=diagonal)


@primitive(samples=triangles, linear=True, public=False)
def triu(xp: Namespace, input: Array, *, diagonal: int = 0) -> Array:
    """The elements on and above a diagonal, zeros elsewhere."""
    return xp.triu(input, diagonal)


@triu.vjp("input")
def _(g: Tensor, *, diagonal: int) -> Tensor:
    return triu(g, diagonal=diagonal)


def lines(rng: np.random.Generator) -> Iterator[Sample]:
    """Diagonals of two of the dimensions."""
    for shape, offset, dim1, dim2 in (
        ((3, 3), 0, 0, 1),
        ((2, 3, 4), 1, -2, -1),
        ((4, 2, 3), -1, 2, 0),
        ((2, 2), 5, 0, 1),
    ):
        yield Sample((apart(rng, *shape),), {"offset": offset, "dim1": dim1, "dim2": dim2})


def _line(xp: Namespace, matrices: Array, offset: int, dim1: int, dim2: int) -> Array:
    """A writable view of a diagonal, as the last dimension."""
    last = xp.moveaxis(matrices, (dim1, dim2), (-2, -1))
    cut = last[..., max(-offset, 0) :, max(offset, 0) :]
    length = min(cut.shape[-2:])
    return xp.einsum("...ii->...i", cut[..., :length, :length])


@primitive(samples=lines, view=True, linear=True, public=False)
def diagonal(xp: Namespace, input: Array, *, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """A diagonal of two dimensions, as the last dimension."""
    return _line(xp, input, offset, dim1, dim2)


@diagonal.vjp("input")
def _(g: Tensor, input_meta: Meta, *, offset: int, dim1: int, dim2: int) -> Tensor:
    return on_diagonal(g, size=tuple(input_meta.shape), offset=offset, dim1=dim1, dim2=dim2)


def embedded(rng: np.random.Generator) -> Iterator[Sample]:
    """Diagonals with the shape that they go into."""
    yield Sample((apart(rng, 2, 3),), {"size": (2, 3, 3), "offset": 0, "dim1": 1, "dim2": 2})
    yield Sample((apart(rng, 2),), {"size": (4, 2), "offset": -1, "dim1": 0, "dim2": 1})


@primitive(samples=embedded, torch="-", name="diagonal_backward", linear=True, public=False)
def on_diagonal(xp: Namespace, input: Array, *, size: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
    """Zeros of ``size`` with ``input`` on a diagonal."""
    made = xp.zeros(size, input.dtype)
    _line(xp, made, offset, dim1, dim2)[...] = input
    return made


@on_diagonal.vjp("input")
def _(g: Tensor, *, offset: int, dim1: int, dim2: int) -> Tensor:
    return diagonal(g, offset=offset, dim1=dim1, dim2=dim2)


def matrix_of(values: Tensor) -> Tensor:
    """Square matrices with ``values`` (the last dimension) on the diagonal, also for raw arrays."""
    length = values.shape[-1]
    rank = len(values.shape)
    return on_diagonal(values, size=(*values.shape, length), offset=0, dim1=rank - 1, dim2=rank)


def diagonal_of(matrices: Tensor) -> Tensor:
    """The main diagonals of the matrices in the last two dimensions, also for raw arrays."""
    return diagonal(matrices, offset=0, dim1=-2, dim2=-1)
