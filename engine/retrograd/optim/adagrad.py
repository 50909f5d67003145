"""Rates that shrink with what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.ops.elementwise import sqrt
from retrograd.optim._rule import (
    RuleOptimizer,
    State,
    advance,
    check_not_negative,
    check_rate,
    check_ways,
    count,
    counter,
    decayed,
    like,
)
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(RuleOptimizer):
    """``p ← p - lr · g / (√s + eps)``, where ``s`` is the sum of all squared gradients so far.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        lr_decay: how much faster it shrinks with every step.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        initial_accumulator_value: what the sum starts with.
        eps: keeps the quotient finite.
        foreach, fused: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.
        RuntimeError: for ``fused`` with ``foreach`` or ``differentiable``.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", 2011.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check_not_negative(
            lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=initial_accumulator_value, eps=eps
        )
        check_ways(foreach, differentiable, fused)
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, options)
        for group in self.param_groups:  # its state is there before the first step
            for param in group["params"]:
                self.state[param] = self._begin(param, group)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        return {"step": counter(), "sum": like(param, group["initial_accumulator_value"])}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        step = count(state)
        grad = decayed(grad, param, group["weight_decay"])
        total = state["sum"]
        total += grad * grad
        advance(param, grad / (sqrt(total) + group["eps"]), -lr / (1 + (step - 1) * group["lr_decay"]))
