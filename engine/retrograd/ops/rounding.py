"""Rounding, remainders, signs and neighbours: functions that are flat or straight between their steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.elementwise import sign
from retrograd.ops.primitive import Primitive, primitive
from retrograd.ops.samples import SHAPE_PAIRS, Sample, apart, none, pairs_of_tensors, reals
from retrograd.ops.select import where
from retrograd.ops.zero import zeros_of
from retrograd.tensor import Tensor


def _whole(input: Array) -> bool:
    return input.dtype.kind in "biu"


@primitive(samples=reals, elementwise=True)
def floor(xp: Namespace, input: Array) -> Array:
    """The largest whole number not above."""
    return xp.array(input) if _whole(input) else xp.floor(input)


@primitive(samples=reals, elementwise=True)
def ceil(xp: Namespace, input: Array) -> Array:
    """The smallest whole number not below."""
    return xp.array(input) if _whole(input) else xp.ceil(input)


@primitive(samples=reals, elementwise=True)
def trunc(xp: Namespace, input: Array) -> Array:
    """The whole number next to it towards zero."""
    return xp.array(input) if _whole(input) else xp.trunc(input)


def _flat(op: Primitive) -> None:
    @op.vjp("input")
    def _(g: Tensor) -> Tensor:
        return zeros_of(g)

    @op.jvp("input")
    def _(t: Tensor) -> Tensor:
        return zeros_of(t)


for _op in (floor, ceil, trunc):
    _flat(_op)


@primitive(samples=reals, elementwise=True, public=False)
def round(xp: Namespace, input: Array) -> Array:
    """The nearest whole number; of two, the even one."""
    return xp.array(input) if _whole(input) else xp.rint(input)


def with_decimals(rng: np.random.Generator) -> Iterator[Sample]:
    """Numbers of digits kept after the point."""
    for decimals in (0, 1, -1):
        yield Sample((apart(rng, 2, 3) * 7,), {"decimals": decimals})


@primitive(samples=with_decimals, name="round", node="RoundBackward1", public=False)
def round_decimals(xp: Namespace, input: Array, *, decimals: int = 0) -> Array:
    """The nearest number with ``decimals`` digits after the point."""
    scale = 10.0 ** abs(decimals)
    scaled = xp.rint(input * scale if decimals > 0 else input / scale)
    return (scaled / scale if decimals > 0 else scaled * scale).astype(input.dtype)


_flat(round)
_flat(round_decimals)


def divisions(rng: np.random.Generator) -> Iterator[Sample]:
    """Numerators and denominators whose quotients are no whole numbers."""
    for first, second in SHAPE_PAIRS:
        yield Sample((apart(rng, *first), np.asarray(rng.uniform(0.51, 1.97, second))))


@primitive(samples=divisions, elementwise=True, node="FmodBackward1", numbers=("other",))
def fmod(xp: Namespace, input: Array, other: Array) -> Array:
    """What is left of ``input / other``, with the sign of ``input``."""
    return xp.fmod(input, other)


@fmod.vjp("input", diagonal=True)
def _(g: Tensor) -> Tensor:
    return g


@fmod.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return -g * trunc(input / other)


@primitive(samples=pairs_of_tensors, elementwise=True, result="float", numbers=("other",))
def copysign(xp: Namespace, input: Array, other: Array) -> Array:
    """The size of ``input`` with the sign of ``other``."""
    return xp.copysign(input, other)


@copysign.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return g * where(input == 0, 0.0, sign(input) * sign(out))


@copysign.vjp("other", diagonal=True)
def _(g: Tensor) -> Tensor:
    return zeros_of(g)


@primitive(samples=pairs_of_tensors, elementwise=True, numbers=())
def nextafter(xp: Namespace, input: Array, other: Array) -> Array:
    """The next floating-point number after ``input`` in the direction of ``other``."""
    return xp.nextafter(input, other)


@primitive(samples=pairs_of_tensors, elementwise=True, numbers=())
def heaviside(xp: Namespace, input: Array, values: Array) -> Array:
    """0 below zero, 1 above it, ``values`` at it."""
    return xp.where(input == 0, values, (input > 0).astype(input.dtype))


@primitive(samples=reals, elementwise=True, result="bool")
def signbit(xp: Namespace, input: Array) -> Array:
    """Whether the sign is set (also that of -0.0)."""
    return xp.signbit(input) if input.dtype.kind == "f" else input < 0


@primitive(samples=pairs_of_tensors, elementwise=True, numbers=())
def fmax(xp: Namespace, input: Array, other: Array) -> Array:
    """The larger; a number rather than NaN."""
    return xp.fmax(input, other)


@primitive(samples=pairs_of_tensors, elementwise=True, numbers=())
def fmin(xp: Namespace, input: Array, other: Array) -> Array:
    """The smaller; a number rather than NaN."""
    return xp.fmin(input, other)


@fmax.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return where((input >= other) | (other != other), g, zeros_of(g))


@fmax.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return where((input >= other) | (other != other), zeros_of(g), g)


@fmin.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return where((input <= other) | (other != other), g, zeros_of(g))


@fmin.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return where((input <= other) | (other != other), zeros_of(g), g)


@primitive(samples=none, outputs=("mantissa", "exponent"), public=False)
def frexp(xp: Namespace, input: Array) -> tuple[Array, Array]:
    """Mantissas from a half to one, and exponents of 2."""
    mantissa, exponent = xp.frexp(input)
    return mantissa, exponent.astype(np.int32)


@frexp.vjp("input")
def _(g: tuple[Tensor | None, None], exponent: Tensor) -> Tensor | None:
    return None if g[0] is None else g[0] / 2.0**exponent


@frexp.jvp("input")
def _(t: Tensor, exponent: Tensor) -> tuple[Tensor, None]:
    return t / 2.0**exponent, None
