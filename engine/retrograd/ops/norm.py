"""Norms of vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.complex import abs as absolute
from retrograd.ops.complex import is_complex
from retrograd.ops.elementwise import sign
from retrograd.ops.matrices import conj, real
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import kept, spread, sum_dim
from retrograd.ops.samples import Sample, apart
from retrograd.ops.select import where
from retrograd.ops.shape import reshaped
from retrograd.tensor import Tensor


def orders(rng: np.random.Generator) -> Iterator[Sample]:
    """Every kind of order, over one dimension and over several."""
    for order in (2.0, 1.0, 0.0, math.inf, -math.inf, 3.0, 1.5, 0.5, -2.0):
        yield Sample((apart(rng, 2, 3),), {"ord": order, "dim": (1,), "keepdim": False})
        yield Sample((apart(rng, 2, 3, 2),), {"ord": order, "dim": (0, 2), "keepdim": True})


@primitive(samples=orders, torch="linalg.vector_norm", node="LinalgVectorNormBackward0", public=False)
def vector_norm(xp: Namespace, input: Array, *, ord: float, dim: tuple[int, ...], keepdim: bool = False) -> Array:
    """The sum of the moduli to the power ``ord``, to the power 1 / ``ord``; the limits of that at 0 and infinity."""
    if ord == 2:
        squares = input.real * input.real
        if input.dtype.kind == "c":
            squares = squares + input.imag * input.imag
        return xp.sqrt(xp.add.reduce(squares, axis=dim, keepdims=keepdim))
    sizes = xp.abs(input)
    if ord == math.inf:
        return xp.max(sizes, axis=dim, keepdims=keepdim, initial=0)
    if ord == -math.inf:
        return xp.min(sizes, axis=dim, keepdims=keepdim)
    if ord == 0:
        return xp.add.reduce((sizes != 0).astype(sizes.dtype), axis=dim, keepdims=keepdim)
    if ord == 1:
        return xp.add.reduce(sizes, axis=dim, keepdims=keepdim)
    return xp.power(xp.add.reduce(xp.power(sizes, ord), axis=dim, keepdims=keepdim), 1 / ord)


@vector_norm.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, ord: float, dim: tuple[int, ...]) -> Tensor:
    """Where the norm has no derivative, at zero and at ties of the infinity norms, the subgradient of least norm."""
    return spread(g, input_meta, dim) * _slope(conj(input), out, input_meta, ord, dim)


@vector_norm.jvp("input")
def _(
    tangent: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, ord: float, dim: tuple[int, ...], keepdim: bool
) -> Tensor:
    change = tangent * conj(_slope(input, out, input_meta, ord, dim))
    return sum_dim(real(change), dim=dim, keepdim=keepdim)


def _slope(x: Tensor, out: Tensor, meta: Meta, ord: float, dim: tuple[int, ...]) -> Tensor:
    """The direction in which each element moves the norm."""
    if ord == 0:
        return x * 0.0
    size = absolute(x)
    if ord == 1:
        return _direction(x, size)
    norm = spread(out, meta, dim)
    if ord in (math.inf, -math.inf):
        extreme = size == norm
        count = sum_dim(where(extreme, 1.0, sign(size) * 0.0), dim=dim, keepdim=False)  # of an infinite size too
        shared = reshaped(count, kept(meta.shape, dim))
        return where(extreme, _direction(x, size), 0.0) / shared
    safe = where(norm == 0, 1.0, norm)
    if ord == 2:
        return where(norm == 0, 0.0, x / safe)
    zero = size == 0
    power = where(zero, 0.0, where(zero, 1.0, size) ** (ord - 1))
    return where(norm == 0, 0.0, _direction(x, size) * power / safe ** (ord - 1))


def _direction(x: Tensor, size: Tensor) -> Tensor:
    return x / where(size == 0, 1.0, size) if is_complex(x) else sign(x)
