"""Convolutions, transposed convolutions, and windows spelled out, under PyTorch's names."""

from __future__ import annotations

from retrograd.functional.surface import function
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.ops.conv import convolution, convolution_transposed
from retrograd.ops.windows import col2im, im2col, window_counts
from retrograd.tensor import Tensor

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]


def _check(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, rank: int, groups: int, *, transposed: bool
) -> None:
    """What PyTorch refuses, in its words."""
    if weight.ndim < 3:
        raise RuntimeError(f"{name}: weight should have at least three dimensions, but got {list(weight.shape)}")
    if weight.ndim != rank + 2 or input.ndim not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, with a weight of {rank + 2} "
            f"dimensions, but got input of size: {list(input.shape)} and weight of size: {list(weight.shape)}"
        )
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    for other in (weight, bias):
        if other is not None and other.dtype is not input.dtype:
            raise RuntimeError(
                f"Input type ({input.dtype}) and {'weight' if other is weight else 'bias'} type ({other.dtype}) should "
                "be the same"
            )
    if weight.shape[0] < groups or weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, and divisible by it, but "
            f"got weight of size {list(weight.shape)} instead"
        )
    given = input.shape[-rank - 1]
    wanted = weight.shape[0] if transposed else weight.shape[1] * groups
    if given != wanted:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{wanted} channels, but got {given} channels instead"
        )
    outs = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and tuple(bias.shape) != (outs,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with {outs} elements, but "
            f"got bias of size {list(bias.shape)} instead"
        )


def _check_steps(stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(dilation) <= 0:
        raise RuntimeError("dilation should be greater than zero")


def _same_padding(
    input: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """Padding that keeps the size: half on each side, an odd one put on the input's end."""
    from retrograd.nn.functional.padding import pad

    if max(stride) != 1:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [gap * (width - 1) for gap, width in zip(dilation, kernel, strict=True)]
    if any(each % 2 for each in totals):
        extra: list[int] = []
        for each in reversed(totals):
            extra += [0, each % 2]
        input = pad(input, extra)
    return input, tuple(each // 2 for each in totals)


def _convolve(
    rank: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    name = f"conv{rank}d"
    _check(name, input, weight, bias, rank, groups, transposed=False)
    steps, gaps = lengths(stride, rank, name, "stride"), lengths(dilation, rank, name, "dilation")
    kernel = tuple(weight.shape[2:])
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        _check_steps(steps, (0,), gaps)
        input, pads = _same_padding(input, kernel, steps, gaps) if padding == "same" else (input, (0,) * rank)
    else:
        pads = lengths(padding, rank, name, "padding")
    _check_steps(steps, pads, gaps)
    size = tuple(input.shape[-rank:])
    if min(window_counts(size, kernel, steps, pads, gaps)) < 1:
        raise RuntimeError(
            f"Calculated padded input size per channel: {[n + 2 * p for n, p in zip(size, pads, strict=True)]}. Kernel "
            f"size: {list(kernel)} (dilation {list(gaps)}). Kernel size can't be greater than actual input size"
        )
    batched = input if input.ndim == rank + 2 else input.unsqueeze(0)
    out = convolution.call(batched, weight, bias, stride=steps, padding=pads, dilation=gaps, groups=groups)
    return out if batched is input else out.squeeze(0)


@function
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve (N, in, L) or (in, L) with weight (out, in / groups, width); see ``conv2d``."""
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


@function
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images (strictly: correlate, as all of deep learning does).

    Args:
        input: (N, in, H, W) or (in, H, W).
        weight: (out, in / groups, height, width).
        bias: (out), or none.
        stride: the steps between windows.
        padding: zeros on both sides, or "valid" (none), or "same" (so that the size stays).
        dilation: the distance of a kernel's places.
        groups: so many parts of the channels are convolved each for itself.

    Returns:
        (N, out, H', W') with H' = (H + 2 padding - dilation (height - 1) - 1) // stride + 1.

    Raises:
        RuntimeError: when shapes or dtypes don't fit.
    """
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


@function
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve (N, in, D, H, W) or (in, D, H, W) with weight (out, in / groups, d, h, w); see ``conv2d``."""
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


def _transposed(
    rank: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Tensor:
    name = f"conv_transpose{rank}d"
    _check(name, input, weight, bias, rank, groups, transposed=True)
    steps, gaps = lengths(stride, rank, name, "stride"), lengths(dilation, rank, name, "dilation")
    pads, extra = lengths(padding, rank, name, "padding"), lengths(output_padding, rank, name, "output_padding")
    _check_steps(steps, pads, gaps)
    if min(extra) < 0:
        raise RuntimeError("negative output_padding is not supported")
    for more, step, gap in zip(extra, steps, gaps, strict=True):
        if more >= step and more >= gap:
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got output_padding: {list(extra)} "
                f"stride: {list(steps)} dilation: {list(gaps)}"
            )
    size = tuple(
        (count - 1) * step - 2 * pad + gap * (width - 1) + more + 1
        for count, step, pad, gap, width, more in zip(
            input.shape[-rank:], steps, pads, gaps, weight.shape[2:], extra, strict=True
        )
    )
    if min(size) < 1:
        raise RuntimeError(f"{name}: the output size {list(size)} is too small")
    batched = input if input.ndim == rank + 2 else input.unsqueeze(0)
    out = convolution_transposed.call(
        batched, weight, bias, size=size, stride=steps, padding=pads, dilation=gaps, groups=groups
    )
    return out if batched is input else out.squeeze(0)


@function
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of ``conv1d``; see ``conv_transpose2d``."""
    return _transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@function
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of ``conv2d`` as a map of its input: (N, in, H, W) to (N, out, H', W').

    Args:
        input: (N, in, H, W) or (in, H, W).
        weight: (in, out / groups, height, width).
        bias: (out), or none.
        stride, padding, dilation, groups: those of the convolution that this is the transpose of.
        output_padding: what H' has more, since several sizes lead to the same number of windows.

    Returns:
        H' = (H - 1) stride - 2 padding + dilation (height - 1) + output_padding + 1.
    """
    return _transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@function
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of ``conv3d``; see ``conv_transpose2d``."""
    return _transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """The windows of images (N, C, H, W) as the columns of (N, C * height * width, windows)."""
    if input.ndim not in (3, 4):
        raise RuntimeError(f"Expected 3D or 4D (batch mode) tensor for input, but got {list(input.shape)}")
    kernel, gaps = lengths(kernel_size, 2, "unfold", "kernel_size"), lengths(dilation, 2, "unfold", "dilation")
    pads, steps = lengths(padding, 2, "unfold", "padding"), lengths(stride, 2, "unfold", "stride")
    _check_steps(steps, pads, gaps)
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(kernel)}")
    counts = window_counts(input.shape[-2:], kernel, steps, pads, gaps)
    if min(counts) < 1:
        raise RuntimeError(f"unfold: the array of windows would have shape {list(counts)}, it must be positive")
    batched = input if input.ndim == 4 else input.unsqueeze(0)
    out = im2col.call(batched, kernel=kernel, stride=steps, padding=pads, dilation=gaps)
    return out if batched is input else out.squeeze(0)


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Windows (N, C * height * width, windows) added up to images (N, C, *output_size)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"Expected 2D or 3D (batch mode) tensor for input, but got {list(input.shape)}")
    size, kernel = lengths(output_size, 2, "fold", "output_size"), lengths(kernel_size, 2, "fold", "kernel_size")
    gaps, pads = lengths(dilation, 2, "fold", "dilation"), lengths(padding, 2, "fold", "padding")
    steps = lengths(stride, 2, "fold", "stride")
    _check_steps(steps, pads, gaps)
    counts = window_counts(size, kernel, steps, pads, gaps)
    if input.shape[-2] % (kernel[0] * kernel[1]) or input.shape[-1] != counts[0] * counts[1]:
        raise RuntimeError(
            f"fold: input of shape {list(input.shape)} is not windows of {list(kernel)}, {list(counts)} of them"
        )
    batched = input if input.ndim == 3 else input.unsqueeze(0)
    out = col2im.call(batched, size=size, kernel=kernel, stride=steps, padding=pads, dilation=gaps)
    return out if batched is input else out.squeeze(0)
