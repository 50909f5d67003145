"""Steps by the sign of the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.ops.elementwise import sign
from retrograd.ops.select import clamp, where
from retrograd.optim._rule import RuleOptimizer, State, advance, check_rate, count, counter, like, overwrite
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["Rprop"]


class Rprop(RuleOptimizer):
    """Every element has a step size of its own: it grows while the gradient keeps its sign, and shrinks where it turns.

    Args:
        params: see ``Optimizer``.
        lr: the first step size.
        etas: factors by which a step size shrinks and grows.
        step_sizes: the smallest and the largest.
        foreach, capturable: accepted as in PyTorch, where they choose between implementations of the same numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.

    Raises:
        ValueError: for an option out of its range.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm", 1993.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        options = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        lr = float(group["lr"])
        return {"step": counter(), "prev": like(param), "step_size": like(param, lr)}

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        count(state)
        shrink, grow = group["etas"]
        turned = sign(grad * state["prev"])
        factor = where(turned > 0, turned * grow, where(turned < 0, turned * -shrink, turned + 1.0))
        least, most = group["step_sizes"]
        overwrite(state, "step_size", clamp(state["step_size"] * factor, min=least, max=most))
        grad = where(turned < 0, grad * 0.0, grad)  # who turned rests for a step
        advance(param, sign(grad) * state["step_size"], -1.0)
        overwrite(state, "prev", grad)
