"""Systems of linear equations, inverses, determinants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from retrograd.dtypes import finfo, int64
from retrograd.functional.math import choose
from retrograd.functional.matrices import (
    adjoint,
    broadcast_batches,
    check_kinds,
    check_matrices,
    check_square,
    identity,
    is_vector_rhs,
)
from retrograd.functional.spectral import eigvalsh, svdvals
from retrograd.functional.surface import both, within
from retrograd.ops import solve as ops
from retrograd.ops import triangular
from retrograd.ops.complex import is_complex
from retrograd.ops.errors import LinAlgError
from retrograd.tensor import Tensor

Tolerance = float | Tensor | None
linalg = within("linalg")


class InvEx(NamedTuple):
    """Inverses and where they failed."""

    inverse: Tensor
    info: Tensor


class SolveEx(NamedTuple):
    """Solutions and where they failed."""

    result: Tensor
    info: Tensor


class SlogDet(NamedTuple):
    """A determinant as its sign and the log of its modulus."""

    sign: Tensor
    logabsdet: Tensor


class Lstsq(NamedTuple):
    """What ``lstsq`` gives."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


class TriangularSolve(NamedTuple):
    """What ``triangular_solve`` gives."""

    solution: Tensor
    cloned_coefficient: Tensor


def raise_where_failed(name: str, info: Tensor, what: str) -> None:
    """``LinAlgError`` naming the first batch element whose info is not zero; ``what`` says it with ``{info}``."""
    codes = info.device.to_host(info._data)
    failed = np.flatnonzero(codes)
    if not len(failed):
        return
    where = f"(Batch element {failed[0]}): " if codes.ndim else ""
    raise LinAlgError(f"{name}: {where}{what.format(info=int(codes.reshape(-1)[failed[0]]))}")


@linalg
def inv_ex(A: Tensor, *, check_errors: bool = False) -> InvEx:
    """The inverses, and for each matrix the number of the zero pivot that shows it singular (0: it is regular)."""
    check_square("linalg.inv", A)
    found = InvEx(*ops.inv_ex.call(A))
    if check_errors:
        raise_where_failed("linalg.inv", found.info, _SINGULAR)
    return found


_SINGULAR = (
    "The diagonal element {info} is zero, the inversion could not be completed because the input matrix is singular."
)


@linalg
def inv(A: Tensor) -> Tensor:
    """The inverses of square matrices (*, n, n); ``LinAlgError`` for a singular one."""
    return inv_ex(A, check_errors=True).inverse


@both
def inverse(input: Tensor) -> Tensor:
    """Another name of ``linalg.inv``."""
    return inv(input)


@linalg
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> SolveEx:
    """The X of AX = B (or XA = B, if not ``left``), and for each matrix which zero pivot shows it singular (0: none).

    A: (*, n, n). B: (*, n, k), or (*, n) or (n) for vectors. The batch dimensions broadcast.
    """
    check_square("linalg.solve", A)
    check_kinds("linalg.solve", A, B)
    vector = is_vector_rhs(A, B)
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case "
            "linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    right = B.unsqueeze(-1) if vector else B
    if right.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({A.shape[-2]}x{A.shape[-1]} and {right.shape[-2]}x{right.shape[-1]})"
        )
    if not left:
        A, right = A.transpose(-2, -1), right.transpose(-2, -1)
    result, info = ops.solve_ex.call(*broadcast_batches("linalg.solve", A, right))
    if check_errors:
        raise_where_failed("linalg.solve", info, "The solver failed because the input matrix is singular.")
    if not left:
        result = result.transpose(-2, -1)
    return SolveEx(result.squeeze(-1) if vector else result, info)


@linalg
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The X of AX = B; ``LinAlgError`` where A is singular. Shapes as for ``solve_ex``."""
    return solve_ex(A, B, left=left, check_errors=True).result


@linalg
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The X of AX = B (XA = B if not ``left``); one triangle of A counts, with a diagonal of 1 if ``unitriangular``."""
    check_square("linalg.solve_triangular", A)
    check_matrices("linalg.solve_triangular", A, B)
    if B.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError(
            f"linalg.solve_triangular: Incompatible shapes of A and B for {'AX = B' if left else 'XA = B'} "
            f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})"
        )
    if not left:
        turned = solve_triangular(
            A.transpose(-2, -1), B.transpose(-2, -1), upper=not upper, unitriangular=unitriangular
        )
        return turned.transpose(-2, -1)
    matrix, right = broadcast_batches("linalg.solve_triangular", A, B)
    return triangular.solve_triangular.call(matrix, right, upper=upper, unitriangular=unitriangular)


@both
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> TriangularSolve:
    """The X of AX = b, or of AᵀX = b, with triangular A; and A."""
    check_square("triangular_solve", A)
    check_matrices("triangular_solve", A, b)
    matrix = A.transpose(-2, -1) if transpose else A
    solution = solve_triangular(matrix, b, upper=upper is not transpose, unitriangular=unitriangular)
    batched = broadcast_batches("triangular_solve", A, b)[0]
    return TriangularSolve(solution, batched.clone())


@both
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The X of AX = B, where A = L Lᴴ (or Lᴴ L if ``upper``)."""
    check_square("cholesky_solve", L)
    check_matrices("cholesky_solve", B, L)
    if B.shape[-2] != L.shape[-1]:
        raise RuntimeError(f"cholesky_solve: Incompatible matrix sizes {list(L.shape)} and {list(B.shape)}")
    return triangular.cholesky_solve.call(*broadcast_batches("cholesky_solve", B, L), upper=upper)


@both
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A, where A = L Lᴴ (or Lᴴ L if ``upper``)."""
    check_square("cholesky_inverse", L)
    return cholesky_solve(identity(L, L.shape[-1]), L, upper)


def det(A: Tensor) -> Tensor:
    """The determinants of square matrices (*, n, n)."""
    check_square("linalg.det", A)
    return ops.det.call(A)


def slogdet(A: Tensor) -> SlogDet:
    """The determinants as their sign (a complex number of modulus 1 if A is complex) and the log of their modulus."""
    check_square("linalg.slogdet", A)
    return SlogDet(*ops.slogdet.call(A))


for _function in (det, slogdet):
    both(linalg(_function))


@both
def logdet(input: Tensor) -> Tensor:
    """The log of the determinants: -inf for a singular matrix, NaN for a negative determinant of a real one."""
    check_square("logdet", input)
    sign, logabsdet = ops.slogdet.call(input)
    if is_complex(input):
        return sign.log() + logabsdet
    return choose(sign == -1, float("nan"), logabsdet)


def _limits(name: str, A: Tensor, atol: Tolerance, rtol: Tolerance) -> tuple[float | Tensor, float | Tensor]:
    for each in (atol, rtol):
        if isinstance(each, Tensor) and each.dtype.is_complex:
            raise RuntimeError(f"{name}: atol and rtol must be real, got {each.dtype}")
    if rtol is None:
        rtol = 0.0 if atol is not None and not (isinstance(atol, float) and atol <= 0) else _precision(A)
    return (0.0 if atol is None else atol), rtol


def _precision(A: Tensor) -> float:
    return max(A.shape[-2:]) * finfo(A.dtype.to_real()).eps


@linalg
def pinv(
    A: Tensor, rcond: Tolerance = None, hermitian: bool = False, *, atol: Tolerance = None, rtol: Tolerance = None
) -> Tensor:
    """The pseudo-inverses (*, n, m) of matrices (*, m, n).

    Singular values up to max(atol, rtol · the largest) count as zero; rtol (in older calls ``rcond``) is by default the
    longer side times the dtype's precision, or 0 where atol is given. ``hermitian``: eigenvalues are used instead.
    """
    check_matrices("linalg.pinv", A)
    if hermitian:
        check_square("linalg.pinv", A)
    limits = _limits("linalg.pinv", A, atol, rcond if rtol is None else rtol)
    if not A.numel():
        return adjoint(A).clone()
    return ops.pinv.call(A, *limits, hermitian=hermitian)


@both
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Another name of ``linalg.pinv``."""
    return pinv(input, rcond)


@linalg
def matrix_rank(
    A: Tensor, tol: Tolerance = None, hermitian: bool = False, *, atol: Tolerance = None, rtol: Tolerance = None
) -> Tensor:
    """How many singular values are larger than max(atol, rtol · the largest); ``tol`` is an older name of atol."""
    check_matrices("linalg.matrix_rank", A)
    if hermitian:
        check_square("linalg.matrix_rank", A)
    atol, rtol = (tol, 0.0) if tol is not None else _limits("linalg.matrix_rank", A, atol, rtol)
    values = (eigvalsh(A.detach()).abs() if hermitian else svdvals(A.detach())).detach()
    if not values.shape[-1]:
        return values.sum(-1).to(int64)
    limit = (values.amax(-1) * rtol).maximum(values.new_tensor(atol) if not isinstance(atol, Tensor) else atol)
    return (values > limit.unsqueeze(-1)).sum(-1)


@linalg
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The X that makes AX come nearest to B, the shortest one if there are several.

    A: (*, m, n). B: (*, m, k), or (*, m) for vectors. The drivers are LAPACK's names: with each of them the result
    comes from the pseudo-inverse; what else is returned is what the driver gives in PyTorch: ``gels`` no rank, only
    ``gelsd`` and ``gelss`` the singular values, ``gelsy`` (the default) no residuals.
    """
    check_matrices("linalg.lstsq", A)
    check_kinds("linalg.lstsq", A, B)
    driver = driver or "gelsy"
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), not {driver}"
        )
    if not B.ndim:
        raise RuntimeError("linalg.lstsq: input `B` must have at least 1 dimension")
    vector = is_vector_rhs(A, B)
    right = B.unsqueeze(-1) if vector else B
    if right.ndim != A.ndim or right.shape[-2] != A.shape[-2]:
        raise RuntimeError(f"linalg.lstsq: incompatible shapes {list(A.shape)} and {list(B.shape)}")
    limit = _precision(A) if rcond is None else float(rcond)
    matrix, right = broadcast_batches("linalg.lstsq", A, right)
    solution = pinv(matrix, rtol=limit) @ right
    empty = A.new_zeros((0,), dtype=A.dtype.to_real())
    rank = A.new_zeros((0,), dtype=int64) if driver == "gels" else matrix_rank(A, rtol=limit)
    values = svdvals(A.detach()) if driver in ("gelsd", "gelss") else empty
    residuals = solution.reshape(-1)[:0].abs()
    full = driver == "gels" or bool((rank == A.shape[-1]).all())
    if A.shape[-2] > A.shape[-1] and driver != "gelsy" and full:
        residuals = (matrix @ solution - right).abs().square().sum(-2)
    return Lstsq(solution.squeeze(-1) if vector else solution, residuals, rank, values)


@linalg
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from the tensors of its last dimensions to those of its first ``ind`` ones."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    size = int(np.prod(first))
    if size != int(np.prod(last)):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{int(np.prod(last))} != {size}"
        )
    return inv(A.reshape(size, size)).reshape((*last, *first))


@linalg
def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """The X for which tensordot(A, X, X.ndim) = B; ``dims`` of A are moved to its end first."""
    if dims is not None:
        moved = [each % A.ndim for each in dims]
        A = A.permute([each for each in range(A.ndim) if each not in moved] + moved)
    shape = tuple(A.shape[B.ndim :])
    if int(np.prod(shape)) != B.numel():
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {int(np.prod(shape))} != {B.numel()}"
        )
    return solve(A.reshape(B.numel(), B.numel()), B.reshape(B.numel())).reshape(shape)
