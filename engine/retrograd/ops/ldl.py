"""Factorisation of symmetric matrices that need not be positive: LDL, by LAPACK's own functions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace, lapack
from retrograd.meta import Array
from retrograd.ops.matrices import stacked
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart


def _kind(hermitian: bool, dtype: np.dtype[np.generic]) -> str:
    return "he" if hermitian and dtype.kind == "c" else "sy"


def symmetric(rng: np.random.Generator) -> Iterator[Sample]:
    """Symmetric matrices of either sign."""
    for shape in ((3, 3), (2, 4, 4)):
        value = apart(rng, *shape)
        yield Sample((value + value.swapaxes(-1, -2),), {"hermitian": False})


@primitive(samples=symmetric, torch="linalg.ldl_factor_ex", outputs=("LD", "pivots", "info"), public=False)
def ldl_factor_ex(xp: Namespace, input: Array, *, hermitian: bool) -> tuple[Array, Array, Array]:
    """The compact factors, LAPACK's pivots, and which block of D is singular (0: none); the lower triangle is read."""
    size = input.shape[-1]
    flat = stacked(input, 2)
    factors = xp.zeros(flat.shape, flat.dtype)
    pivots, info = xp.zeros(flat.shape[:-1], "int32"), xp.zeros(len(flat), "int32")
    factorise = lapack(xp, _kind(hermitian, flat.dtype) + "trf", flat.dtype)
    for place in range(len(flat) if size else 0):
        factors[place], pivots[place], info[place] = factorise(flat[place], lower=1)
    batch = input.shape[:-2]
    return xp.tril(factors).reshape(input.shape), pivots.reshape(*batch, size), info.reshape(batch)


def factored(rng: np.random.Generator) -> Iterator[Sample]:
    """Factors of symmetric matrices (here with blocks of one element) and right sides."""
    factor = np.tril(apart(rng, 2, 3, 3)) + np.eye(3) * 2
    yield Sample((factor, np.tile(np.arange(1, 4, dtype="int32"), (2, 1)), apart(rng, 2, 3, 2)), {"hermitian": False})


@primitive(samples=factored, torch="linalg.ldl_solve", public=False)
def ldl_solve(xp: Namespace, LD: Array, pivots: Array, B: Array, *, hermitian: bool) -> Array:
    """The X of AX = B, from A's compact factors; the batches are of one shape."""
    found = xp.zeros(B.shape, B.dtype)
    solve = lapack(xp, _kind(hermitian, LD.dtype) + "trs", LD.dtype)
    for place in np.ndindex(*LD.shape[:-2]) if B.size else ():
        found[place] = solve(LD[place], pivots[place], B[place], lower=1)[0]
    return found
