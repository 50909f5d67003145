"""What functions of matrices ask of their arguments, and how they make batches match."""

from __future__ import annotations

import numpy as np

from retrograd.dtypes import FLOATING
from retrograd.ops.complex import is_complex
from retrograd.tensor import Tensor


def check_matrices(name: str, *tensors: Tensor) -> None:
    """``TypeError`` for what is no tensor; ``RuntimeError`` for tensors that are not matrices (or batches of them) of
    one floating or complex dtype."""
    for each in tensors:
        if not isinstance(each, Tensor):
            raise TypeError(f"{name}: expected a Tensor, got {type(each).__name__}")
        if each.ndim < 2:
            raise RuntimeError(f"{name}: The input tensor must have at least 2 dimensions, got {list(each.shape)}.")
    check_kinds(name, *tensors)


def check_kinds(name: str, *tensors: Tensor) -> None:
    """``RuntimeError`` for tensors that are not of one floating or complex dtype."""
    for each in tensors:
        if each._meta.category < FLOATING or each.dtype.itemsize < 4:
            raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {each.dtype}")
        if each.dtype is not tensors[0].dtype:
            raise RuntimeError(f"{name}: Expected tensors of one dtype, got {tensors[0].dtype} and {each.dtype}")


def check_square(name: str, *tensors: Tensor) -> None:
    """The same for square matrices."""
    check_matrices(name, *tensors)
    for each in tensors:
        if each.shape[-1] != each.shape[-2]:
            raise RuntimeError(
                f"{name}: A must be batches of square matrices, but they are {each.shape[-2]} by {each.shape[-1]} "
                "matrices"
            )


def broadcast_batches(name: str, *tensors: Tensor) -> list[Tensor]:
    """Matrices expanded to one shape of batches."""
    try:
        batch = np.broadcast_shapes(*(each.shape[:-2] for each in tensors))
    except ValueError:
        raise RuntimeError(
            f"{name}: the batch dimensions of {' and '.join(str(list(each.shape)) for each in tensors)} do not "
            "broadcast"
        ) from None
    return [each if each.shape[:-2] == batch else each.expand(*batch, *each.shape[-2:]) for each in tensors]


def is_vector_rhs(a: Tensor, b: Tensor) -> bool:
    """Whether the right side of a system is a (batch of) vector(s): of one dimension, or of A's shape but for the last
    one."""
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])


def adjoint(input: Tensor) -> Tensor:
    """The conjugate transposes."""
    turned = input.transpose(-2, -1)
    return turned.conj() if is_complex(input) else turned


def identity(model: Tensor, size: int) -> Tensor:
    """An identity matrix of the kind of ``model``."""
    from retrograd.functional.sequences import eye

    return eye(size, dtype=model.dtype, device=model.device)
