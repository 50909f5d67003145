"""Factorisations with PyTorch's arguments: Cholesky, QR, LU, LDL, and products of reflections."""

from __future__ import annotations

from typing import NamedTuple

from retrograd.functional.matrices import (
    adjoint,
    broadcast_batches,
    check_kinds,
    check_matrices,
    check_square,
    identity,
)
from retrograd.functional.solve import raise_where_failed, solve_triangular
from retrograd.functional.surface import both, within
from retrograd.ops import eliminate, ldl
from retrograd.ops import factorise as ops
from retrograd.ops.matrices import backwards, conj, lower_of, rows, upper_of
from retrograd.tensor import Tensor

linalg = within("linalg")


class CholeskyEx(NamedTuple):
    """Factors and where they failed."""

    L: Tensor
    info: Tensor


class QR(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Tensor
    R: Tensor


class Geqrf(NamedTuple):
    """R above, and the reflections that make Q below and beside."""

    a: Tensor
    tau: Tensor


class PLU(NamedTuple):
    """A permutation, a lower and an upper triangle."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactor(NamedTuple):
    """Both triangles in one tensor, and the row exchanges."""

    LU: Tensor
    pivots: Tensor


class LUFactorEx(NamedTuple):
    """The same, and which pivot is zero."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class LDLFactor(NamedTuple):
    """Both factors in one tensor, and the exchanges."""

    LD: Tensor
    pivots: Tensor


class LDLFactorEx(NamedTuple):
    """The same, and which pivot is zero."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


_NOT_POSITIVE = (
    "The factorization could not be completed because the input is not positive-definite (the leading minor of order "
    "{info} is not positive-definite)."
)


@linalg
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """The Cholesky factors of Hermitian matrices (*, n, n), of which one triangle is read, and for each the order of
    the first leading minor that is not positive-definite (0: all are)."""
    check_square("linalg.cholesky", A)
    found = CholeskyEx(*ops.cholesky_ex.call(A, upper=upper))
    if check_errors:
        raise_where_failed("linalg.cholesky", found.info, _NOT_POSITIVE)
    return found


def _cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """The L of L Lᴴ = A (or the U of Uᴴ U = A if ``upper``); ``LinAlgError`` where A is not positive-definite."""
    return cholesky_ex(input, upper=upper, check_errors=True).L


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Another name of ``linalg.cholesky``."""
    return _cholesky(input, upper=upper)


both(cholesky)
_cholesky.__name__ = _cholesky.__qualname__ = "cholesky"
linalg(_cholesky)


@linalg
def qr(A: Tensor, mode: str = "reduced") -> QR:
    """Q R = A for matrices (*, m, n), with k = min(m, n).

    ``mode``: reduced (Q (m, k), R (k, n)), complete (Q (m, m), R (m, n); no gradient if m > n), or r (Q empty).
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    check_matrices("linalg.qr", A)
    q, r = ops.qr.call(A, mode="reduced" if mode == "r" else mode)
    return QR(A.new_zeros((0,)) if mode == "r" else q, r)


def _qr(input: Tensor, some: bool = True) -> QR:
    """Q R = input, reduced if ``some``, else complete."""
    return qr(input, "reduced" if some else "complete")


_qr.__name__ = _qr.__qualname__ = "qr"
both(_qr)


@both
def geqrf(input: Tensor) -> Geqrf:
    """R, and under it the reflections whose product is Q, as LAPACK leaves them. Without gradients."""
    check_matrices("geqrf", input)
    return Geqrf(*ops.geqrf.call(input))


def _reflections(name: str, input: Tensor, tau: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The vector (m, 1) and the factor of each reflection I - τ v vᴴ."""
    check_matrices(name, input)
    check_kinds(name, input, tau)
    height, width = input.shape[-2], min(input.shape[-2:])
    count = tau.shape[-1] if tau.ndim else 0
    if tau.ndim != input.ndim - 1 or tau.shape[:-1] != input.shape[:-2] or count > width:
        raise RuntimeError(f"{name}: shapes {list(input.shape)} and {list(tau.shape)} of reflections and factors clash")
    vectors = input[..., :width].tril(-1) + identity(input, height)[:, :width]
    return [(vectors[..., each : each + 1], tau[..., each, None, None]) for each in range(count)]


def _reflect(value: Tensor, vector: Tensor, factor: Tensor) -> Tensor:
    return value - (factor * vector) @ (adjoint(vector) @ value)


@linalg
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of the product of reflections I - τᵢ vᵢ vᵢᴴ; each vᵢ lies in a column of A (*, m, n) below
    the diagonal, where it is 1 (as ``geqrf`` leaves them)."""
    height, width = A.shape[-2:] if A.ndim > 1 else (0, 0)
    if height < width:
        raise RuntimeError(
            "linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    found = _reflections("linalg.householder_product", A, tau)
    made = A.tril(-height) + identity(A, height)[:, :width]
    for vector, factor in reversed(found):
        made = _reflect(made, vector, factor)
    return made


@both
def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """Another name of ``linalg.householder_product``."""
    return householder_product(input, tau)


@both
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """The product of the full Q of reflections with ``other``, from the left or the right, Q as it is or adjoint."""
    found = _reflections("ormqr", input, tau)
    check_matrices("ormqr", input, other)
    if other.ndim != input.ndim or other.shape[:-2] != input.shape[:-2]:
        raise RuntimeError(f"ormqr: batches of shapes {list(input.shape)} and {list(other.shape)} clash")
    if other.shape[-2 if left else -1] != input.shape[-2]:
        raise RuntimeError(f"ormqr: shapes {list(input.shape)} and {list(other.shape)} cannot be multiplied")
    value = other if left else adjoint(other)
    turned = transpose is left
    for vector, factor in found if turned else reversed(found):
        value = _reflect(value, vector, conj(factor) if turned else factor)
    return value if left else adjoint(value)


def _pivoting(name: str, pivot: bool) -> None:
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU")


@linalg
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> LUFactorEx:
    """L (below the diagonal, without its ones) and U of matrices (*, m, n) in one tensor; the row (from 1) that each
    one was exchanged with; and for each matrix which pivot is zero (0: none)."""
    check_matrices("torch.lu_factor", A)
    _pivoting("linalg.lu_factor", pivot)
    found = LUFactorEx(*eliminate.lu_factor_ex.call(A))
    if check_errors:
        raise_where_failed("linalg.lu_factor", found.info, _ZERO)
    return found


_ZERO = "U[{info},{info}] is zero and using it on lu_solve would result in a division by zero."


@linalg
def lu_factor(A: Tensor, *, pivot: bool = True) -> LUFactor:
    """The same without the last; ``LinAlgError`` where a pivot is zero."""
    return LUFactor(*lu_factor_ex(A, pivot=pivot, check_errors=True)[:2])


@both
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> PLU:
    """P, L and U from what ``lu_factor`` gives; empty tensors for what is not wanted."""
    check_matrices("lu_unpack", LU_data)
    empty = LU_data.new_zeros((0,))
    p = lower = upper = empty
    if unpack_pivots:
        if str(LU_pivots.dtype) != "retrograd.int32":
            raise RuntimeError(
                "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
                "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
            )
        size = LU_data.shape[-2]
        order = eliminate.pivots_to_order.call(LU_pivots, size=size)
        eye = identity(LU_data, size).expand(*LU_pivots.shape[:-1], size, size)
        p = rows.call(eye, backwards.call(order))
    if unpack_data:
        lower, upper = lower_of(LU_data), upper_of(LU_data)
    return PLU(p, lower, upper)


@linalg
def lu(A: Tensor, *, pivot: bool = True) -> PLU:
    """P L U = A: a permutation (m, m), ones on the diagonal of L (m, k), U (k, n), with k = min(m, n)."""
    check_matrices("linalg.lu", A)
    _pivoting("linalg.lu", pivot)
    return lu_unpack(*eliminate.lu_factor_ex.call(A)[:2])


def _lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> LUFactor | LUFactorEx:
    """The older form of ``linalg.lu_factor``."""
    found = lu_factor_ex(A, pivot=pivot)
    return found if get_infos else LUFactor(*found[:2])


_lu.__name__ = _lu.__qualname__ = "lu"
both(_lu)


def _solve_lu(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The X of AX = B (XA = B if not ``left``; with Aᴴ if ``adjoint``), from what ``lu_factor`` gives for A."""
    check_square("linalg.lu_solve", LU)
    check_matrices("linalg.lu_solve", LU, B)
    if pivots.shape != LU.shape[:-1]:
        raise RuntimeError(
            "linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix; got shapes "
            f"{list(pivots.shape)} and {list(LU.shape)}"
        )
    if B.shape[-2 if left else -1] != LU.shape[-1]:
        raise RuntimeError(f"linalg.lu_solve: Incompatible shapes of A {list(LU.shape)} and B {list(B.shape)}")
    if not left:
        turned = _solve_lu(LU, pivots, _adjoint(B), adjoint=not adjoint)
        return _adjoint(turned)
    compact, right = broadcast_batches("linalg.lu_solve", LU, B)
    order = eliminate.pivots_to_order.call(pivots, size=LU.shape[-1]).expand(compact.shape[:-1])
    if adjoint:
        turned = _adjoint(compact)
        half = solve_triangular(turned, right, upper=False)
        return rows.call(solve_triangular(turned, half, upper=True, unitriangular=True), backwards.call(order))
    half = solve_triangular(compact, rows.call(right, order), upper=False, unitriangular=True)
    return solve_triangular(compact, half, upper=True)


_adjoint = adjoint


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """The X of AX = b, from what ``lu_factor`` gives for A."""
    return _solve_lu(LU_data, LU_pivots, b)


both(lu_solve)
_solve_lu.__name__ = _solve_lu.__qualname__ = "lu_solve"
linalg(_solve_lu)


@linalg
def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> LDLFactorEx:
    """The compact LDL factors of symmetric (or Hermitian) matrices, LAPACK's pivots, and which block of D is singular.

    Without gradients.
    """
    check_square("torch.linalg.ldl_factor_ex", A)
    found = LDLFactorEx(*ldl.ldl_factor_ex.call(A, hermitian=hermitian))
    if check_errors:
        raise_where_failed("torch.linalg.ldl_factor_ex", found.info, "D[{info},{info}] is zero.")
    return found


@linalg
def ldl_factor(A: Tensor, *, hermitian: bool = False) -> LDLFactor:
    """The same without the last; ``LinAlgError`` where D is singular."""
    return LDLFactor(*ldl_factor_ex(A, hermitian=hermitian, check_errors=True)[:2])


@linalg
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """The X of AX = B, from what ``ldl_factor`` gives for A. Without gradients."""
    check_square("torch.linalg.ldl_solve", LD)
    check_matrices("torch.linalg.ldl_solve", LD, B)
    if B.shape[-2] != LD.shape[-1] or pivots.shape != LD.shape[:-1]:
        raise RuntimeError(
            f"torch.linalg.ldl_solve: shapes of LD {list(LD.shape)}, pivots {list(pivots.shape)} and B {list(B.shape)} "
            "clash"
        )
    factor, right = broadcast_batches("torch.linalg.ldl_solve", LD, B)
    return ldl.ldl_solve.call(factor, pivots.expand(factor.shape[:-1]), right, hermitian=hermitian)
