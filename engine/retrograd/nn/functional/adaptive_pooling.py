"""Poolings to a size that is asked for: adaptive and fractional ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from retrograd.functional.create import empty
from retrograd.functional.surface import function
from retrograd.meta import Array
from retrograd.nn.functional._lengths import Sizes, lengths
from retrograd.ops.pool import adaptive_max_pools, fractional_max_pools
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
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]

Pooled = Tensor | tuple[Tensor, Tensor]


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
    chances = samples.device.to_host(samples._data).astype(np.float64)[: len(batched)]
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
