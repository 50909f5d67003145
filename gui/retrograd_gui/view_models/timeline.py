"""What the timeline shows: every operation, node and optimizer step as a block on a clock without stops."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from retrograd_events.events import (
    AnyEvent,
    Edited,
    ExceptionRaised,
    GradientsZeroed,
    IterationStarted,
    NodeFinished,
    NodeId,
    NodeStarted,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    Seq,
    WarningIssued,
)

LONGEST_GAP = 100_000
"""ns of Python between two events that count; what is longer was a stop, or a wait that would squeeze all else."""
SHORTEST_BLOCK = 1_000
"""ns that a block is wide at least, so that a step without a duration is still seen."""


class Lane(IntEnum):
    """The rows, from the top."""

    FORWARD = 0
    BACKWARD = 1
    OPTIMIZER = 2
    MARKERS = 3


@dataclass(frozen=True, slots=True)
class Block:
    """One block: ``start`` and ``end`` on the clock without stops, in ns. ``seq`` is the event to travel to."""

    lane: Lane
    start: int
    end: int
    seq: Seq
    name: str


@dataclass(frozen=True, slots=True)
class Span:
    """An iteration on the clock without stops."""

    index: int
    start: int
    end: int


class _Column:
    """A growing array of int64."""

    def __init__(self) -> None:
        self._data = np.zeros(256, np.int64)
        self._size = 0

    def append(self, value: int) -> None:
        if self._size == len(self._data):
            self._data = np.concatenate([self._data, np.zeros_like(self._data)])
        self._data[self._size] = value
        self._size += 1

    def view(self) -> NDArray[np.int64]:
        return self._data[: self._size]


class TimelineModel:
    """Fed with events in order (``append``); knows where each lies on the clock without stops."""

    def __init__(self) -> None:
        self.clock = 0
        self.last = Seq(0)
        self._time = 0
        self._lanes, self._starts, self._ends, self._seqs = _Column(), _Column(), _Column(), _Column()
        self._names: list[str] = []
        self._name_ids: dict[str, int] = {}
        self._name_of = _Column()
        self._event_seqs, self._event_clocks = _Column(), _Column()
        self._iteration_starts: list[int] = []
        self._iteration_indexes: list[int] = []
        self._step: tuple[Seq, int, str] | None = None
        self._hits: list[int] = []
        self._own = 0
        self._node_names: dict[NodeId, str] = {}

    def append(self, events: Sequence[AnyEvent], holds: Collection[int] = ()) -> None:
        """Take over events that follow those before; ``holds`` are the events after which the script was held."""
        for event in events:
            if event.seq <= self.last:
                continue
            self._advance(event, self.last in holds)
            self._take(event)
            self.last = event.seq
            self._event_seqs.append(event.seq)
            self._event_clocks.append(self.clock)

    def _advance(self, event: AnyEvent, stopped: bool) -> None:
        passed = max(0, event.time - self._time) if self.last else 0
        own = event.duration if isinstance(event, (OpApplied, NodeFinished)) else 0
        self._own = min(own, passed)  # what ran inside it has been counted
        self._time = event.time
        self.clock += (0 if stopped else min(passed - self._own, LONGEST_GAP)) + self._own

    def _take(self, event: AnyEvent) -> None:
        if isinstance(event, OpApplied):
            if self._step is None:
                lane = Lane.BACKWARD if event.backward else Lane.FORWARD
                self._block(lane, self.clock - self._own, self.clock, event.seq, event.name)
        elif isinstance(event, NodeStarted):
            self._node_names[event.node] = event.name
        elif isinstance(event, NodeFinished):
            name = self._node_names.pop(event.node, "")
            self._block(Lane.BACKWARD, self.clock - self._own, self.clock, event.seq, name)
        elif isinstance(event, GradientsZeroed):
            self._block(Lane.OPTIMIZER, self.clock, self.clock, event.seq, "zero_grad")
        elif isinstance(event, OptimizerStepStarted):
            self._step = (event.seq, self.clock, event.type)
        elif isinstance(event, OptimizerStepEnded) and self._step is not None:
            _, start, name = self._step
            self._block(Lane.OPTIMIZER, start, self.clock, event.seq, f"{name}.step")
            self._step = None
        elif isinstance(event, IterationStarted):
            self._iteration_starts.append(self.clock)
            self._iteration_indexes.append(event.index)
        elif isinstance(event, (Edited, WarningIssued, ExceptionRaised)):
            self._block(Lane.MARKERS, self.clock, self.clock, event.seq, type(event).__name__)

    def _block(self, lane: Lane, start: int, end: int, seq: int, name: str) -> None:
        if lane is not Lane.MARKERS and end - start < SHORTEST_BLOCK:
            end = start + SHORTEST_BLOCK
            self.clock = max(self.clock, end)
        self._lanes.append(lane)
        self._starts.append(start)
        self._ends.append(end)
        self._seqs.append(seq)
        if name not in self._name_ids:
            self._name_ids[name] = len(self._names)
            self._names.append(name)
        self._name_of.append(self._name_ids[name])

    def add_hits(self, seqs: Iterable[int]) -> None:
        """The script stopped at a breakpoint after each of ``seqs``."""
        known = set(self._hits)
        new = [seq for seq in seqs if seq not in known]
        if new:
            self._hits = sorted([*self._hits, *new])

    def hits_between(self, start: float, end: float) -> list[Seq]:
        """The stops at breakpoints that lie in [start, end] and have been read."""
        first, last = self.seq_at(start), self.seq_at(end)
        if first is None or last is None:
            return []
        return [Seq(seq) for seq in self._hits[bisect_left(self._hits, first) : bisect_right(self._hits, last)]]

    @property
    def iterations(self) -> int:
        """How many iterations there are."""
        return len(self._iteration_starts)

    def span(self, position: int) -> Span:
        """The iteration at a position (from 0); the first holds the set-up before it as well."""
        starts = self._iteration_starts
        end = starts[position + 1] if position + 1 < len(starts) else self.clock
        return Span(self._iteration_indexes[position], starts[position] if position else 0, end)

    def position_at(self, clock: float) -> int:
        """Which iteration lies at ``clock`` (-1: none yet)."""
        return max(0, bisect_right(self._iteration_starts, clock) - 1) if self._iteration_starts else -1

    def spans_between(self, start: float, end: float, most: int = 400) -> list[Span]:
        """The iterations that touch [start, end], at most about ``most`` of them, evenly left out."""
        if not self._iteration_starts:
            return []
        first, last = self.position_at(start), self.position_at(end)
        step = max(1, (last - first + 1) // most)
        return [self.span(position) for position in range(first, last + 1, step)]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self._name_of.view())

    def visible(self, start: float, end: float) -> NDArray[np.int64]:
        """Indexes of the blocks that touch [start, end], in order."""
        first = int(np.searchsorted(self._ends.view(), start, "left"))
        last = int(np.searchsorted(self._starts.view(), end, "right"))
        return np.arange(min(first, last), last)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Lane, start, end and seq of all blocks, in order of time."""
        return self._lanes.view(), self._starts.view(), self._ends.view(), self._seqs.view()

    def block(self, index: int) -> Block:
        """One block."""
        lanes, starts, ends, seqs = self.columns()
        return Block(
            Lane(int(lanes[index])),
            int(starts[index]),
            int(ends[index]),
            Seq(int(seqs[index])),
            self._names[int(self._name_of.view()[index])],
        )

    def neighbour(self, seq: Seq, step: int) -> Seq | None:
        """The event of the block before (``step`` -1) or after (1) ``seq``; None at the ends."""
        seqs = self._seqs.view()
        index = int(np.searchsorted(seqs, seq, "right" if step > 0 else "left")) - (0 if step > 0 else 1)
        return Seq(int(seqs[index])) if 0 <= index < len(seqs) else None

    def clock_at(self, seq: Seq) -> int:
        """Where an event lies on the clock without stops."""
        index = int(np.searchsorted(self._event_seqs.view(), seq, "right")) - 1
        return int(self._event_clocks.view()[index]) if index >= 0 else 0

    def seq_at(self, clock: float) -> Seq | None:
        """The event that was newest at ``clock`` (None while there is none)."""
        seqs = self._event_seqs.view()
        if not len(seqs):
            return None
        index = int(np.searchsorted(self._event_clocks.view(), clock, "right")) - 1
        return Seq(int(seqs[max(index, 0)]))

    def first_block_at(self, clock: float, lane: Lane, slack: float) -> int | None:
        """The block of ``lane`` under ``clock``, or within ``slack`` of it."""
        lanes, starts, ends, _ = self.columns()
        near = self.visible(clock - slack, clock + slack)
        hits = [i for i in near.tolist() if lanes[i] == lane and starts[i] - slack <= clock <= ends[i] + slack]
        return min(hits, key=lambda i: abs((starts[i] + ends[i]) / 2 - clock)) if hits else None


def nice_step(width: float, most: int) -> float:
    """The round step (1, 2 or 5 times a power of ten) that cuts ``width`` into at most ``most`` parts."""
    if width <= 0 or most < 1:
        return 1.0
    raw = width / most
    power = 10.0 ** np.floor(np.log10(raw))
    steps = [1.0, 2.0, 5.0, 10.0]
    return float(steps[min(bisect_left(steps, raw / power - 1e-9), 3)] * power)


def clock_label(clock: float, step: float) -> str:
    """A time on an axis whose ticks are ``step`` ns apart: in one unit, with as many places as tell ticks apart."""
    if clock == 0:
        return "0"
    unit, factor = next(
        ((unit, factor) for unit, factor in (("s", 1e9), ("ms", 1e6)) if abs(clock) >= factor / 10), ("µs", 1e3)
    )
    places = max(0, -int(np.floor(np.log10(step / factor) + 1e-9)))
    return f"{clock / factor:.{places}f} {unit}"
