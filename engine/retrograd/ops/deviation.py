"""The standard deviation."""

from __future__ import annotations

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.elementwise import sqrt
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import Dims, count_of, mean_dim, spread, sum_dim, var, variances
from retrograd.ops.select import where
from retrograd.tensor import Tensor


@primitive(samples=variances, public=False)
def std(xp: Namespace, input: Array, *, dim: Dims, correction: float = 1, keepdim: bool = False) -> Array:
    """The square root of the variance along dimensions."""
    return xp.sqrt(var.op.forward(xp, input, dim=dim, correction=correction, keepdim=keepdim))


@std.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: Dims, correction: float) -> Tensor:
    off = input - mean_dim(input, dim=dim, keepdim=True)
    scaled = where(out == 0, 0.0, g / out)
    return spread(scaled, input_meta, dim) * off / (count_of(input_meta, dim) - correction)


@std.jvp("input")
def _(
    t: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: Dims, correction: float, keepdim: bool
) -> Tensor:
    off = input - mean_dim(input, dim=dim, keepdim=True)
    change = sum_dim(t * off, dim=dim, keepdim=keepdim) / (count_of(input_meta, dim) - correction)
    return change / out


@std.decomposed
def _(input: Tensor, *, dim: Dims, correction: float = 1, keepdim: bool = False) -> Tensor:
    return sqrt(var(input, dim=dim, correction=correction, keepdim=keepdim))
