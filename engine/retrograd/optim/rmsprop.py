"""Gradients by their running size."""

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
    check_not_negative,
    check_rate,
    count,
    counter,
    decayed,
    like,
)
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["RMSprop"]


class RMSprop(RuleOptimizer):
    """``p ← p - lr · g / (√v + eps)``, with a running mean ``v`` of the squared gradient.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        alpha: how much of the running mean is kept in a step.
        eps: keeps the quotient finite.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        momentum: how much of the running sum of steps is kept.
        centered: divide by the gradient's spread around its running mean.
        foreach, capturable: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.

    Source: Hinton, Srivastava and Swersky, "Neural networks for machine learning", lecture 6, 2012; Graves, "Generating
    sequences with recurrent neural networks", 2013, for the centered form.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        options = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        state: State = {"step": counter(), "square_avg": like(param)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = like(param)
        if group["centered"]:
            state["grad_avg"] = like(param)
        return state

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        count(state)
        alpha, momentum = group["alpha"], group["momentum"]
        grad = decayed(grad, param, group["weight_decay"])
        square = state["square_avg"]
        blend_square(square, grad, alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            blend(mean, grad, 1 - alpha)
            square = square - mean * mean
        direction = grad / (sqrt(square) + group["eps"])
        if momentum > 0:
            velocity = state["momentum_buffer"]
            velocity *= momentum
            velocity += direction
            direction = velocity
        advance(param, direction, -lr)
