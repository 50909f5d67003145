"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.optim._rule import (
    RuleOptimizer,
    State,
    advance,
    check_not_negative,
    check_rate,
    count,
    counter,
    decayed,
    like,
)
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["ASGD"]


class ASGD(RuleOptimizer):
    """Gradient descent with a falling rate, which keeps in ``ax`` the average of where the parameter was.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        lambd: how fast the parameter shrinks.
        alpha: power by which the rate falls.
        t0: the step from which positions are averaged.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        foreach, capturable: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    _scalars = frozenset({"step", "eta", "mu"})

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative(weight_decay=weight_decay)
        options = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        lr = float(group["lr"])
        return {"step": counter(), "eta": counter(lr), "mu": counter(1.0), "ax": like(param)}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        step = count(state)
        lambd = group["lambd"]
        eta, mu = float(state["eta"]._data), float(state["mu"]._data)
        grad = decayed(grad, param, group["weight_decay"])
        param *= 1 - lambd * eta
        advance(param, grad, -eta)
        average = state["ax"]
        if mu == 1:
            average[...] = param
        else:
            average += (param - average) * mu
        state["eta"]._data[...] = lr / (1 + lambd * lr * step) ** group["alpha"]
        state["mu"]._data[...] = 1 / max(1, step - group["t0"])
