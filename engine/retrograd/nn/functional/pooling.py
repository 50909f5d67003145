"""Poolings under PyTorch's names."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrograd.functional.surface import function
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.ops.flat import flat_scatter
from retrograd.ops.pool import avg_pools, max_pools, pooled_counts
from retrograd.tensor import Tensor

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

Pooled = Tensor | tuple[Tensor, Tensor]


def _windows(
    name: str, rank: int, input: Tensor, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes,
    ceil_mode: bool,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """Kernel, stride, padding, dilation and counts, checked."""
    kernel = lengths(kernel_size, rank, name, "kernel_size")
    steps = kernel if stride is None or stride == () else lengths(stride, rank, name, "stride")
    pads, gaps = lengths(padding, rank, name, "padding"), lengths(dilation, rank, name, "dilation")
    for what, found, least in (("kernel_size", kernel, 1), ("stride", steps, 1), ("dilation", gaps, 1)):
        if min(found) < least:
            raise RuntimeError(f"{name}: {what} must be greater than zero, but got {min(found)}")
    if min(pads) < 0:
        raise RuntimeError(f"{name}: pad must be non-negative, but got pad: {min(pads)}")
    for pad, width, gap in zip(pads, kernel, gaps, strict=True):
        if pad > ((width - 1) * gap + 1) // 2:
            raise RuntimeError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={width} "
                f"and dilation={gap}"
            )
    if input.ndim not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"{name}: Expected {rank + 1}D or {rank + 2}D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got {list(input.shape)}"
        )
    if 0 in input.shape[-rank - 1 :]:
        raise RuntimeError(
            f"{name}: Expected input's non-batch dimensions to have positive length, but got {list(input.shape)}"
        )
    counts = pooled_counts(input.shape[-rank:], kernel, steps, pads, gaps, ceil_mode)
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input size: {list(input.shape[-rank - 1 :])}. Calculated output size: {list(counts)}. Output size "
            "is too small"
        )
    return kernel, steps, pads, gaps, counts


def _max(
    rank: int, input: Tensor, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> tuple[Tensor, Tensor]:
    name = f"max_pool{rank}d()"
    kernel, steps, pads, gaps, counts = _windows(name, rank, input, kernel_size, stride, padding, dilation, ceil_mode)
    if rank == 1:  # as one row of an image
        kernel, steps, pads, gaps, counts = (1, *kernel), (1, *steps), (0, *pads), (1, *gaps), (1, *counts)
        out, indices = _max_of(2, input.unsqueeze(-2), kernel, steps, pads, gaps, counts)
        return out.squeeze(-2), indices.squeeze(-2)
    return _max_of(rank, input, kernel, steps, pads, gaps, counts)


def _max_of(
    rank: int,
    input: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    counts: tuple[int, ...],
) -> tuple[Tensor, Tensor]:
    batched = input if input.ndim == rank + 2 else input.unsqueeze(0)
    out, indices = max_pools[rank].call(
        batched, kernel=kernel, stride=stride, padding=padding, dilation=dilation, counts=counts
    )
    return (out, indices) if batched is input else (out.squeeze(0), indices.squeeze(0))


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool1d`` with the places of what it chose."""
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool2d`` with the places of what it chose."""
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool3d`` with the places of what it chose."""
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode)


@function
def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """The largest of windows of (N, C, L) or (C, L); arguments as ``max_pool2d``."""
    found = _max(1, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


@function
def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """The largest of each window.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding, dilation: the windows' shape and places; stride is the kernel's size by default.
        ceil_mode: whether a last window may reach over the end.
        return_indices: also return where in the flattened H x W each was (for ``max_unpool2d``).

    Raises:
        RuntimeError: when no window fits.
    """
    found = _max(2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


@function
def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """The largest of windows of (N, C, D, H, W) or (C, D, H, W); arguments as ``max_pool2d``."""
    found = _max(3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


def _avg(
    rank: int,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    include: bool,
    divisor: int | None,
) -> Tensor:
    name = f"avg_pool{rank}d()"
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    kernel, steps, pads, _, counts = _windows(name, rank, input, kernel_size, stride, padding, 1, ceil_mode)
    if rank == 1:
        kernel, steps, pads, counts = (1, *kernel), (1, *steps), (0, *pads), (1, *counts)
        image = input.unsqueeze(-2)
        return _avg_of(2, image, kernel, steps, pads, counts, include, divisor).squeeze(-2)
    return _avg_of(rank, input, kernel, steps, pads, counts, include, divisor)


def _avg_of(
    rank: int,
    input: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    counts: tuple[int, ...],
    include: bool,
    divisor: int | None,
) -> Tensor:
    batched = input if input.ndim == rank + 2 else input.unsqueeze(0)
    out = avg_pools[rank].call(
        batched, kernel=kernel, stride=stride, padding=padding, counts=counts, include=include, divisor=divisor
    )
    return out if batched is input else out.squeeze(0)


@function
def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of windows of (N, C, L) or (C, L); arguments as ``avg_pool2d``."""
    return _avg(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding: the windows' shape and places; stride is the kernel's size by default.
        ceil_mode: whether a last window may reach over the end.
        count_include_pad: whether the zeros around count.
        divisor_override: what sums are divided by instead.
    """
    return _avg(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of windows of (N, C, D, H, W) or (C, D, H, W); arguments as ``avg_pool2d``."""
    return _avg(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _lp(
    rank: int, input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None, ceil_mode: bool
) -> Tensor:
    kernel = lengths(kernel_size, rank, f"lp_pool{rank}d()", "kernel_size")
    means = _avg(rank, input.pow(norm_type), kernel, stride, 0, ceil_mode, True, None)
    return (means.sign() * means.abs().relu()).mul(math.prod(kernel)).pow(1.0 / norm_type)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The ``norm_type``-norm of windows of (N, C, L) or (C, L)."""
    return _lp(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The ``norm_type``-norm of windows of (N, C, H, W) or (C, H, W)."""
    return _lp(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The ``norm_type``-norm of windows of (N, C, D, H, W) or (C, D, H, W)."""
    return _lp(3, input, norm_type, kernel_size, stride, ceil_mode)


def _unpool(
    rank: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    output_size: Sequence[int] | None,
) -> Tensor:
    name = f"max_unpool{rank}d()"
    kernel = lengths(kernel_size, rank, name, "kernel_size")
    steps = kernel if stride is None else lengths(stride, rank, name, "stride")
    pads = lengths(padding, rank, name, "padding")
    if tuple(indices.shape) != tuple(input.shape):
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    usual = tuple(
        (count - 1) * step + width - 2 * pad
        for count, step, width, pad in zip(input.shape[-rank:], steps, kernel, pads, strict=True)
    )
    size = usual if output_size is None else tuple(output_size)[-rank:]
    for length, expected, step in zip(size, usual, steps, strict=True):
        if not expected - step < length < expected + step:
            raise ValueError(f'invalid output_size "{list(size)}": dim must be between {expected} plus or minus {step}')
    lead, total = tuple(input.shape[:-rank]), math.prod(size)
    places = indices._data
    if places.size and (int(places.max()) >= total or int(places.min()) < 0):
        raise RuntimeError(
            f"{name}: found an invalid max index {int(places.max())} (output volumes are of size {total})"
        )
    row = (*lead, math.prod(input.shape[-rank:]))
    flat = flat_scatter.call(input.reshape(row), indices.reshape(row), size=total, unique=True)
    return flat.reshape(*lead, *size)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """What ``max_pool1d`` chose put back where it was, zeros elsewhere."""
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """What ``max_pool2d`` chose put back where it was, zeros elsewhere."""
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """What ``max_pool3d`` chose put back where it was, zeros elsewhere."""
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
