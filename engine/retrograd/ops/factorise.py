"""Factorisations by elimination and by reflection: Cholesky and QR."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.complex import is_complex
from retrograd.ops.diagonal import diagonal_of, matrix_of, tril, triu
from retrograd.ops.matrices import (
    NO_MATRIX,
    adjoint,
    conj,
    cut,
    half_lower,
    hermitian,
    matrices,
    stacked,
)
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample
from retrograd.ops.shape import cat
from retrograd.ops.triangular import from_left, from_right
from retrograd.tensor import Tensor


def both_triangles(rng: np.random.Generator) -> Iterator[Sample]:
    """Positive definite matrices, of which the lower or the upper factor is wanted."""
    for sample in hermitian(rng):
        for upper in (False, True):
            yield Sample(sample.inputs, {"upper": upper}, changes=sample.changes)


@primitive(
    samples=both_triangles, torch="linalg.cholesky_ex", node="LinalgCholeskyExBackward0", outputs=("L", "info"),
    public=False,
)  # fmt: skip
def cholesky_ex(xp: Namespace, input: Array, *, upper: bool = False) -> tuple[Array, Array]:
    """The Cholesky factor, and the order of the first leading minor that is not positive (0: all are); one triangle of
    input is read."""
    matrix = xp.conj(input).swapaxes(-1, -2) if upper else input
    try:
        factor, info = xp.linalg.cholesky(matrix), xp.zeros(input.shape[:-2], "int32")
    except NO_MATRIX:
        factor, info = _as_far_as_positive(xp, matrix)
    return xp.conj(factor).swapaxes(-1, -2) if upper else factor, info


def _as_far_as_positive(xp: Namespace, matrix: Array) -> tuple[Array, Array]:
    """The factors of the largest leading minors that have one, with zeros after them."""
    size = matrix.shape[-1]
    flat = stacked(matrix, 2)
    factor = xp.zeros(flat.shape, flat.dtype)
    info = xp.zeros(len(flat), "int32")
    for place, each in enumerate(flat):
        good, bad = 0, size + 1  # whether a minor is positive is monotone in its order
        while bad - good > 1:
            middle = (good + bad) // 2
            try:
                factor[place, :middle, :middle] = xp.linalg.cholesky(each[:middle, :middle])
                good = middle
            except NO_MATRIX:
                bad = middle
        info[place] = 0 if good == size else bad
    return factor.reshape(matrix.shape), info.reshape(matrix.shape[:-2])


@cholesky_ex.vjp("input")
def _(g: Sequence[Tensor], L: Tensor, *, upper: bool) -> Tensor:
    """M. B. Giles (2008), §2.2.5 (there for real matrices)."""
    factor, grad = conj(L), g[0]
    if upper:
        factor, grad = adjoint(factor), adjoint(grad)
    turned = adjoint(factor)
    lower = tril(turned @ grad, diagonal=0)
    inner = (lower + adjoint(tril(lower, diagonal=-1))) * 0.5
    return from_right(factor, from_left(turned, inner, upper=True), upper=False)


@cholesky_ex.jvp("input")
def _(tangent: Tensor, L: Tensor, *, upper: bool) -> tuple[Tensor, None]:
    factor = adjoint(L) if upper else L
    inner = from_left(factor, from_right(adjoint(factor), tangent, upper=True), upper=False)
    change = factor @ half_lower(inner)
    return adjoint(change) if upper else change, None


def with_modes(rng: np.random.Generator) -> Iterator[Sample]:
    """Matrices, reduced; and square ones, complete."""
    for sample in matrices(rng):
        yield Sample(sample.inputs, {"mode": "reduced"})
    yield Sample((rng.normal(size=(2, 2)) + 2 * np.eye(2),), {"mode": "complete"})


@primitive(samples=with_modes, torch="-", name="linalg_qr", outputs=("Q", "R"), public=False)
def qr(xp: Namespace, input: Array, *, mode: str) -> tuple[Array, Array]:
    """Q with orthonormal columns and R upper triangular, with input = QR."""
    q, r = xp.linalg.qr(input, mode=mode)
    return q, r


@qr.vjp("input")
def _(g: Sequence[Tensor | None], Q: Tensor, R: Tensor, *, mode: str) -> Tensor:
    """S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum
    experimental design" (2010), §4; a wide matrix is Q (R₁ R₂), of which R₂ = Qᴴ A₂."""
    to_q, to_r = g
    q, r = conj(Q), conj(R)
    tall, wide = q.shape[-2], r.shape[-1]
    if mode == "complete" and tall > wide:
        raise RuntimeError(
            "The derivative of linalg.qr is not implemented when mode='complete' and there are more rows than columns; "
            "mode='reduced' has one."
        )
    if tall >= wide:
        return _qr_square(q, r, to_q, to_r)
    everything, first, rest = slice(0, tall), slice(0, tall), slice(tall, wide)
    to_r2 = None if to_r is None else cut(to_r, everything, rest)
    if to_r2 is not None:
        extra = q @ (cut(r, everything, rest) @ adjoint(to_r2))
        to_q = extra if to_q is None else to_q + extra
    left = _qr_square(q, cut(r, everything, first), to_q, None if to_r is None else cut(to_r, everything, first))
    right = cut(r, everything, rest) * 0.0 if to_r2 is None else q @ to_r2
    return cat(left, right, dim=len(q.shape) - 1)


def _qr_square(q: Tensor, r: Tensor, to_q: Tensor | None, to_r: Tensor | None) -> Tensor:
    """The gradient where R is square."""
    inner = None if to_r is None else to_r @ adjoint(r)
    if to_q is not None:
        turned = adjoint(q) @ to_q
        inner = -turned if inner is None else inner - turned
    assert inner is not None
    upper = triu(inner, diagonal=1)
    diagonal = diagonal_of(inner)
    whole = q @ (upper + adjoint(upper) + matrix_of((diagonal + conj(diagonal)) * 0.5))
    return from_right(adjoint(r), whole if to_q is None else whole + to_q, upper=False)


@qr.jvp("input")
def _(tangent: Tensor, Q: Tensor, R: Tensor) -> tuple[Tensor, Tensor]:
    size = Q.shape[-1]
    wide = R.shape[-1]
    every, first, rest = slice(0, tangent.shape[-2]), slice(0, min(size, wide)), slice(size, wide)
    square = cut(R, slice(0, size), first)
    change = from_right(square, cut(tangent, every, first), upper=True)
    seen = adjoint(Q) @ change
    lower = tril(seen, diagonal=-1)
    turn = lower - adjoint(lower)
    if is_complex(seen):
        diagonal = diagonal_of(seen)
        turn = turn + matrix_of((diagonal - conj(diagonal)) * 0.5)
    to_q, to_r = change - Q @ (seen - turn), (seen - turn) @ square
    if wide > size:
        after = adjoint(to_q) @ (Q @ cut(R, slice(0, size), rest)) + adjoint(Q) @ cut(tangent, every, rest)
        to_r = cat(to_r, after, dim=len(R.shape) - 1)
    return to_q, to_r


@primitive(samples=matrices, outputs=("a", "tau"), public=False)
def geqrf(xp: Namespace, input: Array) -> tuple[Array, Array]:
    """R on and above the diagonal, the vectors of the reflections below it, and their factors."""
    turned, factors = xp.linalg.qr(input, mode="raw")
    return turned.swapaxes(-1, -2), factors
