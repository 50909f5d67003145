"""L-BFGS."""

from __future__ import annotations

from typing import Any

from retrograd.autograd.mode import enable_grad, no_grad
from retrograd.functional.join import cat
from retrograd.optim._line_search import number_of, strong_wolfe
from retrograd.optim._rule import check_rate, number
from retrograd.optim.optimizer import Closure, Optimizer, Params
from retrograd.tensor import Tensor

__all__ = ["LBFGS"]

_CURVED = 1e-10
"""A step along which the gradient turns less than this teaches nothing."""


class LBFGS(Optimizer):
    """Quasi-Newton steps by an inverse Hessian that the last steps tell of. ``step`` needs a closure.

    Args:
        params: see ``Optimizer``; one group.
        lr: the length of a step, in the direction and size that the inverse Hessian gives.
        max_iter: steps in one call.
        max_eval: evaluations of the closure in one call (default: 1.25 · max_iter).
        tolerance_grad: stop when no gradient is larger.
        tolerance_change: stop when parameters or loss change less.
        history_size: how many steps are remembered.
        line_search_fn: ``strong_wolfe``, or None for a fixed length.

    Raises:
        ValueError: for a negative rate, and for several groups.
        RuntimeError: at the first step, for a line search of another name.

    Source: Nocedal, "Updating quasi-Newton matrices with limited storage", 1980; Nocedal and Wright, "Numerical
    optimization", 2006, algorithms 3.5, 3.6, 7.4 and 7.5.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, options)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Closure | None = None) -> Tensor | float | None:
        """Make up to ``max_iter`` steps; returns the loss before the first.

        Raises:
            TypeError: without a closure.
        """
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that clears the gradients, computes the loss and returns it")
        with no_grad():
            return _Run(self, enable_grad()(closure)).steps()


class _Run:
    """One call of ``step``. What outlasts it lies in the state of the first parameter."""

    def __init__(self, optimizer: LBFGS, closure: Closure) -> None:
        self.params: list[Tensor] = optimizer.param_groups[0]["params"]
        self.group = optimizer.param_groups[0]
        self.state = optimizer.state[self.params[0]]
        self.state.setdefault("func_evals", 0)
        self.state.setdefault("n_iter", 0)
        self.closure = closure
        self.evaluations = 0

    def steps(self) -> Tensor | float:
        group, state = self.group, self.state
        first = self.closure()
        self._counted(1)
        loss, gradient = float(first), self.gradient()
        if self._flat(gradient):
            return first
        lr = number(group["lr"])
        for done in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._learn(gradient)
            direction: Tensor = state["d"]
            state["prev_flat_grad"] = gradient.clone()
            state["prev_loss"] = before = loss
            fresh = state["n_iter"] == 1
            length: Any = min(1.0, 1.0 / number_of(gradient.abs().sum())) * lr if fresh else lr
            slope = number_of(gradient.dot(direction))
            state["t"] = length
            if slope > -group["tolerance_change"]:
                break
            last = done == group["max_iter"]
            if group["line_search_fn"] is not None:
                loss, gradient, length = self._search(length, direction, loss, gradient, slope)
                state["t"] = length
                self._move(length, direction)
            else:
                self._move(length, direction)
                if not last:  # who does not look again need not evaluate
                    loss = float(self.closure())
                    gradient = self.gradient()
                    self._counted(1)
            small = number_of((direction * length).abs().max()) <= group["tolerance_change"]
            if (
                last
                or self.evaluations >= group["max_eval"]
                or self._flat(gradient)
                or small
                or abs(loss - before) < group["tolerance_change"]
            ):
                break
        return first

    def _learn(self, gradient: Tensor) -> None:
        """Take the last step into the memory, and leave in ``d`` the direction that it gives."""
        state = self.state
        if state["n_iter"] == 1:
            state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
            state["d"] = -gradient
            return
        turned, moved = gradient - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = turned.dot(moved)
        turns, moves, inverses = state["old_dirs"], state["old_stps"], state["ro"]
        if number_of(curvature) > _CURVED:
            if len(turns) == self.group["history_size"]:
                for memory in (turns, moves, inverses):
                    memory.pop(0)
            turns.append(turned)
            moves.append(moved)
            inverses.append(1.0 / curvature)
            state["H_diag"] = curvature / turned.dot(turned)
        parts = state.setdefault("al", [None] * self.group["history_size"])
        direction = -gradient
        for place in reversed(range(len(turns))):
            parts[place] = moves[place].dot(direction) * inverses[place]
            direction -= turns[place] * parts[place]
        direction = direction * state["H_diag"]
        for place, (turn, move, inverse) in enumerate(zip(turns, moves, inverses, strict=True)):
            direction += move * (parts[place] - turn.dot(direction) * inverse)
        state["d"] = direction

    def _search(
        self, length: float, direction: Tensor, loss: float, gradient: Tensor, slope: float
    ) -> tuple[float, Tensor, float]:
        if self.group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        start = [param.clone() for param in self.params]

        def evaluate(length: float) -> tuple[float, Tensor]:
            self._move(length, direction)
            loss = float(self.closure())
            gradient = self.gradient()
            for param, value in zip(self.params, start, strict=True):
                param.copy_(value)
            return loss, gradient

        found, evaluations = strong_wolfe(
            evaluate, direction, length, loss, gradient, slope, self.group["max_eval"] - self.evaluations
        )
        self._counted(evaluations)
        return found.loss, found.gradient, found.length

    def _counted(self, evaluations: int) -> None:
        self.evaluations += evaluations
        self.state["func_evals"] += evaluations

    def _flat(self, gradient: Tensor) -> bool:
        return bool(gradient.abs().max() <= self.group["tolerance_grad"])

    def gradient(self) -> Tensor:
        """All gradients as one vector; of complex ones both parts."""
        found = []
        for param in self.params:
            grad = param.grad
            flat = (param.new_zeros(param.shape) if grad is None else grad).reshape(-1)
            found.append(flat.view_as_real().reshape(-1) if flat.is_complex() else flat)
        return cat(found, 0)

    def _move(self, length: float, direction: Tensor) -> None:
        start = 0
        for param in self.params:
            real = param.view_as_real() if param.is_complex() else param
            end = start + real.numel()
            real.add_(direction[start:end].view(real.shape), alpha=length)
            start = end
