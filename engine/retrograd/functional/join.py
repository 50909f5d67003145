"""Joining tensors: cat and stack, and the spellings for one, two and three dimensions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from retrograd.functional.create import zeros
from retrograd.functional.out import accepts_wider_out
from retrograd.functional.reduce import check_dim, max_rank
from retrograd.functional.surface import both, function
from retrograd.meta import Size
from retrograd.ops import shape
from retrograd.ops.promotion import result_type
from retrograd.tensor import Tensor

Several = Tensor | tuple[Tensor, ...]


@function
@accepts_wider_out
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Joined along a dimension; dtypes are promoted."""
    parts = _promoted(tensors, "cat")
    whole = [each for each in parts if not (each.ndim == 1 and each.shape[0] == 0)] or parts[:1]
    axis = check_dim(dim, max_rank(whole[0]))
    for each in whole[1:]:
        for place, (have, want) in enumerate(zip(each.shape, whole[0].shape, strict=True)):
            if each.ndim != whole[0].ndim or (place != axis and have != want):
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {axis}. Expected {list(whole[0].shape)} but got "
                    f"{list(each.shape)}."
                )
    return shape.cat.call(*whole, dim=axis)


@function
def concat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Another name of ``cat``."""
    return cat(tensors, dim)


@function
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Side by side along a new dimension."""
    parts = _promoted(tensors, "stack")
    for place, each in enumerate(parts):
        if each.shape != parts[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(parts[0].shape)} at entry 0 and "
                f"{list(each.shape)} at entry {place}"
            )
    return shape.stack.call(*parts, dim=check_dim(dim, parts[0].ndim + 1))


def _promoted(tensors: Sequence[Tensor], name: str) -> list[Tensor]:
    parts = list(tensors)
    if not parts:
        error = ValueError if name == "cat" else RuntimeError  # PyTorch's classes
        raise error(f"{name}(): expected a non-empty list of Tensors")
    for each in parts:
        if not isinstance(each, Tensor):
            raise TypeError(f"{name}(): expected Tensors, got {type(each).__name__}")
    kind = result_type(*parts)
    return [each if each.dtype is kind else each.to(kind) for each in parts]


@function
def concatenate(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Another name of ``cat``."""
    return cat(tensors, dim)


def _each(tensors: tuple[object, ...], name: str) -> list[Tensor]:
    """Tensors given one by one or as one sequence."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    for each in given:
        if not isinstance(each, Tensor):
            raise TypeError(f"{name}(): expected Tensors, got {type(each).__name__}")
    return list(given)


def _at_least(input: Tensor, rank: int) -> Tensor:
    if input.ndim >= rank:
        return input
    if rank == 1:
        return input.reshape(1)
    if rank == 2:
        return input.reshape(1, 1) if not input.ndim else input.unsqueeze(0)
    flat = _at_least(input, 2)
    return flat.unsqueeze(-1)


def _at_least_all(tensors: tuple[object, ...], rank: int) -> Several:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return _at_least(tensors[0], rank)
    return tuple([_at_least(each, rank) for each in _each(tensors, f"atleast_{rank}d")])


@function
def atleast_1d(*tensors: object) -> Several:
    """Each tensor with one dimension at least."""
    return _at_least_all(tensors, 1)


@function
def atleast_2d(*tensors: object) -> Several:
    """Each tensor with two dimensions at least, new ones in front."""
    return _at_least_all(tensors, 2)


@function
def atleast_3d(*tensors: object) -> Several:
    """Each tensor with three dimensions at least: a vector lies along the second."""
    return _at_least_all(tensors, 3)


@function
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along the second dimension (vectors: along their only one)."""
    parts = [_at_least(each, 1) for each in _each((tensors,), "hstack")]
    if not parts:
        raise RuntimeError("hstack expects a non-empty TensorList")
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


@function
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along the first dimension, vectors as rows."""
    return _stacked(tensors, 2, 0, "vstack")


@function
def row_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Another name of ``vstack``."""
    return vstack(tensors)


@function
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along the third dimension."""
    return _stacked(tensors, 3, 2, "dstack")


def _stacked(tensors: Sequence[Tensor], rank: int, dim: int, name: str) -> Tensor:
    parts = [_at_least(each, rank) for each in _each((tensors,), name)]
    if not parts:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return cat(parts, dim)


@function
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined side by side, vectors and numbers as columns."""
    parts = _each((tensors,), "column_stack")
    if not parts:
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return hstack([each if each.ndim > 1 else each.reshape(each.numel(), 1) for each in parts])


@function
def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of a larger one, zeros elsewhere (vectors as rows)."""
    for each in tensors:
        if each.ndim > 2:
            raise RuntimeError("torch.block_diag: Input tensors must have 2 or fewer dimensions")
    blocks = [_at_least(each, 2) for each in tensors]
    if not blocks:
        return zeros(1, 0)
    kind, device = result_type(*blocks), blocks[0].device
    width = sum(each.shape[1] for each in blocks)
    rows: list[Tensor] = []
    start = 0
    for each in blocks:
        height, own = each.shape
        sides = [(height, start), (height, width - start - own)]
        left, right = (zeros(side, dtype=kind, device=device) for side in sides)
        rows.append(cat([left, each.to(kind), right], 1))
        start += own
    return cat(rows, 0)


@function
def cartesian_prod(*tensors: object) -> Tensor:
    """Every choice of one element of each vector, a row each."""
    parts = _each(tensors, "cartesian_prod")
    for each in parts:
        if each.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(each.shape)}")
    if not parts:
        raise RuntimeError("cartesian_prod() expected at least one vector")
    if len(parts) == 1:
        return parts[0]
    return stack([each.flatten() for each in meshgrid(*parts, indexing="ij")], 1)


@both
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of ``r`` elements of a vector, in order, a row each."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return zeros(0, dtype=input.dtype, device=input.device)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.asarray(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return input[rows]


@function
def meshgrid(*tensors: object, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Each vector spread over the grid of all: ``ij`` (default): its own dimension in the order given; ``xy``: the
    first two dimensions swapped."""
    parts = _each(tensors, "meshgrid")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not parts:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for each in parts:
        if each.ndim > 1:
            raise RuntimeError(f"Expected 0D or 1D tensor in the tensor list but got: {list(each.shape)}")
        if each.dtype is not parts[0].dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
        if each.device is not parts[0].device:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same device")
    swap = indexing == "xy" and len(parts) > 1
    if swap:
        parts[0], parts[1] = parts[1], parts[0]
    lengths = [each.numel() for each in parts]
    grids = [
        each.reshape([-1 if place == own else 1 for place in range(len(parts))]).expand(lengths)
        for own, each in enumerate(parts)
    ]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


@function
def broadcast_shapes(*shapes: Sequence[int] | int) -> Size:
    """The shape that all broadcast to."""
    given = [(each,) if isinstance(each, int) else tuple(each) for each in shapes]
    for each in given:
        if any(length < 0 for length in each):
            raise RuntimeError(f"Trying to create tensor with negative dimension: {list(each)}")
    try:
        return Size(np.broadcast_shapes(*given))
    except ValueError:
        raise RuntimeError(
            f"Shape mismatch: objects cannot be broadcast to a single shape: {', '.join(map(str, given))}"
        ) from None


@function
def broadcast_tensors(*tensors: object) -> tuple[Tensor, ...]:
    """Every tensor expanded to the shape that all broadcast to."""
    parts = _each(tensors, "broadcast_tensors")
    common = broadcast_shapes(*(each.shape for each in parts))
    return tuple([each.expand(common) for each in parts])
