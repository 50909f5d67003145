"""Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.ops.elementwise import maximum, sqrt
from retrograd.optim._rule import (
    RuleOptimizer,
    State,
    advance,
    blend,
    blend_square,
    check_betas,
    check_not_negative,
    check_rate,
    check_ways,
    count,
    counter,
    like,
    number,
    overwrite,
    shrunk,
)
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["Adam"]


class Adam(RuleOptimizer):
    """``p ← p - lr · m̂ / (√v̂ + eps)``, with running means ``m`` of the gradient and ``v`` of its square.

    Args:
        params: see ``Optimizer``.
        lr: the step size.
        betas: how much of each mean is kept in a step.
        eps: keeps the quotient finite.
        weight_decay: how much of the parameter is added to its gradient (an L2 penalty).
        amsgrad: divide by the largest ``v`` so far.
        foreach, capturable, fused: accepted as in PyTorch, where they choose between implementations of the same
            numbers.
        maximize: climb instead.
        differentiable: let autograd record the step.
        decoupled_weight_decay: shrink the parameter itself instead (AdamW).

    Raises:
        ValueError: for an option out of its range.
        RuntimeError: for ``fused`` with ``foreach`` or ``differentiable``.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; Reddi, Kale and Kumar, "On the
    convergence of Adam and beyond", 2018, for ``amsgrad``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        needs_number = bool(foreach) and not capturable
        if isinstance(lr, Tensor) and needs_number:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_rate(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        if {isinstance(beta, Tensor) for beta in betas} == {True, False}:
            raise ValueError("betas must be either both floats or both Tensors")
        for index, beta in enumerate(betas):
            if isinstance(beta, Tensor) and needs_number:
                raise ValueError(f"betas[{index}] as a Tensor is not supported for capturable=False and foreach=True")
            if isinstance(beta, Tensor) and beta.numel() != 1:
                raise ValueError(f"Tensor betas[{index}] must be 1-element")
        check_ways(foreach, differentiable, fused)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        state: State = {"step": counter(), "exp_avg": like(param), "exp_avg_sq": like(param)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = like(param)
        return state

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        step = count(state)
        beta1, beta2 = number(group["betas"][0]), number(group["betas"][1])
        grad = shrunk(grad, param, group, lr)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        blend(mean, grad, 1 - beta1)
        blend_square(square, grad, beta2)
        if group["amsgrad"]:
            overwrite(state, "max_exp_avg_sq", maximum(state["max_exp_avg_sq"], square))
            square = state["max_exp_avg_sq"]
        correction = (1 - beta2**step) ** 0.5
        # eps is scaled in place of the root, which saves a pass over the elements
        advance(param, mean / (sqrt(square) + group["eps"] * correction), -(lr / (1 - beta1**step)) * correction)
