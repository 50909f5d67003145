"""Poolings under PyTorch's names."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from retrograd.functional.create import empty
from retrograd.functional.surface import function
from retrograd.meta import Array
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.ops.flat import flat_scatter
from retrograd.ops.pool import adaptive_max_pools, avg_pools, fractional_max_pools, max_pools, pooled_counts
from retrograd.ops.resample import AxisMap, named_maps
from retrograd.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
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


def _target(rank: int, input: Tensor, output_size: Sizes | Sequence[int | None], name: str) -> tuple[int, ...]:
    if isinstance(output_size, (tuple, list)) and len(output_size) != rank:
        raise RuntimeError(f"{name}: output_size must be {rank} numbers, got {list(output_size)}")
    if input.ndim < rank + 1 and rank > 1:
        raise ValueError(f"{name}: Input dimension should be at least {rank + 1}, got {input.ndim}")
    if input.ndim not in (rank + 1, rank + 2):
        raise RuntimeError(f"{name}: Expected {rank + 1}D or {rank + 2}D tensor, but got {list(input.shape)}")
    given = (output_size,) * rank if isinstance(output_size, int) else tuple(output_size)
    size = tuple(input.shape[axis - rank] if each is None else int(each) for axis, each in enumerate(given))
    if min(size) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0 but received {size}")
    if 0 in input.shape[-rank - 1 + (rank == 1) :]:
        raise RuntimeError(f"{name}: Expected input to have non-zero size for non-batch dimensions, got {input.shape}")
    return size


def _parts(length: int, count: int) -> Array:
    """Which of ``length`` places belong to each of ``count`` parts, as rows; the last repeats in shorter ones."""
    starts = np.arange(count) * length // max(count, 1)
    ends = -((-np.arange(1, count + 1) * length) // max(count, 1))
    steps = np.arange(int((ends - starts).max(initial=1)))
    parts: Array = np.minimum(starts[:, None] + steps, ends[:, None] - 1)
    return parts


def _adaptive_avg(rank: int, input: Tensor, output_size: Sizes | Sequence[int | None]) -> Tensor:
    size = _target(rank, input, output_size, f"adaptive_avg_pool{rank}d()")
    if all(each == 1 for each in size):
        return input.mean(tuple(range(-rank, 0)), keepdim=True)
    maps = []
    for axis, count in enumerate(size):
        indices = _parts(input.shape[axis - rank], count)
        fresh = np.ones(indices.shape)
        fresh[:, 1:] = indices[:, 1:] != indices[:, :-1]
        maps.append(AxisMap(axis - rank, input.shape[axis - rank], indices, fresh / fresh.sum(1, keepdims=True)))
    if rank == 1:
        return named_maps["adaptive_avg_pool2d"].call(input.unsqueeze(-2), maps=tuple(maps)).squeeze(-2)
    return named_maps[f"adaptive_avg_pool{rank}d"].call(input, maps=tuple(maps))


@function
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of ``output_size`` parts of (N, C, L) or (C, L), nearly equal and together all of it."""
    return _adaptive_avg(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Sizes | Sequence[int | None]) -> Tensor:
    """The means of nearly equal parts of (N, C, H, W) or (C, H, W); None in ``output_size`` keeps a length."""
    return _adaptive_avg(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Sizes | Sequence[int | None]) -> Tensor:
    """The means of nearly equal parts of (N, C, D, H, W) or (C, D, H, W); None in ``output_size`` keeps a length."""
    return _adaptive_avg(3, input, output_size)


def _regions(size: Sequence[int], parts: Sequence[Array]) -> Array:
    """From the places of parts along each axis those of regions in the flattened size: (regions, places)."""
    rank = len(parts)
    total: Array = np.zeros((1,) * (2 * rank), np.int64)
    for axis, each in enumerate(parts):
        shape = [1] * (2 * rank)
        shape[axis], shape[rank + axis] = each.shape
        total = total + each.reshape(shape) * math.prod(size[axis + 1 :])
    return total.reshape(math.prod(total.shape[:rank]), -1)


def _adaptive_max(rank: int, input: Tensor, output_size: Sizes | Sequence[int | None]) -> tuple[Tensor, Tensor]:
    size = _target(rank, input, output_size, f"adaptive_max_pool{rank}d()")
    given = input.shape[-rank:]
    regions = _regions(given, [_parts(length, count) for length, count in zip(given, size, strict=True)])
    if input.ndim == rank + 1:
        out, indices = adaptive_max_pools[rank].call(input.unsqueeze(0), regions=regions, counts=size)
        return out.squeeze(0), indices.squeeze(0)
    out, indices = adaptive_max_pools[rank].call(input, regions=regions, counts=size)
    return out, indices


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Sizes, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool1d`` with the places of what it chose."""
    return _adaptive_max(1, input, output_size)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Sizes | Sequence[int | None], return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool2d`` with the places of what it chose."""
    return _adaptive_max(2, input, output_size)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Sizes | Sequence[int | None], return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool3d`` with the places of what it chose."""
    return _adaptive_max(3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Pooled:
    """The largest of ``output_size`` nearly equal parts of (N, C, L) or (C, L)."""
    found = _adaptive_max(1, input, output_size)
    return found if return_indices else found[0]


def adaptive_max_pool2d(
    input: Tensor, output_size: Sizes | Sequence[int | None], return_indices: bool = False
) -> Pooled:
    """The largest of nearly equal parts of (N, C, H, W) or (C, H, W); None in ``output_size`` keeps a length."""
    found = _adaptive_max(2, input, output_size)
    return found if return_indices else found[0]


def adaptive_max_pool3d(
    input: Tensor, output_size: Sizes | Sequence[int | None], return_indices: bool = False
) -> Pooled:
    """The largest of nearly equal parts of (N, C, D, H, W) or (C, D, H, W); None in ``output_size`` keeps a length."""
    found = _adaptive_max(3, input, output_size)
    return found if return_indices else found[0]


def _fractional(
    rank: int,
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None,
    output_ratio: float | Sequence[float] | None,
    samples: Tensor | None,
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{rank}d()"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name}: requires specifying either an output_size or an output_ratio")
    if input.ndim not in (rank + 1, rank + 2):
        raise RuntimeError(f"{name}: Expected {rank + 1}D or {rank + 2}D tensor, but got {list(input.shape)}")
    kernel, given = lengths(kernel_size, rank, name, "kernel_size"), tuple(input.shape[-rank:])
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * rank
        size = tuple(int(length * ratio) for length, ratio in zip(given, ratios, strict=True))
    else:
        size = lengths(output_size, rank, name, "output_size")
    for length, width, count in zip(given, kernel, size, strict=True):
        if count + width - 1 > length:
            raise RuntimeError(f"{name}: pool size {width} too large relative to input size {length}")
    batched = input if input.ndim == rank + 2 else input.unsqueeze(0)
    if samples is None:
        shape = (*batched.shape[:2], rank)
        samples = empty(shape, dtype=input.dtype, device=input.device).uniform_()
    chances = samples.device.to_host(samples._data).astype(np.float64)
    regions = _fractional_regions(given, kernel, size, chances)
    out, indices = fractional_max_pools[rank].call(batched, regions=regions, counts=size)
    return (out, indices) if batched is input else (out.squeeze(0), indices.squeeze(0))


def _fractional_regions(
    given: tuple[int, ...], kernel: tuple[int, ...], size: tuple[int, ...], chances: Array
) -> Array:
    """Windows at steps that vary with a chance for each sample, channel and dimension (the last dimension's first)."""
    rank = len(given)
    total: Array = np.zeros((*chances.shape[:2], *[1] * (2 * rank)), np.int64)
    for axis, (length, width, count) in enumerate(zip(given, kernel, size, strict=True)):
        chance = chances[..., rank - 1 - axis if rank == 2 else axis][..., None]
        starts = np.full((*chances.shape[:2], count), length - width, np.int64)
        if count > 1:
            alpha = (length - width) / (count - 1)
            steps = np.arange(count - 1)
            starts[..., :-1] = ((steps + chance) * alpha).astype(np.int64) - (chance * alpha).astype(np.int64)
        shape = [1] * (2 * rank)
        shape[axis], shape[rank + axis] = count, width
        line = (starts[..., None] + np.arange(width)).reshape(*chances.shape[:2], *shape)
        total = total + line * math.prod(given[axis + 1 :])
    return total.reshape(*chances.shape[:2], math.prod(size), math.prod(kernel))


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """``fractional_max_pool2d`` with the places of what it chose."""
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """``fractional_max_pool3d`` with the places of what it chose."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Pooled:
    """The largest of windows at random steps, so many that ``output_size`` (or that ratio of the input's) comes out.

    Source: Graham, "Fractional max-pooling", 2014.
    """
    found = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Pooled:
    """``fractional_max_pool2d`` over three dimensions."""
    found = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


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
