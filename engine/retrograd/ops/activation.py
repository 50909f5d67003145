"""Activations, element by element, each fused."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace, scipy_of
from retrograd.meta import Array
from retrograd.ops.elementwise import exp, log, sigmoid, tanh
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, Samples, apart, reals
from retrograd.ops.select import clamp, where
from retrograd.tensor import Tensor

F = "nn.functional."


def _with(*choices: dict[str, object]) -> Samples:
    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for params in choices:
            yield Sample((apart(rng, 3, 5) * 1.7,), dict(params))

    return samples


def wide(array: Array) -> Array:
    """At least float32: what half precision is computed in."""
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array


@primitive(samples=_with({"negative_slope": 0.1}), torch=F + "leaky_relu", elementwise=True, public=False)
def leaky_relu(xp: Namespace, input: Array, *, negative_slope: float) -> Array:
    """input where positive, else ``negative_slope`` times it."""
    return xp.where(input > 0, input, input * negative_slope)


@leaky_relu.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, negative_slope: float) -> Tensor:
    return where(input > 0, g, g * negative_slope)


@leaky_relu.decomposed
def _(input: Tensor, *, negative_slope: float) -> Tensor:
    return where(input > 0, input, input * negative_slope)


@primitive(
    samples=_with({"alpha": 1.0, "scale": 1.0, "input_scale": 1.0}, {"alpha": 1.5, "scale": 0.7, "input_scale": 0.5}),
    torch="-", node="EluBackward0", elementwise=True, public=False,
)  # fmt: skip
def elu(xp: Namespace, input: Array, *, alpha: float, scale: float, input_scale: float) -> Array:
    """scale * input where positive, else scale * alpha * (exp(input_scale * input) - 1)."""
    below = xp.expm1(xp.minimum(input, input.dtype.type(0)) * input_scale)
    return xp.where(input > 0, input * scale, below * (alpha * scale)).astype(input.dtype)


@elu.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, alpha: float, scale: float, input_scale: float) -> Tensor:
    below = exp(clamp(input, min=None, max=0.0) * input_scale) * (alpha * scale * input_scale)
    return g * where(input > 0, scale, below)


@elu.decomposed
def _(input: Tensor, *, alpha: float, scale: float, input_scale: float) -> Tensor:
    below = exp(clamp(input, min=None, max=0.0) * input_scale) - 1.0
    return where(input > 0, input * scale, below * (alpha * scale))


@primitive(samples=reals, torch=F + "silu", elementwise=True, public=False)
def silu(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """input * sigmoid(input)"""
    return xp.multiply(input, sigmoid(input), out)


@silu.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    s = sigmoid(input)
    return g * (s * (1.0 + input * (1.0 - s)))


@silu.decomposed
def _(input: Tensor) -> Tensor:
    return input * sigmoid(input)


@primitive(samples=reals, torch=F + "mish", elementwise=True, public=False)
def mish(xp: Namespace, input: Array, out: Array | None = None) -> Array:
    """input * tanh(log(1 + exp(input)))"""
    return xp.multiply(input, xp.tanh(_log1p_exp(xp, input)), out)


@mish.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    t = tanh(softplus(input, beta=1.0, threshold=20.0))
    return g * (t + input * sigmoid(input) * (1.0 - t * t))


@mish.decomposed
def _(input: Tensor) -> Tensor:
    return input * tanh(log(exp(input) + 1.0))


def _log1p_exp(xp: Namespace, z: Array) -> Array:
    """log(1 + exp(z)) without overflow."""
    return xp.maximum(z, z.dtype.type(0)) + xp.log1p(xp.exp(-xp.absolute(z)))


@primitive(
    samples=_with({"beta": 1.0, "threshold": 20.0}, {"beta": 2.0, "threshold": 1.1}), torch=F + "softplus",
    elementwise=True, public=False,
)  # fmt: skip
def softplus(xp: Namespace, input: Array, *, beta: float, threshold: float) -> Array:
    """log(1 + exp(beta * input)) / beta, and input itself where beta * input is above ``threshold``."""
    z = input * beta
    return xp.where(z > threshold, input, _log1p_exp(xp, z) / beta).astype(input.dtype)


@softplus.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, beta: float, threshold: float) -> Tensor:
    z = input * beta
    return g * where(z > threshold, 1.0, sigmoid(z))


@softplus.decomposed
def _(input: Tensor, *, beta: float, threshold: float) -> Tensor:
    z = input * beta
    return where(z > threshold, input, log(exp(clamp(z, min=None, max=threshold)) + 1.0) / beta)


@primitive(samples=reals, torch=F + "logsigmoid", elementwise=True, node="LogSigmoidBackward0", public=False)
def log_sigmoid(xp: Namespace, input: Array) -> Array:
    """log(sigmoid(input))"""
    return -_log1p_exp(xp, -input)


@log_sigmoid.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * sigmoid(-input)


@log_sigmoid.decomposed
def _(input: Tensor) -> Tensor:
    return log(sigmoid(input))


@primitive(samples=reals, torch="-", elementwise=True, result="float", public=False)
def normal_cdf(xp: Namespace, input: Array) -> Array:
    """The standard normal distribution function."""
    x = wide(input)
    return scipy_of(xp, "special").ndtr(x).astype(input.dtype, copy=False)


@normal_cdf.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return g * _normal_density(input)


def _normal_density(input: Tensor) -> Tensor:
    return exp(input * input * -0.5) * (1.0 / math.sqrt(2.0 * math.pi))


@primitive(samples=_with({"approximate": "none"}, {"approximate": "tanh"}), torch=F + "gelu", elementwise=True,
           public=False)  # fmt: skip
def gelu(xp: Namespace, input: Array, *, approximate: str) -> Array:
    """input times the normal distribution function of it, or its approximation by a hyperbolic tangent.

    Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    x = wide(input)
    if approximate == "tanh":
        share = (xp.tanh(_cubic(x)) + x.dtype.type(1)) * x.dtype.type(0.5)  # type: ignore[arg-type]  # raw here
    else:
        share = scipy_of(xp, "special").ndtr(x)
    return xp.multiply(x, share).astype(input.dtype, copy=False)


_SLOPE = math.sqrt(2.0 / math.pi)
_CUBE = 0.044715


def _cubic(x: Tensor) -> Tensor:
    return (x + x * x * x * _CUBE) * _SLOPE


@gelu.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, approximate: str) -> Tensor:
    if approximate == "tanh":
        t = tanh(_cubic(input))
        slope = (input * input * (3.0 * _CUBE) + 1.0) * _SLOPE
        return g * ((t + 1.0) * 0.5 + input * (1.0 - t * t) * slope * 0.5)
    return g * (normal_cdf(input) + input * _normal_density(input))


@gelu.decomposed
def _(input: Tensor, *, approximate: str) -> Tensor:
    return input * ((tanh(_cubic(input)) + 1.0) * 0.5 if approximate == "tanh" else normal_cdf(input))


@primitive(samples=_with({"lambd": 0.5}), torch=F + "hardshrink", elementwise=True, public=False)
def hardshrink(xp: Namespace, input: Array, *, lambd: float) -> Array:
    """input where beyond ±lambd, else 0."""
    return xp.where((input >= -lambd) & (input <= lambd), input.dtype.type(0), input)


@hardshrink.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, lambd: float) -> Tensor:
    return where((input >= -lambd) & (input <= lambd), 0.0, g)


@hardshrink.decomposed
def _(input: Tensor, *, lambd: float) -> Tensor:
    return where((input >= -lambd) & (input <= lambd), 0.0, input)


@primitive(samples=_with({"lambd": 0.5}), torch=F + "softshrink", elementwise=True, public=False)
def softshrink(xp: Namespace, input: Array, *, lambd: float) -> Array:
    """input moved by lambd towards 0, where it stops."""
    return input - xp.clip(input, -lambd, lambd)


@softshrink.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, lambd: float) -> Tensor:
    return where((input >= -lambd) & (input <= lambd), 0.0, g)


@softshrink.decomposed
def _(input: Tensor, *, lambd: float) -> Tensor:
    return input - clamp(input, min=-lambd, max=lambd)


@primitive(samples=_with({"min_val": -1.0, "max_val": 0.75}), torch=F + "hardtanh", elementwise=True, public=False)
def hardtanh(xp: Namespace, input: Array, *, min_val: float, max_val: float) -> Array:
    """input kept within bounds, where there is no gradient, the bounds included."""
    return xp.clip(input, min_val, max_val)


@hardtanh.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, min_val: float, max_val: float) -> Tensor:
    return where((input <= min_val) | (input >= max_val), 0.0, g)


@hardtanh.decomposed
def _(input: Tensor, *, min_val: float, max_val: float) -> Tensor:
    return clamp(input, min=min_val, max=max_val)


# PyTorch's gradient of it has 1/6 rounded to float32 also in float64, so that no exact one equals it
@primitive(samples=reals, torch="-", elementwise=True, public=False)
def hardsigmoid(xp: Namespace, input: Array) -> Array:
    """input / 6 + 1/2, kept within 0 and 1."""
    return xp.clip(input / 6 + 0.5, 0, 1)


@hardsigmoid.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return where((input > -3.0) & (input < 3.0), g * (1.0 / 6.0), 0.0)


@hardsigmoid.decomposed
def _(input: Tensor) -> Tensor:
    return clamp(input / 6.0 + 0.5, min=0.0, max=1.0)


@primitive(samples=reals, torch=F + "hardswish", elementwise=True, public=False)
def hardswish(xp: Namespace, input: Array) -> Array:
    """input * hardsigmoid(input)"""
    return input * xp.clip(input / 6 + 0.5, 0, 1)


@hardswish.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return where(input <= -3.0, 0.0, where(input < 3.0, g * (input / 3.0 + 0.5), g))


@hardswish.decomposed
def _(input: Tensor) -> Tensor:
    return input * clamp(input / 6.0 + 0.5, min=0.0, max=1.0)


@primitive(samples=_with({"threshold": 0.2, "value": -1.5}), torch=F + "threshold", elementwise=True, public=False)
def threshold(xp: Namespace, input: Array, *, threshold: float, value: float) -> Array:
    """input where above ``threshold``, else ``value``."""
    return xp.where(input <= threshold, input.dtype.type(value), input)


@threshold.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, *, threshold: float) -> Tensor:
    return where(input <= threshold, 0.0, g)


@threshold.decomposed
def _(input: Tensor, *, threshold: float, value: float) -> Tensor:
    return where(input <= threshold, value, input)


def with_slopes(rng: np.random.Generator) -> Iterator[Sample]:
    """Arrays and slopes that broadcast over them."""
    yield Sample((apart(rng, 2, 3, 4), apart(rng, 3, 1)))
    yield Sample((apart(rng, 4), apart(rng, 1)))


@primitive(samples=with_slopes, torch="-", name="_prelu_kernel", node="PreluKernelBackward0", elementwise=True,
           public=False)  # fmt: skip
def prelu(xp: Namespace, input: Array, weight: Array) -> Array:
    """input where positive, else weight * input."""
    return xp.where(input > 0, input, weight * input)


@prelu.vjp("input", diagonal=True)
def _(g: Tensor, input: Tensor, weight: Tensor) -> Tensor:
    return where(input > 0, g, g * weight)


@prelu.vjp("weight", diagonal=True)
def _(g: Tensor, input: Tensor) -> Tensor:
    return where(input > 0, 0.0, g * input)


@prelu.decomposed
def _(input: Tensor, weight: Tensor) -> Tensor:
    return where(input > 0, input, weight * input)
