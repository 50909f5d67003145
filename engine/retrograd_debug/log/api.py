"""What a log offers to those who read it: one typed interface, implemented by the SQLite reader and by tests' fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retrograd_debug.log.state import State
from retrograd_events.events import (
    AnyEvent,
    RunEnded,
    RunStarted,
    ScalarLogged,
    Seq,
    SiteDefined,
    SiteId,
    TensorId,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LogError(Exception):
    """The log can't be read as asked; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """A span of the log. ``last`` is 0 while it is open; ``started`` in ns since the run began; ``loss`` is the first
    loss logged in it (None: none yet)."""

    index: int
    first: Seq
    last: Seq
    started: int
    ops: int
    loss: float | None


@dataclass(frozen=True, slots=True)
class Value:
    """Recorded contents of a tensor at a version. ``kind``: all, sample (``stride`` apart in the flattened tensor) or
    skipped (``array`` is None, ``reason`` says why)."""

    tensor: TensorId
    version: int
    kind: str
    shape: tuple[int, ...]
    dtype: str
    stride: int
    reason: str
    array: NDArray[np.generic] | None


@dataclass(frozen=True, slots=True)
class Act:
    """Something the person did, kept beside the events: ``kind`` hold, evaluation or edit."""

    after: Seq
    time: float
    kind: str
    text: str
    result: str


class Log(Protocol):
    """A run's log. Methods may read the disk: call them from a worker, never from the GUI thread, except those marked
    *cheap*. All are safe to call from several threads."""

    @property
    def path(self) -> Path:
        """The file (cheap)."""
        ...

    @property
    def head(self) -> Seq:
        """The newest committed event as of the last ``refresh`` (cheap)."""
        ...

    @property
    def run(self) -> RunStarted | None:
        """The first event, once there (cheap)."""
        ...

    @property
    def ended(self) -> RunEnded | None:
        """The last event, once there (cheap)."""
        ...

    @property
    def damage(self) -> str:
        """A sentence when the log is incomplete (cut off, copied without its WAL, damaged), else "" (cheap)."""
        ...

    @property
    def iterations(self) -> Sequence[Iteration]:
        """All iterations in order (cheap, in memory)."""
        ...

    @property
    def scalars(self) -> Sequence[ScalarLogged]:
        """All scalars in order (cheap, in memory)."""
        ...

    @property
    def sites(self) -> dict[SiteId, SiteDefined]:
        """All sites (cheap, in memory; do not change)."""
        ...

    def refresh(self) -> bool:
        """Look for newly committed events; True when the head moved."""
        ...

    def iteration_at(self, seq: Seq) -> Iteration | None:
        """The iteration that ``seq`` lies in (cheap)."""
        ...

    def events(self, first: Seq, last: Seq) -> list[AnyEvent]:
        """Events first..last inclusive, those that exist, in order (ValueRecorded with empty data)."""
        ...

    def state_at(self, seq: Seq) -> State:
        """The state after ``seq``: a private copy."""
        ...

    def value(self, tensor: TensorId, version: int) -> Value | None:
        """What was recorded of a tensor at a version, or None when nothing was."""
        ...

    def source(self, file: str) -> str | None:
        """The text of a source file as it was when the run started."""
        ...

    def acts(self) -> Sequence[Act]:
        """What the person did, in order."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...
