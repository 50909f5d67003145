"""Rates by functions of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retrograd.optim.lr_scheduler.base import LRScheduler, Rate, kept_of, rates
from retrograd.optim.optimizer import Optimizer

Factor = Callable[[int], float]


class _Functions(LRScheduler):
    """One function for each group."""

    lr_lambdas: list[Factor]

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1) -> None:
        groups = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)):
            if len(lr_lambda) != groups:
                raise ValueError(f"Expected {groups} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * groups  # type: ignore[list-item]  # not a sequence
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the functions; of callable objects their attributes."""
        return super().state_dict() | {"lr_lambdas": [kept_of(function) for function in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state that ``state_dict`` gave."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, kept in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if kept is not None:
                function.__dict__.update(kept)


class LambdaLR(_Functions):
    """The first rate times a function of the number of steps.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        lr_lambda: the function, or one for each group.

    Raises:
        ValueError: when there are not as many functions as groups.
    """

    def get_lr(self) -> list[Rate]:
        """``initial_lr`` · ``lr_lambda(last_epoch)``"""
        self._warn_outside_step()
        return [base * function(self.last_epoch) for base, function in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(_Functions):
    """The last rate times a function of the number of steps.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        lr_lambda: the function, or one for each group.

    Raises:
        ValueError: when there are not as many functions as groups.
        TypeError: for what is no function.
    """

    def get_lr(self) -> list[Rate]:
        """``lr`` · ``lr_lambda(last_epoch)``"""
        self._warn_outside_step()
        if self._is_initial:
            return rates(self.optimizer)
        return [
            group["lr"] * function(self.last_epoch)
            for group, function in zip(self.optimizer.param_groups, self.lr_lambdas, strict=True)
        ]
