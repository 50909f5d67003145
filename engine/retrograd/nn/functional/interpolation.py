"""Other sizes of images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np

from retrograd.meta import Array
from retrograd.nn.functional.adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from retrograd.ops.resample import AxisMap, named_maps
from retrograd.tensor import Tensor

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_RANKS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """input (N, C, *size) in another size.

    Args:
        input: one to three dimensions of size.
        size: the new size; or
        scale_factor: what to multiply the size by.
        mode: ``nearest``, ``nearest-exact``, ``area``, ``linear``, ``bilinear``, ``bicubic``, ``trilinear``.
        align_corners: whether the centres (not the edges) of the corner pixels stay where they are.
        recompute_scale_factor: whether to work with the factor that the rounded size has.
        antialias: average over what a shrunken pixel covers (bilinear and bicubic).

    Raises:
        ValueError: for arguments that exclude each other.
        NotImplementedError: for a mode that there is not for this number of dimensions.
    """
    rank = input.ndim - 2
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    size, scales = _target(input, size, scale_factor, recompute_scale_factor)
    if antialias and not (mode in ("bilinear", "bicubic") and input.ndim == 4):
        raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor")
    if mode == "area" and rank in (1, 2, 3):
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[rank - 1](input, size)
    if mode in ("nearest", "nearest-exact") and rank in (1, 2, 3):
        maps = [_nearest(axis - rank, input.shape[axis + 2], size[axis], scales[axis], mode) for axis in range(rank)]
        return named_maps[f"upsample_{mode.replace('-', '_')}{rank}d"].call(input, maps=tuple(maps))
    if _RANKS.get(mode) != rank:
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors supported (got "
            f"{input.ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact "
            f"(got {mode})"
        )
    if min(size) < 1:
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got output size {list(size)}")
    make = _smoothed if antialias else _cubic if mode == "bicubic" else _linear
    corners = bool(align_corners)
    lines = [make(input.shape[axis + 2], size[axis], scales[axis], corners, mode == "bicubic") for axis in range(rank)]
    maps = [AxisMap(axis - rank, input.shape[axis + 2], *lines[axis]) for axis in range(rank)]
    return named_maps[f"upsample_{mode}{rank}d{'_aa' if antialias else ''}"].call(input, maps=tuple(maps))


def _target(
    input: Tensor,
    size: int | Sequence[int] | None,
    scale_factor: float | Sequence[float] | None,
    recompute: bool | None,
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new size, and the factors to work with (None: those that the sizes have)."""
    rank = input.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ValueError("only one of size or scale_factor should be defined, and one of them must be")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        given: tuple[int, ...] = (size,) * rank if isinstance(size, int) else tuple(size)
        if len(given) != rank:
            raise ValueError(
                f"Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and output size of {list(given)}"
            )
        return tuple(int(each) for each in given), (None,) * rank
    assert scale_factor is not None
    factors = (scale_factor,) * rank if isinstance(scale_factor, (int, float)) else tuple(scale_factor)
    if len(factors) != rank:
        raise ValueError(
            f"Input and scale_factor must have the same number of spatial dimensions, but got {list(input.shape[2:])} "
            f"and {list(factors)}"
        )
    scaled = tuple(math.floor(float(n) * f) for n, f in zip(input.shape[2:], factors, strict=True))
    return scaled, (None,) * rank if recompute else factors


def _ratio(length: int, count: int, scale: float | None) -> float:
    return 1.0 / scale if scale is not None and scale > 0 else length / count


def _nearest(dim: int, length: int, count: int, scale: float | None, mode: str) -> AxisMap:
    ratio = np.float32(_ratio(length, count, scale))
    places = np.arange(count, dtype=np.float32)
    if mode == "nearest-exact":
        places = places + np.float32(0.5)
    found = np.minimum(np.floor(places * ratio).astype(np.int64), length - 1)
    return AxisMap(dim, length, found[:, None])


def _centres(length: int, count: int, scale: float | None, corners: bool) -> Array:
    """Where in the input the middle of each output is."""
    places = np.arange(count)
    if corners:
        return places * ((length - 1) / (count - 1) if count > 1 else 0.0)
    return (places + 0.5) * _ratio(length, count, scale) - 0.5


def _linear(length: int, count: int, scale: float | None, corners: bool, cubic: bool) -> tuple[Array, Array]:
    centres = np.maximum(_centres(length, count, scale, corners), 0.0)
    left = np.minimum(centres.astype(np.int64), length - 1)
    share = np.clip(centres - left, 0.0, 1.0)
    return np.stack([left, np.minimum(left + 1, length - 1)], 1), np.stack([1.0 - share, share], 1)


def _kernel(x: Array, a: float) -> Array:
    """Keys' cubic kernel ("Cubic convolution interpolation for digital image processing", 1981)."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _cubic(length: int, count: int, scale: float | None, corners: bool, cubic: bool) -> tuple[Array, Array]:
    centres = _centres(length, count, scale, corners)
    places = np.floor(centres).astype(np.int64)[:, None] + np.arange(-1, 3)
    return np.clip(places, 0, length - 1), _kernel(centres[:, None] - places, -0.75)


def _smoothed(length: int, count: int, scale: float | None, corners: bool, cubic: bool) -> tuple[Array, Array]:
    """Weights over all that an output covers, their sum 1."""
    ratio = _ratio(length, count, scale) if not corners else (length - 1) / (count - 1) if count > 1 else 0.0
    wide = max(ratio, 1.0)
    support = (2.0 if cubic else 1.0) * wide
    centres = ratio * (np.arange(count) + 0.5)
    starts = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    ends = np.minimum((centres + support + 0.5).astype(np.int64), length)
    places = starts[:, None] + np.arange(max(int((ends - starts).max(initial=1)), 1))
    offsets = (places - centres[:, None] + 0.5) / wide
    weights = _kernel(offsets, -0.5) if cubic else np.maximum(1.0 - np.abs(offsets), 0.0)
    weights = np.where(places < ends[:, None], weights, 0.0)
    total = weights.sum(1, keepdims=True)
    return np.minimum(places, length - 1), weights / np.where(total == 0, 1.0, total)


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of ``interpolate``."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """``interpolate`` by the nearest."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """``interpolate`` bilinearly with aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
