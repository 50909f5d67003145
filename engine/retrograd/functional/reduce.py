"""Reductions with PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from retrograd.dtypes import dtype as DType
from retrograd.dtypes import int64
from retrograd.functional.surface import both, method
from retrograd.meta import find
from retrograd.ops import reduce
from retrograd.ops.arg import argmax as _argmax
from retrograd.ops.arg import argmin as _argmin
from retrograd.ops.arg import take_along
from retrograd.tensor import Tensor

Dim = int | Sequence[int] | None

_sum = reduce.sum.call


def dims(input: Tensor, dim: int | Sequence[int]) -> tuple[int, ...]:
    """Dimensions as a tuple of numbers from 0, checked."""
    rank = max_rank(input)
    chosen = (dim,) if isinstance(dim, int) else tuple(dim)
    checked = tuple(check_dim(each, rank) for each in chosen) or tuple(range(len(input._meta.shape)))
    if len(set(checked)) != len(checked):
        raise RuntimeError(f"dim {chosen} appears multiple times in the list of dims")
    return checked if input._meta.shape else ()


def max_rank(input: Tensor) -> int:
    """Number of dimensions, 1 for a 0-dimensional tensor (whose only dim is 0)."""
    return len(input._meta.shape) or 1


def check_dim(dim: int, rank: int) -> int:
    """A dimension from 0; IndexError outside."""
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    return dim % rank


@both
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """The sum of all elements, or along dimensions; integers and booleans sum to int64."""
    meta = input._meta
    kind = dtype or (meta.dtype if meta.floating else int64)
    if kind is not meta.dtype:
        input = input.to(kind)
    if dim is None:
        return _sum(input)
    return reduce.sum_dim.call(input, dim=dims(input, dim), keepdim=keepdim)


@both
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """The mean of all elements, or along dimensions."""
    if dtype is not None:
        input = input.to(dtype)
    if not input._meta.floating:
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {input.dtype}"
        )
    if dim is None:
        return reduce.mean.call(input)
    return reduce.mean_dim.call(input, dim=dims(input, dim), keepdim=keepdim)


@both
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """The product of all elements, or along a dimension; integers and booleans to int64."""
    kind = dtype or (input.dtype if input._meta.floating else int64)
    if kind is not input._meta.dtype:
        input = input.to(kind)
    if dim is None:
        return reduce.prod.call(input)
    return reduce.prod_dim.call(input, dim=check_dim(dim, max_rank(input)), keepdim=keepdim)


@both
def var(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance, by default of a sample (``correction=1`` is taken off the count)."""
    axes = tuple(range(input.ndim)) if dim is None else dims(input, dim)
    taken = correction if correction is not None else (1 if unbiased else 0)
    return reduce.var.call(input, dim=axes, correction=taken, keepdim=keepdim)


@both
def std(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The square root of the variance."""
    return var(input, dim, unbiased, keepdim, correction=correction).sqrt()


class _Extreme(NamedTuple):
    values: Tensor
    indices: Tensor


@both
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | _Extreme:
    """The largest element; along a dimension with its index; of two tensors the larger, element by element."""
    return _extreme(input, dim, keepdim, "max")


@both
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | _Extreme:
    """The smallest element; along a dimension with its index; of two tensors the smaller, element by element."""
    return _extreme(input, dim, keepdim, "min")


def _extreme(input: Tensor, dim: int | Tensor | None, keepdim: bool, which: str) -> Tensor | _Extreme:
    if isinstance(dim, Tensor):
        return input.maximum(dim) if which == "max" else input.minimum(dim)
    if input._meta.numel == 0 and dim is None:
        raise RuntimeError(f"{which}(): Expected reduction dim to be specified for input.numel() == 0.")
    if dim is None:
        return reduce.max.call(input) if which == "max" else reduce.min.call(input)
    axis = check_dim(dim, max_rank(input))
    values, indices = take_along.call(input, dim=axis, keepdim=keepdim, which=which)
    return _Extreme(values, indices)


@both
def amax(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """The largest along dimensions (no index)."""
    return _plain_extreme(input, dim, keepdim, "max")


@both
def amin(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """The smallest along dimensions (no index)."""
    return _plain_extreme(input, dim, keepdim, "min")


def _plain_extreme(input: Tensor, dim: Dim, keepdim: bool, which: str) -> Tensor:
    for axis in sorted(dims(input, () if dim is None else dim), reverse=True):
        found = _extreme(input, axis, keepdim, which)
        assert isinstance(found, _Extreme)
        input = found.values
    return input


@both
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is (in the flattened tensor, or along a dimension)."""
    return _argmax.call(input, dim=dim, keepdim=keepdim)


@both
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is (in the flattened tensor, or along a dimension)."""
    return _argmin.call(input, dim=dim, keepdim=keepdim)


@both
def all(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Whether all are true."""
    found = prod((input != 0).to(int64), dim, keepdim)
    return found != 0


@both
def any(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Whether any is true."""
    return sum(input != 0, dim, keepdim) != 0


@method
def sum_to_size(self: Tensor, *size: object) -> Tensor:
    """Summed to a shape that broadcasts to this one."""
    from retrograd.functional.create import shape_of

    return reduce.sum_like(self, find(shape_of(size), self.dtype, self.device))
