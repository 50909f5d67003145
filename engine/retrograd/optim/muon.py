"""Muon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from retrograd import dtypes
from retrograd.optim._rule import State, TensorOptimizer, number
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["Muon"]


class Muon(TensorOptimizer):
    """Steps of matrices by the orthogonal matrix that is nearest to the momentum, found by Newton and Schulz's
    iteration in bfloat16.

    Args:
        params: matrices; see ``Optimizer``.
        lr: the step size.
        weight_decay: how fast parameters shrink.
        momentum: how much of the running mean is kept in a step.
        nesterov: look ahead by one more step of momentum.
        ns_coefficients: the three of the iteration's polynomial.
        eps: keeps the quotient finite.
        ns_steps: how many iterations.
        adjust_lr_fn: how the rate follows the matrix's shape: ``original`` (also None) or ``match_rms_adamw``.

    Raises:
        ValueError: for an option out of its range, and for a parameter that is no matrix.
        RuntimeError: at the first step, for complex parameters.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is
    scalable
    for LLM training", 2025, for ``match_rms_adamw``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for words, value in (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not value >= 0.0:
                raise ValueError(f"{words} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        options = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, options)
        for group in self.param_groups:
            for param in group["params"]:
                if param.dim() != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        return {"momentum_buffer": param.new_zeros(param.shape)}

    def _rule(self, param: Tensor, grad: Tensor, state: State, group: Mapping[str, Any], lr: Any) -> None:
        momentum = group["momentum"]
        mean = state["momentum_buffer"]
        mean.lerp_(grad, 1 - momentum)
        direction = grad.lerp(mean, momentum) if group["nesterov"] else mean
        direction = _orthogonal(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = param.shape
        lr = group["lr"]  # a tensor's products are rounded to its dtype
        if group["adjust_lr_fn"] == "match_rms_adamw":
            rate = lr * 0.2 * math.sqrt(max(rows, columns))
        else:
            rate = lr * math.sqrt(max(1, rows / columns))
        param.mul_(number(1 - lr * group["weight_decay"]))
        param.add_(direction.to(param.dtype), alpha=-number(rate))


def _orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """About the orthogonal factor of a matrix: its singular values are brought near to 1."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    first, second, third = coefficients
    tall = matrix.size(0) > matrix.size(1)  # type: ignore[operator]  # lengths
    made = _rounded(matrix)
    if tall:
        made = made.t()
    made = _rounded(made / _rounded(made.norm()).clamp(min=eps))
    for _ in range(steps):
        gram = _rounded(made @ made.t())
        update = _rounded(gram * second + (gram @ gram) * third)
        made = _rounded(made * first + update @ made)
    return made.t() if tall else made


def _rounded(matrix: Tensor) -> Tensor:
    """What bfloat16 keeps of it, as float32: an operation of PyTorch's in bfloat16 rounds once, at its end."""
    return matrix.to(dtypes.bfloat16).to(dtypes.float32)
