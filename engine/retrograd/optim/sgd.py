"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from retrograd.autograd.mode import enable_grad, set_grad_enabled
from retrograd.optim.optimizer import Closure, Optimizer, Params
from retrograd.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
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
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        if fused and differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        if fused and foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
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

    def step(self, closure: Closure | None = None) -> Tensor | float | None:
        """Change every parameter that has a gradient; see ``Optimizer.step``."""
        loss = None
        with set_grad_enabled(self.defaults["differentiable"]):
            if closure is not None:
                with enable_grad():
                    loss = closure()
            for group in self.param_groups:
                lr = group["lr"]
                rate = -(lr.item() if isinstance(lr, Tensor) else lr)
                for param in group["params"]:
                    grad = param.grad
                    if grad is not None:
                        param.add_(self._direction(param, grad, group), alpha=rate)
        return loss

    def _direction(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> Tensor:
        """Where to go: the gradient after decay and momentum."""
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        momentum = group["momentum"]
        if momentum == 0:
            return grad
        state = self.state[param]
        velocity: Tensor | None = state.get("momentum_buffer")
        if velocity is None:
            velocity = state["momentum_buffer"] = grad.detach().clone()
        else:
            velocity.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
        return grad.add(velocity, alpha=momentum) if group["nesterov"] else velocity
