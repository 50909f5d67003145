"""Rates that go up and down (Smith, "Cyclical learning rates for training neural networks", 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from retrograd.optim.lr_scheduler.base import (
    LRScheduler,
    Rate,
    assign,
    begin_momentum,
    check_optimizer,
    for_each_group,
    kept_of,
    set_momentum,
)
from retrograd.optim.optimizer import Optimizer


class CyclicLR(LRScheduler):
    """Between ``base_lr`` and ``max_lr`` on straight lines.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        base_lr, max_lr: lowest and highest rate, for all groups or one each.
        step_size_up, step_size_down: steps of the way up, and of the way down (by default as many).
        mode: ``triangular``; ``triangular2``: half as high with every cycle; ``exp_range``: ``gamma`` times as high
            with every step.
        scale_fn: how high instead, as a function of the cycle's number from 1, or of the step's (``scale_mode``
            ``iterations``).
        cycle_momentum: let momentum go the other way, between ``max_momentum`` and ``base_momentum``.

    Raises:
        ValueError: for an unknown mode, lists of another length than the groups, and an optimizer without momentum.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        base_lrs = for_each_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                assign(group, "lr", lr)
        self.max_lrs = for_each_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1, self.base_momentums, self.max_momentums = begin_momentum(
                optimizer, base_momentum, max_momentum, last_epoch == -1
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """How high the peak is, of cycle or step ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return float(self.gamma**x)
        return 1.0 if self.mode == "triangular" else float(0.5 ** (x - 1))

    def get_lr(self) -> list[Rate]:
        """The rates; momentum, where it cycles too, is set at once."""
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        part = 1.0 + self.last_epoch / self.total_size - cycle
        height = part / self.step_ratio if part <= self.step_ratio else (part - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                set_momentum(group, self.use_beta1, high - (high - low) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and ``scale_fn``; of a callable object its attributes."""
        custom = self._scale_fn_custom
        return super().state_dict() | {"_scale_fn_custom": None if custom is None else kept_of(custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state that ``state_dict`` gave."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_scale_fn_custom"})
        kept = state_dict["_scale_fn_custom"]
        if kept is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(kept)
