"""Functions of vectors, and products of more than two matrices."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from retrograd.dtypes import FLOATING
from retrograd.functional.diagonal import diagonal
from retrograd.functional.join import cat
from retrograd.functional.linalg import conjugate, matmul
from retrograd.functional.matrices import check_matrices, check_square, identity
from retrograd.functional.reduce import check_dim
from retrograd.functional.solve import inv
from retrograd.functional.surface import both, function, within
from retrograd.ops import linalg as products
from retrograd.ops.matrix_exp import matrix_exp as _exponential
from retrograd.tensor import Tensor

linalg = within("linalg")
linalg(matmul)


def _together(name: str, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    try:
        shape = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        raise RuntimeError(f"{name}: shapes {list(first.shape)} and {list(second.shape)} do not broadcast") from None
    return first.expand(*shape), second.expand(*shape)


def _linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vectors at right angles to those along ``dim`` (of length 3) of two tensors that broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, got {input.ndim} and {other.ndim}"
        )
    axis = check_dim(dim, input.ndim)
    if input.shape[axis] != 3 or other.shape[axis] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[axis]} and {other.shape[axis]}"
        )
    return products.cross.call(*_together("linalg.cross", input, other), dim=axis)


_linalg_cross.__name__ = _linalg_cross.__qualname__ = "cross"
linalg(_linalg_cross)


@both
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The same; ``dim`` is by default the first of length 3."""
    if dim is None:
        threes = [place for place, length in enumerate(input.shape) if length == 3]
        if not threes:
            raise RuntimeError(f"no dimension of size 3 in input of shape {list(input.shape)}")
        dim = threes[0]
    return _linalg_cross(input, other, dim=dim)


@linalg
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The inner products of the vectors along ``dim``, the first ones conjugate; the rest broadcasts."""
    if x._meta.category < FLOATING or y._meta.category < FLOATING:
        raise RuntimeError(f"linalg.vecdot: Expected floating point or complex tensors. Got {x.dtype} and {y.dtype}")
    if x.dtype is not y.dtype:
        raise RuntimeError(f"linalg.vecdot: Expected x and y to be of the same dtype. Got {x.dtype} and {y.dtype}")
    first, second = _together("linalg.vecdot", x, y)
    return (conjugate(first) * second).sum(check_dim(dim, max(first.ndim, 1)))


def _linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of a diagonal of two dimensions, as the last dimension."""
    return diagonal(A, offset, dim1, dim2)


_linalg_diagonal.__name__ = _linalg_diagonal.__qualname__ = "diagonal"
linalg(_linalg_diagonal)


def _linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 (by default as many as x has elements) of each element, along a new last dimension."""
    if not x.ndim:
        if N is None:
            raise RuntimeError("linalg.vander: Expected x to have at least 1 dimension")
        x = x.unsqueeze(0)
    count = x.shape[-1] if N is None else N
    if count <= 1 and N is not None:
        raise RuntimeError(f"N must be greater than 1. Got {N}")
    powers = [x.new_ones(x.shape)]
    for _ in range(count - 1):
        powers.append(powers[-1] * x)
    return cat([each.unsqueeze(-1) for each in powers], -1)


_linalg_vander.__name__ = _linalg_vander.__qualname__ = "vander"
linalg(_linalg_vander)


@function
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers N - 1 to 0 (0 to N - 1 if ``increasing``) of each element of a vector."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if count < 2:
        return x.new_ones((x.shape[0], count))
    made = _linalg_vander(x, N=count)
    return made if increasing else made.flip(-1)


@linalg
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of two or more matrices, in the order of fewest multiplications; the first and the last may be
    vectors.

    The order is found as in T. H. Cormen et al., "Introduction to algorithms", §15.2.
    """
    chain = list(tensors)
    if len(chain) < 2:
        raise RuntimeError("multi_dot(): expected at least 2 tensors but got " + str(len(chain)))
    for place, each in enumerate(chain):
        ends = place in (0, len(chain) - 1)
        if each.ndim != 2 and not (ends and each.ndim == 1):
            raise RuntimeError(
                f"multi_dot(): expected tensor {place} to be {'1D or 2D' if ends else '2D'} but got {each.ndim}D"
            )
    first, last = chain[0].ndim == 1, chain[-1].ndim == 1
    if first:
        chain[0] = chain[0].unsqueeze(0)
    if last:
        chain[-1] = chain[-1].unsqueeze(1)
    for place, (left, right) in enumerate(itertools.pairwise(chain)):
        if left.shape[1] != right.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {place} and {place + 1} with shapes {list(left.shape)} and {list(right.shape)} "
                "cannot be multiplied"
            )
    out = _multiplied(chain, _cuts([chain[0].shape[0], *(each.shape[1] for each in chain)]), 0, len(chain) - 1)
    out = out.squeeze(0) if first else out
    return out.squeeze(-1) if last else out


def _cuts(lengths: Sequence[int]) -> dict[tuple[int, int], int]:
    """For each stretch of the chain, after which matrix to cut it."""
    count = len(lengths) - 1
    cost = {(each, each): 0 for each in range(count)}
    cuts: dict[tuple[int, int], int] = {}
    for span in range(1, count):
        for start in range(count - span):
            end = start + span
            options = [
                (cost[start, middle] + cost[middle + 1, end] + lengths[start] * lengths[middle + 1] * lengths[end + 1],
                 middle)
                for middle in range(start, end)
            ]  # fmt: skip
            cost[start, end], cuts[start, end] = min(options)
    return cuts


def _multiplied(chain: Sequence[Tensor], cuts: dict[tuple[int, int], int], start: int, end: int) -> Tensor:
    if start == end:
        return chain[start]
    middle = cuts[start, end]
    return matmul(_multiplied(chain, cuts, start, middle), _multiplied(chain, cuts, middle + 1, end))


@function
def chain_matmul(*matrices: Tensor) -> Tensor:
    """The older form of ``linalg.multi_dot``; one matrix alone is returned as it is."""
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def matrix_power(input: Tensor, n: int) -> Tensor:
    """The n-th power of square matrices (*, m, m), of their inverses where n is negative."""
    if n < 0:
        return matrix_power(inv(input), -n)
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise RuntimeError(f"linalg.matrix_power: A must be batches of square matrices, got {list(input.shape)}")
    if n == 0:
        return input.tril(-input.shape[-1]) + identity(input, input.shape[-1])
    if n == 1:
        return input.clone()
    root = matrix_power(input, n // 2) if n > 3 else input
    square = matmul(root, root)
    return matmul(square, input) if n & 1 else square


def matrix_exp(input: Tensor) -> Tensor:
    """The matrix exponential of square matrices (*, n, n)."""
    check_matrices("linalg.matrix_exp", input)
    check_square("linalg.matrix_exp", input)
    return _exponential.call(input)


for _function in (matrix_power, matrix_exp):
    both(linalg(_function))
