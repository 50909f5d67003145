"""Reads a log's events as they come, once each and in order, without holding up the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from retrograd_debug.log.api import Log, LogError
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import AnyEvent, Seq
from retrograd_gui.widgets.worker import Worker

CHUNK = 2048


@dataclass(frozen=True)
class Batch:
    """Events that follow those before, up to ``last``; ``stops`` are events after which the script was held, ``hits``
    those of them where a breakpoint did it."""

    log: Log
    events: Sequence[AnyEvent]
    last: Seq
    stops: frozenset[int] = frozenset()
    hits: frozenset[int] = frozenset()


class Follower:
    """``take`` is called in the GUI thread with what is new, ``restart`` when another log is followed."""

    def __init__(
        self,
        owner: QWidget,
        take: Callable[[Batch], None],
        restart: Callable[[], None],
    ) -> None:
        self._worker = Worker(owner)
        self._take = take
        self._restart = restart
        self._log: Log | None = None
        self._last = Seq(0)
        self._head = Seq(0)
        self._reading = False
        self._stops: set[int] = set()

    def reset(self) -> None:
        """Forget what was followed."""
        self._log, self._last, self._head, self._reading = None, Seq(0), Seq(0), False
        self._stops = set()

    def update(self, snapshot: Snapshot) -> None:
        """Look whether ``snapshot`` brings more."""
        if snapshot.log is not self._log:
            self._log, self._last, self._head, self._reading = snapshot.log, Seq(0), Seq(0), False
            self._stops = set()
            self._restart()
        if snapshot.log is None:
            return
        if snapshot.hold is not None:
            self._stops.add(snapshot.head)
        self._head = max(self._head, snapshot.head)
        if not self._reading and not self._take_at_hand(snapshot):
            self._read()

    def _take_at_hand(self, snapshot: Snapshot) -> bool:
        """What the snapshot carries itself needs no reading: so a step is seen in its own frame."""
        events = snapshot.iteration_events
        if (
            snapshot.log is None
            or not snapshot.live
            or not events
            or len(events) > CHUNK
            or events[0].seq > self._last + 1
        ):
            return False
        new = [event for event in events if self._last < event.seq <= snapshot.head]
        if new:
            self._take(Batch(snapshot.log, new, snapshot.head, frozenset(self._stops)))
        self._last = snapshot.head
        return True

    def _read(self) -> None:
        log, first, last = self._log, Seq(self._last + 1), self._head
        if log is None or first > last:
            return
        self._reading = True
        last = min(last, Seq(first + CHUNK - 1))
        self._worker.submit("follow", lambda: _read_batch(log, first, last), self._taken)

    def _taken(self, batch: Batch) -> None:
        if batch.log is not self._log:
            return
        self._reading = False
        self._last = batch.last
        self._stops |= batch.stops
        self._take(Batch(batch.log, batch.events, batch.last, frozenset(self._stops), batch.hits))
        self._read()


def _read_batch(log: Log, first: Seq, last: Seq) -> Batch:
    try:
        events = log.events(first, last)
        holds = [act for act in log.acts() if act.kind == "hold"] if first == 1 else []
    except LogError:
        return Batch(log, [], last)
    # the agent begins a hold's text with its reason
    hits = frozenset(int(act.after) for act in holds if act.text.partition(":")[0] == "breakpoint")
    return Batch(log, events, last, frozenset(int(act.after) for act in holds), hits)
