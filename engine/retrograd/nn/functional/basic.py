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
        RuntimeError: when the shapes don't fit.
    """
    if bias is not None and len(input._meta.shape) == 2 and len(weight._meta.shape) == 2:
        return _addmm(bias, input, _t(weight))
    product = input.matmul(_t(weight))
    return product if bias is None else product + bias
