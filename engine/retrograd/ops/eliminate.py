"""LU factorisation with row exchanges: of large matrices by LAPACK, of batches of small ones in array calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace, lapack
from retrograd.meta import Array
from retrograd.ops.diagonal import tril, triu
from retrograd.ops.matrices import adjoint, backwards, conj, cut, lower_of, matrices, rows, stacked, upper_of
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample
from retrograd.ops.shape import cat
from retrograd.ops.triangular import from_left, from_right
from retrograd.tensor import Tensor

BLOCK = 32
"""Columns that are eliminated one by one before the rest is brought up to date by a product."""


def eliminated(xp: Namespace, matrices: Array) -> tuple[Array, Array]:
    """L (without its ones) and U in one array, and for each column the row, from 1, that was exchanged for its own.

    Blocked elimination with partial pivoting: G. H. Golub and C. F. Van Loan, "Matrix computations" (4th edition),
    §3.4.5. As LAPACK does, a column of zeros is passed over, and of a complex pivot |re| + |im| counts.
    """
    height, width = matrices.shape[-2:]
    size = min(height, width)
    made = stacked(xp.array(matrices, order="C"), 2)
    each = xp.arange(len(made))[:, None]
    pivots = xp.zeros((len(made), size), "int32")
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        for place in range(start, stop):
            column = made[:, place:, place]
            best = place + xp.argmax(xp.abs(column.real) + xp.abs(column.imag), axis=-1)
            pivots[:, place] = best + 1
            two = xp.stack([xp.full(best.shape, place), best], axis=-1)
            made[each, two] = made[each, two[:, ::-1]]
            pivot = made[:, place, place, None]
            below = made[:, place + 1 :, place]
            below /= xp.where(pivot == 0, 1, pivot)
            made[:, place + 1 :, place + 1 : stop] -= below[..., None] * made[:, place, None, place + 1 : stop]
        if stop < width:
            head = xp.tril(made[:, start:stop, start:stop], -1) + xp.eye(stop - start, dtype=made.dtype)
            made[:, start:stop, stop:] = xp.linalg.solve(head, made[:, start:stop, stop:])
            made[:, stop:, stop:] -= xp.matmul(made[:, stop:, start:stop], made[:, start:stop, stop:])
    return made.reshape(matrices.shape), pivots.reshape(*matrices.shape[:-2], size)


def _by_lapack(xp: Namespace, matrices: Array) -> tuple[Array, Array]:
    """The same, one matrix after the other; ``NotImplementedError`` on a device without LAPACK."""
    factorise = lapack(xp, "getrf", matrices.dtype)
    flat = stacked(matrices, 2)
    made = xp.empty(flat.shape, flat.dtype)
    pivots = xp.empty((len(flat), min(flat.shape[1:])), "int32")
    for place, each in enumerate(flat):
        made[place], exchanged, _ = factorise(each)
        pivots[place] = exchanged + 1
    return made.reshape(matrices.shape), pivots.reshape(*matrices.shape[:-2], pivots.shape[-1])


def factored(xp: Namespace, matrices: Array) -> tuple[Array, Array]:
    """The same by the way that is faster."""
    if min(matrices.shape[-2:]) > BLOCK:
        try:
            return _by_lapack(xp, matrices)
        except NotImplementedError:
            pass  # the device has no LAPACK: the array calls below work on every one
    return eliminated(xp, matrices)


def first_zero(xp: Namespace, compact: Array) -> Array:
    """The number, from 1, of the first pivot that is zero; 0 where there is none."""
    zero = xp.diagonal(compact, 0, -2, -1) == 0
    if not zero.shape[-1]:
        return xp.zeros(zero.shape[:-1], "int32")
    return xp.where(zero.any(axis=-1), xp.argmax(zero, axis=-1) + 1, 0).astype("int32")


@primitive(
    samples=matrices, torch="linalg.lu_factor_ex", node="LinalgLuFactorExBackward0",
    outputs=("LU", "pivots", "info"), public=False,
)  # fmt: skip
def lu_factor_ex(xp: Namespace, input: Array) -> tuple[Array, Array, Array]:
    """L and U in one array, the row exchanges, and which pivot was the first that is zero (0: none)."""
    compact, pivots = factored(xp, input)
    return compact, pivots, first_zero(xp, compact)


def exchanges(rng: np.random.Generator) -> Iterator[Sample]:
    """Row exchanges of three of four rows."""
    yield Sample((np.array([[2, 4, 3], [1, 2, 3]], "int32"),), {"size": 4})


@primitive(samples=exchanges, torch="-", public=False)
def pivots_to_order(xp: Namespace, pivots: Array, *, size: int) -> Array:
    """The order of ``size`` rows after the exchanges, made one after the other."""
    flat = stacked(pivots, 1)
    order = xp.broadcast_to(xp.arange(size), (len(flat), size)).copy()
    each = xp.arange(len(flat))[:, None]
    for place in range(flat.shape[-1]):
        two = xp.stack([xp.full(len(flat), place), flat[:, place].astype("int64") - 1], axis=-1)
        order[each, two] = order[each, two[:, ::-1]]
    return xp.reshape(order, (*pivots.shape[:-1], size))


@lu_factor_ex.vjp("input")
def _(g: Sequence[Tensor], LU: Tensor, pivots: Tensor) -> Tensor:
    """With PᵀA = LU split into the blocks before and after the smaller length, from dL and dU of M. B. Giles, "An
    extended collection of matrix derivative results" (2008), §2, applied to L₁U₁, L₁U₂ and L₂U₁."""
    compact, grad = conj(LU), g[0]
    height, width = compact.shape[-2:]
    size = min(height, width)
    first, below, right = slice(0, size), slice(size, height), slice(size, width)
    head = cut(compact, first, first)
    square = cut(grad, first, first)
    lower, upper = lower_of(head), upper_of(head)
    to_lower, to_upper = adjoint(lower) @ square, square @ adjoint(upper)
    if width > size:
        to_lower = to_lower - cut(grad, first, right) @ adjoint(cut(compact, first, right))
    if height > size:
        to_upper = to_upper - adjoint(cut(compact, below, first)) @ cut(grad, below, first)
    inner = tril(to_lower, diagonal=-1) + triu(to_upper, diagonal=0)
    turned = adjoint(lower)
    made = from_left(turned, from_right(adjoint(upper), inner, upper=False), upper=True, unit=True)
    rank = len(compact.shape)
    if width > size:
        made = cat(made, from_left(turned, cut(grad, first, right), upper=True, unit=True), dim=rank - 1)
    if height > size:
        made = cat(made, from_right(adjoint(upper), cut(grad, below, first), upper=False), dim=rank - 2)
    return rows(made, backwards(pivots_to_order(pivots, size=height)))


@lu_factor_ex.jvp("input")
def _(tangent: Tensor, LU: Tensor, pivots: Tensor) -> tuple[Tensor, None, None]:
    height, width = LU.shape[-2:]
    size = min(height, width)
    first, below, right = slice(0, size), slice(size, height), slice(size, width)
    change = rows(tangent, pivots_to_order(pivots, size=height))
    head = cut(LU, first, first)
    lower, upper = lower_of(head), upper_of(head)
    inner = from_left(lower, from_right(upper, cut(change, first, first), upper=True), upper=False, unit=True)
    to_lower, to_upper = lower @ tril(inner, diagonal=-1), triu(inner, diagonal=0) @ upper
    made = to_lower + to_upper
    rank = len(LU.shape)
    if width > size:
        seen = cut(change, first, right) - to_lower @ cut(LU, first, right)
        made = cat(made, from_left(lower, seen, upper=False, unit=True), dim=rank - 1)
    if height > size:
        seen = cut(change, below, first) - cut(LU, below, first) @ to_upper
        made = cat(made, from_right(upper, seen, upper=True), dim=rank - 2)
    return made, None, None
