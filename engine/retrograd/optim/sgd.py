"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.optim._rule import RuleOptimizer, State, advance, check_not_negative, check_rate, check_ways, decayed
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["SGD"]


class SGD(RuleOptimizer):
    """``p ← p - lr · g``, where ``g`` is the gradient, or with momentum its running sum.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        momentum: how much of the running sum is kept each step.
        dampening: how much less than the whole gradient enters the running sum.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        nesterov: look ahead by one more step of momentum.
        maximize: climb instead.
        foreach, fused: accepted as in PyTorch, where they choose between implementations of the same numbers.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for a negative rate, momentum or decay, and for Nesterov without momentum or with dampening.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013, in PyTorch's
    form, where the rate multiplies the running sum.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check_not_negative(momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_ways(foreach, differentiable, fused)
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        return {}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        grad = decayed(grad, param, group["weight_decay"])
        momentum = group["momentum"]
        if momentum != 0:
            velocity = state.get("momentum_buffer")
            if velocity is None:
                velocity = state["momentum_buffer"] = grad * 1.0
            else:
                velocity *= momentum
                advance(velocity, grad, 1 - group["dampening"])
            grad = grad + velocity * momentum if group["nesterov"] else velocity
        advance(param, grad, -lr)
