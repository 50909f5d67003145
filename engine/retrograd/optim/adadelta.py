"""Steps as large as the last ones were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.ops.elementwise import sqrt
from retrograd.optim._rule import (
    RuleOptimizer,
    State,
    advance,
    blend_square,
    check_not_negative,
    check_rate,
    count,
    counter,
    decayed,
    like,
)
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["Adadelta"]


class Adadelta(RuleOptimizer):
    """The gradient divided by its running size and multiplied by the running size of the steps themselves.

    Args:
        params: see ``Optimizer``.
        lr: scales the step.
        rho: how much of each running mean is kept in a step.
        eps: keeps both sizes from zero.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        foreach, capturable: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.

    Source: Zeiler, "Adadelta: an adaptive learning rate method", 2012.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        options = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "capturable": capturable,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        return {"step": counter(), "square_avg": like(param), "acc_delta": like(param)}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        count(state)
        rho, eps = group["rho"], group["eps"]
        grad = decayed(grad, param, group["weight_decay"])
        square, walked = state["square_avg"], state["acc_delta"]
        blend_square(square, grad, rho)
        delta = sqrt(walked + eps) / sqrt(square + eps) * grad
        blend_square(walked, delta, rho)
        advance(param, delta, -lr)
