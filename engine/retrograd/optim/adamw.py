"""Adam with decoupled weight decay."""

from __future__ import annotations

from retrograd.optim.adam import Adam
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam, where decay shrinks the parameter itself: ``p ← p · (1 - lr · weight_decay)`` before each step.

    Args:
        params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused: see ``Adam``.
        weight_decay: how fast parameters shrink.

    Raises:
        ValueError, RuntimeError: as ``Adam``.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
