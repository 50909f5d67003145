"""Products of vectors, matrices and batches of them, with PyTorch's rules of dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from retrograd.dtypes import BOOL, INTEGRAL
from retrograd.functional.reduce import check_dim
from retrograd.functional.surface import both, function, overwriting
from retrograd.ops import linalg
from retrograd.tensor import Tensor


def _check_kinds(name: str, *tensors: Tensor) -> None:
    """TypeError for what is no tensor, RuntimeError for tensors of different dtypes."""
    for each in tensors:
        if not isinstance(each, Tensor):
            raise TypeError(f"{name}(): expected Tensors, got {type(each).__name__}")
        if each._meta.dtype is not tensors[0]._meta.dtype:
            raise RuntimeError(
                f"{name}: expected m1 and m2 to have the same dtype, but got: {tensors[0].dtype} != {each.dtype}"
            )


def _check_ranks(name: str, tensors: Sequence[Tensor], ranks: Sequence[int]) -> None:
    found = [each.ndim for each in tensors]
    if found != list(ranks):
        raise RuntimeError(f"{name}: expected tensors of {list(ranks)} dimensions, got {found}")


def _check_inner(first: Tensor, second: Tensor) -> None:
    inner = second.shape[-2] if second.ndim > 1 else second.shape[0]
    if first.shape[-1] != inner:
        shapes = "x".join(map(str, first.shape)), "x".join(map(str, second.shape))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shapes[0]} and {shapes[1]})")


def _check_batches(name: str, first: Tensor, second: Tensor) -> None:
    _check_ranks(name, (first, second), (3, 3))
    if first.shape[0] != second.shape[0] or first.shape[2] != second.shape[1]:
        raise RuntimeError(
            f"{name}: batches of matrices of shapes {list(first.shape)} and {list(second.shape)} cannot be multiplied"
        )


@both
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices: (n, m) and (m, p) give (n, p). ``RuntimeError`` for other shapes or two dtypes."""
    _check_kinds("mm", input, mat2)
    _check_ranks("mm", (input, mat2), (2, 2))
    _check_inner(input, mat2)
    return linalg.mm.call(input, mat2)


@both
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix (n, m) and a vector (m)."""
    _check_kinds("mv", input, vec)
    _check_ranks("mv", (input, vec), (2, 1))
    _check_inner(input, vec)
    return linalg.mv.call(input, vec)


@both
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements."""
    _check_kinds("dot", input, tensor)
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.shape != tensor.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor {list(input.shape)} and src {list(tensor.shape)} to have the "
            f"same number of elements, but got {input.numel()} and {tensor.numel()} elements respectively"
        )
    return linalg.dot.call(input, tensor)


@both
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The inner product of two vectors: that of the first one's conjugate with the second."""
    return dot(conjugate(input), other)


def conjugate(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor as it is."""
    return input.conj() if input.dtype.is_complex else input


@both
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product: of vectors their inner product, of batches the products (batch dimensions broadcast)."""
    if not all(getattr(each, "ndim", 1) for each in (input, other)):
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{input.ndim}D and {other.ndim}D")  # fmt: skip
    _check_kinds("matmul", input, other)
    _check_inner(input, other)
    ranks = input.ndim, other.ndim
    if ranks == (2, 2):
        return linalg.mm.call(input, other)
    if ranks == (1, 1):
        return linalg.dot.call(input, other)
    if ranks == (2, 1):
        return linalg.mv.call(input, other)
    if ranks == (1, 2):
        return linalg.mm.call(input.unsqueeze(0), other).squeeze(0)
    if input.ndim >= 3 and other.ndim <= 2:
        matrix = other if other.ndim == 2 else other.unsqueeze(1)
        rows = int(np.prod(input.shape[:-1]))
        flat = linalg.mm.call(input.reshape(rows, input.shape[-1]), matrix)
        out = flat.reshape(*input.shape[:-1], matrix.shape[1])
        return out if other.ndim == 2 else out.squeeze(-1)
    return _batched(input, other)


def _batched(input: Tensor, other: Tensor) -> Tensor:
    left = input.unsqueeze(0) if input.ndim == 1 else input
    try:
        batch = np.broadcast_shapes(left.shape[:-2], other.shape[:-2])
    except ValueError:
        raise RuntimeError(
            f"matmul: the batch dimensions of {list(input.shape)} and {list(other.shape)} do not broadcast"
        ) from None
    count = int(np.prod(batch))
    a = left.expand(*batch, *left.shape[-2:]).reshape(count, *left.shape[-2:])
    b = other.expand(*batch, *other.shape[-2:]).reshape(count, *other.shape[-2:])
    out = linalg.bmm.call(a, b).reshape(*batch, left.shape[-2], other.shape[-1])
    return out.squeeze(-2) if input.ndim == 1 else out


def _rmatmul(self: Tensor, other: Tensor) -> Tensor:
    return matmul(other, self)


Tensor.__matmul__ = matmul  # type: ignore[method-assign,assignment]
setattr(Tensor, "__rmatmul__", _rmatmul)  # noqa: B010  not among what the class declares


@both
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices: (b, n, m) and (b, m, p) give (b, n, p)."""
    _check_kinds("bmm", input, mat2)
    _check_batches("bmm", input, mat2)
    return linalg.bmm.call(input, mat2)


def _weighted(name: str, input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta * input + alpha * product; a beta of 0 keeps also NaN out."""
    _check_kinds(name, input, product)
    if product._meta.category <= INTEGRAL and any(type(each) is float for each in (beta, alpha)):
        raise RuntimeError("For integral input tensors, arguments beta and alpha must not be floating point numbers.")
    if product._meta.category > BOOL and alpha != 1:
        product = product * alpha
    expanded = input.expand(product.shape)
    if not beta:
        return product
    return (expanded if beta == 1 else expanded * beta) + product


@both
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2); input broadcasts to the product, and is not read where beta is 0."""
    _check_kinds("addmm", mat1, mat2)
    _check_ranks("addmm", (mat1, mat2), (2, 2))
    _check_inner(mat1, mat2)
    if beta == 1 and alpha == 1 and input._meta.dtype is mat1._meta.dtype:
        input.expand(mat1.shape[0], mat2.shape[1])
        return linalg.addmm.call(input, mat1, mat2)
    return _weighted("addmm", input, linalg.mm.call(mat1, mat2), beta, alpha)


@both
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat @ vec)"""
    return _weighted("addmv", input, mv(mat, vec), beta, alpha)


@both
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2), for batches of matrices."""
    _check_kinds("baddbmm", batch1, batch2)
    _check_batches("baddbmm", batch1, batch2)
    return _weighted("baddbmm", input, linalg.bmm.call(batch1, batch2), beta, alpha)


@both
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * the sum of the products of two batches of matrices."""
    _check_kinds("addbmm", batch1, batch2)
    _check_batches("addbmm", batch1, batch2)
    rows = batch1.transpose(0, 1).reshape(batch1.shape[1], batch1.shape[0] * batch1.shape[2])
    columns = batch2.reshape(batch2.shape[0] * batch2.shape[1], batch2.shape[2])
    return _weighted("addbmm", input, linalg.mm.call(rows, columns), beta, alpha)


@both
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2)"""
    product = outer(vec1, vec2)
    if product._meta.category == BOOL:
        return (input & bool(beta)) | (product & bool(alpha))
    return _weighted("addr", input, product, beta, alpha)


@both
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Every product of an element of one vector (n) with one of the other (m): (n, m)."""
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D arguments, but got {input.ndim}-D and {vec2.ndim}-D")
    return input.unsqueeze(1) * vec2


@both
def ger(input: Tensor, vec2: Tensor) -> Tensor:
    """Another name of ``outer``."""
    return outer(input, vec2)


@both
def inner(input: Tensor, other: Tensor) -> Tensor:
    """The inner products along the last dimensions; with a 0-dimensional tensor the product."""
    if not input.ndim or not other.ndim:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@function
def tensordot(a: Tensor, b: Tensor, dims: int | Sequence[Sequence[int]] | Tensor = 2) -> Tensor:
    """Products summed over ``dims`` dimensions: the last ones of ``a`` with the first of ``b``, or those listed."""
    _check_kinds("tensordot", a, b)
    pairs = cast("int | Sequence[Sequence[int]]", dims.tolist() if isinstance(dims, Tensor) else dims)
    if isinstance(pairs, int):
        if not 0 <= pairs <= min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims >= 0 and at most {min(a.ndim, b.ndim)}, but got dims={pairs}")
        pairs = (range(a.ndim - pairs, a.ndim), range(pairs))
    ours = [check_dim(each, max(a.ndim, 1)) for each in pairs[0]]
    theirs = [check_dim(each, max(b.ndim, 1)) for each in pairs[1]]
    for mine, other in zip(ours, theirs, strict=False):
        if a.shape[mine] == 1 != b.shape[other]:
            b = b.sum(other, keepdim=True)
        elif b.shape[other] == 1 != a.shape[mine]:
            a = a.sum(mine, keepdim=True)
    lengths = [a.shape[each] for each in ours], [b.shape[each] for each in theirs]
    if lengths[0] != lengths[1]:
        raise RuntimeError(f"contracted dimensions need to match, but got the lengths {lengths[0]} and {lengths[1]}")
    rows = [each for each in range(a.ndim) if each not in ours]
    columns = [each for each in range(b.ndim) if each not in theirs]
    shape = [a.shape[each] for each in rows], [b.shape[each] for each in columns]
    shared = int(np.prod(lengths[0]))
    left = a.permute(*rows, *ours).reshape(int(np.prod(shape[0])), shared)
    right = b.permute(*theirs, *columns).reshape(shared, int(np.prod(shape[1])))
    return linalg.mm.call(left, right).reshape((*shape[0], *shape[1]))


@both
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product; the tensor of fewer dimensions gets leading ones of length 1."""
    rank = max(input.ndim, other.ndim)
    ours = (1,) * (rank - input.ndim) + tuple(input.shape)
    theirs = (1,) * (rank - other.ndim) + tuple(other.shape)
    spread = [each for length in ours for each in (length, 1)], [each for length in theirs for each in (1, length)]
    whole = tuple(mine * other for mine, other in zip(ours, theirs, strict=True))
    return (input.reshape(tuple(spread[0])) * other.reshape(tuple(spread[1]))).reshape(whole)


for _function in (addmm, addmv, addbmm, baddbmm, addr):
    overwriting(_function)
