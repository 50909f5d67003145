"""What both spellings of weight and spectral normalisation share."""

from __future__ import annotations

from retrograd.autograd.mode import no_grad
from retrograd.functional.norms import vector_norm
from retrograd.functional.views import adjoint
from retrograd.nn import functional as F
from retrograd.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor


def norm_except(weight: Tensor, dim: int) -> Tensor:
    """The norm over all dimensions but ``dim``, which stay as 1; for -1 the norm of the whole, without dimensions."""
    if dim == -1:
        return vector_norm(weight)
    return vector_norm(weight, 2, [axis for axis in range(weight.ndim) if axis != dim], True)


def outputs_dim(module: Module) -> int:
    """The dimension of a layer's weight that its outputs lie along."""
    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """``weight`` with ``dim`` first and all others as one."""
    order = (dim, *(axis for axis in range(weight.ndim) if axis != dim))
    return weight.permute(*order).flatten(1)


def random_direction(matrix: Tensor, axis: int, eps: float) -> Tensor:
    """A random vector of length 1 along an axis of ``matrix``."""
    return F.normalize(matrix.new_empty(matrix.shape[axis]).normal_(0, 1), dim=0, eps=eps)


def iterate(matrix: Tensor, u: Tensor, v: Tensor, times: int, eps: float) -> None:
    """Move ``u`` and ``v`` in place towards the singular vectors of the largest singular value: the power method."""
    with no_grad():
        for _ in range(times):
            u.copy_(F.normalize(matrix.mv(v), dim=0, eps=eps))
            v.copy_(F.normalize(adjoint(matrix).mv(u), dim=0, eps=eps))


def largest(matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The singular value that belongs to ``u`` and ``v``. They are copied: a later step of ``iterate`` must not change
    what backward needs."""
    return u.clone().dot(matrix.mv(v.clone()))
