"""Finding, counting and binning, with PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from retrograd.dtypes import FLOATING, INTEGRAL, int32
from retrograd.functional.create import tensor
from retrograd.functional.join import cat
from retrograd.functional.out import accepts_out
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.sequences import linspace
from retrograd.functional.surface import both, function
from retrograd.ops import search as ops
from retrograd.tensor import Tensor

Number = bool | int | float
Several = Tensor | tuple[Tensor, ...]


@both
def argwhere(input: Tensor) -> Tensor:
    """The indices of the elements that are not zero, a row each."""
    return ops.nonzero.call(input)


@both
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Several:
    """The indices of the elements that are not zero: a row each, or ``as_tuple`` a vector for each dimension."""
    found = ops.nonzero.call(input if input.ndim or not as_tuple else input.reshape(1))
    return found.unbind(1) if as_tuple else found


@both
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first ``size`` rows of ``nonzero``, filled up with rows of ``fill_value``."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    found = ops.nonzero.call(input)[:size]
    missing = found.new_full((size - found.shape[0], found.shape[1]), fill_value)
    return cat([found, missing], 0)


def _chosen(found: Sequence[Tensor], inverse: bool, counts: bool) -> Several:
    wanted = [found[0], *([found[1]] if inverse else []), *([found[2]] if counts else [])]
    return wanted[0] if len(wanted) == 1 else tuple(wanted)


@both
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Several:
    """The distinct elements (or slices along ``dim``), always in order; which one each element is, how many of each."""
    axis = None if dim is None else check_dim(dim, max_rank(input))
    found: Sequence[Tensor] = ops.unique.call(input, dim=axis)  # type: ignore[assignment]  # three outputs
    return _chosen(found, return_inverse, return_counts)


@both
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Several:
    """The elements (or slices along ``dim``) without those equal to the one before; which one each is; run lengths."""
    axis = None if dim is None else check_dim(dim, max_rank(input))
    found: Sequence[Tensor] = ops.unique_consecutive.call(input, dim=axis)  # type: ignore[assignment]  # three outputs
    return _chosen(found, return_inverse, return_counts)


@function
def isin(
    elements: Tensor | Number, test_elements: Tensor | Number, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Which of ``elements`` are among ``test_elements`` (``invert``: are not)."""
    parts = [each if isinstance(each, Tensor) else tensor(each) for each in (elements, test_elements)]
    if not any(isinstance(each, Tensor) for each in (elements, test_elements)):
        raise TypeError("isin(): one of elements and test_elements must be a Tensor")
    return ops.isin.call(parts[0], parts[1].to(parts[0].device), invert=invert)


@both
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where each of ``input`` would go in the sorted last dimension of ``sorted_sequence``, before (``right``, or
    ``side="right"``: after) what equals it."""
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            f"torch.searchsorted(): side and right can't be set to opposites, got side of {side} while right was True"
        )
    values = input if isinstance(input, Tensor) else tensor(input, dtype=sorted_sequence.dtype)
    if values.dtype is not sorted_sequence.dtype:
        raise RuntimeError(
            "torch.searchsorted(): boundary tensor and input value tensor should have same dtype, but got boundary "
            f"tensor {sorted_sequence.dtype} and input value tensor {values.dtype}"
        )
    if not sorted_sequence.ndim:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if sorted_sequence.ndim != 1 and sorted_sequence.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but got {list(sorted_sequence.shape)} and {list(values.shape)}"
        )
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, but got "
                f"{list(sorted_sequence.shape)} and {list(sorter.shape)}"
            )
        if sorter.dtype.name != "int64":
            raise RuntimeError(
                f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {sorter.dtype}"
            )
        if sorter.numel() and not 0 <= int(sorter.min()) <= int(sorter.max()) < sorted_sequence.shape[-1]:
            raise RuntimeError("torch.searchsorted(): sorter index out of range")
        sorted_sequence = sorted_sequence.take_along_dim(sorter, -1)
    found = ops.searchsorted.call(sorted_sequence.detach(), values.detach(), right=right or side == "right")
    return found.to(int32) if out_int32 else found


@function
def bucketize(input: Tensor | Number, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Between which of the sorted ``boundaries`` each element lies."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@both
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each whole number of a vector occurs, or the sum of the weights of each."""
    if input._meta.category != INTEGRAL:
        raise NotImplementedError(f'"bincount_cpu" not implemented for {input.dtype}')
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.ndim != 1 or (input.numel() and int(input.min()) < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return ops.bincount.call(input, minlength=minlength)
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    return ops.bincount_weighed.call(input, weights.detach(), minlength=minlength)


def _bounds(input: Tensor, low: float, high: float, around: float, name: str) -> tuple[float, float]:
    if low == high and input.numel():
        low, high = float(input.min()), float(input.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min")
    return (low - around, high + around) if low == high else (low, high)


@both
@accepts_out
def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many elements lie in each of ``bins`` equal parts of [min, max] (both 0: from smallest to largest)."""
    if bins <= 0:
        raise RuntimeError("torch.histogram(): bins must be > 0")
    if input._meta.category < FLOATING:
        raise NotImplementedError(f'"histogram_cpu" not implemented for {input.dtype}')
    low, high = _bounds(input.detach(), float(min), float(max), 1.0, "torch.histc")
    return ops.histc.call(input.detach(), bins=bins, min=low, max=high)


class Histogram(NamedTuple):
    """Weights of bins, and their edges."""

    hist: Tensor
    bin_edges: Tensor


@both
def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """The number (or weight) of elements in each bin, and the edges: ``bins`` of them equal, or given."""
    flat = input.detach()
    if isinstance(bins, Tensor):
        edges = bins
    else:
        if bins <= 0:
            raise RuntimeError("torch.histogram(): bins must be > 0")
        first, last = range or (0.0, 0.0)
        if first == last and not flat.numel():
            last = first + 1
        low, high = _bounds(flat, first, last, 0.5, "torch.histogram")
        edges = linspace(low, high, bins + 1, dtype=input.dtype, device=input.device)
    weights = flat.new_ones(flat.shape) if weight is None else weight.detach()
    return Histogram(ops.histogram.call(flat, edges, weights, density=density), edges)


@both
def repeat_interleave(
    input: Tensor, repeats: Tensor | int | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (of the flattened input, or each slice along ``dim``) several times in a row; of ``repeats`` alone:
    each index as often as it says."""
    if repeats is None:
        return tensor(np.repeat(np.arange(input.numel()), _host(input)), device=input.device)
    if dim is None:
        input, dim = input.reshape(-1), 0
    axis = check_dim(dim, max_rank(input))
    line = input if input.ndim else input.reshape(1)
    length = line.shape[axis]
    counts = np.asarray(repeats) if isinstance(repeats, int) else _host(repeats)
    if counts.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if counts.size not in (1, length):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and "
            f"input.size({axis}) = {length}"
        )
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    places = np.repeat(np.arange(length), counts if counts.size == length else int(counts.reshape(-1)[0]))
    return line.index_select(axis, tensor(places, device=input.device))


def _host(counts: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    if counts._meta.category != INTEGRAL:
        raise RuntimeError(f"repeats has to be Long or Int tensor, got {counts.dtype}")
    return counts.device.to_host(counts._data).astype(np.int64)
