"""Rates that fall, or rise, by a plain rule."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from retrograd.optim.lr_scheduler.base import LRScheduler, Rate, rates
from retrograd.optim.optimizer import Optimizer


class _Chained(LRScheduler):
    """Rules that multiply the last rate, so that others may change it as well. A subclass writes the factor of this
    step, and the factor of all steps so far for the closed form."""

    def _factor(self) -> float | None:
        """What this step multiplies with; None: nothing changes."""
        raise NotImplementedError

    def _total(self) -> float:
        """The product of all factors so far."""
        raise NotImplementedError

    def get_lr(self) -> list[Rate]:
        """``lr`` times this step's factor."""
        self._warn_outside_step()
        factor = self._factor()
        return [lr if factor is None else lr * factor for lr in rates(self.optimizer)]

    def _closed_form(self) -> list[Rate]:
        total = self._total()
        return [base * total for base in self.base_lrs]


class StepLR(_Chained):
    """``gamma`` times smaller every ``step_size`` steps.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        return None if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma

    def _total(self) -> float:
        return self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(_Chained):
    """``gamma`` times smaller at each of ``milestones`` (twice where one is there twice).

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        times = self.milestones.get(self.last_epoch, 0)
        return self.gamma**times if times else None

    def _total(self) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ConstantLR(_Chained):
    """``factor`` times the rate until ``total_iters`` steps are done.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.

    Raises:
        ValueError: for a factor outside [0, 1].
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else None

    def _total(self) -> float:
        return 1.0 if self.last_epoch >= self.total_iters else self.factor


class LinearLR(_Chained):
    """From ``start_factor`` to ``end_factor`` times the rate, on a straight line of ``total_iters`` steps.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.

    Raises:
        ValueError: for a start outside (0, 1] or an end outside [0, 1].
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return None
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)

    def _total(self) -> float:
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters


class ExponentialLR(_Chained):
    """``gamma`` times smaller with every step.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        return None if self._is_initial else self.gamma

    def _total(self) -> float:
        return self.gamma**self.last_epoch


class PolynomialLR(_Chained):
    """To zero in ``total_iters`` steps, by the rest of them to the power of ``power``.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        if self._is_initial or self.last_epoch > self.total_iters:
            return None
        rest, before = self.total_iters - self.last_epoch, self.total_iters - self.last_epoch + 1
        return float((rest / before) ** self.power)

    def _total(self) -> float:
        return float((1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power)
