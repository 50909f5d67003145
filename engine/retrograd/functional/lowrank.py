"""Approximate factorisations of low rank, by random projections."""

from __future__ import annotations

from retrograd.functional.factorise import qr
from retrograd.functional.linalg import matmul
from retrograd.functional.matrices import adjoint
from retrograd.functional.random import randn
from retrograd.functional.spectral import SVD, svd
from retrograd.functional.surface import function
from retrograd.tensor import Tensor


def _range_of(A: Tensor, q: int, niter: int, M: Tensor | None) -> Tensor:
    """Orthonormal columns that span about what the columns of A - M span.

    N. Halko, P.-G. Martinsson and J. A. Tropp, "Finding structure with randomness" (2009), algorithm 4.4.
    """

    def off(matrix: Tensor, mean: Tensor | None, other: Tensor) -> Tensor:
        made = matmul(matrix, other)
        return made if mean is None else made - matmul(mean, other)

    turned, turned_mean = adjoint(A), None if M is None else adjoint(M)
    q_of = qr(off(A, M, randn(A.shape[-1], q, dtype=A.dtype, device=A.device))).Q
    for _ in range(niter):
        q_of = qr(off(turned, turned_mean, q_of)).Q
        q_of = qr(off(A, M, q_of)).Q
    return q_of


@function
def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> SVD:
    """About the ``q`` largest singular values of A - M (*, m, n) with their vectors: U (*, m, q), S, V (*, n, q).

    ``niter`` rounds of subspace iteration; draws from the generator. Algorithm 5.1 of Halko et al. (2009).
    """
    size = 6 if q is None else q
    wide = A.shape[-2] < A.shape[-1]
    matrix, mean = (adjoint(A), None if M is None else adjoint(M)) if wide else (A, M)
    span = _range_of(matrix, size, 2 if niter is None else niter, mean)
    small = matmul(adjoint(span), matrix)
    if mean is not None:
        small = small - matmul(adjoint(span), mean)
    left, values, right = svd(small, full_matrices=False)
    left, other = matmul(span, left), adjoint(right)
    return SVD(other, values, left) if wide else SVD(left, values, other)


@function
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> SVD:
    """The same of A with the mean of its rows taken off (if ``center``): principal components are the columns of V."""
    height, width = A.shape[-2:]
    if q is None:
        q = min(6, height, width)
    elif not 0 <= q <= min(height, width):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(height, width)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
