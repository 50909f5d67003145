"""Activations under PyTorch's name ``torch.nn.functional``. All work element by element unless they say otherwise."""

from __future__ import annotations

from retrograd.autograd.mode import no_grad
from retrograd.dtypes import dtype as DType
from retrograd.functional.like import empty_like, ones_like
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.surface import both, function
from retrograd.ops import activation as ops
from retrograd.ops import softmax as soft
from retrograd.random import default_generator
from retrograd.tensor import Tensor, from_array

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "normalize",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]


def _placed(input: Tensor, made: Tensor, inplace: bool) -> Tensor:
    """``made``, or ``input`` overwritten by it."""
    return input.copy_(made) if inplace else made


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(0, input)``; ``inplace`` writes it over the input."""
    return input.relu_() if inplace else input.relu()


def relu_(input: Tensor) -> Tensor:
    """``relu`` in place."""
    return input.relu_()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-input))``."""
    return input.sigmoid()


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input where positive, else ``negative_slope * input``."""
    return _placed(input, ops.leaky_relu.call(input, negative_slope=negative_slope), inplace)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``leaky_relu`` in place."""
    return leaky_relu(input, negative_slope, True)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, else ``alpha * (exp(input) - 1)`` (Clevert et al., 2015)."""
    return _placed(input, ops.elu.call(input, alpha=alpha, scale=1.0, input_scale=1.0), inplace)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``elu`` in place."""
    return elu(input, alpha, True)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``elu`` scaled so that mean 0 and variance 1 are kept (Klambauer et al., "Self-normalizing neural networks")."""
    made = ops.elu.call(input, alpha=1.6732632423543772, scale=1.0507009873554805, input_scale=1.0)
    return _placed(input, made, inplace)


def selu_(input: Tensor) -> Tensor:
    """``selu`` in place."""
    return selu(input, True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, else ``alpha * (exp(input / alpha) - 1)`` (Barron, 2017).

    Raises:
        RuntimeError: for ``alpha`` 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _placed(input, ops.elu.call(input, alpha=alpha, scale=1.0, input_scale=1.0 / alpha), inplace)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``celu`` in place."""
    return celu(input, alpha, True)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """input times the normal distribution function of it; ``approximate="tanh"``: by a hyperbolic tangent.

    Raises:
        RuntimeError: for another ``approximate``.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate}")
    return ops.gelu.call(input, approximate=approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * sigmoid(input)``, also called swish."""
    return _placed(input, ops.silu.call(input), inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * tanh(softplus(input))`` (Misra, 2019)."""
    return _placed(input, ops.mish.call(input), inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * input)) / beta``; input itself where ``beta * input`` is above ``threshold``."""
    return ops.softplus.call(input, beta=beta, threshold=threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """``log(sigmoid(input))`` without overflow."""
    return ops.log_sigmoid.call(input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """input kept between ``min_val`` and ``max_val``.

    Raises:
        ValueError: when the bounds are in the wrong order.
    """
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val, got {min_val} and {max_val}")
    if not input._meta.floating:
        min_val, max_val = int(min_val), int(max_val)
        if input.dtype.name == "uint8" and min_val < 0:
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    return _placed(input, ops.hardtanh.call(input, min_val=min_val, max_val=max_val), inplace)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``hardtanh`` in place."""
    return hardtanh(input, min_val, max_val, True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """input kept between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``input / 6 + 1/2``, kept between 0 and 1."""
    return _placed(input, ops.hardsigmoid.call(input), inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * hardsigmoid(input)`` (Howard et al., "Searching for MobileNetV3")."""
    return _placed(input, ops.hardswish.call(input), inplace)


@both
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input where beyond ±``lambd``, else 0."""
    return ops.hardshrink.call(input, lambd=lambd)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input moved by ``lambd`` towards 0, where it stops.

    Raises:
        RuntimeError: for a negative ``lambd``.
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return ops.softshrink.call(input, lambd=lambd)


def softsign(input: Tensor) -> Tensor:
    """``input / (1 + |input|)``."""
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """``input - tanh(input)``."""
    return input - input.tanh()


@function
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where above ``threshold``, else ``value``."""
    return _placed(input, ops.threshold.call(input, threshold=threshold, value=value), inplace)


@function
def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """``threshold`` in place."""
    return input.copy_(ops.threshold.call(input, threshold=threshold, value=value))


@both
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """input where positive, else ``weight * input``.

    Args:
        input: (N, C, *), or any shape with a weight of one element.
        weight: one number, or C of them.

    Raises:
        RuntimeError: when their number is not that of the channels.
    """
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if weight._meta.numel != 1:
        if not input.ndim:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != weight._meta.numel:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight._meta.numel} and channel size = {channels}."
            )
    if input.ndim > 1 and weight.ndim:
        weight = weight.reshape(1, -1, *([1] * (input.ndim - 2)))
    elif weight.ndim and not input.ndim:
        weight = weight.reshape(())
    return ops.prelu.call(input, weight)


@function
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """input where positive, else input times a slope: drawn from [lower, upper) when ``training``, else their middle.

    Raises:
        RuntimeError: when ``lower`` is above ``upper``.
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return _placed(input, ops.leaky_relu.call(input, negative_slope=(lower + upper) / 2), inplace)
    slopes = ones_like(input)
    below = input.device.to_host(input._data) <= 0
    drawn = slopes.device.to_host(slopes._data)
    drawn[below] = default_generator.uniform(int(below.sum()), lower, upper, "float64")
    return _placed(input, input * from_array(input.device.from_host(drawn), input.device), inplace)


@function
def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """``rrelu`` in place."""
    return rrelu(input, lower, upper, training, True)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along ``dim`` times the sigmoid of the second (Dauphin et al., 2016).

    Raises:
        RuntimeError: when that dimension is odd.
    """
    if not input.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    axis = check_dim(dim, input.ndim)
    if input.shape[axis] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {input.shape[axis]}")
    half = input.shape[axis] // 2
    return input.narrow(axis, 0, half) * input.narrow(axis, half, half).sigmoid()


def _default_dim(rank: int) -> int:
    return 0 if rank in (0, 1, 3) else 1


def _prepared(input: Tensor, dim: int | None, dtype: DType | None) -> tuple[Tensor, int]:
    if dtype is not None and dtype is not input.dtype:
        input = input.to(dtype)
    return input, check_dim(_default_dim(input.ndim) if dim is None else dim, max_rank(input))


@both
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """``exp(input)`` over its sum along ``dim``; ``dtype``: what input is converted to before."""
    input, axis = _prepared(input, dim, dtype)
    return soft.softmax.call(input, dim=axis)


@both
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """The logarithm of ``softmax``, computed at once."""
    input, axis = _prepared(input, dim, dtype)
    return soft.log_softmax.call(input, dim=axis)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """``softmax`` of -input."""
    return softmax(-input, dim, dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the Gumbel-softmax distribution: ``hard`` gives one-hot values with the gradient of the soft ones.

    Source: Jang et al., "Categorical reparameterization with Gumbel-softmax", 2016.
    """
    with no_grad():
        noise = -empty_like(logits).exponential_().log()
    soft_sample = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft_sample
    axis = check_dim(dim, max_rank(logits))
    with no_grad():
        place = soft_sample.argmax(axis, keepdim=True)
        steps = from_array(logits._meta.xp.arange(logits.shape[axis]), logits.device)
        shape = [1] * logits.ndim
        shape[axis] = -1
        one_hot = (steps.reshape(shape) == place).to(logits.dtype)
    return one_hot - soft_sample.detach() + soft_sample


def normalize(
    input: Tensor, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """input over its p-norm along ``dim`` (at least ``eps``)."""
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    made = input / length.expand_as(input)
    return made if out is None else out.copy_(made)


for _same in (relu_, celu, celu_, selu, selu_):
    function(_same)
