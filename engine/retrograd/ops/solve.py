"""Inverses, solutions and determinants of square matrices, and the pseudo-inverse.

The derivatives of inverse, solution and determinant are those of M. B. Giles, "An extended collection of matrix
derivative results for forward and reverse mode algorithmic differentiation" (2008), §2; for complex matrices the
transposes become adjoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.complex import is_complex
from retrograd.ops.diagonal import diagonal_of
from retrograd.ops.eliminate import factored, first_zero
from retrograd.ops.matrices import NO_MATRIX, adjoint, conj, matrices, real, squares, transposed
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_dim
from retrograd.ops.samples import Sample
from retrograd.ops.shape import unsqueeze
from retrograd.ops.triangular import systems
from retrograd.tensor import Tensor


def _where_regular(xp: Namespace, function: str, *arrays: Array) -> tuple[Array, Array]:
    """``xp.linalg``'s function where some of the first matrices are singular: (results, NaN there; the number of the
    first zero pivot, 0 for none)."""
    matrix, last = arrays[0], arrays[-1]
    signs, _ = xp.linalg.slogdet(matrix)  # it eliminates as the function does, and does not raise
    regular = signs != 0
    found = xp.full(last.shape, np.nan, last.dtype)
    found[regular] = getattr(xp.linalg, function)(*[each[regular] for each in arrays])
    pivot = first_zero(xp, factored(xp, matrix)[0])
    return found, xp.where(regular, 0, xp.where(pivot == 0, matrix.shape[-1], pivot)).astype("int32")


@primitive(
    samples=squares, torch="linalg.inv_ex", node="LinalgInvExBackward0", outputs=("inverse", "info"), public=False
)
def inv_ex(xp: Namespace, input: Array) -> tuple[Array, Array]:
    """The inverse, and where a zero pivot stood in the way (0: nowhere)."""
    try:
        return xp.linalg.inv(input), xp.zeros(input.shape[:-2], "int32")
    except NO_MATRIX:
        return _where_regular(xp, "inv", input)


@inv_ex.vjp("input")
def _(g: Sequence[Tensor], inverse: Tensor) -> Tensor:
    turned = transposed(inverse)
    return -(turned @ g[0] @ turned)


@inv_ex.jvp("input")
def _(tangent: Tensor, inverse: Tensor) -> tuple[Tensor, None]:
    return -(inverse @ tangent @ inverse), None


def inverse_of(matrix: Tensor) -> Tensor:
    """The inverse alone, also for raw arrays."""
    return inv_ex(matrix)[0]


@primitive(
    samples=systems, torch="linalg.solve_ex", node="LinalgSolveExBackward0", outputs=("result", "info"), public=False
)
def solve_ex(xp: Namespace, A: Array, B: Array) -> tuple[Array, Array]:
    """The X of AX = B, and where a zero pivot stood in the way; the batches are of one shape."""
    try:
        return xp.linalg.solve(A, B), xp.zeros(A.shape[:-2], "int32")
    except NO_MATRIX:
        return _where_regular(xp, "solve", A, B)


@solve_ex.vjp("A", "B")
def _(g: Sequence[Tensor], A: Tensor, result: Tensor, needs: Sequence[bool]) -> tuple[Tensor | None, Tensor]:
    right = solve_ex(transposed(A), g[0])[0]
    return (-(right @ transposed(result)) if needs[0] else None), right


@solve_ex.jvp("A")
def _(tangent: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor, None]:
    return -solve_ex(A, tangent @ result)[0], None


@solve_ex.jvp("B")
def _(tangent: Tensor, A: Tensor) -> tuple[Tensor, None]:
    return solve_ex(A, tangent)[0], None


def _as_matrix(value: Tensor) -> Tensor:
    return unsqueeze(unsqueeze(value, dim=-1), dim=-1)


def _total(value: Tensor) -> Tensor:
    return sum_dim(value, dim=(-2, -1), keepdim=False)


@primitive(samples=squares, torch="linalg.det", node="LinalgDetBackward0", public=False)
def det(xp: Namespace, input: Array) -> Array:
    """The determinant."""
    return xp.linalg.det(input)


@det.vjp("input")
def _(g: Tensor, input: Tensor) -> Tensor:
    return _as_matrix(g) * cofactor(input)


@det.jvp("input")
def _(tangent: Tensor, input: Tensor) -> Tensor:
    return _total(tangent * cofactor(input))


@primitive(samples=squares, torch="-", public=False)
def cofactor(xp: Namespace, input: Array) -> Array:
    """The matrix of cofactors, det(A) A⁻ᵀ, which exists for singular matrices too.

    With A = U S Vᴴ it is det(U) det(Vᴴ) U' S' V'ᴴ, where S' holds the products of all singular values but one and the
    dash on U and V conjugates.
    """
    u, s, vh = xp.linalg.svd(input)
    size = s.shape[-1]
    others = xp.where(xp.eye(size, dtype="bool"), 1, s[..., None, :]).prod(axis=-1).astype(s.dtype)
    turn = xp.linalg.det(u) * xp.linalg.det(vh)
    return turn[..., None, None] * xp.conj(xp.matmul(u * others[..., None, :], vh))


@cofactor.vjp("input")
def _(g: Tensor, input: Tensor) -> Tensor:
    return _second(g, input)


@cofactor.jvp("input")
def _(tangent: Tensor, input: Tensor) -> Tensor:
    return _second(tangent, input)


def _second(direction: Tensor, input: Tensor) -> Tensor:
    """The derivative of the cofactors, which is its own transpose: d (tr(MᵀX) M - M Xᵀ M), with M = A⁻ᵀ."""
    turned = transposed(inverse_of(input))
    mixed = _as_matrix(_total(turned * direction)) * turned - turned @ transposed(direction) @ turned
    return _as_matrix(det(input)) * mixed


@primitive(
    samples=squares, torch="linalg.slogdet", node="LinalgSlogdetBackward0", outputs=("sign", "logabsdet"), public=False
)
def slogdet(xp: Namespace, input: Array) -> tuple[Array, Array]:
    """The determinant's sign (a complex number of modulus 1 for complex matrices) and the log of its modulus."""
    sign, logabsdet = xp.linalg.slogdet(input)
    return sign, logabsdet


@slogdet.vjp("input")
def _(g: Sequence[Tensor | None], input: Tensor, sign: Tensor) -> Tensor:
    to_sign, to_log = g
    turned = transposed(inverse_of(input))
    weight = None if to_log is None else _as_matrix(to_log)
    if to_sign is not None and is_complex(input):
        around = _as_matrix(to_sign * sign)
        around = (around - conj(around)) * 0.5
        weight = around if weight is None else weight + around
    return turned * 0.0 if weight is None else turned * weight


@slogdet.jvp("input")
def _(tangent: Tensor, input: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
    change = sum_dim(diagonal_of(solve_ex(input, tangent)[0]), dim=(-1,), keepdim=False)
    turn = (change - conj(change)) * 0.5 if is_complex(input) else change * 0.0
    return sign * turn, real(change)


def thresholds(rng: np.random.Generator) -> Iterator[Sample]:
    """Matrices, with the size under which a singular value is none."""
    for sample in matrices(rng):
        yield Sample((*sample.inputs, 0.0, 1e-9), {"hermitian": False})


@primitive(samples=thresholds, torch="-", name="linalg_pinv", public=False)
def pinv(xp: Namespace, input: Array, atol: Array | float, rtol: Array | float, *, hermitian: bool) -> Array:
    """The pseudo-inverse; singular values up to the larger of atol and rtol times the largest of them count as zero."""
    if hermitian:
        values, left = xp.linalg.eigh(input)
        right = xp.conj(left).swapaxes(-1, -2)
    else:
        left, values, right = xp.linalg.svd(input, full_matrices=False)
    sizes = xp.abs(values)
    largest = sizes.max(axis=-1, initial=0)
    limit = xp.maximum(xp.asarray(atol), xp.asarray(rtol) * largest)[..., None]
    small = sizes <= limit
    inverted = xp.where(small, 0, 1 / xp.where(small, 1, values)).astype(values.dtype)
    return xp.matmul(xp.conj(right).swapaxes(-1, -2) * inverted[..., None, :], xp.conj(left).swapaxes(-1, -2))


@pinv.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    """For matrices of one rank around input: G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and
    nonlinear least squares problems whose variables separate" (1973), eq. 4.12."""
    a, p, turned = conj(input), conj(out), transposed(out)
    upper = adjoint(g) @ p @ turned
    lower = turned @ p @ adjoint(g)
    return upper - a @ (p @ upper) + lower - (lower @ p) @ a - turned @ g @ turned


@pinv.jvp("input")
def _(tangent: Tensor, input: Tensor, out: Tensor) -> Tensor:
    turned, back = adjoint(out), adjoint(tangent)
    left = out @ turned @ back
    right = back @ turned @ out
    return left - (left @ input) @ out + right - out @ (input @ right) - out @ tangent @ out
