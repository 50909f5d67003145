"""What the rules of matrix functions are written in: adjoints, identities, permuted rows; for batches of matrices.

Every function here works on raw arrays and on recorded tensors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.complex import is_complex
from retrograd.ops.diagonal import tril, triu
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import slice_, transpose
from retrograd.tensor import Tensor

NO_MATRIX = np.linalg.LinAlgError
"""What NumPy raises for a matrix that the asked-for result does not exist for."""


def conj(value: Tensor) -> Tensor:
    """The complex conjugate; real values as they are."""
    return value.conj() if is_complex(value) else value


def real(value: Tensor) -> Tensor:
    """The real parts; real values as they are."""
    return cast("Tensor", value.real) if is_complex(value) else value


def transposed(value: Tensor) -> Tensor:
    """The transposes of the matrices in the last two dimensions."""
    return transpose(value, dim0=-2, dim1=-1)


def adjoint(value: Tensor) -> Tensor:
    """The conjugate transposes of the matrices in the last two dimensions."""
    return transposed(conj(value))


def symmetrised(value: Tensor) -> Tensor:
    """The Hermitian parts."""
    return (value + adjoint(value)) * 0.5


def skewed(value: Tensor) -> Tensor:
    """The anti-Hermitian parts."""
    return (value - adjoint(value)) * 0.5


def half_lower(value: Tensor) -> Tensor:
    """Lower triangles with half the diagonal: of a Hermitian matrix, what adds up to it with its adjoint."""
    return (tril(value, diagonal=0) + tril(value, diagonal=-1)) * 0.5


def cut(value: Tensor, rows: slice, columns: slice) -> Tensor:
    """A block of each matrix; the slices have a start and a stop within the lengths."""
    rank = len(value.shape)
    part = slice_(value, dim=rank - 2, start=rows.start, stop=rows.stop, step=1)
    return slice_(part, dim=rank - 1, start=columns.start, stop=columns.stop, step=1)


def stacked(arrays: Array, core: int) -> Array:
    """A raw array with all dimensions but the last ``core`` as one."""
    batch = arrays.shape[: arrays.ndim - core]
    flat: Array = arrays.reshape(math.prod(batch), *arrays.shape[arrays.ndim - core :])
    return flat


def squares(rng: np.random.Generator) -> Iterator[Sample]:
    """Square matrices, alone and in batches, far from singular."""
    for shape in ((3, 3), (2, 2, 2), (0, 3, 3), (0, 0)):
        size = shape[-1]
        yield Sample((rng.normal(size=shape) * 0.3 + np.diag(np.arange(1.0, size + 1)),))


def matrices(rng: np.random.Generator) -> Iterator[Sample]:
    """Matrices of full rank: square, wide, tall, in batches."""
    for shape in ((3, 3), (2, 4), (4, 2), (2, 3, 2)):
        yield Sample((rng.normal(size=shape) * 0.3 + np.eye(*shape[-2:]) * np.arange(1, shape[-1] + 1),))


def hermitian(rng: np.random.Generator) -> Iterator[Sample]:
    """Symmetric matrices with positive eigenvalues that lie apart."""
    for shape in ((3, 3), (2, 2, 2), (0, 0)):
        size = shape[-1]
        value = rng.normal(size=shape) * 0.2
        value = value + value.swapaxes(-1, -2) + np.diag(np.arange(2.0, size + 2))
        yield Sample((value,), changes=even)


def even(change: Array) -> Array:
    """What may be added to a symmetric matrix."""
    made: Array = change + change.swapaxes(-1, -2)
    return made


@primitive(samples=squares, torch="-", public=False)
def eye_like(xp: Namespace, input: Array) -> Array:
    """A matrix of the size of input's with ones on the diagonal."""
    return xp.eye(*input.shape[-2:], dtype=input.dtype)


def reordered(rng: np.random.Generator) -> Iterator[Sample]:
    """Matrices and new orders of their rows."""
    yield Sample((apart(rng, 3, 2), np.array([2, 0, 1])))
    yield Sample((apart(rng, 2, 2, 3), np.array([[1, 0], [0, 1]])))


@primitive(samples=reordered, torch="-", name="permute_rows", public=False)
def rows(xp: Namespace, input: Array, order: Array) -> Array:
    """The rows of each matrix in ``order`` (indices, of the shape of input without its last dimension)."""
    return xp.take_along_axis(input, order[..., None], axis=-2)


@rows.vjp("input")
def _(g: Tensor, order: Tensor) -> Tensor:
    return rows(g, backwards(order))


@rows.jvp("input")
def _(tangent: Tensor, order: Tensor) -> Tensor:
    return rows(tangent, order)


def orders(rng: np.random.Generator) -> Iterator[Sample]:
    """Permutations."""
    yield Sample((np.array([[2, 0, 1], [0, 2, 1]]),))


@primitive(samples=orders, torch="-", name="invert_permutation", public=False)
def backwards(xp: Namespace, order: Array) -> Array:
    """The permutations that undo those in the last dimension."""
    return xp.argsort(order, axis=-1)


def lower_of(compact: Tensor) -> Tensor:
    """The L of a compact LU (*, m, n): (*, m, k), k = min(m, n), with ones on the diagonal."""
    height, size = compact.shape[-2], min(compact.shape[-2:])
    strict = tril(cut(compact, slice(0, height), slice(0, size)), diagonal=-1)
    return strict + eye_like(strict)


def upper_of(compact: Tensor) -> Tensor:
    """The U of a compact LU (*, m, n): (*, k, n), k = min(m, n)."""
    size, width = min(compact.shape[-2:]), compact.shape[-1]
    return triu(cut(compact, slice(0, size), slice(0, width)), diagonal=0)
