"""The affine map."""

from __future__ import annotations

from retrograd.ops import linalg, shape
from retrograd.tensor import Tensor

__all__ = ["linear"]

_addmm = linalg.addmm.call
_t = shape.t.call


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``.

    Args:
        input: (*, in_features).
        weight: (out_features, in_features), or (in_features) for a single output without a dimension.
        bias: (out_features), or none.

    Raises:
        RuntimeError: when the shapes don't fit, or the dtypes differ.
    """
    given, table = input._meta, weight._meta
    if bias is None:
        return input.matmul(_t(weight))
    if bias._meta.dtype is not given.dtype:
        raise RuntimeError(f"input and bias must have the same dtype, but got {given.dtype} and {bias._meta.dtype}")
    if len(given.shape) == 2 == len(table.shape) and given.shape[1] == table.shape[1] and given.dtype is table.dtype:
        return _addmm(bias, input, _t(weight))
    return input.matmul(_t(weight)) + bias
