"""Matrix products with PyTorch's rules of dimension, and layers made of them."""

from __future__ import annotations

from retrograd.functional.surface import both, function
from retrograd.ops import linalg, shape
from retrograd.tensor import Tensor


def _check(name: str, first: Tensor, second: Tensor) -> None:
    if not all(isinstance(each, Tensor) for each in (first, second)):
        raise TypeError(f"{name}(): expected two Tensors, got {type(first).__name__} and {type(second).__name__}")
    if first._meta.dtype is not second._meta.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {first.dtype} != {second.dtype}")
    inner = second.shape[-2] if second.ndim > 1 else second.shape[0]
    if first.shape[-1] != inner:
        shapes = "x".join(map(str, first.shape)), "x".join(map(str, second.shape))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shapes[0]} and {shapes[1]})")


@both
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    if input.ndim != 2 or mat2.ndim != 2:
        raise RuntimeError("mm: both arguments must be matrices")
    _check("mm", input, mat2)
    return linalg.mm.call(input, mat2)


@both
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product: of vectors their inner product, of batches the products (batch dimensions broadcast)."""
    if not all(getattr(each, "ndim", 1) for each in (input, other)):
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{input.ndim}D and {other.ndim}D")  # fmt: skip
    _check("matmul", input, other)
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
        flat = linalg.mm.call(input.reshape(-1, input.shape[-1]), matrix)
        out = flat.reshape(*input.shape[:-1], matrix.shape[1])
        return out if other.ndim == 2 else out.squeeze(-1)
    return _batched(input, other)


def _batched(input: Tensor, other: Tensor) -> Tensor:
    import numpy as np

    left = input.unsqueeze(0) if input.ndim == 1 else input
    batch = np.broadcast_shapes(left.shape[:-2], other.shape[:-2])
    a = left.expand(*batch, *left.shape[-2:]).reshape(-1, *left.shape[-2:])
    b = other.expand(*batch, *other.shape[-2:]).reshape(-1, *other.shape[-2:])
    out = linalg.bmm.call(a, b).reshape(*batch, left.shape[-2], other.shape[-1])
    return out.squeeze(-2) if input.ndim == 1 else out


Tensor.__matmul__ = matmul  # type: ignore[method-assign,assignment]


@both
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices."""
    if input.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError("batch1 and batch2 must be 3D tensors")
    _check("bmm", input, mat2)
    return linalg.bmm.call(input, mat2)


@both
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2)"""
    _check("addmm", mat1, mat2)
    if beta != 1:
        input = input * beta
    if alpha != 1:
        mat1 = mat1 * alpha
    return linalg.addmm.call(input, mat1, mat2)


@function
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Every product of an element of one vector with one of the other."""
    return input.unsqueeze(1) * vec2


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias"""
    _check_linear(input, weight)
    transposed = shape.t.call(weight)
    if bias is not None and input.ndim == 2:
        return linalg.addmm.call(bias, input, transposed)
    out = matmul(input, transposed)
    return out if bias is None else out + bias


def _check_linear(input: Tensor, weight: Tensor) -> None:
    if input._meta.dtype is not weight._meta.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {input.dtype} and {weight.dtype}")
    if not input.ndim or input.shape[-1] != weight.shape[-1]:
        first = "x".join(map(str, input.shape))
        second = "x".join(map(str, weight.shape[::-1]))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({first} and {second})")
