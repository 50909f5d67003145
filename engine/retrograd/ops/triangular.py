"""Systems with triangular matrices: their solution, and what the rules of factorisations make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.diagonal import tril, triu
from retrograd.ops.matrices import NO_MATRIX, adjoint, conj, squares, transposed
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def systems(rng: np.random.Generator) -> Iterator[Sample]:
    """Square matrices and right sides."""
    for sample in squares(rng):
        (matrix,) = sample.inputs
        assert isinstance(matrix, np.ndarray)
        yield Sample((matrix, apart(rng, *matrix.shape[:-1], 2)))


def triangular_systems(rng: np.random.Generator) -> Iterator[Sample]:
    """Triangles and right sides."""
    for place, sample in enumerate(systems(rng)):
        yield Sample(sample.inputs, {"upper": bool(place % 2), "unitriangular": place == 2})
        yield Sample(sample.inputs, {"upper": not place % 2, "unitriangular": False})


@primitive(
    samples=triangular_systems, torch="linalg.solve_triangular", node="LinalgSolveTriangularBackward0", public=False
)
def solve_triangular(xp: Namespace, A: Array, B: Array, *, upper: bool, unitriangular: bool = False) -> Array:
    """The X of AX = B, where only a triangle of A counts; the batches are of one shape."""
    triangle = xp.triu(A) if upper else xp.tril(A)
    if unitriangular:
        places = xp.arange(A.shape[-1])
        triangle[..., places, places] = 1
    try:
        return xp.linalg.solve(triangle, B)
    except NO_MATRIX:
        return _substituted(xp, triangle, B, upper)


def _substituted(xp: Namespace, triangle: Array, right: Array, upper: bool) -> Array:
    """The same row by row, for triangles with zeros on the diagonal: they lead to infinities, as in LAPACK."""
    found = xp.zeros(right.shape, right.dtype)
    count = triangle.shape[-1]
    for place in reversed(range(count)) if upper else range(count):
        known = xp.matmul(triangle[..., place : place + 1, :], found)[..., 0, :]
        found[..., place, :] = (right[..., place, :] - known) / triangle[..., place, place, None]
    return found


@solve_triangular.vjp("A", "B")
def _(
    g: Tensor, A: Tensor, out: Tensor, needs: Sequence[bool], *, upper: bool, unitriangular: bool
) -> tuple[Tensor | None, Tensor]:
    right = solve_triangular(transposed(A), g, upper=not upper, unitriangular=unitriangular)
    return (_triangle(-(right @ transposed(out)), upper, unitriangular) if needs[0] else None), right


@solve_triangular.jvp("A")
def _(tangent: Tensor, A: Tensor, out: Tensor, *, upper: bool, unitriangular: bool) -> Tensor:
    change = _triangle(tangent, upper, unitriangular) @ out
    return -solve_triangular(A, change, upper=upper, unitriangular=unitriangular)


@solve_triangular.jvp("B")
def _(tangent: Tensor, A: Tensor, *, upper: bool, unitriangular: bool) -> Tensor:
    return solve_triangular(A, tangent, upper=upper, unitriangular=unitriangular)


def _triangle(value: Tensor, upper: bool, strictly: bool) -> Tensor:
    return triu(value, diagonal=int(strictly)) if upper else tril(value, diagonal=-int(strictly))


def from_left(triangle: Tensor, value: Tensor, *, upper: bool, unit: bool = False) -> Tensor:
    """triangle⁻¹ value"""
    return solve_triangular(triangle, value, upper=upper, unitriangular=unit)


def from_right(triangle: Tensor, value: Tensor, *, upper: bool, unit: bool = False) -> Tensor:
    """value triangle⁻¹"""
    return adjoint(solve_triangular(adjoint(triangle), adjoint(value), upper=not upper, unitriangular=unit))


def factored_systems(rng: np.random.Generator) -> Iterator[Sample]:
    """Right sides, and lower triangles as factors."""
    for sample in systems(rng):
        matrix, right = sample.inputs
        assert isinstance(matrix, np.ndarray)
        yield Sample((right, np.tril(matrix)), {"upper": False}, changes=np.tril)


@primitive(samples=factored_systems, public=False)
def cholesky_solve(xp: Namespace, B: Array, L: Array, *, upper: bool = False) -> Array:
    """The X of L Lᴴ X = B (Lᴴ L X = B if ``upper``); only a triangle of L counts, the batches are of one shape."""
    turned = xp.conj(L).swapaxes(-1, -2)
    lower, over = (turned, L) if upper else (L, turned)
    solve = cast("Callable[..., Array]", solve_triangular.op.forward)
    return solve(xp, over, solve(xp, lower, B, upper=False), upper=True)


@cholesky_solve.vjp("B", "L")
def _(g: Tensor, L: Tensor, out: Tensor, needs: Sequence[bool], *, upper: bool) -> tuple[Tensor, Tensor | None]:
    """L's gradient is, as PyTorch's, that of a full matrix, also in the triangle that is not read."""
    factor, solution = conj(L), conj(out)
    right = cholesky_solve(g, factor, upper=upper)
    if not needs[1]:
        return right, None
    common = right @ adjoint(solution)
    common = common + adjoint(common)
    return right, -(factor @ common if upper else common @ factor)


@cholesky_solve.jvp("B")
def _(tangent: Tensor, L: Tensor, *, upper: bool) -> Tensor:
    return cholesky_solve(tangent, L, upper=upper)


@cholesky_solve.jvp("L")
def _(tangent: Tensor, L: Tensor, out: Tensor, *, upper: bool) -> Tensor:
    change = adjoint(tangent) @ L if upper else tangent @ adjoint(L)
    return -cholesky_solve((change + adjoint(change)) @ out, L, upper=upper)
