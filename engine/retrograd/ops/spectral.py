"""Eigenvalues and singular values, with their vectors.

Vectors are known up to a factor of modulus 1, and the gradients are those of functions that do not depend on it. Where
two values are equal the vectors' gradients do not exist: they come out infinite or NaN, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.complex import is_complex
from retrograd.ops.diagonal import diagonal_of, matrix_of
from retrograd.ops.matrices import (
    adjoint,
    conj,
    cut,
    eye_like,
    hermitian,
    matrices,
    real,
    skewed,
    symmetrised,
)
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample
from retrograd.ops.shape import cat, unsqueeze
from retrograd.tensor import Tensor


def row(values: Tensor) -> Tensor:
    """A vector as a row, to scale columns by."""
    return unsqueeze(values, dim=-2)


def column(values: Tensor) -> Tensor:
    """A vector as a column, to scale rows by."""
    return unsqueeze(values, dim=-1)


def check_phases(name: str, diagonal: Tensor) -> None:
    """``RuntimeError`` where a gradient says that the loss depends on the vectors' phases, which mean nothing."""
    found = cast(Array, getattr(diagonal, "_data", diagonal))
    if found.size and float(abs(found.imag).max()) > 0.01:
        raise RuntimeError(
            f"{name}: the loss depends on the phases of the complex vectors, which are arbitrary, so that it has no "
            "gradient; use only what does not change when a vector is multiplied by a number of modulus 1"
        )


def gaps(values: Tensor) -> Tensor:
    """vⱼ - vᵢ, with 1 on the diagonal."""
    found = row(values) - column(values)
    return found + eye_like(found)


def halves(rng: np.random.Generator) -> Iterator[Sample]:
    """Symmetric matrices, of which one triangle or the other is read."""
    for sample in hermitian(rng):
        for uplo in "LU":
            yield Sample(sample.inputs, {"UPLO": uplo}, changes=sample.changes)


@primitive(samples=halves, torch="-", name="linalg_eigh", outputs=("eigenvalues", "eigenvectors"), public=False)
def eigh(xp: Namespace, input: Array, *, UPLO: str) -> tuple[Array, Array]:
    """The eigenvalues of Hermitian matrices, rising, and the eigenvectors as columns."""
    values, vectors = xp.linalg.eigh(input, UPLO)
    return values, vectors


@eigh.vjp("input")
def _(g: Sequence[Tensor | None], eigenvalues: Tensor, eigenvectors: Tensor) -> Tensor:
    """M. B. Giles, "An extended collection of matrix derivative results" (2008), §3.1; C. Boeddeker et al., "On the
    computation of complex-valued gradients with application to statistically optimum beamforming" (2017), §4.4."""
    to_values, to_vectors = g
    vectors = conj(eigenvectors)
    if to_vectors is None:
        assert to_values is not None
        return (vectors * row(to_values)) @ adjoint(vectors)
    inner = skewed(adjoint(vectors) @ to_vectors) / gaps(eigenvalues)
    if is_complex(inner):
        check_phases("linalg.eigh", diagonal_of(inner))
        inner = inner - matrix_of(diagonal_of(inner))
    if to_values is not None:
        inner = inner + matrix_of(to_values)
    return vectors @ inner @ adjoint(vectors)


@eigh.jvp("input")
def _(tangent: Tensor, eigenvalues: Tensor, eigenvectors: Tensor) -> tuple[Tensor, Tensor]:
    seen = symmetrised(adjoint(eigenvectors) @ tangent @ eigenvectors)
    diagonal = diagonal_of(seen)
    turn = (seen - matrix_of(diagonal)) / gaps(eigenvalues)
    return real(diagonal), eigenvectors @ turn


def shapes(rng: np.random.Generator) -> Iterator[Sample]:
    """Matrices, and square and almost square ones for the full decomposition (whose last vector is unique)."""
    for sample in matrices(rng):
        yield Sample(sample.inputs, {"full_matrices": False})
    for shape in ((3, 3), (2, 3), (3, 2)):
        yield Sample((rng.normal(size=shape) + 2 * np.eye(*shape),), {"full_matrices": True})


@primitive(samples=shapes, torch="-", name="linalg_svd", outputs=("U", "S", "Vh"), public=False)
def svd(xp: Namespace, input: Array, *, full_matrices: bool) -> tuple[Array, Array, Array]:
    """U diag(S) Vh = input: singular values, falling, with left vectors as columns and right ones as rows."""
    u, s, vh = xp.linalg.svd(input, full_matrices=full_matrices)
    return u, s, vh


@svd.vjp("input")
def _(g: Sequence[Tensor | None], U: Tensor, S: Tensor, Vh: Tensor) -> Tensor:
    """J. Townsend, "Differentiating the singular value decomposition" (2016), eq. 31-36; Z.-Q. Wan and S.-X. Zhang,
    "Automatic differentiation for complex valued SVD" (2019)."""
    to_u, to_s, to_vh = g
    left, right = conj(U), adjoint(conj(Vh))
    size = S.shape[-1]
    to_v = None if to_vh is None else adjoint(to_vh)
    left, to_u = _leading(left, to_u, size)
    right, to_v = _leading(right, to_v, size)
    if to_u is None and to_v is None:
        assert to_s is not None
        return (left * row(to_s)) @ adjoint(right)
    apart = gaps(S * S)
    inner = None if to_s is None else matrix_of(to_s)
    phases: Tensor | None = None
    if to_u is not None:
        turn = skewed(adjoint(left) @ to_u) * 2.0
        inner = _plus(inner, turn / apart * row(S))
        if is_complex(turn):
            phases = diagonal_of(turn)
            inner = inner + matrix_of(phases * (0.5 / S - S))
    if to_v is not None:
        turn = skewed(adjoint(right) @ to_v) * 2.0
        inner = _plus(inner, column(S) * (turn / apart))
        if is_complex(turn):
            inner = inner - matrix_of(diagonal_of(turn) * S)
            phases = _plus(phases, diagonal_of(turn))
    if phases is not None:
        check_phases("linalg.svd", phases)
    assert inner is not None
    made = left @ inner
    if to_u is not None and left.shape[-2] > size:
        scaled = to_u / row(S)
        made = made + scaled - left @ (adjoint(left) @ scaled)
    made = made @ adjoint(right)
    if to_v is not None and right.shape[-2] > size:
        scaled = to_v / row(S)
        made = made + left @ adjoint(scaled - right @ (adjoint(right) @ scaled))
    return made


def _plus(total: Tensor | None, value: Tensor) -> Tensor:
    return value if total is None else total + value


def _leading(vectors: Tensor, grad: Tensor | None, size: int) -> tuple[Tensor, Tensor | None]:
    """The vectors that have a singular value, and their gradient with what comes from the others, which are bound to
    be at right angles to them."""
    height, width = vectors.shape[-2:]
    if width == size:
        return vectors, grad
    every, first, rest = slice(0, height), slice(0, size), slice(size, width)
    leading = cut(vectors, every, first)
    if grad is None:
        return leading, None
    others = cut(vectors, every, rest)
    bound = others @ (adjoint(cut(grad, every, rest)) @ leading)
    return leading, cut(grad, every, first) - bound


@svd.jvp("input")
def _(tangent: Tensor, U: Tensor, S: Tensor, Vh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    size = S.shape[-1]
    left, right = _leading(U, None, size)[0], _leading(adjoint(Vh), None, size)[0]
    seen = adjoint(left) @ tangent @ right
    diagonal = diagonal_of(seen)
    off = seen - matrix_of(diagonal)
    apart = gaps(S * S)
    to_u = left @ (symmetrised(off * row(S)) * 2.0 / apart)
    to_v = right @ (symmetrised(column(S) * off) * 2.0 / apart)
    if is_complex(seen):
        to_u = to_u + left * row((diagonal - conj(diagonal)) * (0.5 / S))
    if left.shape[-2] > size:
        scaled = (tangent @ right) / row(S)
        to_u = to_u + scaled - left @ (adjoint(left) @ scaled)
    if right.shape[-2] > size:
        scaled = (adjoint(tangent) @ left) / row(S)
        to_v = to_v + scaled - right @ (adjoint(right) @ scaled)
    return _completed(to_u, U, left), real(diagonal), adjoint(_completed(to_v, adjoint(Vh), right))


def _completed(change: Tensor, vectors: Tensor, leading: Tensor) -> Tensor:
    """The tangent of all vectors from that of the leading ones."""
    height, width = vectors.shape[-2:]
    size = leading.shape[-1]
    if width == size:
        return change
    others = cut(vectors, slice(0, height), slice(size, width))
    return cat(change, -(leading @ (adjoint(change) @ others)), dim=len(vectors.shape) - 1)


@primitive(samples=halves, torch="-", name="linalg_eigvalsh", public=False)
def eigvalsh(xp: Namespace, input: Array, *, UPLO: str = "L") -> Array:
    """The eigenvalues alone, where no gradient is wanted."""
    return xp.linalg.eigvalsh(input, UPLO)


@primitive(samples=matrices, torch="linalg.svdvals", public=False)
def svdvals(xp: Namespace, input: Array) -> Array:
    """The singular values alone, where no gradient is wanted."""
    return xp.linalg.svd(input, compute_uv=False)
