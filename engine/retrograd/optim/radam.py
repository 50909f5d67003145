"""Adam with a rectified start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.ops.elementwise import sqrt
from retrograd.optim._rule import (
    RuleOptimizer,
    State,
    advance,
    blend,
    blend_square,
    check_betas,
    check_not_negative,
    check_rate,
    count,
    counter,
    like,
    shrunk,
)
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["RAdam"]


class RAdam(RuleOptimizer):
    """Adam that leaves the quotient out while too few steps were seen to trust it, then scales it by how far it is.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        betas: how much of each running mean is kept in a step.
        eps: keeps the quotient finite.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        decoupled_weight_decay: shrink the parameter itself instead.
        foreach, capturable: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", 2020.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        return {"step": counter(), "exp_avg": like(param), "exp_avg_sq": like(param)}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        step = count(state)
        beta1, beta2 = group["betas"]
        grad = shrunk(grad, param, group, lr)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        blend(mean, grad, 1 - beta1)
        blend_square(square, grad, beta2)
        rate = -lr / (1 - beta1**step)
        correction = 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / correction
        if length <= 5:
            advance(param, mean, rate)
            return
        trust = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        advance(param, mean / (sqrt(square) + group["eps"]), rate * (correction * trust) ** 0.5)
