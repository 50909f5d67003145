"""Averages of weights (Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from retrograd.autograd.mode import no_grad
from retrograd.devices import Device
from retrograd.dtypes import int64
from retrograd.functional.create import tensor
from retrograd.nn.modules.module import Module
from retrograd.nn.modules.normalisation import _BatchNorm
from retrograd.optim.lr_scheduler.base import LRScheduler, Rate, cosine, for_each_group
from retrograd.optim.optimizer import Optimizer
from retrograd.tensor import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Tensor | int], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A function (average, newest, count) that gives ``decay · average + (1 - decay) · newest``.

    Raises:
        ValueError: for a decay outside [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        return averaged * decay + current * (1 - decay)

    return average


def get_swa_avg_fn() -> Average:
    """A function (average, newest, count) that gives the plain mean of all so far."""

    @no_grad()
    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        return averaged + (current - averaged) / (count + 1)

    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """``get_ema_avg_fn`` for lists of tensors, in place.

    Raises:
        ValueError: for a decay outside [0, 1].
    """
    return _for_all(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """``get_swa_avg_fn`` for lists of tensors, in place."""
    return _for_all(get_swa_avg_fn())


def _for_all(average: Average) -> MultiAverage:
    @no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor | int) -> None:
        for old, new in zip(averaged, current, strict=True):
            old.copy_(average(old, new, count))

    return update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of a model whose weights are averages of its weights, one for each ``update_parameters``.

    Args:
        model: what is averaged.
        device: where the copy lies.
        avg_fn, multi_avg_fn: how, for one tensor or for lists of them (default: the mean of all).
        use_buffers: average buffers as well; otherwise they are copied.

    Raises:
        AssertionError: when both functions are given.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Device | str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the weights of ``model`` into the average."""
        mine, theirs = self._parts(self.module), self._parts(model)
        current = [new.detach().to(old.device) for old, new in zip(mine, theirs, strict=True)]
        averaged = [each.detach() for each in mine]
        if self.n_averaged.item() == 0:
            for old, new in zip(averaged, current, strict=True):
                old.copy_(new)
        else:
            update = self.multi_avg_fn or _for_all(self.avg_fn or get_swa_avg_fn())
            update(averaged, current, self.n_averaged)
        if not self.use_buffers:
            for old, new in zip(self.module.buffers(), model.buffers(), strict=True):
                old.detach().copy_(new.detach().to(old.device))
        self.n_averaged += 1

    def _parts(self, model: Module) -> list[Tensor]:
        return list(itertools.chain(model.parameters(), model.buffers() if self.use_buffers else ()))


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Device | str | None = None) -> None:
    """Let all batch norms of ``model`` take the means and variances of the data: those of an average of weights fit
    nothing.

    Args:
        loader: inputs, or lists and tuples whose first element is the input.
        device: where to move inputs.
    """
    norms = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not norms:
        return
    training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
    for batch in loader:
        found = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(found if device is None else found.to(device))
    for norm, momentum in norms.items():
        norm.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """From the rate to ``swa_lr`` in ``anneal_epochs`` steps, where it stays.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        swa_lr: the last rate, for all groups or one each.
        anneal_strategy: ``cos`` or ``linear``.

    Raises:
        ValueError: for another strategy, a negative number of steps, or a list of another length than the groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(optimizer.param_groups, for_each_group("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if anneal_epochs < 0 or anneal_epochs != int(anneal_epochs):
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """From the last rate, so that other schedulers may change it as well."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        found = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            start = end if before == 1 else (group["lr"] - before * end) / (1 - before)
            found.append(end * now + start * (1 - now))
        return found

    def _part(self, step: int) -> float:
        """How much of the way is done."""
        part = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return float(cosine(0.0, 1.0, part)) if self._anneal_strategy == "cos" else part
