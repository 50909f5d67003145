"""The one object that panels are given: owns the open session, the selection and the breakpoints, and tells of changes.

State flows one way. A panel asks (``dispatch``, ``select``, ``run_action``); what comes of it arrives like everyone
else's news, as a signal in the GUI thread. A session speaks from its own threads: its notices are gathered and handed
over once a frame at most.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointsResolved,
    BreakpointStatus,
    Changed,
    Command,
    Notice,
    Phase,
    Seek,
    Session,
    SetBreakpoints,
    Snapshot,
    Step,
    Verb,
)
from retrograd_events.events import Seq
from retrograd_gui.settings import Settings
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.selection import NOTHING, Selection

FRAME_MS = 16
TRAVELS_KEPT = 200
SHORT_STEP = 0.06
"""Seconds that a step may take before it is shown that the script runs."""


@dataclass(frozen=True, slots=True)
class Travels:
    """Where the person has been (``back``) and came back from (``forward``), as events; 0 is the head."""

    back: tuple[Seq, ...] = ()
    forward: tuple[Seq, ...] = ()


class Context(QObject):
    """Implements ``panels.base.PanelContext``; one for a window."""

    snapshot_changed = Signal(object)
    noticed = Signal(object)
    selection_changed = Signal(object)
    theme_changed = Signal(object)
    session_changed = Signal()
    breakpoints_changed = Signal()
    source_requested = Signal(str, int)
    travels_changed = Signal()
    _woken = Signal()

    def __init__(self, settings: Settings, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._theme = theme
        self._session: Session | None = None
        self._script = ""
        self._unsubscribe: Callable[[], None] = _nothing
        self._snapshot: Snapshot | None = None
        self._selection = NOTHING
        self._breakpoints: list[Breakpoint] = []
        self._statuses: dict[int, BreakpointStatus] = {}
        self._next_breakpoint = 1
        self._travels = Travels()
        self._actions: Callable[[str], None] = _no_action
        self._queue: deque[tuple[Session, Notice]] = deque()
        self._lock = threading.Lock()
        self._waking = False
        self._handed_over = 0.0
        self._let_go = 0.0
        self._postponed = False
        self._frame = QTimer(self)
        self._frame.setSingleShot(True)
        self._frame.setTimerType(Qt.TimerType.PreciseTimer)
        self._frame.timeout.connect(self._hand_over)
        self._woken.connect(self._wake, Qt.ConnectionType.QueuedConnection)

    # --- what panels read

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot, None while no run is open."""
        return self._snapshot

    @property
    def selection(self) -> Selection:
        """What is selected."""
        return self._selection

    @property
    def theme(self) -> Theme:
        """The theme in force."""
        return self._theme

    @property
    def breakpoints(self) -> Sequence[Breakpoint]:
        """The breakpoints in force, in the order they were made."""
        return tuple(self._breakpoints)

    @property
    def breakpoint_statuses(self) -> Mapping[int, BreakpointStatus]:
        """What the session said of each breakpoint, by its id."""
        return self._statuses

    @property
    def travels(self) -> Travels:
        """Where Alt+Left and Alt+Right lead."""
        return self._travels

    @property
    def script(self) -> str:
        """The path that breakpoints, pace and run settings are kept with; "" while no run is open."""
        return self._script

    @property
    def title(self) -> str:
        """The open run's name; "" while none is open."""
        return self._session.title if self._session else ""

    @property
    def is_open(self) -> bool:
        """Whether a run is open."""
        return self._session is not None

    # --- what panels ask for

    def dispatch(self, command: Command) -> None:
        """Send a command to the session; never blocks. A ``Seek`` is remembered, so that Alt+Left undoes it."""
        if self._session is None:
            return
        if isinstance(command, SetBreakpoints):
            self.set_breakpoints(command.breakpoints)
            return
        if isinstance(command, Seek):
            self._remember(command.seq)
        elif isinstance(command, Step):
            self._let_go = time.monotonic()
        self._session.do(command)

    def select(self, selection: Selection) -> None:
        """Select something."""
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit(selection)

    def run_action(self, id: str) -> None:
        """Run an action of the table by its id."""
        self._actions(id)

    def toggle_breakpoint(self, file: str, line: int) -> None:
        """Set or clear a line breakpoint."""
        kept = [b for b in self._breakpoints if not (b.kind == "line" and b.file == file and b.line == line)]
        if len(kept) == len(self._breakpoints):
            kept.append(Breakpoint(id=0, kind="line", file=file, line=line))
        self.set_breakpoints(kept)

    def set_breakpoints(self, breakpoints: Sequence[Breakpoint]) -> None:
        """Replace all breakpoints; a new one brings id 0 and is given its own. They are kept with the script."""
        numbered = []
        for breakpoint_ in breakpoints:
            if breakpoint_.id == 0:
                breakpoint_ = msgspec.structs.replace(breakpoint_, id=self._next_breakpoint)
            self._next_breakpoint = max(self._next_breakpoint, breakpoint_.id + 1)
            numbered.append(breakpoint_)
        self._breakpoints = numbered
        self._statuses = {b.id: self._statuses[b.id] for b in numbered if b.id in self._statuses}
        self._send_breakpoints()
        self.breakpoints_changed.emit()

    def show_source(self, file: str, line: int) -> None:
        """Bring a line into view in the source panel."""
        self.source_requested.emit(file, line)

    def load(self, key: str, default: str) -> str:
        """A panel's own small setting."""
        return self._settings.text(f"panels/{key}", default)

    def save(self, key: str, value: str) -> None:
        """Keep a panel's own small setting."""
        self._settings.set_text(f"panels/{key}", value)

    # --- what the window does

    def open(self, session: Session, script: str, breakpoints: Sequence[Breakpoint] = ()) -> None:
        """Show ``session`` from now on; ``script`` is the path that ``breakpoints`` are kept with. The session before
        it must have been let go by ``release``."""
        assert self._session is None
        self._session = session
        self._script = script
        self._snapshot = session.snapshot()
        self._selection = NOTHING
        self._travels = Travels()
        self._statuses = {}
        self._breakpoints = list(breakpoints)
        self._next_breakpoint = 1 + max((b.id for b in self._breakpoints), default=0)
        self._unsubscribe = session.subscribe(lambda notice: self._receive(session, notice))
        self.session_changed.emit()
        self._send_breakpoints()
        self.breakpoints_changed.emit()
        self.selection_changed.emit(self._selection)
        self._receive(session, Changed())

    def release(self) -> Session | None:
        """Let go of the open session and return it, for the caller to close."""
        session = self._session
        if session is None:
            return None
        self._unsubscribe()
        self._unsubscribe = _nothing
        self._session = None
        self._snapshot = None
        self._script = ""
        self._selection = NOTHING
        self._breakpoints = []
        self._statuses = {}
        self._travels = Travels()
        self._postponed = False
        with self._lock:
            self._queue.clear()
        self.session_changed.emit()
        self.breakpoints_changed.emit()
        self.selection_changed.emit(self._selection)
        return session

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.theme_changed.emit(theme)

    def serve_actions(self, run: Callable[[str], None]) -> None:
        """Have ``run_action`` carried out by ``run``."""
        self._actions = run

    def travel_back(self) -> None:
        """Return to where the person was before the last travel."""
        if self._session is not None and self._travels.back:
            target = self._travels.back[-1]
            self._travels = Travels(self._travels.back[:-1], (*self._travels.forward, self._here()))
            self.travels_changed.emit()
            self._session.do(Seek(target))

    def travel_forward(self) -> None:
        """Undo ``travel_back``."""
        if self._session is not None and self._travels.forward:
            target = self._travels.forward[-1]
            self._travels = Travels((*self._travels.back, self._here()), self._travels.forward[:-1])
            self.travels_changed.emit()
            self._session.do(Seek(target))

    def _remember(self, target: Seq) -> None:
        here = self._here()
        if target != here:
            self._travels = Travels((*self._travels.back, here)[-TRAVELS_KEPT:])
            self.travels_changed.emit()

    def _here(self) -> Seq:
        snapshot = self._snapshot
        return Seq(0) if snapshot is None or snapshot.live else snapshot.cursor

    def _send_breakpoints(self) -> None:
        # a recorded run stops nowhere; its breakpoints are still shown and kept
        if self._session is not None and Verb.SET_BREAKPOINTS in self._session.snapshot().verbs:
            self._session.do(SetBreakpoints(list(self._breakpoints)))

    # --- news from the session's threads

    def _receive(self, session: Session, notice: Notice) -> None:
        with self._lock:
            if isinstance(notice, Changed) and self._queue and isinstance(self._queue[-1][1], Changed):
                return
            self._queue.append((session, notice))
            if self._waking:
                return
            self._waking = True
        self._woken.emit()

    @Slot()
    def _wake(self) -> None:
        # the first news after a pause is handed over at once: a step must not wait for a frame
        passed = (time.monotonic() - self._handed_over) * 1000
        if passed >= FRAME_MS:
            self._hand_over()
        elif self._postponed or not self._frame.isActive():
            self._frame.start(max(1, round(FRAME_MS - passed)))

    @Slot()
    def _hand_over(self) -> None:
        with self._lock:
            batch = [notice for session, notice in self._queue if session is self._session]
            self._queue.clear()
            self._waking = False
        session = self._session
        if session is None:
            return
        if self._postponed or any(isinstance(notice, Changed) for notice in batch):
            self._show(session.snapshot())
        for notice in batch:
            if isinstance(notice, BreakpointsResolved):
                self._statuses = {status.id: status for status in notice.statuses}
                self.breakpoints_changed.emit()
            if not isinstance(notice, Changed):
                self.noticed.emit(notice)
        if not self._postponed:
            self._handed_over = time.monotonic()

    def _show(self, snapshot: Snapshot) -> None:
        """Most steps are over within milliseconds: that the script runs is only worth a repaint once it lasts."""
        before = self._snapshot
        begins = before is not None and before.phase is Phase.HELD and snapshot.phase is Phase.RUNNING
        now = time.monotonic()
        if begins and (left := self._let_go + SHORT_STEP - now) > 0:
            self._postponed = True
            self._frame.start(max(1, round(left * 1000)))
            return
        self._postponed = False
        self._snapshot = snapshot
        self.snapshot_changed.emit(snapshot)


def _nothing() -> None:
    """Unsubscribe from nothing."""


def _no_action(id: str) -> None:
    raise KeyError(id)
