"""Products, with gradients that are right where elements are zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.arrange import flip
from retrograd.ops.compare import eq
from retrograd.ops.mask import masked_fill
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import filled, one_dim, spread, sum_dim
from retrograd.ops.reduce import sum as total
from retrograd.ops.samples import Sample, apart
from retrograd.ops.scan import cumprod
from retrograd.ops.shape import cat, reshaped, slice_
from retrograd.ops.views import beside
from retrograd.tensor import Tensor


def factors(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays with no zero, one, and two."""
    yield from filled(rng)
    for zeros in (1, 2):
        some = apart(rng, 2, 3)
        some.reshape(-1)[:zeros] = 0.0
        yield Sample((some,))


@primitive(samples=factors, public=False)
def prod(xp: Namespace, input: Array) -> Array:
    """The product of all elements."""
    return xp.multiply.reduce(input, axis=None)


@prod.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta) -> Tensor:
    return g * _all_others(input, out, input_meta)


@prod.jvp("input")
def _(t: Tensor, input: Tensor, out: Tensor, input_meta: Meta) -> Tensor:
    return total(t * _all_others(input, out, input_meta))


def _all_others(input: Tensor, out: Tensor, meta: Meta) -> Tensor:
    if not bool(eq(input, 0).any()):
        return out / input
    return reshaped(_others(reshaped(input, (meta.numel,)), 0), tuple(meta.shape))


def _others(input: Tensor, dim: int) -> Tensor:
    """For each element the product of all others along ``dim``, by products from both ends: no division."""
    length = input.shape[dim]
    first = slice_(input, dim=dim, start=0, stop=1, step=1)
    one = masked_fill(first, beside(input, np.ones((), np.bool_)), value=1)
    before = cat(one, slice_(input, dim=dim, start=0, stop=length - 1, step=1), dim=dim)
    after = cat(one, flip(slice_(input, dim=dim, start=1, stop=length, step=1), dims=(dim,)), dim=dim)
    return cumprod(before, dim=dim) * flip(cumprod(after, dim=dim), dims=(dim,))


def line_factors(rng: np.random.Generator) -> Iterator[Sample]:
    """A dimension to multiply along, in arrays with zeros and without."""
    yield from one_dim(rng)
    some = apart(rng, 2, 3)
    some[0, 1] = some[1, 0] = some[1, 2] = 0.0
    yield Sample((some,), {"dim": 1, "keepdim": False})


@primitive(samples=line_factors, name="prod", node="ProdBackward1", public=False)
def prod_dim(xp: Namespace, input: Array, *, dim: int, keepdim: bool = False) -> Array:
    """The product along a dimension."""
    return xp.multiply.reduce(input, axis=dim, keepdims=keepdim) if input.ndim else xp.array(input)


@prod_dim.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: int) -> Tensor:
    if not input_meta.shape:
        return g
    return spread(g, input_meta, (dim,)) * _line_others(input, out, input_meta, dim)


@prod_dim.jvp("input")
def _(t: Tensor, input: Tensor, out: Tensor, input_meta: Meta, *, dim: int, keepdim: bool) -> Tensor:
    return sum_dim(t * _line_others(input, out, input_meta, dim), dim=(dim,), keepdim=keepdim)


def _line_others(input: Tensor, out: Tensor, meta: Meta, dim: int) -> Tensor:
    if not bool(eq(input, 0).any()):
        return spread(out, meta, (dim,)) / input
    return _others(input, dim % len(meta.shape))
