"""What of a run must be the same when it happens again: its events without time, memory, output and addresses.

Each thread has a rolling hash over its events; threads are numbered by their first one. Two runs are equal as far as
their hashes are, and the first event that differs is found by going along both.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from retrograd_debug.log.api import Log
from retrograd_events.events import (
    AnyEvent,
    Gap,
    IterationStarted,
    MemoryAllocated,
    MemoryFreed,
    OpApplied,
    OutputWritten,
    RunEnded,
    RunStarted,
    Seq,
    SiteDefined,
    SiteId,
    ValueRecorded,
    WarningIssued,
)

_UNCHECKED = frozenset(
    (RunStarted, RunEnded, SiteDefined, MemoryAllocated, MemoryFreed, OutputWritten, WarningIssued, ValueRecorded, Gap)
)
_HEAD = 3
"""Fields that every event begins with: seq, time, thread."""

UNSET = frozenset(("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"))
"""Ops whose contents are whatever lay there."""

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
_PIECE = 4096

_encode = msgspec.msgpack.Encoder(enc_hook=repr).encode


def is_checked(event: AnyEvent) -> bool:
    """Whether a replay must bring this event again."""
    return type(event) not in _UNCHECKED


def canonical(event: AnyEvent, sites: Mapping[SiteId, SiteDefined]) -> bytes:
    """What of ``event`` must be the same, as bytes; a site counts by its file and line, not by its number."""
    fields: list[object] = [type(event).__name__]
    names = event.__struct_fields__
    for name, value in zip(names[_HEAD:], msgspec.structs.astuple(event)[_HEAD:], strict=True):
        if name == "duration":
            continue
        if name == "site":
            site = sites.get(value)
            value = (site.file, site.line, site.function) if site is not None else None
        fields.append(value)
    encoded = _encode(fields)
    if b"0x" in encoded:
        return _ADDRESS.sub("0x", encoded.decode("latin-1")).encode("latin-1")
    return encoded


@dataclass(frozen=True, slots=True)
class Step:
    """An event on the way through a log; ``thread`` counts those that have checked events, from 0."""

    thread: int
    event: AnyEvent
    data: bytes


class Trail:
    """Goes along a log that may still grow: checked events and recorded values (with empty ``data``), in order."""

    def __init__(self, log: Log, until: Seq | None = None) -> None:
        """``until``: the last event to look at."""
        self.log = log
        self.at = Seq(0)
        self._until = until
        self._threads: dict[int, int] = {}

    def steps(self) -> Iterator[Step]:
        """All that are there now and were not given yet."""
        while True:
            end = self.log.head if self._until is None else min(self.log.head, self._until)
            if self.at >= end:
                return
            last = Seq(min(end, self.at + _PIECE))
            for event in self.log.events(Seq(self.at + 1), last):
                if is_checked(event):
                    thread = self._threads.setdefault(event.thread, len(self._threads))
                    yield Step(thread, event, canonical(event, self.log.sites))
                elif isinstance(event, (ValueRecorded, Gap)):
                    yield Step(self._threads.get(event.thread, 0), event, b"")
            self.at = last


class Rolling:
    """The hash of one thread's events so far."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self.count = 0

    def add(self, data: bytes) -> None:
        """One event more."""
        self._hash.update(len(data).to_bytes(4, "little") + data)
        self.count += 1

    def text(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()


def hashes(log: Log, until: Seq | None = None) -> dict[int, str]:
    """The rolling hash of each thread of a run, up to an event."""
    found: dict[int, Rolling] = {}
    for step in Trail(log, until).steps():
        if step.data:
            found.setdefault(step.thread, Rolling()).add(step.data)
    return {thread: each.text() for thread, each in found.items()}


class Comparison:
    """Two runs, event by event in each thread, until the first that differs. Where events of ``left`` were not kept,
    both go on with the next iteration that is there."""

    def __init__(self, left: Trail, right: Trail, value: Callable[[ValueRecorded], bool | None] | None = None) -> None:
        """``value`` says of a value of ``right`` whether ``left`` has the same (None: it has none)."""
        self.left = left
        self.right = right
        self.events = self.values = 0
        self.difference: tuple[Step | None, Step | None] | None = None
        """The first steps that differ (None: there is none on that side any more)."""
        self.missing = 0
        """Iterations at whose beginning both were brought together again."""
        self.last: Step | None = None
        """The newest event that was equal."""
        self.rolling: dict[int, Rolling] = {}
        self._value = value
        self._waiting: dict[int, deque[Step]] = {}
        self._steps = left.steps()
        self._resume: int | None = None

    def advance(self) -> bool:
        """Compare what is there by now; False when there is nothing more to compare."""
        if self.difference is not None:
            return False
        for step in self.right.steps():
            if isinstance(step.event, ValueRecorded):
                if self._differs(step):
                    return False
                continue
            if self._resume is not None:
                if not isinstance(step.event, IterationStarted) or step.event.index != self._resume:
                    continue
                self._resume = None
            skipped = self.missing
            expected = self._next(step.thread)
            if self.missing > skipped:
                continue
            if expected is None:
                return False
            if expected.data != step.data:
                self.difference = (expected, step)
                return False
            self.events += 1
            self.last = step
            self.rolling.setdefault(step.thread, Rolling()).add(step.data)
        return True

    def finish(self) -> None:
        """Nothing more will come: what ``left`` still has is a difference."""
        while self.difference is None and self._resume is None:
            rest = [step for waiting in self._waiting.values() for step in waiting]
            step = rest[0] if rest else next(self._steps, None)
            if step is None:
                return
            if step.data:
                self.difference = (step, None)

    def _differs(self, step: Step) -> bool:
        if self._value is None or self._resume is not None or not isinstance(step.event, ValueRecorded):
            return False
        if self.last is not None and isinstance(self.last.event, OpApplied) and self.last.event.name in UNSET:
            return False
        same = self._value(step.event)
        self.values += same is True
        if same is False:
            self.difference = (step, step)
        return same is False

    def _next(self, thread: int) -> Step | None:
        waiting = self._waiting.setdefault(thread, deque())
        while not waiting:
            step = next(self._steps, None)
            if step is None:
                self._steps = self.left.steps()
                step = next(self._steps, None)
            if step is None:
                return None
            if isinstance(step.event, Gap):
                self._skip()
                return None
            if step.data:
                self._waiting.setdefault(step.thread, deque()).append(step)
        return waiting.popleft()

    def _skip(self) -> None:
        """Events of ``left`` were not kept: go to the next iteration that it has."""
        self._waiting.clear()
        for step in self._steps:
            if isinstance(step.event, IterationStarted):
                self._waiting[step.thread] = deque((step,))
                self._resume, self.missing = step.event.index, self.missing + 1
                return
