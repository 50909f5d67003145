"""Adafactor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.dtypes import finfo
from retrograd.optim._rule import State, TensorOptimizer, count, counter
from retrograd.optim.optimizer import Params
from retrograd.tensor import Tensor

__all__ = ["Adafactor"]


class Adafactor(TensorOptimizer):
    """The gradient divided by its running size, of which a matrix keeps only the means of its rows and columns.

    Args:
        params: see ``Optimizer``.
        lr: the largest step size, as a part of the parameter's own.
        beta2_decay: power of the number of steps by which the running means slow down.
        eps: (what keeps the quotient finite (default: the dtype's precision), the least size of a parameter).
        d: how much larger than its usual size a step may be.
        weight_decay: how fast parameters shrink.
        foreach: accepted as in PyTorch, where it chooses between implementations of the same numbers.
        maximize: climb instead.

    Raises:
        ValueError: for an option out of its range.
        RuntimeError: at the first step, for complex parameters.

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        options = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        if param.dim() < 2:
            return {"step": counter(), "variance": param.new_zeros(param.shape)}
        rows, columns = list(param.shape), list(param.shape)
        rows[-1] = columns[-2] = 1
        return {"step": counter(), "row_var": param.new_zeros(rows), "col_var": param.new_zeros(columns)}

    def _rule(self, param: Tensor, grad: Tensor, state: State, group: Mapping[str, Any], lr: Any) -> None:
        step = count(state)
        smallest, least = group["eps"]
        if smallest is None:
            smallest = finfo(param.dtype).eps
        fresh = step ** group["beta2_decay"]
        rate = max(least, _size(param)) * min(lr, step**-0.5)
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        squares = grad * grad
        if param.dim() < 2:
            variance = state["variance"]
            variance.lerp_(squares, fresh)
        else:
            rows, columns = state["row_var"], state["col_var"]
            rows.lerp_(squares.mean(-1, keepdim=True), fresh)
            columns.lerp_(squares.mean(-2, keepdim=True), fresh)
            variance = (rows @ columns).div_(rows.mean(-2, keepdim=True).clamp(min=smallest))
        update = variance.clamp(min=smallest * smallest).rsqrt().mul_(grad)
        param.add_(update, alpha=-rate / max(1.0, _size(update) / group["d"]))


def _size(tensor: Tensor) -> float:
    """The root of the mean square."""
    return float(tensor.norm(2).item()) / float(tensor.numel() ** 0.5)  # type: ignore[arg-type]  # a real number
