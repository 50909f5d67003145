"""Cutting tensors into pieces, all of them views."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.dtypes import INTEGRAL
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.surface import both
from retrograd.ops import shape
from retrograd.tensor import Tensor

Pieces = tuple[Tensor, ...]


def _needs_dim(input: Tensor, name: str) -> None:
    if not input.ndim:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")


@both
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """A range of a dimension, as a view."""
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor):
        if start.ndim or start._meta.category != INTEGRAL:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
        start = int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    axis = check_dim(dim, max_rank(input))
    total = input.shape[axis]
    if not -total <= start <= total:
        raise IndexError(f"start out of range (expected to be in range of [{-total}, {total}], but got {start})")
    first = start + total if start < 0 else start
    if first + length > total:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({total}).")
    return _piece(input, axis, first, length)


def _piece(input: Tensor, axis: int, start: int, length: int) -> Tensor:
    return shape.slice_.call(input, dim=axis, start=start, stop=start + length, step=1)


@both
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> Pieces:
    """Cut along a dimension into pieces of one size (the last may be smaller) or of the sizes listed."""
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    _needs_dim(tensor, "split")
    size = split_size_or_sections
    axis = check_dim(dim, max_rank(tensor))
    total = tensor.shape[axis]
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0:
        if total:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {total}")
        return (_piece(tensor, axis, 0, 0),)
    return tuple([_piece(tensor, axis, at, min(size, total - at)) for at in range(0, total, size) or (0,)])


@both
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Pieces:
    """Cut along a dimension into pieces of the sizes listed, which must add up to its length."""
    _needs_dim(input, "split_with_sizes")
    axis = check_dim(dim, max_rank(input))
    sizes = [int(each) for each in split_sizes]
    total = input.shape[axis]
    if any(each < 0 for each in sizes):
        raise RuntimeError(f"split_with_sizes expects split_sizes have only non-negative entries, but got {sizes}")
    if sum(sizes) != total:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {total} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={sizes}"
        )
    pieces: list[Tensor] = []
    start = 0
    for each in sizes:
        pieces.append(_piece(input, axis, start, each))
        start += each
    return tuple(pieces)


@both
def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> Pieces:
    """``split``, for code that changes the pieces in place."""
    return split(input, split_size, dim)


@both
def chunk(input: Tensor, chunks: int, dim: int = 0) -> Pieces:
    """Cut along a dimension into ``chunks`` pieces at most, all but the last of one size."""
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    axis = check_dim(dim, max_rank(input))
    total = input.shape[axis]
    size = -(-total // chunks)
    if size == 0:
        return split_with_sizes(input, [0] * chunks, axis)
    return split(input, size, axis)


@both
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> Pieces:
    """``chunk``, for code that changes the pieces in place."""
    return chunk(input, chunks, dim)


@both
def tensor_split(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0) -> Pieces:
    """Cut along a dimension into that many pieces (lengths differ by 1 at most), or before each place listed."""
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    axis = check_dim(dim, max_rank(input))
    total = input.shape[axis]
    where: object = indices_or_sections
    if isinstance(where, Tensor):
        if where.device.type != "cpu" or where.dtype.name != "int64" or where.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero- or one-dimensional int64 tensor on "
                f"cpu, but got one of {where.ndim} dimensions and {where.dtype} on {where.device}"
            )
        where = where.tolist()
    if isinstance(where, int):
        if where <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {where}")
        short, longer = divmod(total, where)
        cuts = [part * short + min(part, longer) for part in range(1, where)]
    else:
        cuts = [int(each) for each in where]  # type: ignore[attr-defined]  # a sequence
    pieces: list[Tensor] = []
    start = 0
    for cut in [*cuts, total]:
        first, last, _ = slice(start, cut).indices(total)
        pieces.append(_piece(input, axis, first, max(last - first, 0)))
        start = cut
    return tuple(pieces)


def _split_along(input: Tensor, where: tuple[object, ...], dim: int, rank: int, name: str) -> Pieces:
    given = where[0] if len(where) == 1 else where
    if not all(isinstance(each, (int, Tensor)) for each in (given if isinstance(given, (tuple, list)) else (given,))):
        raise TypeError(f"{name}() expects a number of sections or places to cut at, got {given!r}")
    if input.ndim < rank:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {rank} dimension{'s' * (rank > 1)}, but got a tensor with "
            f"{input.ndim} dimensions!"
        )
    if isinstance(given, int) and (given < 1 or input.shape[dim] % given):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.shape[dim]} is not divisible by the split_size {given}!"
        )
    return tensor_split(input, given, dim)  # type: ignore[arg-type]  # a number or places


@both
def hsplit(input: Tensor, *indices_or_sections: object) -> Pieces:
    """Cut along the second dimension (a vector along its only one)."""
    return _split_along(input, indices_or_sections, 1 if input.ndim > 1 else 0, 1, "hsplit")


@both
def vsplit(input: Tensor, *indices_or_sections: object) -> Pieces:
    """Cut along the first dimension."""
    return _split_along(input, indices_or_sections, 0, 2, "vsplit")


@both
def dsplit(input: Tensor, *indices_or_sections: object) -> Pieces:
    """Cut along the third dimension."""
    return _split_along(input, indices_or_sections, 2, 3, "dsplit")


@both
def unbind(input: Tensor, dim: int = 0) -> Pieces:
    """The slices along a dimension."""
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    axis = check_dim(dim, max_rank(input))
    return tuple([shape.select.call(input, dim=axis, index=place) for place in range(input.shape[axis])])


@both
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """What lies at ``index`` of dimension ``dim``, as a view."""
    axis = check_dim(dim, max_rank(input))
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    if not -input.shape[axis] <= index < input.shape[axis]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return shape.select.call(input, dim=axis, index=index)
