"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrograd.dtypes import FLOATING
from retrograd.dtypes import dtype as DType
from retrograd.functional.matrices import check_matrices, check_square
from retrograd.functional.reduce import check_dim, dims
from retrograd.functional.solve import inv_ex
from retrograd.functional.spectral import svdvals
from retrograd.functional.surface import both, within
from retrograd.ops import norm as ops
from retrograd.tensor import Tensor

Order = float | str | None
Dim = int | Sequence[int] | None
linalg = within("linalg")


def _cast(name: str, input: Tensor, dtype: DType | None) -> Tensor:
    if input._meta.category < FLOATING:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {input.dtype}")
    if dtype is None or dtype is input.dtype:
        return input
    if dtype.is_complex != input.dtype.is_complex or dtype.category < FLOATING or dtype.itemsize < input.itemsize:
        raise RuntimeError(f"{name}: the dtype of the input {input.dtype} should be convertible without narrowing to "
                           f"the specified dtype {dtype}")  # fmt: skip
    return input.to(dtype)


@linalg
def vector_norm(
    x: Tensor, ord: float = 2, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """The norm of order ``ord`` of the vectors in the dimensions ``dim`` (all, if None): (Σ|x|ᵒ)¹ᐟᵒ, the largest or
    smallest modulus for ±inf, the number of elements that are not zero for 0.

    Real, of the input's precision. The gradient is 0 at 0, and shared among ties of the infinity norms.
    """
    input = _cast("linalg.vector_norm", x, dtype)
    order = float(ord)
    chosen = tuple(range(x.ndim)) if dim is None else dims(x, dim)
    if not x.numel() and (order < 0 or order == math.inf):
        if dim is None or not chosen:
            raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor")
        for each in chosen:
            if not x.shape[each]:
                raise IndexError(
                    f"linalg.vector_norm cannot compute the {ord} norm on the dimension {each}, which is empty"
                )
    return ops.vector_norm.call(input, ord=order, dim=chosen, keepdim=keepdim)


def _pair(name: str, input: Tensor, dim: Sequence[int]) -> tuple[int, int]:
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {dim}")
    first, second = (check_dim(each, input.ndim) for each in dim)
    if first == second:
        raise RuntimeError(f"{name}: dims must be different. Got ({dim[0]}, {dim[1]})")
    return first, second


@linalg
def matrix_norm(
    A: Tensor, ord: float | str = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False,
    *, dtype: DType | None = None,
) -> Tensor:  # fmt: skip
    """The norm of the matrices in two dimensions: ``fro``, ``nuc`` (the sum of the singular values), ±2 (the largest or
    smallest of them), ±1 and ±inf (the largest or smallest sum of moduli of a column or a row)."""
    name = "linalg.matrix_norm"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions, got {list(A.shape)}.")
    input = _cast(name, A, dtype)
    rows, columns = _pair(name, A, dim)
    if isinstance(ord, str):
        if ord not in ("fro", "nuc"):
            raise RuntimeError(f"{name}: Order {ord} not supported.")
        if ord == "fro":
            return ops.vector_norm.call(input, ord=2.0, dim=(rows, columns), keepdim=keepdim)
    order = ord if isinstance(ord, str) else float(ord)
    if order == "nuc" or abs(float(order)) == 2:
        others = [each for each in range(A.ndim) if each not in (rows, columns)]
        values = svdvals(input.permute([*others, rows, columns]))
        found = values.sum(-1) if order == "nuc" else values.amax(-1) if float(order) > 0 else values.amin(-1)
        return _kept(found, (rows, columns)) if keepdim else found
    if abs(float(order)) not in (1, math.inf):
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    summed, compared = (rows, columns) if abs(float(order)) == 1 else (columns, rows)
    sums = ops.vector_norm.call(input, ord=1.0, dim=(summed,), keepdim=True)
    found = sums.amax(compared, keepdim=True) if float(order) > 0 else sums.amin(compared, keepdim=True)
    return found if keepdim else found.squeeze((rows, columns))


def _kept(found: Tensor, gone: Sequence[int]) -> Tensor:
    for each in sorted(gone):
        found = found.unsqueeze(each)
    return found


def _norm(
    A: Tensor, ord: Order = None, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """A vector norm or a matrix norm: of matrices where ``ord`` is a word or ``dim`` are two dimensions (or A has two
    and ``ord`` is given), else of vectors."""
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if A.ndim not in (1, 2) or (isinstance(ord, str) and A.ndim != 2):
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{A.ndim}D, and ord {ord}"
            )
        dim = tuple(range(A.ndim))
    both_dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if isinstance(ord, str) or len(both_dims) == 2:
        if len(both_dims) not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(both_dims)}")
        return matrix_norm(A, ord, both_dims, keepdim, dtype=dtype)
    if len(both_dims) != 1:
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(both_dims)}")
    return vector_norm(A, ord, both_dims, keepdim, dtype=dtype)


_norm.__name__ = _norm.__qualname__ = "norm"
linalg(_norm)


@both
def norm(
    input: Tensor, p: float | str | None = "fro", dim: Dim = None, keepdim: bool = False, dtype: DType | None = None
) -> Tensor:
    """The older form: a vector norm of order ``p`` over ``dim`` (all, if None); ``fro`` is 2, ``nuc`` a matrix norm."""
    if p == "nuc":
        chosen = tuple(range(input.ndim)) if dim is None else dim
        if isinstance(chosen, int) or len(chosen) != 2:
            raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {chosen}")
        return matrix_norm(input, "nuc", chosen, keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: Order {p} not supported.")
    order = 2.0 if p is None or isinstance(p, str) else p
    return vector_norm(input, order, dim, keepdim, dtype=dtype)


@linalg
def cond(A: Tensor, p: Order = None) -> Tensor:
    """The condition number: the norm of A times that of its inverse, inf where A is singular; for p of None, 2 and -2
    a ratio of singular values, also of matrices that are not square."""
    check_matrices("linalg.cond", A)
    if p is None or (not isinstance(p, str) and abs(float(p)) == 2):
        values = svdvals(A)
        if not values.shape[-1]:
            return values.new_zeros(values.shape[:-1])
        first, last = values[..., 0], values[..., -1]
        return last / first if p is not None and float(p) < 0 else first / last
    check_square("linalg.cond", A)
    if not A.numel():
        return matrix_norm(A, "fro").detach()
    inverse, info = inv_ex(A)
    found = matrix_norm(A, p) * matrix_norm(inverse, p)
    return found.masked_fill(info != 0, math.inf) if bool((info != 0).any()) else found
