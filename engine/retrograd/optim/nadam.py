"""Adam with Nesterov's look ahead."""

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

__all__ = ["NAdam"]


class NAdam(RuleOptimizer):
    """Adam whose step mixes the running mean with the newest gradient, as Nesterov's momentum does.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        betas: how much of each running mean is kept in a step.
        eps: keeps the quotient finite.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        momentum_decay: how fast the momentum grows to its full size.
        decoupled_weight_decay: shrink the parameter itself instead.
        foreach, capturable: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """

    _scalars = frozenset({"step", "mu_product"})

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        return {"step": counter(), "mu_product": counter(1.0), "exp_avg": like(param), "exp_avg_sq": like(param)}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        step = count(state)
        beta1, beta2 = group["betas"]
        grad = shrunk(grad, param, group, lr)
        momentum = beta1 * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
        ahead = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * group["momentum_decay"]))
        state["mu_product"]._data *= momentum
        product = float(state["mu_product"]._data)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        blend(mean, grad, 1 - beta1)
        blend_square(square, grad, beta2)
        size = sqrt(square / (1 - beta2**step)) + group["eps"]
        advance(param, grad / size, -lr * (1 - momentum) / (1 - product))
        advance(param, mean / size, -lr * ahead / (1 - product * ahead))
