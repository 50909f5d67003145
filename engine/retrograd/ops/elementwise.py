"""Arithmetic and functions of one number, element by element."""

from __future__ import annotations

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.compare import ge, gt, le, lt
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import (
    pairs_of_positives,
    pairs_of_reals,
    pairs_of_tensors,
    pairs_over_positives,
    positives,
    powers,
    reals,
    with_number,
)  # fmt: skip
from retrograd.ops.select import where
from retrograd.tensor import Tensor


@primitive(samples=pairs_of_reals, elementwise=True, linear=True, numbers=("other",))
def add(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """input + other"""
    return xp.add(input, other, out)


@add.vjp("input")
def _(g: Tensor) -> Tensor:
    return g


@add.vjp("other")
def _(g: Tensor) -> Tensor:
    return g


@primitive(samples=pairs_of_reals, elementwise=True, linear=True, numbers=("other",))
def sub(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """input - other"""
    return xp.subtract(input, other, out)


@sub.vjp("input")
def _(g: Tensor) -> Tensor:
    return g


@sub.vjp("other")
def _(g: Tensor) -> Tensor:
    return -g


@primitive(samples=with_number, elementwise=True, linear=True, node="RsubBackward1")
def rsub(xp: Namespace, input: Array, other: Array) -> Array:
    """a number - input"""
    return xp.subtract(other, input)


@rsub.vjp("input")
def _(g: Tensor) -> Tensor:
    return -g


@primitive(samples=pairs_of_reals, elementwise=True, numbers=("other",))
def mul(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """input * other"""
    return xp.multiply(input, other, out)


@mul.vjp("input", diagonal=True)
def _(g: Tensor, other: Tensor) -> Tensor:
    return g * other


@mul.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * input


@primitive(samples=pairs_over_positives, elementwise=True, result="float", numbers=("other",))
def div(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """input / other"""
    return xp.true_divide(input, other, out)


@div.vjp("input", diagonal=True)
def _(g: Tensor, other: Tensor) -> Tensor:
    return g / other


@div.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return -g * input / (other * other)


@primitive(samples=powers, elementwise=True)
def pow(xp: Namespace, input: Array, exponent: float, out: Array | None = None) -> Array:
    """input to the power of a number"""
    return xp.power(input, exponent, out)


@pow.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, exponent: float) -> Tensor:
    return g * (exponent * input ** (exponent - 1)) if exponent else g * 0.0


@primitive(samples=pairs_of_positives, elementwise=True, name="pow", node="PowBackward1", public=False)
def pow_tensor(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """input to the power of other"""
    return xp.power(input, other, out)


@pow_tensor.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return g * where(other != 0, other * input ** (other - 1), 0.0)


@pow_tensor.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor, out: Tensor) -> Tensor:
    return g * where((input == 0) & (other >= 0), 0.0, out * log(input))


@primitive(samples=pairs_over_positives, elementwise=True, name="pow", torch="-", node="PowBackward1", public=False)
def power_of_number(xp: Namespace, input: Array, other: Array) -> Array:
    """A number to the power of other; ``input`` is the exponent."""
    return xp.power(other, input)


@power_of_number.vjp("input", diagonal=True)
def _(g: Tensor, other: Tensor, out: Tensor) -> Tensor:
    return g * out * log(as_like(other, out))


def as_like(value: object, model: Tensor) -> Tensor:
    """A number (or tensor) as something of ``model``'s kind."""
    return model * 0.0 + value


@primitive(samples=reals, elementwise=True, linear=True)
def neg(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """-input"""
    return xp.negative(input, out)


@neg.vjp("input")
def _(g: Tensor) -> Tensor:
    return -g


@primitive(samples=reals, elementwise=True)
def sign(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """-1, 0 or 1."""
    return xp.array(input) if input.dtype.kind == "b" else xp.sign(input, out)


@sign.vjp("input", diagonal=True)
def _(g: Tensor) -> Tensor:
    return g * 0.0


@primitive(samples=reals, elementwise=True, result="float")
def exp(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """e to the power of input."""
    return xp.exp(input, out)


@exp.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * out


@primitive(samples=positives, elementwise=True, result="float")
def log(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The natural logarithm."""
    return xp.log(input, out)


@log.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g / input


@primitive(samples=positives, elementwise=True, result="float")
def sqrt(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The square root."""
    return xp.sqrt(input, out)


@sqrt.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g / (2.0 * out)


@primitive(samples=positives, elementwise=True, result="float")
def reciprocal(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """1 / input"""
    return xp.reciprocal(input, out)


@reciprocal.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return -g * (out * out)


@primitive(samples=reals, elementwise=True, result="float")
def sin(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The sine."""
    return xp.sin(input, out)


@sin.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * cos(input)


@primitive(samples=reals, elementwise=True, result="float")
def cos(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The cosine."""
    return xp.cos(input, out)


@cos.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return -g * sin(input)


@primitive(samples=reals, elementwise=True, result="float")
def tanh(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """The hyperbolic tangent."""
    return xp.tanh(input, out)


@tanh.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (1.0 - out * out)


@primitive(samples=reals, elementwise=True, result="float")
def sigmoid(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """1 / (1 + exp(-input)), without overflow: by the tanh of half the input."""
    half = xp.tanh(input * input.dtype.type(0.5), out)
    return xp.multiply(half + half.dtype.type(1), half.dtype.type(0.5), out)


@sigmoid.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (out * (1.0 - out))


@primitive(samples=reals, elementwise=True)
def relu(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """input where positive, else 0 (NaN stays)."""
    return xp.maximum(input, input.dtype.type(0), out=out)


@relu.vjp("input", diagonal=True)
def _(g: Tensor, out: Tensor) -> Tensor:
    return g * (out > 0)


@primitive(samples=pairs_of_tensors, elementwise=True, numbers=())
def maximum(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """The larger of two; equal ones share the gradient."""
    return xp.maximum(input, other, out=out)


@maximum.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return _share(g, gt(input, other), ge(input, other))


@maximum.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return _share(g, lt(input, other), le(input, other))


@primitive(samples=pairs_of_tensors, elementwise=True, numbers=())
def minimum(xp: Namespace, input: Array, other: Array, out: Array | None = None) -> Array:
    """The smaller of two; equal ones share the gradient."""
    return xp.minimum(input, other, out=out)


@minimum.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return _share(g, lt(input, other), le(input, other))


@minimum.vjp("other", diagonal=True)
def _(g: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return _share(g, gt(input, other), ge(input, other))


def _share(g: Tensor, strictly: Tensor, weakly: Tensor) -> Tensor:
    return g * strictly * 0.5 + g * weakly * 0.5
