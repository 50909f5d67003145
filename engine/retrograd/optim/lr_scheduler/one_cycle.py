"""One long cycle (Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
rates", 2018)."""

from __future__ import annotations

from typing import Any

from retrograd.optim.lr_scheduler.base import (
    LRScheduler,
    Rate,
    begin_momentum,
    check_optimizer,
    cosine,
    for_each_group,
    set_momentum,
)
from retrograd.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """Up to ``max_lr``, then down far below where it began; momentum goes the other way.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        max_lr: the highest rate, for all groups or one each.
        total_steps: steps in all; or ``epochs`` times ``steps_per_epoch``.
        pct_start: the part of them that goes up.
        anneal_strategy: ``cos`` or ``linear``.
        cycle_momentum: let momentum go between ``max_momentum`` and ``base_momentum``.
        div_factor: how many times lower than the highest rate it begins.
        final_div_factor: how many times lower than that it ends.
        three_phase: go down as fast as up, then on to the end.

    Raises:
        ValueError: for options out of range, an optimizer without momentum, and more steps than ``total_steps``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.total_steps = _steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        top = float(pct_start * self.total_steps) - 1
        last = self.total_steps - 1
        self._schedule_phases = [_phase(top, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            down = float(2 * pct_start * self.total_steps) - 2
            self._schedule_phases += [
                _phase(down, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                _phase(last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._schedule_phases += [_phase(last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        peaks = for_each_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1, _, _ = begin_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """The rates; momentum, where it cycles too, is set at once."""
        self._warn_outside_step()
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        start = 0.0
        phase = self._schedule_phases[0]
        for phase in self._schedule_phases:
            if self.last_epoch <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        part = (self.last_epoch - start) / (phase["end_step"] - start)
        found = []
        for group in self.optimizer.param_groups:
            found.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                momentum = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                set_momentum(group, self.use_beta1, momentum)
        return found

    def _between(self, start: Rate, end: Rate, part: float) -> Rate:
        return cosine(start, end, part) if self._anneal_func_type == "cos" else (end - start) * part + start


def _steps(total: int | None, epochs: int | None, each: int | None) -> int:
    given: dict[str, object] = {"epochs": epochs, "steps_per_epoch": each} if total is None else {"total_steps": total}
    product = 1
    for name, value in given.items():
        if value is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
        product *= value
    return product


def _phase(end: float, start_lr: str, end_lr: str, start_momentum: str, end_momentum: str) -> dict[str, Any]:
    return {
        "end_step": end,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }
