"""Normalisations under PyTorch's names."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrograd.autograd.mode import no_grad
from retrograd.dtypes import finfo
from retrograd.functional.surface import function
from retrograd.nn.functional.padding import pad
from retrograd.nn.functional.pooling import avg_pool2d, avg_pool3d
from retrograd.ops.normalise import native_batch_norm as _batch
from retrograd.ops.normalise import native_group_norm as _group
from retrograd.ops.normalise import native_layer_norm as _layer
from retrograd.tensor import Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(int(each) for each in normalized_shape)


def _check_last(name: str, input: Tensor, shape: tuple[int, ...], weight: Tensor | None, bias: Tensor | None) -> None:
    if not shape:
        raise RuntimeError(f"Expected normalized_shape to be at least 1-dimensional, but got {name} over {shape}")
    for what, each in (("weight", weight), ("bias", bias)):
        if each is not None and tuple(each.shape) != shape:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape {list(each.shape)} "
                f"and normalized_shape = {list(shape)}"
            )
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but "
            f"got input of size{list(input.shape)}"
        )


@function
def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``layer_norm`` with the means and the reciprocal roots of the variances that it used; as in PyTorch no gradient
    comes from those two."""
    shape = _shape(normalized_shape)
    _check_last("layer_norm", input, shape, weight, bias)
    out, mean, rstd = _layer.call(input, weight, bias, rank=len(shape), eps=eps)
    return out, mean.detach(), rstd.detach()


@function
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """input with mean 0 and variance 1 over its last dimensions, times weight, plus bias.

    Args:
        input: (*, *normalized_shape).
        normalized_shape: the last dimensions' lengths.
        weight, bias: of that shape, or none.
        eps: added to the variance.

    Source: Ba et al., "Layer normalization", 2016.

    Raises:
        RuntimeError: when the shapes don't fit.
    """
    shape = _shape(normalized_shape)
    _check_last("layer_norm", input, shape, weight, bias)
    out: Tensor = _layer.call(input, weight, bias, rank=len(shape), eps=eps)[0]
    return out


@function
def rms_norm(
    input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """input over the root of its mean square over its last dimensions, times weight; ``eps`` is the dtype's by default.

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """
    shape = _shape(normalized_shape)
    _check_last("rms_norm", input, shape, weight, None)
    kind = input.dtype
    x = input.float() if kind.itemsize < 4 else input
    least = finfo(x.dtype).eps if eps is None else eps
    scaled = x * (x.pow(2).mean(tuple(range(-len(shape), 0)), keepdim=True) + least).rsqrt()
    scaled = scaled if scaled.dtype is kind else scaled.to(kind)
    return scaled if weight is None else scaled * weight


@function
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """input (N, C, ...) with mean 0 and variance 1 for each channel over the batch, times weight, plus bias.

    Args:
        input: (N, C, ...).
        running_mean, running_var: (C), what is used when not ``training``; when training (if given) moved towards the
            batch's by ``momentum``, the variance being that of a sample.
        weight, bias: (C), or none.
        training: whether to use the batch's own moments.
        momentum: see above.
        eps: added to the variance.

    Source: Ioffe and Szegedy, "Batch normalization", 2015.

    Raises:
        ValueError: for one value a channel in training, or an ``eps`` that is not positive.
        RuntimeError: when the shapes don't fit.
    """
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive, but got {eps}")
    if training and input.ndim > 1 and input.shape[0] * math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    return _normalised(input, running_mean, running_var, weight, bias, training, momentum, eps)[0]


def _normalised(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    if not input._meta.numel:
        out = input.clone()
        out = out if weight is None else out * weight[0]
        none = input.new_zeros(0)
        return out if bias is None else out + bias[0], none, none
    if input.ndim < 2:
        raise RuntimeError(f"batch_norm: expected at least 2 dimensions (N, C, ...), got {list(input.shape)}")
    channels = input.shape[1]
    for what, each in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        if each is not None and each._meta.numel != channels:
            raise RuntimeError(f"{what} should contain {channels} elements not {each._meta.numel}")
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
        out, mean, rstd = _batch.call(input, weight, bias, running_mean.detach(), running_var.detach(), eps=eps)
        return out, mean, rstd
    out, mean, rstd = _batch.call(input, weight, bias, None, None, eps=eps)
    if running_mean is not None and running_var is not None:
        count = input._meta.numel // max(channels, 1)
        with no_grad():
            variance = (rstd * rstd).reciprocal() - eps
            running_mean.mul_(1 - momentum).add_(mean.to(running_mean.dtype), alpha=momentum)
            sample = variance * (count / max(count - 1, 1))
            running_var.mul_(1 - momentum).add_(sample.to(running_var.dtype), alpha=momentum)
    return out, mean, rstd


@function
def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """``batch_norm`` with the batch's means and reciprocal roots of variances (empty when not training); as in PyTorch
    no gradient comes from those two."""
    out, mean, rstd = _normalised(input, running_mean, running_var, weight, bias, training, momentum, eps)
    return (out, mean.detach(), rstd.detach()) if training else (out, mean.new_zeros(0), rstd.new_zeros(0))


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``batch_norm`` of each sample for itself; arguments as there, ``use_input_stats`` for ``training``.

    Source: Ulyanov et al., "Instance normalization", 2016.
    """
    if use_input_stats and input.ndim > 2 and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats=False")
    batch, channels = input.shape[0], input.shape[1]
    tiled = [None if each is None else each.repeat(batch) for each in (running_mean, running_var, weight, bias)]
    rows = input.reshape(1, batch * channels, *input.shape[2:])
    out = _normalised(rows, tiled[0], tiled[1], tiled[2], tiled[3], use_input_stats, momentum, eps)[0]
    if use_input_stats:
        with no_grad():
            for running, found in ((running_mean, tiled[0]), (running_var, tiled[1])):
                if running is not None and found is not None:
                    running.copy_(found.reshape(batch, channels).mean(0))
    return out.reshape(input.shape)


@function
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """input (N, C, ...) with mean 0 and variance 1 over each group of channels, times weight (C), plus bias (C).

    Source: Wu and He, "Group normalization", 2018.
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    channels = input.shape[1]
    if num_groups <= 0 or channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for what, each in (("weight", weight), ("bias", bias)):
        if each is not None and tuple(each.shape) != (channels,):
            raise RuntimeError(
                f"Expected {what} to be a vector of size equal to the number of channels in input, but got {what} of "
                f"shape {list(each.shape)} and input of shape {list(input.shape)}"
            )
    out: Tensor = _group.call(input, weight, bias, groups=num_groups, eps=eps)[0]
    return out


@function
def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``group_norm`` with the means and the reciprocal roots of the variances (N, group) that it used.

    Args:
        N, C, HxW: the batch's length, the channels and the number of places: input is taken as (N, C, HxW).
    """
    if input._meta.numel != N * C * HxW or C % max(group, 1):
        raise RuntimeError(
            f"native_group_norm: input of shape {list(input.shape)} is not {N} x {C} x {HxW} in {group} groups"
        )
    shape = tuple(input.shape)
    flat = input.reshape(N, C, HxW)
    out, mean, rstd = _group.call(flat, weight, bias, groups=group, eps=eps)
    return out.reshape(shape), mean, rstd


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """input over ``(k + alpha * mean of the squares of size neighbouring channels) ** beta``.

    Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.
    """
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    if not input._meta.numel:
        return input
    squares = input.mul(input)
    border = (size // 2, (size - 1) // 2)
    if input.ndim == 3:
        means = avg_pool2d(pad(squares.unsqueeze(1), (0, 0, *border)), (size, 1), stride=1).squeeze(1)
    else:
        shape = tuple(input.shape)
        flat = squares.reshape(shape[0], 1, shape[1], shape[2], -1)
        means = avg_pool3d(pad(flat, (0, 0, 0, 0, *border)), (size, 1, 1), stride=1).squeeze(1).reshape(shape)
    return input / means.mul(alpha).add(k).pow(beta)
