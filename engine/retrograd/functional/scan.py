"""Running reductions with PyTorch's arguments."""

from __future__ import annotations

from retrograd.dtypes import INTEGRAL, int64
from retrograd.dtypes import dtype as DType
from retrograd.functional.reduce import Picked, check_dim, max_rank
from retrograd.functional.surface import both, overwriting
from retrograd.ops import scan
from retrograd.tensor import Tensor


def _cast(input: Tensor, dtype: DType | None) -> Tensor:
    kind = dtype or (int64 if input._meta.category <= INTEGRAL else input.dtype)
    return input if kind is input.dtype else input.to(kind)


@both
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running sum along ``dim``; integers and booleans sum to int64."""
    return scan.cumsum.call(_cast(input, dtype), dim=check_dim(dim, max_rank(input)))


@both
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running product along ``dim``; integers and booleans to int64."""
    return scan.cumprod.call(_cast(input, dtype), dim=check_dim(dim, max_rank(input)))


@both
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of the running sum of exponentials along ``dim``, without overflow."""
    if input._meta.category <= INTEGRAL:
        raise NotImplementedError(f'"logcumsumexp_out_cpu" not implemented for {input.dtype}')
    return scan.logcumsumexp.call(input, dim=check_dim(dim, max_rank(input)))


@both
def cummax(input: Tensor, dim: int) -> Picked:
    """The running maximum along ``dim``, and where it was last."""
    return _extreme(input, dim, "max")


@both
def cummin(input: Tensor, dim: int) -> Picked:
    """The running minimum along ``dim``, and where it was last."""
    return _extreme(input, dim, "min")


def _extreme(input: Tensor, dim: int, which: str) -> Picked:
    axis = check_dim(dim, max_rank(input))
    values, indices = scan.cumextreme.call(input, dim=axis, which=which)
    return Picked(values, indices)


for _function in (cumsum, cumprod):
    overwriting(_function)
