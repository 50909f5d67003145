"""Gathering and scattering along one dimension, with PyTorch's arguments and checks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrograd.dtypes import FLOATING, INTEGRAL
from retrograd.functional.create import full
from retrograd.functional.out import accepts_out
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.surface import both, overwriting
from retrograd.ops import gather as ops
from retrograd.tensor import Tensor

Scatter = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def check_index(index: object, name: str) -> Tensor:
    """An index tensor of int64 or int32; RuntimeError otherwise."""
    if not isinstance(index, Tensor):
        raise TypeError(f"{name}(): argument 'index' must be Tensor, not {type(index).__name__}")
    if index.dtype.name not in ("int64", "int32"):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, got {index.dtype}")
    return index


def check_range(index: Tensor, length: int, dim: int, error: type[Exception] = RuntimeError) -> None:
    """``error`` unless all of ``index`` lie in [0, length)."""
    array = index._data
    if array.size and (int(array.max()) >= length or int(array.min()) < 0):
        worst = int(array.max()) if int(array.max()) >= length else int(array.min())
        raise error(f"index {worst} is out of bounds for dimension {dim} with size {length}")


def _lines(*tensors: Tensor) -> list[Tensor]:
    """Numbers as vectors of one element."""
    return [each if each.ndim else each.reshape(1) for each in tensors]


def _check(name: str, input: Tensor, index: Tensor, dim: int, *, within: bool) -> None:
    if input.ndim != index.ndim:
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {'self' if within else 'input'} tensor"
        )
    for axis, (asked, have) in enumerate(zip(index.shape, input.shape, strict=True)):
        if axis != dim and asked > have and index.numel():
            raise RuntimeError(
                f"{name}(): Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart "
                f"from dimension {dim}"
            )
    if index.numel():
        check_range(index, input.shape[dim], dim)


@both
@accepts_out
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``input[..., index[..., i, ...], ...]`` along ``dim``: a result of ``index``'s shape."""
    axis = check_dim(dim, max_rank(input))
    if not index.numel():
        return input.reshape(-1)[:0].reshape(index.shape)
    line, spots = _lines(input, check_index(index, "gather"))
    _check("gather", line, spots, axis, within=False)
    out = ops.gather.call(line, spots, dim=axis)
    return out if out.ndim == index.ndim else out.reshape(index.shape)


@both
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """``gather`` where input and indices broadcast in the other dimensions (None: both flattened)."""
    if indices.dtype.name != "int64":
        raise RuntimeError(f"take_along_dim(): dtype of indices should be Long but got {indices.dtype}")
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    axis = check_dim(dim, max_rank(input))
    try:
        shape = list(
            np.broadcast_shapes(
                *(tuple(1 if place == axis else n for place, n in enumerate(each.shape)) for each in (input, indices))
            )
        )
    except ValueError:
        raise RuntimeError(
            f"take_along_dim(): the shapes {list(input.shape)} and {list(indices.shape)} do not broadcast"
        ) from None
    wrapped = indices + (indices < 0) * input.shape[axis]
    sizes = [[each.shape[axis] if place == axis else n for place, n in enumerate(shape)] for each in (input, indices)]
    return gather(input.expand(sizes[0]), axis, wrapped.expand(sizes[1]))


def _scattered(name: str, input: Tensor, dim: int, index: Tensor, src: object, run: Scatter) -> Tensor:
    axis = check_dim(dim, max_rank(input))
    places = check_index(index, name)
    source = src if isinstance(src, Tensor) else None
    if source is not None and source.dtype is not input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    if not places.numel():
        return input.clone()
    line, spots = _lines(input, places)
    _check(name, line, spots, axis, within=True)
    if source is None:
        source = full((), src, dtype=input.dtype, device=input.device).expand(spots.shape)  # type: ignore[arg-type]
    (source,) = _lines(source)
    if source.ndim != spots.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    for place, (asked, have) in enumerate(zip(spots.shape, source.shape, strict=True)):
        if asked > have:
            raise RuntimeError(f"Expected index {list(spots.shape)} to be no larger than src {list(source.shape)} size")
        if asked < have:
            source = source.narrow(place, 0, asked)
    out = run(line, spots, source, axis)
    return out if out.ndim == input.ndim else out.reshape(())


def _replace(input: Tensor, index: Tensor, src: Tensor, dim: int) -> Tensor:
    return ops.scatter.call(input, index, src, dim=dim)


def _add(input: Tensor, index: Tensor, src: Tensor, dim: int) -> Tensor:
    return ops.scatter_add.call(input, index, src, dim=dim)


def _multiply(input: Tensor, index: Tensor, src: Tensor, dim: int) -> Tensor:
    return ops.scatter_prod.call(input, index, src, dim=dim)


@both
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: object = None,
    *,
    value: object = None,
    reduce: str | None = None,
) -> Tensor:
    """A copy with ``src`` (a tensor, or a number for all) at ``index`` along ``dim``; ``reduce``: ``add`` it there, or
    ``multiply``."""
    given = value if src is None else src
    if given is None:
        raise TypeError("scatter() missing 1 required argument: 'src'")
    runs = {None: _replace, "add": _add, "multiply": _multiply}
    if reduce not in runs:
        raise RuntimeError("reduce argument must be either add or multiply.")
    return _scattered("scatter", input, dim, index, given, runs[reduce])


@both
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy with ``src`` added at ``index`` along ``dim``; repeats add up."""
    return _scattered("scatter_add", input, dim, index, src, _add)


@both
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Each element joined with those of ``src`` that ``index`` sends to it: ``sum``, ``prod``, ``mean``, ``amax`` or
    ``amin``; without itself, where any is sent, unless ``include_self``."""
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")

    def run(line: Tensor, spots: Tensor, source: Tensor, axis: int) -> Tensor:
        start = line if include_self else _without_self(line, spots, axis, reduce)
        if reduce == "mean":
            return _mean(line, start, spots, source, axis, include_self)
        return _REDUCTIONS[reduce](start, spots, source, axis)

    return _scattered("scatter_reduce", input, dim, index, src, run)


def _extreme(which: str) -> Scatter:
    def run(input: Tensor, index: Tensor, src: Tensor, dim: int) -> Tensor:
        return ops.scatter_extreme.call(input, index, src, dim=dim, which=which)

    return run


_REDUCTIONS: dict[str, Scatter] = {
    "sum": _add, "prod": _multiply, "mean": _add, "amax": _extreme("amax"), "amin": _extreme("amin"),
}  # fmt: skip


def _without_self(input: Tensor, index: Tensor, dim: int, reduce: str) -> Tensor:
    kind = input.dtype
    neutral: float | int = 1 if reduce == "prod" else 0
    if reduce in ("amax", "amin"):
        if kind.category == FLOATING:
            neutral = -np.inf if reduce == "amax" else np.inf
        elif kind.category == INTEGRAL:
            limits = np.iinfo(kind.name)
            neutral = int(limits.min if reduce == "amax" else limits.max)
        else:
            neutral = 0 if reduce == "amax" else 1
    return _replace(input, index, full((), neutral, dtype=kind, device=input.device), dim)


def _mean(line: Tensor, start: Tensor, spots: Tensor, source: Tensor, axis: int, include_self: bool) -> Tensor:
    ones = line.detach().new_ones(line.shape)
    counts = ones if include_self else _replace(ones, spots, ones.new_zeros(()), axis)
    counts = _add(counts, spots, ones.new_ones(source.shape), axis)
    total = _add(start, spots, source, axis)
    whole = line.dtype.category <= INTEGRAL
    counts = counts.abs().clamp(min=1)
    return total // counts if whole else total / counts


for _function in (scatter, scatter_add, scatter_reduce):
    overwriting(_function)
