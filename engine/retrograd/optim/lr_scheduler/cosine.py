"""Rates along a cosine (Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017)."""

from __future__ import annotations

import math

from retrograd.optim.lr_scheduler.base import LRScheduler, Rate, cosine, rates
from retrograd.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """From the rate down to ``eta_min`` in ``T_max`` steps on half a cosine, and up again in as many.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,  # noqa: N803  PyTorch's name
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """From the last rate, so that other schedulers may change it as well."""
        self._warn_outside_step()
        now = rates(self.optimizer)
        if self._is_initial:
            return now
        if self._step_count == 1 and self.last_epoch > 0:
            return self._closed_form()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # just past the lowest point
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(now, self.base_lrs, strict=True)]
        ratio = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / (
            1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        )
        return [ratio * (lr - self.eta_min) + self.eta_min for lr in now]

    def _closed_form(self) -> list[Rate]:
        return [cosine(base, self.eta_min, self.last_epoch / self.T_max) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the rate down to ``eta_min`` on half a cosine, then at once from the top again.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        T_0: steps to the first restart.
        T_mult: how many times longer each following run is.
        eta_min: the lowest rate.

    Raises:
        ValueError: for numbers that are not positive integers, and an ``eta_min`` that is no number.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803  PyTorch's name
        T_mult: int = 1,  # noqa: N803  likewise
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """By how much of the run is over."""
        self._warn_outside_step()
        return [cosine(base, self.eta_min, self.T_cur / self.T_i) for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the next rates, or those of ``epoch``, which may be a fraction.

        Raises:
            ValueError: for a negative one.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        else:
            runs = self._runs_before(epoch)
            self.T_i = self.T_0 * self.T_mult**runs
            if self.T_mult == 1:
                self.T_cur = epoch % self.T_0
            else:
                self.T_cur = epoch - self.T_0 * (self.T_mult**runs - 1) / (self.T_mult - 1)
        self.last_epoch = math.floor(epoch)
        with self._asking():
            self._set(self.get_lr())

    def _runs_before(self, epoch: float) -> int:
        if epoch < self.T_0:
            return 0
        if self.T_mult == 1:
            return int(epoch // self.T_0)
        return int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
