"""Logarithms of sums of exponentials."""

from __future__ import annotations

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.elementwise import exp, log
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import Dims, reductions, spread, sum_dim
from retrograd.tensor import Tensor


@primitive(samples=reductions, public=False)
def logsumexp(xp: Namespace, input: Array, *, dim: Dims, keepdim: bool = False) -> Array:
    """log(sum(exp(input))) along dimensions; the largest is taken out, so that nothing overflows."""
    if not input.size:
        return xp.log(xp.add.reduce(xp.exp(input), axis=dim, keepdims=keepdim))
    top = xp.maximum.reduce(input.real, axis=dim, keepdims=True)
    top = xp.where(xp.isfinite(top), top, top.dtype.type(0))
    found = xp.log(xp.add.reduce(xp.exp(input - top), axis=dim, keepdims=True)) + top
    return found if keepdim else found.reshape(xp.add.reduce(input, axis=dim).shape)


@logsumexp.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: Dims) -> Tensor:
    return spread(g, input_meta, dim) * exp(input - spread(out, input_meta, dim))


@logsumexp.jvp("input")
def _(t: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: Dims, keepdim: bool) -> Tensor:
    return sum_dim(t * exp(input - spread(out, input_meta, dim)), dim=dim, keepdim=keepdim)


@logsumexp.decomposed
def _(input: Tensor, *, dim: Dims, keepdim: bool = False) -> Tensor:
    return log(sum_dim(exp(input), dim=dim, keepdim=keepdim))
