"""Complex numbers: their parts, their conjugates, their sizes and directions.

A gradient of a complex number is the conjugate of the derivative (PyTorch, "Autograd for complex numbers"), so that its
negative is the direction of steepest descent.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.elementwise import sign
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart, reals
from retrograd.ops.select import where
from retrograd.ops.zero import zeros_of
from retrograd.tensor import Tensor


def complexes(rng: np.random.Generator) -> Iterator[Sample]:
    """Complex numbers away from zero and from the axes."""
    for shape in ((), (5,), (2, 3)):
        yield Sample((np.asarray(apart(rng, *shape) + 1j * (apart(rng, *shape) + 0.04)),))


def is_complex(value: Tensor | Array) -> bool:
    """Whether the elements are complex numbers (also of raw arrays)."""
    kind: object = value.dtype
    return kind.kind == "c" if isinstance(kind, np.dtype) else value.dtype.is_complex  # type: ignore[union-attr]


@primitive(samples=complexes, torch="conj_physical", node="ConjBackward0", public=False, holomorphic=False)
def conj(xp: Namespace, input: Array) -> Array:
    """The complex conjugate."""
    return xp.conj(input)


@conj.vjp("input")
def _(g: Tensor) -> Tensor:
    return conj(g)


@conj.jvp("input")
def _(t: Tensor) -> Tensor:
    return conj(t)


@primitive(samples=complexes, view=True, public=False)
def real(xp: Namespace, input: Array) -> Array:
    """The real parts, as a view."""
    return input.real


@real.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return complex(g, zeros_of(g))


@real.jvp("input")
def _(t: Tensor) -> Tensor:
    return real(t)


@primitive(samples=complexes, view=True, public=False)
def imag(xp: Namespace, input: Array) -> Array:
    """The imaginary parts, as a view."""
    return input.imag


@imag.vjp("input")
def _(g: Tensor, input_meta: Meta) -> Tensor:
    return complex(zeros_of(g), g)


@imag.jvp("input")
def _(t: Tensor) -> Tensor:
    return imag(t)


def parts(rng: np.random.Generator) -> Iterator[Sample]:
    """Real and imaginary parts."""
    for shape in ((), (5,), (2, 3)):
        yield Sample((apart(rng, *shape), apart(rng, *shape)))


@primitive(samples=parts, public=False)
def complex(xp: Namespace, real: Array, imag: Array) -> Array:
    """The complex numbers of these parts (of one shape and type)."""
    made = xp.empty(real.shape, np.result_type(real.dtype, np.complex64))
    made.real, made.imag = real, imag
    return made


@complex.vjp("real")
def _(g: Tensor) -> Tensor:
    return real(g)


@complex.vjp("imag")
def _(g: Tensor) -> Tensor:
    return imag(g)


@complex.jvp("real")
def _(t: Tensor) -> Tensor:
    return complex(t, zeros_of(t))


@complex.jvp("imag")
def _(t: Tensor) -> Tensor:
    return complex(zeros_of(t), t)


@primitive(samples=reals, elementwise=True, holomorphic=False)
def sgn(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The sign of real numbers; of complex ones, the number of size 1 in the same direction (0 at 0)."""
    return xp.array(input) if input.dtype.kind == "b" else xp.sign(input, out)


def _turned(g: Tensor, direction: Tensor, size: Tensor) -> Tensor:
    """What a change of a complex number changes of its direction: only what is across to it counts."""
    scaled = g / where(size == 0, 1.0, size)
    across = scaled - direction * real(scaled * conj(direction))
    return where(size == 0, 0.0, across)


@sgn.vjp("input")
def _(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return _turned(g, out, abs(input)) if is_complex(input) else zeros_of(g)


@sgn.jvp("input")
def _(t: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return _turned(t, out, abs(input)) if is_complex(input) else zeros_of(t)


@primitive(samples=reals, elementwise=True, result="real", holomorphic=False)
def abs(xp: Namespace, input: Array) -> Array:
    """The absolute value."""
    return xp.absolute(input)


@abs.vjp("input")
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * (sgn(input) if is_complex(input) else sign(input))


@abs.jvp("input")
def _(t: Tensor, input: Tensor) -> Tensor:
    return real(t * conj(sgn(input))) if is_complex(input) else t * sign(input)


@primitive(samples=reals, elementwise=True, result="angle", holomorphic=False)
def angle(xp: Namespace, input: Array) -> Array:
    """The angle to the positive real axis: for real numbers 0, π below zero, NaN where they are."""
    turned = xp.angle(input)
    return turned if input.dtype.kind == "c" else xp.where(xp.isnan(input), input, turned.astype(input.dtype))


@angle.vjp("input")
def _(g: Tensor, input: Tensor) -> Tensor:
    if not is_complex(input):
        return zeros_of(g)
    squared = abs(input) * abs(input)
    turned = g * (input * 1j)
    return where(squared == 0, 0.0, turned / where(squared == 0, 1.0, squared))


@angle.jvp("input")
def _(t: Tensor, input: Tensor) -> Tensor:
    if not is_complex(input):
        return zeros_of(t)
    squared = abs(input) * abs(input)
    return imag(t * conj(input)) / where(squared == 0, 1.0, squared)


@primitive(samples=complexes, view=True)
def view_as_real(xp: Namespace, input: Array) -> Array:
    """Real and imaginary parts along a new last dimension of 2, sharing memory."""
    return xp.expand_dims(input, -1).view(input.real.dtype)


@view_as_real.vjp("input")
def _(g: Tensor) -> Tensor:
    return complex(g[..., 0], g[..., 1])


@view_as_real.jvp("input")
def _(t: Tensor) -> Tensor:
    return view_as_real(t)


def pairs_in_last(rng: np.random.Generator) -> Iterator[Sample]:
    """Real numbers whose last dimension holds two."""
    for shape in ((2,), (3, 2)):
        yield Sample((apart(rng, *shape),))


@primitive(samples=pairs_in_last, view=True)
def view_as_complex(xp: Namespace, input: Array) -> Array:
    """The numbers whose parts lie along the last dimension, sharing memory."""
    return input.view(np.result_type(input.dtype, np.complex64))[..., 0]


@view_as_complex.vjp("input")
def _(g: Tensor) -> Tensor:
    return as_real(g)


@view_as_complex.jvp("input")
def _(t: Tensor) -> Tensor:
    return complex(t[..., 0], t[..., 1])


def as_real(value: Tensor) -> Tensor:
    """``view_as_real`` of what may not lie densely in memory."""
    return view_as_real(complex(real(value), imag(value)))
