"""``LRScheduler``: what every scheduler shares. A subclass writes ``get_lr``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from retrograd.optim.optimizer import Optimizer
from retrograd.tensor import Tensor

Rate = Any
"""A number, or a tensor of one element where the group's rate is one."""


class LRScheduler:
    """Sets the learning rate of each group of an optimizer, anew at each ``step``.

    Args:
        optimizer: whose rates it sets; what they are now is kept as each group's ``initial_lr``.
        last_epoch: number of the last step, to go on from; -1 begins.

    Raises:
        TypeError: when ``optimizer`` is none.
        KeyError: for a ``last_epoch`` to go on from, when a group has no ``initial_lr``.

    Its state's entries are PyTorch's, so that a state saved there is continued here.
    """

    optimizer: Optimizer
    base_lrs: list[Rate]
    last_epoch: int
    _last_lr: list[Rate]
    _step_count: int
    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for place, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{place}] when resuming scheduler with "
                    "last_epoch >= 0. Load the optimizer's state before, or leave last_epoch out to begin anew."
                )
        self.base_lrs = rates(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        optimizer.watch_steps()
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_last_lr(self) -> list[Rate]:
        """The rate of each group that the last step set."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The rate of each group for ``last_epoch``; ``step`` asks for them."""
        raise NotImplementedError

    def _closed_form(self) -> list[Rate] | None:
        """The rates of an epoch that does not follow the last one, where there is a formula for them."""
        return None

    def step(self, epoch: int | None = None) -> None:
        """Set the next rates. ``epoch`` names another step than the next, and is going to be removed."""
        if self._step_count == 1 and not self.optimizer.stepped:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the "
                "opposite order: `optimizer.step()` before `lr_scheduler.step()`. Failure to do this will result in "
                "skipping the first value of the learning rate schedule.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        with self._asking():
            found = None if epoch is None else self._closed_form()
            self._set(self.get_lr() if found is None else found)

    def _set(self, values: Sequence[Rate]) -> None:
        for group, value in zip(self.optimizer.param_groups, values, strict=True):
            assign(group, "lr", value)
        self._last_lr = rates(self.optimizer)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state that ``state_dict`` gave."""
        self.__dict__.update(state_dict)


def check_optimizer(optimizer: object) -> None:
    """Refuse what is no optimizer.

    Raises:
        TypeError
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def copied(value: Rate) -> Rate:
    """A rate that does not change with the group's."""
    return value.clone() if isinstance(value, Tensor) else value


def rates(optimizer: Optimizer, name: str = "lr") -> list[Rate]:
    """That option of each group."""
    return [copied(group[name]) for group in optimizer.param_groups]


def assign(group: dict[str, Any], name: str, value: Rate) -> None:
    """Set an option; a tensor stays the same one and is filled."""
    if isinstance(group[name], Tensor):
        group[name].fill_(value)
    else:
        group[name] = value


def for_each_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """``value`` for each group: it is a list of as many, or counts for all.

    Raises:
        ValueError: for a list of another length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
            f"param_groups has {groups}."
        )
    return list(value)


def begin_momentum(optimizer: Optimizer, base: Any, largest: Any, set_now: bool) -> tuple[bool, list[Any], list[Any]]:
    """Momentum that goes against the rate: whether it is the first of ``betas``, and each group's least and most.

    Raises:
        ValueError: for an optimizer that has neither.
    """
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    in_betas = "betas" in optimizer.defaults
    least = for_each_group("base_momentum", optimizer, base)
    most = for_each_group("max_momentum", optimizer, largest)
    if set_now:
        for group, low, high in zip(optimizer.param_groups, least, most, strict=True):
            set_momentum(group, in_betas, high)
            group["max_momentum"] = high
            group["base_momentum"] = low
    return in_betas, least, most


def set_momentum(group: dict[str, Any], in_betas: bool, value: float) -> None:
    """Set a group's momentum, or the first of its ``betas``."""
    if in_betas:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def warn_of_epoch() -> None:
    """Tell that ``step`` needs no number."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please "
        "use `scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the "
        "closed form is used instead of the new chainable form, where available.",
        UserWarning,
        stacklevel=3,
    )


def kept_of(function: Callable[..., object]) -> dict[str, Any] | None:
    """What a state dict keeps of a function: the attributes of a callable object, nothing of a plain function."""
    return None if isinstance(function, FunctionType) else dict(function.__dict__)


def cosine(start: Rate, end: Rate, part: float) -> Rate:
    """Half a cosine wave: ``start`` at 0, ``end`` at 1."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
