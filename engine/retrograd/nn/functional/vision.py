"""Images: sampled at a grid, their channels and pixels rearranged; distances; the bilinear map."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from retrograd.functional.create import tensor
from retrograd.functional.distance import pdist
from retrograd.functional.surface import function
from retrograd.ops.flat import flat_gather
from retrograd.ops.select import where
from retrograd.tensor import Tensor, from_array

__all__ = [
    "affine_grid",
    "bilinear",
    "channel_shuffle",
    "grid_sample",
    "native_channel_shuffle",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
]


@function
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input1ᵀ A input2 + b`` for each output.

    Args:
        input1: (*, in1).
        input2: (*, in2), the other dimensions as input1's.
        weight: (out, in1, in2).
        bias: (out), or none.
    """
    if tuple(input1.shape[:-1]) != tuple(input2.shape[:-1]):
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}"
        )
    if input1.shape[-1] != weight.shape[1] or input2.shape[-1] != weight.shape[2]:
        raise RuntimeError(
            f"bilinear(): input1 {list(input1.shape)} and input2 {list(input2.shape)} do not fit weight "
            f"{list(weight.shape)}"
        )
    outs, one, two = weight.shape
    left = input1.reshape(math.prod(input1.shape[:-1]), one)
    right = input2.reshape(math.prod(input2.shape[:-1]), two)
    partial = left.matmul(weight.transpose(0, 1).reshape(one, outs * two)).reshape(left.shape[0], outs, two)
    out = (partial * right.unsqueeze(1)).sum(2).reshape(*input1.shape[:-1], outs)
    return out if bias is None else out + bias


@function
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r², H, W) as (*, C, H r, W r) (Shi et al., "Real-time single image super-resolution", 2016)."""
    if input.ndim < 3:
        raise RuntimeError(f"pixel_shuffle expects input to have at least 3 dimensions, but got {input.ndim}")
    if upscale_factor <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {upscale_factor}")
    *lead, channels, height, width = input.shape
    if channels % upscale_factor**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {upscale_factor**2}"
        )
    rank, r = len(lead), upscale_factor
    parts = input.reshape(*lead, channels // r**2, r, r, height, width)
    order = (*range(rank), rank, rank + 3, rank + 1, rank + 4, rank + 2)
    return parts.permute(*order).reshape(*lead, channels // r**2, height * r, width * r)


@function
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) as (*, C r², H, W): the inverse of ``pixel_shuffle``."""
    if input.ndim < 3:
        raise RuntimeError(f"pixel_unshuffle expects input to have at least 3 dimensions, but got {input.ndim}")
    if downscale_factor <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {downscale_factor}")
    *lead, channels, height, width = input.shape
    r = downscale_factor
    if height % r or width % r:
        raise RuntimeError(
            f"pixel_unshuffle expects height and width to be divisible by downscale_factor, but {height} and {width} "
            f"are not both divisible by {r}"
        )
    rank = len(lead)
    parts = input.reshape(*lead, channels, height // r, r, width // r, r)
    order = (*range(rank), rank, rank + 2, rank + 4, rank + 1, rank + 3)
    return parts.permute(*order).reshape(*lead, channels * r * r, height // r, width // r)


@function
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of (N, C, ...) with ``groups`` parts interleaved (Zhang et al., "ShuffleNet", 2017)."""
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    batch, channels, *size = input.shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    return input.reshape(batch, groups, channels // groups, *size).transpose(1, 2).reshape(input.shape)


@function
def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Another name of ``channel_shuffle``."""
    return channel_shuffle(input, groups)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Grids for ``grid_sample`` from affine maps: theta (N, 2, 3) for size (N, C, H, W), (N, 3, 4) for a volume.

    Source: Jaderberg et al., "Spatial transformer networks", 2015.
    """
    if not theta.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    rank = len(size) - 2
    if rank not in (2, 3):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms")
    if tuple(theta.shape[1:]) != (rank, rank + 1):
        raise ValueError(f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1}, got {theta.shape}")
    axes = [np.linspace(-1, 1, n) * (1 if align_corners else (n - 1) / n) if n > 1 else np.zeros(1) for n in size[2:]]
    places = np.stack([*reversed(np.meshgrid(*axes, indexing="ij")), np.ones(tuple(size[2:]))], -1)
    flat = tensor(places.reshape(-1, rank + 1), dtype=theta.dtype, device=theta.device)
    return flat.matmul(theta.transpose(1, 2)).reshape(size[0], *size[2:], rank)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """input at places of its own.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, H', W', 2) or (N, D', H', W', 3), places as x, y(, z) from -1 to 1.
        mode: ``bilinear``, ``nearest``, or (images only) ``bicubic``.
        padding_mode: what lies outside: ``zeros``, ``border`` or ``reflection``.
        align_corners: whether -1 and 1 are the centres (not the edges) of the corner pixels.

    Returns:
        (N, C, H', W') or (N, C, D', H', W').
    """
    rank = input.ndim - 2
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"nn.functional.grid_sample(): expected mode to be bilinear, nearest or bicubic, got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected padding_mode zeros, border or reflection, got {padding_mode!r}"
        )
    if rank not in (2, 3) or grid.ndim != input.ndim or grid.shape[-1] != rank or grid.shape[0] != input.shape[0]:
        raise RuntimeError(
            f"grid_sampler(): expected input (N, C, *size) of 4 or 5 dimensions and a grid of as many whose last is "
            f"{rank}, but got {list(input.shape)} and {list(grid.shape)}"
        )
    if mode == "bicubic" and rank != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    size, corners = tuple(input.shape[2:]), bool(align_corners)
    batch, outs = grid.shape[0], tuple(grid.shape[1:-1])
    flat = grid.reshape(batch, math.prod(outs), rank)
    axes = [_unscaled(flat[..., rank - 1 - axis], size[axis], corners) for axis in range(rank)]
    pixels = input.reshape(batch, input.shape[1], math.prod(size))
    if mode == "bicubic":
        taps = [_cubic_taps(each) for each in axes]
    else:
        held = [_held(each, size[axis], padding_mode, corners) for axis, each in enumerate(axes)]
        taps = [_linear_taps(each) if mode == "bilinear" else [(_rounded(each), None)] for each in held]
    total: Tensor | None = None
    for chosen in itertools.product(*taps):
        part = _looked_up(pixels, [place for place, _ in chosen], size, padding_mode, corners)
        for _, weight in chosen:
            part = part if weight is None else part * weight.unsqueeze(1)
        total = part if total is None else total + part
    assert total is not None
    return total.reshape(batch, input.shape[1], *outs)


def _unscaled(x: Tensor, length: int, corners: bool) -> Tensor:
    """From -1..1 to pixels."""
    return (x + 1) * ((length - 1) / 2) if corners else ((x + 1) * length - 1) / 2


def _held(x: Tensor, length: int, padding_mode: str, corners: bool) -> Tensor:
    """Places outside brought to where ``padding_mode`` has them."""
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        low, span = (0.0, float(length - 1)) if corners else (-0.5, float(length))
        if span == 0:
            return x * 0.0
        off = (x - low).abs()
        turns = off.detach() / span
        flips = _floor(turns)
        rest = off - flips * span
        x = where.call(flips % 2 == 0, rest, span - rest) + low
    return _clipped(x, length)


def _clipped(x: Tensor, length: int) -> Tensor:
    """Within the pixels; at and beyond the ends there is no gradient."""
    inside = (x > 0) & (x < length - 1)
    return where.call(inside, x, x.detach().clamp(0, length - 1))


def _floor(x: Tensor) -> Tensor:
    """Rounded down, without history: it is constant between its steps."""
    return from_array(x._meta.xp.floor(x._data), x.device)


def _rounded(x: Tensor) -> Tensor:
    return from_array(x._meta.xp.rint(x._data), x.device)


def _linear_taps(x: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    left = _floor(x)
    share = x - left
    return [(left, 1 - share), (left + 1, share)]


def _cubic_taps(x: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    """Keys' kernel with a = -0.75."""
    a = -0.75
    left = _floor(x)
    t = x - left

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [(left - 1, far(t + 1)), (left, near(t)), (left + 1, near(1 - t)), (left + 2, far(2 - t))]


def _looked_up(
    pixels: Tensor, places: Sequence[Tensor], size: Sequence[int], padding_mode: str, corners: bool
) -> Tensor:
    """The pixels (N, C, count) at whole places (N, count) an axis; zeros outside."""
    index: Tensor | None = None
    inside: Tensor | None = None
    for axis, place in enumerate(places):
        held = _held(place, size[axis], padding_mode, corners) if padding_mode != "zeros" else place
        here = (held >= 0) & (held <= size[axis] - 1)
        inside = here if inside is None else inside & here
        step = held.clamp(0, size[axis] - 1).long() * math.prod(size[axis + 1 :])
        index = step if index is None else index + step
    assert index is not None
    assert inside is not None
    found = flat_gather.call(pixels, index.unsqueeze(1))
    return where.call(inside.unsqueeze(1), found, 0.0) if padding_mode == "zeros" else found
