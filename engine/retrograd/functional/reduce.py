"""Reductions with PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from retrograd.dtypes import FLOATING, get_default_dtype, int64, uint8
from retrograd.dtypes import dtype as DType
from retrograd.functional.surface import both, method
from retrograd.meta import find
from retrograd.ops import deviation, extreme, logic, logs, product, reduce
from retrograd.ops.arg import argmax as _argmax
from retrograd.ops.arg import argmin as _argmin
from retrograd.ops.arg import take_along
from retrograd.ops.primitive import Primitive
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
        return product.prod.call(input)
    return product.prod_dim.call(input, dim=check_dim(dim, max_rank(input)), keepdim=keepdim)


Correction = float | None


def _spread_arguments(
    input: Tensor, dim: Dim | bool, unbiased: bool, correction: Correction, name: str
) -> tuple[tuple[int, ...], float]:
    if isinstance(dim, bool):  # var(input, unbiased)
        return _spread_arguments(input, None, dim, correction, name)
    if not (input._meta.floating or input.dtype.is_complex):
        raise RuntimeError(f"{name} only support floating point and complex dtypes, got {input.dtype}")
    axes = tuple(range(input.ndim)) if dim is None else dims(input, dim)
    return axes, correction if correction is not None else float(unbiased)


@both
def var(
    input: Tensor, dim: Dim | bool = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: Correction = None,
) -> Tensor:  # fmt: skip
    """The variance, by default of a sample (``correction=1`` is taken off the count)."""
    axes, taken = _spread_arguments(input, dim, unbiased, correction, "var")
    return reduce.var.call(input, dim=axes, correction=taken, keepdim=keepdim)


@both
def std(
    input: Tensor, dim: Dim | bool = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: Correction = None,
) -> Tensor:  # fmt: skip
    """The square root of the variance; its gradient is 0 where it is 0."""
    axes, taken = _spread_arguments(input, dim, unbiased, correction, "std")
    return deviation.std.call(input, dim=axes, correction=taken, keepdim=keepdim)


@both
def var_mean(
    input: Tensor, dim: Dim | bool = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: Correction = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The variance and the mean."""
    axes, _ = _spread_arguments(input, dim, unbiased, correction, "var_mean")
    middle = reduce.mean_dim.call(input, dim=axes, keepdim=keepdim)
    return var(input, dim, unbiased, keepdim, correction=correction), middle


@both
def std_mean(
    input: Tensor, dim: Dim | bool = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: Correction = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The standard deviation and the mean."""
    axes, _ = _spread_arguments(input, dim, unbiased, correction, "std_mean")
    middle = reduce.mean_dim.call(input, dim=axes, keepdim=keepdim)
    return std(input, dim, unbiased, keepdim, correction=correction), middle


class Picked(NamedTuple):
    """Elements of a tensor, and where they were."""

    values: Tensor
    indices: Tensor


@both
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | Picked:
    """The largest element; along a dimension with its index; of two tensors the larger, element by element."""
    return _extreme(input, dim, keepdim, "max")


@both
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | Picked:
    """The smallest element; along a dimension with its index; of two tensors the smaller, element by element."""
    return _extreme(input, dim, keepdim, "min")


def _extreme(input: Tensor, dim: int | Tensor | None, keepdim: bool, which: str) -> Tensor | Picked:
    if isinstance(dim, Tensor):
        return input.maximum(dim) if which == "max" else input.minimum(dim)
    if input._meta.numel == 0 and dim is None:
        raise RuntimeError(f"{which}(): Expected reduction dim to be specified for input.numel() == 0.")
    if dim is None:
        return (extreme.max if which == "max" else extreme.min).call(input)
    axis = check_dim(dim, max_rank(input))
    values, indices = take_along.call(input, dim=axis, keepdim=keepdim, which=which)
    return Picked(values, indices)


@both
def amax(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """The largest along dimensions (none: of all); equal ones share the gradient."""
    return extreme.amax.call(input, dim=_not_empty(input, dim, "amax"), keepdim=keepdim)


@both
def amin(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """The smallest along dimensions (none: of all); equal ones share the gradient."""
    return extreme.amin.call(input, dim=_not_empty(input, dim, "amin"), keepdim=keepdim)


class Extremes(NamedTuple):
    """The smallest and the largest."""

    min: Tensor
    max: Tensor


@both
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Extremes:
    """The smallest and the largest, of all or along a dimension."""
    axes = _not_empty(input, dim, "aminmax")
    found = [op.call(input, dim=axes, keepdim=keepdim) for op in (extreme.amin, extreme.amax)]
    return Extremes(*found)


def _not_empty(input: Tensor, dim: Dim, name: str) -> tuple[int, ...]:
    every = dim is None or (isinstance(dim, (tuple, list)) and not dim)
    error = RuntimeError if every else IndexError
    axes = dims(input, () if dim is None else dim)
    for each in axes:
        if not input.shape[each]:
            raise error(
                f"{name}(): Expected reduction dim {each} to have non-zero size, but the tensor has shape "
                f"{list(input.shape)}"
            )
    return axes


@both
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is (in the flattened tensor, or along a dimension)."""
    return _where_extreme(input, dim, keepdim, "argmax")


@both
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is (in the flattened tensor, or along a dimension)."""
    return _where_extreme(input, dim, keepdim, "argmin")


def _where_extreme(input: Tensor, dim: int | None, keepdim: bool, name: str) -> Tensor:
    axis = None if dim is None else check_dim(dim, max_rank(input))
    if dim is None and not input._meta.numel:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
    if axis is not None and input.ndim and not input.shape[axis]:
        raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
    run = _argmax if name == "argmax" else _argmin
    return run.call(input, dim=axis if input.ndim else None, keepdim=keepdim)


@both
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether all are true, of all or along dimensions; uint8 stays uint8."""
    return _truth(input, dim, keepdim, logic.every)


@both
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether any is true, of all or along dimensions; uint8 stays uint8."""
    return _truth(input, dim, keepdim, logic.some)


def _truth(input: Tensor, dim: Dim, keepdim: bool, op: Primitive) -> Tensor:
    axes = dims(input, () if dim is None else dim)
    none = isinstance(dim, (tuple, list)) and not dim  # no dimension, not all of them
    found = input != 0 if none else op.call(input, dim=axes, keepdim=keepdim)
    return found.to(uint8) if input.dtype is uint8 else found


@both
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """How many elements are not zero, of all or along dimensions."""
    return logic.count.call(input, dim=dims(input, () if dim is None else dim))


@both
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """The logarithm of the sum of exponentials along dimensions, without overflow; whole numbers become floating."""
    if not (input._meta.floating or input.dtype.is_complex):
        input = input.to(get_default_dtype())
    assert dim is not None
    return logs.logsumexp.call(input, dim=dims(input, dim), keepdim=keepdim)


@both
def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """``sum``, where NaN counts as 0."""
    if input.dtype.is_complex:
        raise RuntimeError("nansum does not support complex inputs")
    return sum(_numbers(input), dim, keepdim, dtype=dtype)


def _numbers(input: Tensor) -> Tensor:
    return input.masked_fill(input != input, 0) if input._meta.floating else input


@both
def nanmean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """The mean of what is not NaN."""
    if input._meta.category < FLOATING:
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype}")
    count = sum(input == input, dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


@method
def sum_to_size(self: Tensor, *size: object) -> Tensor:
    """Summed to a shape that broadcasts to this one."""
    from retrograd.functional.create import shape_of

    return reduce.sum_like(self, find(shape_of(size), self.dtype, self.device))
