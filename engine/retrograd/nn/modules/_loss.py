"""What the losses share."""

from __future__ import annotations

from retrograd.nn.functional._reduction import chosen
from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor


class Loss(Module):
    """A loss with a ``reduction``: ``mean`` and ``sum`` over all elements, or ``none``."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction


class Plain(Loss):
    """A loss with no other parameter; ``size_average`` and ``reduce`` are PyTorch's older two flags."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction=chosen(size_average, reduce, reduction))


class Weighted(Loss):
    """A loss with weights, one a class, that are part of the state."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, reduction: str) -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
