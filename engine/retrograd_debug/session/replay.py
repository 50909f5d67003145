"""A session over a log file: everything that looking back can do, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from retrograd_debug.log.reader import open_log
from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointsResolved,
    Command,
    FetchValue,
    Phase,
    Restart,
    SetBreakpoints,
    Stop,
    Verb,
)
from retrograd_debug.session.base import SessionBase, View
from retrograd_debug.session.lines import resolve
from retrograd_events import tr


class ReplaySession(SessionBase):
    """A recorded run. Opens at its end; a log that is still being written by another process grows as it does."""

    def __init__(self, path: Path) -> None:
        """Open ``path``; ``LogError`` with a sentence when it is no log that can be read."""
        super().__init__(path.name)
        log = open_log(path)
        self._log = log
        self._breakpoints: list[Breakpoint] = []
        self._phase = Phase.ENDED
        self._message = log.damage or self._end()
        self._start_threads()
        self._wake.set()

    def _end(self) -> str:
        ended = self._log.ended if self._log is not None else None
        return ended.message if ended is not None else ""

    def _source(self, file: str) -> str | None:
        return self._log.source(os.path.realpath(file)) if self._log is not None else None

    def _verbs(self, view: View) -> frozenset[Verb]:
        return frozenset({Verb.STEP, Verb.STEP_BACK, Verb.SEEK, Verb.SET_BREAKPOINTS, Verb.REPLAY})

    def _set_now(self) -> Sequence[Breakpoint]:
        return self._breakpoints

    def _carry_out(self, command: Command) -> None:
        match command:
            case SetBreakpoints(breakpoints=breakpoints):
                self._breakpoints = breakpoints
                self._tell(BreakpointsResolved(resolve(breakpoints, self._source)))
            case Stop() | Restart():
                self._fail(tr("This is a recorded run; open its script to run it again."))
            case _:
                self._fail(tr("This is a recorded run; it can be looked at but not changed."))

    def _fetch_live(self, command: FetchValue) -> bool:
        return False

    def _growing(self) -> bool:
        return self._log is not None and self._log.ended is None and not self._log.damage

    def _shut_down(self) -> None:
        """Nothing runs outside this process."""
