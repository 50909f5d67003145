"""Adam by the largest gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.ops.complex import abs as absolute
from retrograd.ops.elementwise import maximum
from retrograd.optim._rule import (
    RuleOptimizer,
    State,
    advance,
    blend,
    check_betas,
    check_not_negative,
    check_rate,
    count,
    counter,
    decayed,
    like,
    overwrite,
)
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["Adamax"]


class Adamax(RuleOptimizer):
    """``p ← p - lr · m̂ / u``, with a running mean ``m`` of the gradient and a fading maximum ``u`` of its size.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        betas: how much of each running mean is kept in a step.
        eps: keeps the quotient finite.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        foreach, capturable: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, section 7.1.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
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
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        return {"step": counter(), "exp_avg": like(param), "exp_inf": like(param)}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        step = count(state)
        beta1, beta2 = group["betas"]
        grad = decayed(grad, param, group["weight_decay"])
        mean = state["exp_avg"]
        blend(mean, grad, 1 - beta1)
        overwrite(state, "exp_inf", maximum(state["exp_inf"] * beta2, absolute(grad) + group["eps"]))
        advance(param, mean / state["exp_inf"], -lr / (1 - beta1**step))
