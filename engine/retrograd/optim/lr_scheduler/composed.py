"""Several schedulers as one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from retrograd.optim.lr_scheduler.base import LRScheduler, assign, rates
from retrograd.optim.lr_scheduler.plateau import ReduceLROnPlateau
from retrograd.optim.optimizer import Optimizer


class _Composed(LRScheduler):
    """Keeps schedulers of one optimizer, and their states with its own."""

    _schedulers: Sequence[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        name = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
        for place, each in enumerate(schedulers):
            if not hasattr(each, "optimizer"):
                raise TypeError(f"{name} at index {place} should have `optimizer` as its attribute.")
            if isinstance(each, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be "
                    f"specified when calling `step`, but got one at index {place} in the given schedulers sequence."
                )
            if each.optimizer is not (optimizer or schedulers[0].optimizer):
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(each).__name__} at index {place} has another."
                )
        self._schedulers = schedulers
        self.optimizer = optimizer or schedulers[0].optimizer

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, with the states of the schedulers."""
        return super().state_dict() | {"_schedulers": [each.state_dict() for each in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state that ``state_dict`` gave."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for each, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            each.load_state_dict(state)


class SequentialLR(_Composed):
    """One scheduler after another.

    Args:
        optimizer: of all of them.
        schedulers: in their order.
        milestones: the step at which each but the first takes over.

    Raises:
        ValueError, TypeError: for schedulers of other optimizers, ``ReduceLROnPlateau``, or milestones that are not one
            fewer than the schedulers.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            assign(group, "lr", group["initial_lr"])
        _undo(self)  # each has made its first step when it was made
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Let the scheduler whose turn it is set the next rates."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Composed):
    """All schedulers at every step, each on what the one before it set.

    Args:
        schedulers: in their order.
        optimizer: of all of them; by default the first one's.

    Raises:
        ValueError, TypeError: as ``SequentialLR``.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._take(schedulers, optimizer)
        self._last_lr = rates(self.optimizer)

    def step(self, epoch: int | None = None) -> None:
        """Let all of them set the next rates."""
        for each in self._schedulers:
            each.step()
        self._last_lr = rates(self.optimizer)


def _undo(scheduler: LRScheduler) -> None:
    if isinstance(scheduler, _Composed):
        for each in scheduler._schedulers:
            _undo(each)
    else:
        scheduler.last_epoch -= 1
