"""Triangles and diagonals with PyTorch's arguments."""

from __future__ import annotations

from retrograd.functional.reduce import check_dim
from retrograd.functional.surface import both, overwriting
from retrograd.ops import diagonal as ops
from retrograd.tensor import Tensor


def _checked(name: str, input: Tensor) -> Tensor:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, but has {input.ndim}")
    return input


@both
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The elements on and below a diagonal of the matrices in the last two dimensions, zeros elsewhere."""
    return ops.tril.call(_checked("tril", input), diagonal=diagonal)


@both
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The elements on and above a diagonal of the matrices in the last two dimensions, zeros elsewhere."""
    return ops.triu.call(_checked("triu", input), diagonal=diagonal)


@both
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of a diagonal of two dimensions, as the last dimension.

    ``IndexError`` for a dim out of range, ``RuntimeError`` where the two are the same.
    """
    rank = input.ndim
    first, second = check_dim(dim1, rank), check_dim(dim2, rank)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return ops.diagonal.call(input, offset=offset, dim1=first, dim2=second)


@both
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension of input on a diagonal; ``dim1`` and ``dim2`` are the matrices' dimensions."""
    rank = input.ndim + 1
    first, second = check_dim(dim1, rank), check_dim(dim2, rank)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    length = input.shape[-1] + abs(offset)
    size = list(input.shape[:-1])
    for place in sorted((first, second)):
        size.insert(place, length)
    return ops.on_diagonal.call(input, size=tuple(size), offset=offset, dim1=first, dim2=second)


@both
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or a matrix with a vector on its diagonal."""
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim == 2:
        return ops.diagonal.call(input, offset=diagonal, dim1=0, dim2=1).clone()
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")


@both
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of input on a diagonal."""
    return diag_embed(input.reshape(-1), offset)


@both
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix; integers sum to int64."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return ops.diagonal.call(input, offset=0, dim1=0, dim2=1).sum()


for _function in (tril, triu):
    overwriting(_function)
