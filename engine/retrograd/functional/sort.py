"""Sorting and picking by rank, with PyTorch's arguments."""

from __future__ import annotations

from retrograd.functional.out import accepts_out
from retrograd.functional.reduce import Picked, check_dim, max_rank
from retrograd.functional.surface import both
from retrograd.ops import extreme
from retrograd.ops import sort as ops
from retrograd.tensor import Tensor


def _real(input: Tensor, name: str) -> None:
    if input.dtype.is_complex:
        raise RuntimeError(f"{name}(): complex numbers have no order")


@both
@accepts_out
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Picked:
    """The elements in order along ``dim``, and where they were. Equal ones always keep their order."""
    _real(input, "sort")
    values, indices = ops.sort.call(input, dim=check_dim(dim, max_rank(input)), descending=bool(descending))
    return Picked(values, indices)


@both
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort along ``dim``."""
    return sort(input, dim, descending, stable).indices


@both
def msort(input: Tensor) -> Tensor:
    """Sorted along the first dimension."""
    return sort(input, 0).values


@both
@accepts_out
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Picked:
    """The ``k`` largest (or smallest) along ``dim``, and where they were; always in order."""
    _real(input, "topk")
    axis = check_dim(dim, max_rank(input))
    if not 0 <= k <= (input.shape[axis] if input.ndim else 1):
        raise RuntimeError(f"selected index k out of range: {k} of a dimension of {list(input.shape)}")
    values, indices = ops.topk.call(input, k=k, dim=axis, largest=largest)
    return Picked(values, indices)


def _axis(input: Tensor, dim: int, name: str) -> int:
    _real(input, name)
    axis = check_dim(dim, max_rank(input))
    if input.ndim and not input.shape[axis]:
        raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
    return axis


@both
@accepts_out
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Picked:
    """The ``k``-th smallest along ``dim`` (from 1), and where it is."""
    axis = _axis(input, dim, "kthvalue")
    if not 1 <= k <= (input.shape[axis] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}")
    values, indices = ops.kthvalue.call(input, k=k, dim=axis, keepdim=keepdim)
    return Picked(values, indices)


@both
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Picked:
    """The most frequent value along ``dim`` (of several the smallest), and where it is last."""
    values, indices = ops.mode.call(input, dim=_axis(input, dim, "mode"), keepdim=keepdim)
    return Picked(values, indices)


@both
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | Picked:
    """The median (of two the lower) of all elements; along ``dim`` also where it is. NaN where there is one."""
    _real(input, "median")
    if dim is None:
        return extreme.median.call(input)
    values, indices = ops.median_dim.call(input, dim=_axis(input, dim, "median"), keepdim=keepdim)
    return Picked(values, indices)


@both
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | Picked:
    """``median`` of what is not NaN."""
    _real(input, "nanmedian")
    if dim is None:
        return extreme.nanmedian.call(input)
    values, indices = ops.nanmedian_dim.call(input, dim=_axis(input, dim, "nanmedian"), keepdim=keepdim)
    return Picked(values, indices)
