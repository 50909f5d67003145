"""What every session shares: the one cursor, subscribers, lanes for values, and the thread that makes snapshots.

Two threads: ``commands`` carries out what was asked, in order; ``projector`` reads the log and makes snapshots, at most
sixty a second and at once when something was held. Neither callers nor listeners ever wait for the disk.
"""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Union

from retrograd_debug.log import walk
from retrograd_debug.log.api import Iteration, Log, LogError
from retrograd_debug.log.state import State
from retrograd_debug.session.api import (
    Breakpoint,
    CancelReplay,
    Changed,
    Command,
    Failed,
    FetchValue,
    Hold,
    Notice,
    Phase,
    Seek,
    Snapshot,
    Step,
    StepKind,
    ValueFetched,
    Verb,
)
from retrograd_debug.session.recompute import Recomputer
from retrograd_events import tr
from retrograd_events.events import AnyEvent, Seq

FRAME = 1 / 60
"""Seconds that two snapshots are apart at least while the script runs."""

IDLE = 0.05
"""Seconds between two looks at a log that grows."""


@dataclass(slots=True)
class View:
    """What the projector takes from the session's state under its lock."""

    phase: Phase
    hold: Hold | None
    message: str
    cursor: Seq
    live: bool
    growing: bool


@dataclass(slots=True)
class IterationEvents:
    """The events of one iteration, read once and then only added to."""

    index: int = -1
    first: Seq = Seq(0)
    last: Seq = Seq(0)
    events: list[AnyEvent] = field(default_factory=list)


class SessionBase(ABC):
    """The part of a session that doesn't care where its log comes from."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Notice], None]] = []
        self._inbox: queue.SimpleQueue[Union[Command, Callable[[], None], None]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = False
        self._phase = Phase.STARTING
        self._hold: Hold | None = None
        self._message = ""
        self._cursor = Seq(0)
        self._looking_back = False
        self._log: Log | None = None
        self._lanes: dict[str, FetchValue] = {}
        self._recomputer = Recomputer(self._tell)
        self._seen = IterationEvents()
        self._before = IterationEvents()
        self._rate_mark = (0.0, 0)
        self._rate = 0.0
        self._snapshot = Snapshot(
            None, Phase.STARTING, frozenset(), Seq(0), Seq(0), True, None, State(), None, (), (), "", 0.0
        )
        self._threads = [
            threading.Thread(target=self._obey, name="session-commands", daemon=True),
            threading.Thread(target=self._project, name="session-projector", daemon=True),
        ]

    def _start_threads(self) -> None:
        for thread in self._threads:
            thread.start()

    # --- the interface

    @property
    def title(self) -> str:
        """The script's or the log's file name."""
        return self._title

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def do(self, command: Command) -> None:
        """Queue a command."""
        if isinstance(command, FetchValue):
            with self._lock:
                self._lanes[command.lane] = command
            self._wake.set()
        elif isinstance(command, CancelReplay):
            self._recomputer.cancel()
        elif not self._closing:
            self._inbox.put(command)

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call ``listener`` with every notice from now on; the result unsubscribes."""
        with self._lock:
            self._listeners = [*self._listeners, listener]

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = [each for each in self._listeners if each is not listener]

        return unsubscribe

    def close(self) -> None:
        """Leave no process and no thread."""
        if self._closing:
            return
        self._closing = True
        self._recomputer.close()
        self._shut_down()
        self._inbox.put(None)
        self._wake.set()
        for thread in self._threads:
            if thread is not threading.current_thread() and thread.ident is not None:
                thread.join(timeout=10.0)
        if self._log is not None:
            self._log.close()

    # --- what a kind of session adds

    @abstractmethod
    def _carry_out(self, command: Command) -> None:
        """Do a command that is not about looking back."""

    @abstractmethod
    def _verbs(self, view: View) -> frozenset[Verb]:
        """What can be done now."""

    @abstractmethod
    def _fetch_live(self, command: FetchValue) -> bool:
        """Ask the held process for a value; False when there is none to ask."""

    @abstractmethod
    def _shut_down(self) -> None:
        """End what runs outside this process."""

    def _growing(self) -> bool:
        """Whether the log can still grow."""
        return False

    def _set_now(self) -> Sequence[Breakpoint]:
        """The breakpoints that end a walk early."""
        return ()

    # --- notices and state

    def _tell(self, notice: Notice) -> None:
        for listener in self._listeners:
            listener(notice)

    def _fail(self, text: str) -> None:
        self._tell(Failed(text))

    def _set(self, phase: Phase, hold: Hold | None = None, message: str = "") -> None:
        """Enter a phase and have a snapshot made of it."""
        with self._lock:
            self._phase, self._hold, self._message = phase, hold, message
        self._wake.set()

    def _move(self, cursor: Seq, live: bool) -> None:
        with self._lock:
            self._cursor, self._looking_back = cursor, not live
        self._wake.set()

    def _forget_events(self) -> None:
        """Another log is about to be opened."""
        self._seen, self._before = IterationEvents(), IterationEvents()

    # --- the command thread

    def _obey(self) -> None:
        while True:
            item = self._inbox.get()
            if item is None:
                return
            try:
                if callable(item):
                    item()
                elif isinstance(item, Seek):
                    self._seek(item)
                elif isinstance(item, Step) and (item.back or self._looking_back or self._log_only()):
                    self._walk(item)
                else:
                    self._carry_out(item)
            except (LogError, OSError, ValueError) as error:
                self._fail(str(error))

    def _log_only(self) -> bool:
        """Whether steps at the head walk the log as well, since no script is behind it."""
        return self._phase in (Phase.ENDED, Phase.LOST)

    def _seek(self, command: Seek) -> None:
        log = self._log
        if log is None:
            return
        if command.seq <= 0 or command.seq >= log.head:
            self._move(log.head, live=True)
        else:
            self._move(command.seq, live=False)

    def _walk(self, command: Step) -> None:
        """Move the cursor along the log by a step; it stops at either end."""
        log = self._log
        if log is None:
            return
        cursor = self._cursor if self._looking_back else log.head
        kind, breakpoints = command.kind, list(self._set_now())
        if kind is StepKind.TO_LINE:
            kind = StepKind.RUN
            breakpoints.append(Breakpoint(0, "line", command.file, command.line))
        goal = walk.step(log, cursor, kind, command.back, breakpoints)
        if goal is None:
            self._fail(tr("the recorded run begins here") if command.back else tr("the recorded run ends here"))
            return
        self._move(goal, live=goal >= log.head)

    # --- the projector thread

    def _project(self) -> None:
        last = 0.0
        shown: tuple[object, ...] = ()
        while True:
            self._wake.wait(IDLE if self._growing() else None)
            self._wake.clear()
            if self._closing:
                return
            try:
                view = self._view()
                moved = self._refresh(view)
                key = (view.phase, view.hold, view.message, view.cursor, view.live, self._head(), id(self._log))
                if key != shown or moved:
                    wait = last + FRAME - time.monotonic()
                    if view.phase is Phase.RUNNING and wait > 0 and key[:3] == shown[:3]:
                        self._pause_projector(wait)
                    self._snapshot = self._make(view)
                    shown, last = key, time.monotonic()
                    self._tell(Changed())
                self._serve_lanes()
            except (LogError, OSError) as error:
                self._fail(str(error))

    def _pause_projector(self, wait: float) -> None:
        if self._wake.wait(wait):
            self._wake.set()

    def _view(self) -> View:
        with self._lock:
            return View(self._phase, self._hold, self._message, self._cursor, not self._looking_back, self._growing())

    def _refresh(self, view: View) -> bool:
        log = self._log
        return log is not None and log.refresh()

    def _head(self) -> Seq:
        return self._log.head if self._log is not None else Seq(0)

    def _make(self, view: View) -> Snapshot:
        """Read what the snapshot holds from the log."""
        log = self._log
        head = self._head()
        cursor = head if view.live else min(view.cursor, head)
        if log is None or head == 0:
            return Snapshot(
                log, view.phase, self._verbs(view), Seq(0), Seq(0), True, view.hold, State(), None, (), (),
                view.message, 0.0,
            )  # fmt: skip
        state = log.state_at(cursor)
        iteration = log.iteration_at(cursor)
        events, previous = self._events_around(log, iteration, head)
        self._measure_rate(state, view)
        return Snapshot(
            log, view.phase, self._verbs(view), cursor, head, view.live, view.hold, state, iteration, events, previous,
            view.message, self._rate,
        )  # fmt: skip

    def _events_around(
        self, log: Log, iteration: Iteration | None, head: Seq
    ) -> tuple[Sequence[AnyEvent], Sequence[AnyEvent]]:
        """All events of the iteration and of the one before."""
        if iteration is None:
            return (), ()
        if self._seen.index != iteration.index:
            if self._seen.index == iteration.index - 1:
                self._before = self._seen
            self._seen = IterationEvents(iteration.index, iteration.first)
        events = self._fill(log, self._seen, iteration, head)
        before = log.iteration_at(Seq(iteration.first - 1)) if iteration.first > 1 else None
        if before is None or before.index == iteration.index:
            return events, ()
        if self._before.index != before.index:
            self._before = IterationEvents(before.index, before.first)
        return events, self._fill(log, self._before, before, head)

    def _fill(self, log: Log, kept: IterationEvents, iteration: Iteration, head: Seq) -> list[AnyEvent]:
        end = iteration.last or head
        if kept.last < end:
            start = Seq(kept.last + 1) if kept.last else iteration.first
            # A new list: the old one may be in a snapshot.
            kept.events = [*kept.events, *log.events(start, end)]
            kept.last = end
        return kept.events

    def _measure_rate(self, state: State, view: View) -> None:
        """Ops a second, over about half a second."""
        now = time.monotonic()
        then, ops = self._rate_mark
        if view.phase is not Phase.RUNNING or not view.live:
            self._rate, self._rate_mark = 0.0, (0.0, 0)
        elif then == 0.0:
            self._rate_mark = (now, state.ops)
        elif now - then >= 0.5:
            self._rate = max(0.0, (state.ops - ops) / (now - then))
            self._rate_mark = (now, state.ops)

    def _serve_lanes(self) -> None:
        """Answer the newest request of each lane."""
        with self._lock:
            lanes, self._lanes = self._lanes, {}
        for command in lanes.values():
            if command.version >= 0 and self._log is not None:
                value = self._log.value(command.tensor, command.version)
                if value is not None and value.array is not None:
                    self._tell(ValueFetched(command.lane, command.request, value, ""))
                    continue
            if command.replay and command.version >= 0 and self._log is not None and not self._closing:
                self._recomputer.ask(command, self._log, self._cursor if self._looking_back else self._log.head)
            elif not self._fetch_live(command):
                self._tell(ValueFetched(command.lane, command.request, None, self._not_recorded(command)))

    def _not_recorded(self, command: FetchValue) -> str:
        value = self._log.value(command.tensor, command.version) if self._log is not None else None
        return value.reason if value is not None and value.reason else tr("not recorded here")
