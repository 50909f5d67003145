"""Exponentials and logarithms to several bases, and sums of them that neither overflow nor lose small terms.

Of whole numbers and booleans they give the default dtype. (``exp`` and ``log`` are in ``elementwise``.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.elementwise import log, sigmoid
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import SHAPE_PAIRS, Sample, apart, pairs_of_tensors, positives, reals
from retrograd.ops.select import where
from retrograd.tensor import Tensor

LN2, LN10 = math.log(2.0), math.log(10.0)


@primitive(samples=reals, elementwise=True, result="float")
def exp2(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """2 to the power of input."""
    return xp.exp2(input, out)


@exp2.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (out * LN2)


@primitive(samples=reals, elementwise=True, result="float")
def expm1(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """exp(input) - 1, exact also near 0."""
    return xp.expm1(input, out)


@expm1.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (out + 1.0)


@primitive(samples=positives, elementwise=True, result="float")
def log1p(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The natural logarithm of 1 + input, exact also near 0."""
    return xp.log1p(input, out)


@log1p.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / (input + 1.0)


@primitive(samples=positives, elementwise=True, result="float")
def log2(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The logarithm to base 2."""
    return xp.log2(input, out)


@log2.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / (input * LN2)


@primitive(samples=positives, elementwise=True, result="float")
def log10(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The logarithm to base 10."""
    return xp.log10(input, out)


@log10.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / (input * LN10)


@primitive(samples=pairs_of_tensors, elementwise=True, result="float", numbers=())
def logaddexp(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """log(exp(input) + exp(other))"""
    if input.dtype.kind == "c":
        return _of_complex(xp, input, other)
    return xp.logaddexp(input, other, out)


def _of_complex(xp: Namespace, one: Array, other: Array) -> Array:
    """The same by the one with the larger real part, which is taken out."""
    swapped = one.real < other.real
    high, low = xp.where(swapped, other, one), xp.where(swapped, one, other)
    same = (one == other) & xp.isinf(one.real)
    return xp.where(same, one, high + xp.log1p(xp.exp(low - high)))


@logaddexp.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * _share(input, other)


@logaddexp.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * _share(other, input)


def _share(one: Tensor, other: Tensor) -> Tensor:
    """exp(one) of exp(one) + exp(other); half each where both are the same infinity."""
    return sigmoid(where(one == other, 0.0, one - other))


@primitive(samples=pairs_of_tensors, elementwise=True, result="float", numbers=())
def logaddexp2(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """log2(2**input + 2**other)"""
    return xp.logaddexp2(input, other, out)


@logaddexp2.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * _share(input * LN2, other * LN2)


@logaddexp2.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * _share(other * LN2, input * LN2)


def logged(rng: np.random.Generator) -> Iterator[Sample]:
    """Factors and positive numbers whose logarithm is taken."""
    for first, second in SHAPE_PAIRS:
        yield Sample((apart(rng, *first), np.asarray(rng.uniform(0.5, 2.0, second))))


def _alike(xp: Namespace, input: Array | float, other: Array | float) -> tuple[Array, Array]:
    """Both as arrays of one dtype: one of them may be a plain number."""
    kind = getattr(input, "dtype", None) or getattr(other, "dtype", None)
    return xp.asarray(input, kind), xp.asarray(other, kind)


@primitive(samples=logged, elementwise=True, result="float", numbers=("input", "other"))
def xlogy(xp: Namespace, input: Array, other: Array) -> Array:
    """input * log(other), and 0 where input is 0 (NaN stays)."""
    one, two = _alike(xp, input, other)
    return xp.where((one == 0) & ~xp.isnan(two), one.dtype.type(0), one * xp.log(two))


@xlogy.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    nothing = (input == 0) & (other <= 0)
    return where(nothing, 0.0, g * log(where(nothing, 1.0, other)))


@xlogy.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * input / other


@primitive(
    samples=logged, elementwise=True, result="float", name="special_xlog1py", torch="special.xlog1py",
    public=False, numbers=("input", "other"),
)  # fmt: skip
def xlog1py(xp: Namespace, input: Array, other: Array) -> Array:
    """input * log1p(other), and 0 where input is 0 (NaN stays)."""
    one, two = _alike(xp, input, other)
    return xp.where((one == 0) & ~xp.isnan(two), one.dtype.type(0), one * xp.log1p(two))


@xlog1py.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    nothing = (input == 0) & (other <= -1)
    return where(nothing, 0.0, g * log1p(where(nothing, 0.0, other)))


@xlog1py.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * input / (other + 1.0)
