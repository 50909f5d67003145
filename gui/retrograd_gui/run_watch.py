"""Keeps what the status line needs beside the snapshot: how long, how quiet, how large, what the script waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from retrograd_debug.log.location import size_of
from retrograd_debug.session.api import Failed, InputWanted, Notice, Phase, Snapshot, StopProgress
from retrograd_events.events import Seq
from retrograd_gui.background import Background
from retrograd_gui.status_text import Moment

TICK_MS = 500
SIZE_EVERY = 1.0


class RunWatch(QObject):
    """Follows one run; ``changed`` says that the moment is another. Ticks only while a script runs."""

    changed = Signal()
    failed = Signal(str)

    def __init__(self, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self._clock = QTimer(self)
        self._clock.setInterval(TICK_MS)
        self._clock.timeout.connect(self._tick)
        self.begin(None, True)

    def begin(self, snapshot: Snapshot | None, is_script: bool) -> None:
        """Another run is open, or none."""
        now = time.monotonic()
        self._is_script = is_script
        self._phase: Phase | None = None
        self._phase_since = self._head_since = now
        self._head = Seq(0)
        self._live = True
        self._left_at: Seq | None = None
        self._input_wanted = False
        self._stopping = ""
        self._bytes = 0
        self._sized = 0.0
        self._sizing = False
        self._snapshot: Snapshot | None = None
        self._clock.stop()
        if snapshot is not None:
            self.follow(snapshot)

    @property
    def moment(self) -> Moment:
        """What the status line needs."""
        now = time.monotonic()
        return Moment(
            in_phase=now - self._phase_since,
            quiet=now - self._head_since,
            input_wanted=self._input_wanted,
            stopping=self._stopping,
            log_bytes=self._bytes,
            left_at=self._left_at,
            is_script=self._is_script,
        )

    def follow(self, snapshot: Snapshot) -> None:
        """Take note of a new snapshot."""
        now = time.monotonic()
        self._snapshot = snapshot
        if snapshot.phase is not self._phase:
            self._phase, self._phase_since, self._head_since = snapshot.phase, now, now
            if snapshot.phase not in (Phase.STARTING, Phase.RUNNING):
                self._stopping = ""
        if snapshot.head != self._head:
            self._head, self._head_since = snapshot.head, now
        if self._live and not snapshot.live:
            self._left_at = snapshot.hold.seq if snapshot.hold is not None else Seq(0)
        elif snapshot.live:
            self._left_at = None
        self._live = snapshot.live
        self._run_clock(snapshot.phase in (Phase.STARTING, Phase.RUNNING))
        self._measure()

    def hear(self, notice: Notice) -> None:
        """Take note of a notice."""
        if isinstance(notice, InputWanted):
            self._input_wanted = notice.wanted
        elif isinstance(notice, StopProgress):
            self._stopping = notice.text
        elif isinstance(notice, Failed):
            self.failed.emit(notice.text)
        else:
            return
        self.changed.emit()

    def stop(self) -> None:
        """Tick no more."""
        self._clock.stop()

    def _run_clock(self, running: bool) -> None:
        if running and not self._clock.isActive():
            self._clock.start()
        elif not running:
            self._clock.stop()

    def _tick(self) -> None:
        self._measure()
        self.changed.emit()

    def _measure(self) -> None:
        snapshot, now = self._snapshot, time.monotonic()
        if snapshot is None or snapshot.log is None or self._sizing or now - self._sized < SIZE_EVERY:
            return
        self._sizing, self._sized = True, now
        path = snapshot.log.path
        self._background.submit(lambda: size_of(path), self._take_size(snapshot), self._no_size)

    def _take_size(self, snapshot: Snapshot) -> Callable[[int], None]:
        def take(size: int) -> None:
            self._sizing = False
            mine = self._snapshot is not None and self._snapshot.log is snapshot.log
            if mine and size != self._bytes:
                self._bytes = size
                self.changed.emit()

        return take

    def _no_size(self, _error: Exception) -> None:
        self._sizing = False
