"""What a source of events (our engine, PyTorch) must offer the agent beside its events."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from retrograd_debug.session.api import Edit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrograd_debug.agent.holding import Stop


class EditError(Exception):
    """The value can't be changed so; the message is a sentence for a person."""


class Source(Protocol):
    """An engine that runs in this process, seen from the agent. All but ``detach`` and ``iteration`` are called by the
    thread that is held."""

    @property
    def name(self) -> str:
        """The engine's name."""
        ...

    @property
    def version(self) -> str:
        """The engine's version."""
        ...

    @property
    def iteration(self) -> int:
        """The iteration that runs."""
        ...

    @property
    def phase(self) -> str:
        """Outside backward and step: setup or forward."""
        ...

    def attach(self) -> None:
        """Listen from now on."""
        ...

    def detach(self) -> None:
        """Listen no more."""
        ...

    def fetch(self, stop: Stop | None, tensor: int) -> tuple[NDArray[np.generic], int, str] | None:
        """A live tensor's (or gradient's) contents on the host, its version and dtype name; None when it is gone."""
        ...

    def known(self, value: object) -> tuple[int, int, str] | None:
        """Id (0: no event has named it), version, and shape, dtype and device in words, if ``value`` is a tensor."""
        ...

    def edit(self, stop: Stop, command: Edit) -> None:
        """Change a value in the running program and record that it was changed. ``EditError`` when it can't be."""
        ...

    def before_expression(self, stop: Stop) -> None:
        """The person's text is about to run: remember what it might change."""
        ...

    def expression_ran(self, stop: Stop, text: str, statement: bool) -> bool:
        """It ran: record what it changed (a statement counts in any case); whether anything was recorded."""
        ...

    def renew(self, stop: Stop) -> None:
        """Bring the versions in ``stop.hold`` up to date after a change."""
        ...

    def world(self, grad: bool = True) -> AbstractContextManager[None]:
        """While entered nothing is recorded, nor (``grad`` false) gradients wanted; on leaving, random states and grad
        mode are as before."""
        ...

    def origin(self, error: BaseException) -> tuple[str, list[tuple[int, int]], int]:
        """The op, its inputs and the backward node that ``error`` came from ("" and empty when from none)."""
        ...
