"""Functions of angles and of hyperbolic angles, with their inverses; gradients by the textbook.

Of whole numbers and booleans they give the default dtype. (``sin``, ``cos`` and ``tanh`` are in ``elementwise``.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.complex import is_complex
from retrograd.ops.elementwise import cos, sin, sqrt
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart, pairs_of_positives, positives, reals
from retrograd.ops.select import where
from retrograd.tensor import Tensor


def fractions(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers between -1 and 1."""
    for shape in ((), (5,), (2, 3), (0,)):
        yield Sample((np.asarray(rng.uniform(-0.9, 0.9, shape)),))


def above_one(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers above 1."""
    for shape in ((), (2, 3)):
        yield Sample((np.asarray(rng.uniform(1.2, 3.0, shape)),))


@primitive(samples=fractions, elementwise=True, result="float")
def tan(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The tangent."""
    return xp.tan(input, out)


@tan.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (out * out + 1.0)


@primitive(samples=fractions, elementwise=True, result="float")
def asin(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The angle with this sine, from -π/2 to π/2; NaN outside -1 to 1."""
    return xp.arcsin(input, out)


@asin.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / sqrt(1.0 - input * input)


@primitive(samples=fractions, elementwise=True, result="float")
def acos(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The angle with this cosine, from 0 to π; NaN outside -1 to 1."""
    return xp.arccos(input, out)


@acos.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return -g / sqrt(1.0 - input * input)


@primitive(samples=reals, elementwise=True, result="float")
def atan(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The angle with this tangent, from -π/2 to π/2."""
    return xp.arctan(input, out)


@atan.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / (input * input + 1.0)


@primitive(samples=pairs_of_positives, elementwise=True, result="float", numbers=())
def atan2(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """The angle of the point (other, input) to the first axis, from -π to π."""
    return xp.arctan2(input, other, out)


@atan2.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return _over_square(g * other, input, other)


@atan2.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return _over_square(-g * input, input, other)


def _over_square(value: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """value / (one² + other²), and 0 at the origin."""
    square = one * one + other * other
    return where(square == 0, 0.0, value / where(square == 0, 1.0, square))


@primitive(samples=pairs_of_positives, elementwise=True, numbers=())
def hypot(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """sqrt(input² + other²), without overflow between."""
    return xp.hypot(input, other, out)


@hypot.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return g * (input / out)


@hypot.vjp("other", diagonal=True)
def _(g: Tensor, other: Tensor, out: Tensor) -> Tensor:
    return g * (other / out)


@primitive(samples=reals, elementwise=True, result="float")
def sinh(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The hyperbolic sine."""
    return xp.sinh(input, out)


@sinh.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * cosh(input)


@primitive(samples=reals, elementwise=True, result="float")
def cosh(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The hyperbolic cosine."""
    return xp.cosh(input, out)


@cosh.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * sinh(input)


@primitive(samples=reals, elementwise=True, result="float")
def asinh(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The number with this hyperbolic sine."""
    return xp.arcsinh(input, out)


@asinh.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / sqrt(input * input + 1.0)


@primitive(samples=above_one, elementwise=True, result="float")
def acosh(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The number from 0 up with this hyperbolic cosine; NaN below 1."""
    return xp.arccosh(input, out)


@acosh.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    if is_complex(input):  # one root of the product would lie on the other side of a cut
        return g / (sqrt(input + 1.0) * sqrt(input - 1.0))
    return g / sqrt(input * input - 1.0)


@primitive(samples=fractions, elementwise=True, result="float")
def atanh(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The number with this hyperbolic tangent; infinite at -1 and 1, NaN beyond."""
    return xp.arctanh(input, out)


@atanh.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / (1.0 - input * input)


@primitive(samples=reals, elementwise=True, result="float")
def sinc(xp: Namespace, input: Array) -> Array:
    """sin(πx) / (πx), and 1 at 0."""
    return xp.sinc(input)


@sinc.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    turned = input * math.pi
    at_zero = input == 0
    safe = where(at_zero, 1.0, turned)
    return where(at_zero, 0.0, g * ((turned * cos(turned) - sin(turned)) / (safe * safe / math.pi)))


def angles(rng: np.random.Generator) -> Iterator[Sample]:
    """Angles."""
    yield Sample((apart(rng, 2, 3) * 20,))


@primitive(samples=angles, elementwise=True, result="float", linear=True)
def deg2rad(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """Degrees as radians."""
    return xp.multiply(input, input.dtype.type(math.pi / 180), out)


@deg2rad.vjp("input")
def _(g: Tensor) -> Tensor:
    return g * (math.pi / 180)


@primitive(samples=positives, elementwise=True, result="float", linear=True)
def rad2deg(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """Radians as degrees."""
    return xp.multiply(input, input.dtype.type(180 / math.pi), out)


@rad2deg.vjp("input")
def _(g: Tensor) -> Tensor:
    return g * (180 / math.pi)
