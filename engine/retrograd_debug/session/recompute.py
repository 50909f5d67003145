"""Contents that were not recorded, had by a replay in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from retrograd_debug.log.api import Iteration, Log, LogError
from retrograd_debug.log.ring import RingError
from retrograd_debug.session.api import FetchValue, Notice, Recomputing, ValueFetched
from retrograd_events import tr
from retrograd_events.events import (
    AnyEvent,
    BackwardStarted,
    GradientAccumulated,
    NodeStarted,
    OpApplied,
    Seq,
    TensorId,
    TensorSeen,
)

if TYPE_CHECKING:
    from retrograd_debug.session.replaying import Replay


def made_at(log: Log, tensor: TensorId, version: int, cursor: Seq) -> Seq | None:
    """The event after which a tensor has that version and is at hand, at or before ``cursor`` where there is one."""
    for iteration in _nearest_first(log, cursor):
        for event in log.events(iteration.first, iteration.last or log.head):
            if (int(tensor), version) in _brought(event):
                return event.seq
    return None


def _nearest_first(log: Log, cursor: Seq) -> Iterator[Iteration]:
    """The cursor's iteration, the first (where data are made), then backwards from the cursor."""
    before = [each for each in log.iterations if each.first <= cursor]
    if before:
        yield before[-1]
        yield from before[:1]
        yield from reversed(before[1:-1])


def _brought(event: AnyEvent) -> set[tuple[int, int]]:
    match event:
        case OpApplied(outputs=metas):
            return {(each.id, each.version) for each in metas}
        case NodeStarted(grads=grads):
            return {(each.id, each.version) for each in grads if each is not None}
        case GradientAccumulated(grad=meta) | TensorSeen(tensor=meta):
            return {(meta.id, meta.version)}
        case BackwardStarted(seeds=metas):
            return {(each.id, each.version) for each in metas}
        case _:
            return set()


class Recomputer:
    """One replay at a time; the newest request replaces what waits. Its process stays where it came to, for the next
    value of the same moment."""

    def __init__(self, tell: Callable[[Notice], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._cancelled = threading.Event()
        self._standing: tuple[Path, Seq, Replay] | None = None

    def ask(self, command: FetchValue, log: Log, cursor: Seq) -> None:
        """Answer ``command`` with a ValueFetched, some time."""
        self.cancel()
        with self._lock:
            before = self._thread
            self._cancelled = cancelled = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(command, log, cursor, cancelled, before), name="session-replay", daemon=True
            )
            self._thread.start()

    def cancel(self) -> None:
        """Give up what runs; it is answered so."""
        self._cancelled.set()

    def close(self) -> None:
        """Leave no process and no thread."""
        self.cancel()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(15.0)
        self._leave()

    def _leave(self) -> None:
        standing, self._standing = self._standing, None
        if standing is not None:
            standing[2].close()

    def _run(
        self,
        command: FetchValue,
        log: Log,
        cursor: Seq,
        cancelled: threading.Event,
        before: threading.Thread | None,
    ) -> None:
        from retrograd_debug.session.launch import LaunchError
        from retrograd_debug.session.replaying import ReplayError

        if before is not None:
            before.join()
        try:
            self._answer(command, log, cursor, cancelled)
        except (ReplayError, LaunchError, LogError, RingError, OSError) as error:
            self._tell(ValueFetched(command.lane, command.request, None, str(error)))

    def _answer(self, command: FetchValue, log: Log, cursor: Seq, cancelled: threading.Event) -> None:
        from retrograd_debug.session.replaying import Replay, ReplayError

        seq = made_at(log, command.tensor, command.version, cursor)
        if seq is None:
            raise ReplayError(tr("The log does not say where this value was made, so that no replay can find it."))
        if self._standing is None or self._standing[:2] != (log.path, seq):
            self._leave()
            goal = log.iteration_at(seq)
            number = goal.index if goal is not None else 0
            why = tr("not recorded; the script is run again from its beginning to iteration {number}", number=number)
            again = Replay(log.path, seq)
            self._standing = (log.path, seq, again)
            self._tell(Recomputing(command.request, 0, number, why))
            report = again.wait(cancelled.is_set, lambda at: self._tell(Recomputing(command.request, at, number, why)))
            if cancelled.is_set() or not report.equal or again.hold is None:
                self._leave()
                raise ReplayError(tr("cancelled") if cancelled.is_set() else report.verdict())
        value = self._standing[2].value(command.tensor, command.version)
        self._tell(ValueFetched(command.lane, command.request, value, ""))
