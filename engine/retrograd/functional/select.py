"""Choosing, filling and copying by index vectors, positions and masks."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.dtypes import BOOL, INTEGRAL, number_dtype
from retrograd.functional.gather import check_index, check_range, scatter_reduce
from retrograd.functional.index import place_of
from retrograd.functional.join import broadcast_tensors
from retrograd.functional.out import accepts_out
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.search import unique
from retrograd.functional.surface import both, overwriting
from retrograd.ops import index as indexing
from retrograd.ops import mask as masking
from retrograd.tensor import Tensor

Number = bool | int | float | complex


def _line(input: Tensor) -> Tensor:
    return input if input.ndim else input.reshape(1)


def _at(dim: int) -> indexing.Place:
    return (*(slice(None) for _ in range(dim)), "?")


def _places(
    name: str, input: Tensor, dim: int, index: Tensor, error: type[Exception] = IndexError
) -> tuple[int, Tensor]:
    axis = check_dim(dim, max_rank(input))
    places = check_index(index, name)
    if places.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got {places.ndim} dimensions")
    check_range(places, input.shape[axis] if input.ndim else 1, axis, error)
    return axis, _line(places)


# --- by a vector of indices


@both
@accepts_out
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of a dimension that ``index`` lists."""
    axis, places = _places("index_select", input, dim, index)
    out = indexing.index.call(_line(input), places, place=_at(axis))
    return out if input.ndim or out.numel() != 1 else out.reshape(())


def _check_source(name: str, input: Tensor, axis: int, places: Tensor, source: Tensor) -> Tensor:
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}(): self and source expected to have the same dtype, but got (self) {input.dtype} and (source) "
            f"{source.dtype}"
        )
    if source.ndim > max_rank(input):
        raise IndexError(f"{name}(): source has {source.ndim} dimensions, self {input.ndim}")
    line = _line(source)
    want = [places.numel() if place == axis else n for place, n in enumerate(_line(input).shape)]
    if list(line.shape) != want:
        if line.ndim == len(want) and line.shape[axis] != places.numel():
            raise IndexError(
                f"{name}(): Number of indices ({places.numel()}) should be equal to source.size(dim) "
                f"({line.shape[axis]})"
            )
        raise RuntimeError(f"{name}(): source of shape {list(source.shape)} does not fit: {want} is needed")
    return line


@both
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """A copy with ``alpha * source`` added to the slices that ``index`` lists; repeats add up."""
    axis, places = _places("index_add", input, dim, index, RuntimeError)
    line = _check_source("index_add", input, axis, places, source)
    scaled = line if alpha == 1 else (line * alpha).to(input.dtype)
    size = tuple(_line(input).shape)
    return input + indexing.index_spread.call(scaled, places, place=_at(axis), size=size).reshape(input.shape)


@both
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy with the slices that ``index`` lists replaced by those of ``source``."""
    if index.dtype.name != "int64":
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {index.dtype}")
    axis, places = _places("index_copy", input, dim, index)
    line = _check_source("index_copy", input, axis, places, source)
    return indexing.index_put.call(_line(input), line, places, place=_at(axis)).reshape(input.shape)


@both
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy with the slices that ``index`` lists filled with a number."""
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    if index.dtype.name != "int64":
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    axis = check_dim(dim, max_rank(input))
    length = input.shape[axis] if input.ndim else 1
    wrapped = index if index._meta.category != INTEGRAL else index + (index < 0) * length
    axis, places = _places("index_fill", input, dim, wrapped)
    if not isinstance(value, Tensor):
        return indexing.index_put.call(_line(input), input.new_full((), value), places, place=_at(axis)).reshape(
            input.shape
        )
    once = unique(places)  # so that a slice listed twice counts once in the value's gradient
    assert isinstance(once, Tensor)
    fill, places = value.to(input.dtype), once
    return indexing.index_put.call(_line(input), fill, places, place=_at(axis)).reshape(input.shape)


@both
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy with each slice that ``index`` lists joined with those of ``source``: ``prod``, ``mean``, ``amax`` or
    ``amin``."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    axis, places = _places("index_reduce", input, dim, index)
    line = _check_source("index_reduce", input, axis, places, source)
    wide = places.reshape([-1 if place == axis else 1 for place in range(line.ndim)]).expand(line.shape)
    out = scatter_reduce(_line(input), axis, wide, line, reduce, include_self=include_self)
    return out.reshape(input.shape)


@both
def index_put(input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with ``values`` written (``accumulate``: added) to ``input[indices]``."""
    lookups: dict[int, Tensor] = {}
    dim = 0
    for each in indices:
        if each is not None:
            lookups[dim] = each
        dim += each.ndim if each is not None and each._meta.category == BOOL else 1
    if dim > input.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input.ndim} (got {dim})")
    if values.dtype is not input.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {input.dtype} for the destination and "
            f"{values.dtype} for the source."
        )
    if not lookups:
        return (input + values if accumulate else values.expand(input.shape)).clone()
    place, arrays = place_of(input, lookups)
    if not accumulate:
        return indexing.index_put.call(input, values, *arrays, place=place)
    shape = indexing.index.call(input.detach(), *arrays, place=place).shape
    return input + indexing.index_spread.call(values.expand(shape), *arrays, place=place, size=tuple(input.shape))


# --- by positions in the flattened tensor


def _flat_positions(name: str, input: Tensor, index: Tensor) -> Tensor:
    if index.dtype.name != "int64":
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {index.dtype}")
    total = input.numel()
    if not total and index.numel():
        raise IndexError(f"{name}(): tried to take from an empty tensor")
    array = index._data
    if array.size and (int(array.max()) >= total or int(array.min()) < -total):
        raise IndexError(f"out of range: {name}() got an index beyond the {total} elements of the tensor")
    return index


@both
@accepts_out
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at positions of the flattened input, in ``index``'s shape."""
    return indexing.index.call(input.reshape(-1), _flat_positions("take", input, index), place=("?",))


@both
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with ``source`` written (``accumulate``: added) to positions of the flattened input."""
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got {input.dtype} and {source.dtype}"
        )
    if source.numel() != index.numel():
        raise RuntimeError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.numel()}, index.numel() = {index.numel()}"
        )
    places = _flat_positions("put_", input, index).reshape(-1)
    return index_put(input.reshape(-1), (places,), source.reshape(-1), accumulate).reshape(input.shape)


# --- by a mask


def _check_mask(name: str, mask: object) -> Tensor:
    if not isinstance(mask, Tensor) or mask._meta.category != BOOL:
        kind = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise RuntimeError(f"{name} only supports boolean masks, but got mask with dtype {kind}")
    return mask


@both
@accepts_out
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` is true, in one dimension; both broadcast."""
    whole, chosen = broadcast_tensors(input, _check_mask("masked_select", mask))
    return indexing.index.call(whole, chosen, place=("?",)) if whole.ndim else whole.reshape(1)[chosen.reshape(1)]


@both
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """``value`` (a number, or a tensor of no dimensions) where ``mask`` is true, else input; they broadcast."""
    _check_mask("masked_fill", mask)
    if not isinstance(value, Tensor):
        if number_dtype(value).category > max(input._meta.category, INTEGRAL):
            raise RuntimeError(f"value cannot be converted to type {input.dtype.name} without overflow")
        return masking.masked_fill.call(input, mask, value=value)
    if value._meta.category > max(input._meta.category, INTEGRAL):
        raise RuntimeError(f"value cannot be converted to type {input.dtype.name} without overflow")
    if value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    return value.to(input.dtype).where(mask, input)


@both
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The first elements of ``source``, in order, where ``mask`` is true, else input."""
    _check_mask("masked_scatter_", mask)
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}"
        )
    whole, chosen = broadcast_tensors(input, mask)
    if int(chosen._data.sum()) > source.numel():
        raise RuntimeError("masked_scatter: expected self and source to have enough elements for the mask")
    return masking.masked_scatter.call(whole, chosen, source)


for _function in (index_add, index_copy, index_fill, index_reduce, index_put, put, masked_fill, masked_scatter):
    overwriting(_function)
