"""Losses as modules."""

from __future__ import annotations

from retrograd.nn import functional as F
from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor

__all__ = ["L1Loss", "MSELoss"]


class _Loss(Module):
    """A loss with a ``reduction``: ``mean`` and ``sum`` over all elements, or ``none``."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction


class L1Loss(_Loss):
    """``|x - y|``, reduced over all elements by ``reduction``: mean (default), sum or none."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of ``input`` against ``target`` of the same shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """``(x - y)²``, reduced over all elements by ``reduction``: mean (default), sum or none."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of ``input`` against ``target`` of the same shape."""
        return F.mse_loss(input, target, reduction=self.reduction)
