"""When an iteration begins: after an optimizer's step, or, in a run without one, after a root backward."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

ITERATION_STARTED = 6


class Iterations:
    """Counts iterations. ``due``: the next op outside backward and step begins a new one."""

    def __init__(self, emit: Callable[[int, tuple[object, ...]], None], on_due: Callable[[], None]) -> None:
        self.index = 0
        self.due = False
        self._on_due = on_due
        self.has_optimizer = False
        self._emit = emit
        self._closes = True
        self._backwards = 0

    def start(self) -> None:
        """Iteration 0 starts with the run."""
        self._emit(ITERATION_STARTED, (0,))

    def begin(self) -> None:
        """The next one starts here."""
        self._set_due(False)
        self.index += 1
        self._emit(ITERATION_STARTED, (self.index,))

    def _set_due(self, due: bool) -> None:
        self.due = due
        self._on_due()

    def backward_started(self, closes: bool) -> None:
        """``closes``: it is a ``backward()``, not ``autograd.grad`` or ``inputs=``."""
        self._closes = closes

    def backward_ended(self, inside_step: bool, failed: bool) -> None:
        """A root pass ended."""
        if inside_step or failed or not self._closes:
            return
        self._backwards += 1
        if not self.has_optimizer:
            self.has_optimizer = self._find_optimizer()
        if not self.has_optimizer:
            self._set_due(True)

    def step_ended(self, inside_step: bool) -> None:
        """An optimizer's step ended."""
        self.has_optimizer = True
        if not inside_step:
            self._set_due(True)

    def _find_optimizer(self) -> bool:
        """Whether an optimizer exists that has not been seen stepping. Looks through all objects, so ever more rarely:
        at the first pass, the second, the fourth …"""
        if self._backwards & (self._backwards - 1):
            return False
        module = sys.modules.get("retrograd.optim")
        optimizer = getattr(module, "Optimizer", None)
        return optimizer is not None and any(issubclass(type(each), optimizer) for each in gc.get_objects())
