"""Eigenvalues and singular values with PyTorch's arguments."""

from __future__ import annotations

from typing import NamedTuple

from retrograd.autograd.mode import is_grad_enabled
from retrograd.functional.matrices import adjoint, check_matrices, check_square
from retrograd.functional.surface import both, within
from retrograd.ops import eig as general
from retrograd.ops import spectral as ops
from retrograd.tensor import Tensor

linalg = within("linalg")


class Eigh(NamedTuple):
    """Eigenvalues, rising, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class LinalgSVD(NamedTuple):
    """Left vectors as columns, singular values falling, right vectors as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class SVD(NamedTuple):
    """Left vectors as columns, singular values falling, right vectors as columns."""

    U: Tensor
    S: Tensor
    V: Tensor


def _wants_grad(input: Tensor) -> bool:
    return input.requires_grad and is_grad_enabled()


def _triangle(UPLO: str) -> str:
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


@linalg
def eigh(A: Tensor, UPLO: str = "L") -> Eigh:
    """The eigenvalues (real, rising) and eigenvectors (columns) of Hermitian matrices (*, n, n).

    Only the triangle that ``UPLO`` names is read. The gradient is that of functions that do not depend on the
    vectors' phases; it is not finite where eigenvalues repeat.
    """
    check_square("linalg.eigh", A)
    return Eigh(*ops.eigh.call(A, UPLO=_triangle(UPLO)))


@linalg
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of Hermitian matrices, rising."""
    check_square("linalg.eigvalsh", A)
    triangle = _triangle(UPLO)
    return ops.eigh.call(A, UPLO=triangle)[0] if _wants_grad(A) else ops.eigvalsh.call(A, UPLO=triangle)


@linalg
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> LinalgSVD:
    """U diag(S) Vh = A for matrices (*, m, n): S falls; U (m, m) and Vh (n, n), or without ``full_matrices`` only the
    columns and rows that S has values for. ``driver`` names a method on GPUs, and is refused here."""
    check_matrices("linalg.svd", A)
    _no_driver(driver)
    return LinalgSVD(*ops.svd.call(A, full_matrices=full_matrices))


def _no_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError("linalg.svd: keyword argument `driver=` is only supported on CUDA inputs")


@linalg
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values, falling."""
    check_matrices("linalg.svdvals", A)
    _no_driver(driver)
    return ops.svd.call(A, full_matrices=False)[1] if _wants_grad(A) else ops.svdvals.call(A)


def _svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> SVD:
    """U diag(S) Vᴴ = input; without ``compute_uv`` U and V are zeros."""
    check_matrices("svd", input)
    if not compute_uv:
        rows, columns = input.shape[-2:]
        batch = input.shape[:-2]
        return SVD(input.new_zeros((*batch, rows, rows)), svdvals(input), input.new_zeros((*batch, columns, columns)))
    left, values, right = svd(input, full_matrices=not some)
    return SVD(left, values, adjoint(right))


_svd.__name__ = _svd.__qualname__ = "svd"
both(_svd)


class Eig(NamedTuple):
    """Eigenvalues and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _finite(name: str, A: Tensor) -> Tensor:
    check_square(name, A)
    if not bool(A.isfinite().all()):
        raise RuntimeError(f"{name}: input tensor should not contain infs or NaNs.")
    return A


@linalg
def eig(A: Tensor) -> Eig:
    """The eigenvalues (in no order) and eigenvectors (columns of length 1) of square matrices (*, n, n), complex.

    The gradient is that of functions that do not depend on the vectors' phases (``RuntimeError`` of others); it is not
    finite where eigenvalues repeat.
    """
    return Eig(*general.eig.call(_finite("torch.linalg.eig", A)))


@linalg
def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues of square matrices, in no order, complex."""
    _finite("torch.linalg.eigvals", A)
    return general.eig.call(A)[0] if _wants_grad(A) else general.eigvals.call(A)
