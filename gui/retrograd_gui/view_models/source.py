"""What the source panel shows: a file's text, where the script stands in it, what each line costs, breakpoints."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from retrograd_debug import format as fmt
from retrograd_debug.session.api import Breakpoint, BreakpointStatus, Phase, Snapshot
from retrograd_events.events import (
    AnyEvent,
    BackwardEnded,
    BackwardId,
    BackwardStarted,
    ExceptionRaised,
    NodeFinished,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    Seq,
    SiteDefined,
    SiteId,
)
from retrograd_events.text import tr
from retrograd_gui.view_models.highlight import Run, highlight
from retrograd_gui.view_models.place import Line, Place, place_of


@dataclass(frozen=True, slots=True)
class Dot:
    """A breakpoint in the gutter. ``state``: on, off (switched off) or unreachable (``problem`` says why)."""

    state: str
    problem: str


@dataclass(frozen=True, slots=True)
class Message:
    """What went wrong at a line, shown below it."""

    line: int
    text: str


@dataclass
class Text:
    """A file as read: its lines in coloured runs, or why it could not be read."""

    lines: list[list[Run]] = field(default_factory=list)
    problem: str = ""

    @classmethod
    def parse(cls, source: str) -> Text:
        """Colour ``source`` (slow for large files: call it from a worker)."""
        return cls(highlight(source))

    def plain(self, line: int) -> str:
        """The characters of ``line`` (from 1), "" outside the file."""
        if not 1 <= line <= len(self.lines):
            return ""
        return "".join(run.text for run in self.lines[line - 1])


def same_file(one: str, other: str) -> bool:
    """Whether two paths are written alike, as the system compares them."""
    return one == other or os.path.normcase(os.path.normpath(one)) == os.path.normcase(os.path.normpath(other))


class SourceModel:
    """``file`` is shown; ``text`` is None until the panel has read it (``provide``)."""

    def __init__(self) -> None:
        self.file = ""
        self.text: Text | None = None
        self.place = Place()
        self.dots: dict[int, Dot] = {}
        self.message: Message | None = None
        self.times: dict[int, str] = {}
        self.stack: list[Line] = []
        self.looking_back = False
        self.script_line: Line | None = None
        self._script = ""
        self._texts: dict[str, Text] = {}
        self._followed: Line | None = None
        self._snapshot: Snapshot | None = None

    @property
    def title(self) -> str:
        """The tab's title: the file's name."""
        return PurePath(self.file).name if self.file else ""

    @property
    def needs(self) -> str:
        """The file whose text is still to be read ("" when none)."""
        return self.file if self.file and self.text is None else ""

    def provide(self, file: str, text: Text) -> None:
        """The text of ``file`` was read."""
        self._texts[file] = text
        if file == self.file:
            self.text = text

    def open(self, file: str) -> None:
        """Show another file, by the person's wish."""
        self._show(file)
        if self._snapshot is not None:
            self._read_marks(self._snapshot)

    def update(self, snapshot: Snapshot) -> Line | None:
        """Take over a snapshot; returns the line to bring into view when the place moved, else None."""
        self._snapshot = snapshot
        self.place = place_of(snapshot)
        self.looking_back = not snapshot.live
        self._script = _script_of(snapshot) or self._script
        hold = snapshot.hold
        self.script_line = Line(hold.file, hold.line) if hold is not None and hold.file and not snapshot.live else None
        self.stack = [Line(frame.file, frame.line) for frame in hold.stack] if hold is not None else []
        failed = _failure(snapshot)
        target = failed[0] if failed is not None and self.place.running is None else self.place.running
        moved = target is not None and target != self._followed
        if target is not None and moved:
            self._followed = target
            self._show(target.file)
        elif not self.file and self._script:
            self._show(self._script)
        self._read_marks(snapshot)
        return target if moved else None

    def _show(self, file: str) -> None:
        if not same_file(file, self.file):
            self.file = file
            self.text = self._texts.get(file)

    def _read_marks(self, snapshot: Snapshot) -> None:
        failed = _failure(snapshot)
        self.message = None
        if failed is not None and same_file(failed[0].file, self.file):
            self.message = Message(failed[0].line, failed[1])
        self.times = {line: fmt.duration(ns) for line, ns in self._durations(snapshot).items() if ns > 0}
        running = self.place.running
        if self.place.held and running is not None and same_file(running.file, self.file):
            self.times[running.line] = tr("held")

    def _durations(self, snapshot: Snapshot) -> dict[int, int]:
        """ns a line: of this iteration up to the cursor, else of the one before."""
        if snapshot.log is None:
            return {}
        result: dict[int, int] = {}
        for events, last in (
            (snapshot.previous_events, None),
            (snapshot.iteration_events, snapshot.cursor),
        ):
            result.update(_line_times(events, last, snapshot.log.sites, self.file))
        return result

    def set_breakpoints(self, breakpoints: Sequence[Breakpoint], statuses: Mapping[int, BreakpointStatus]) -> None:
        """Take over the breakpoints of the shown file."""
        self.dots = {}
        for breakpoint in breakpoints:
            if breakpoint.kind != "line" or not same_file(breakpoint.file, self.file):
                continue
            status = statuses.get(breakpoint.id)
            line = status.line if status is not None and status.line else breakpoint.line
            if status is not None and status.problem:
                self.dots[line] = Dot("unreachable", status.problem)
            else:
                self.dots[line] = Dot("on" if breakpoint.enabled else "off", "")

    def mark_of(self, line: int) -> str:
        """How ``line`` is marked: running, looking (the cursor, looking back), forward, script (the script's own place
        while looking back) or "" (not)."""
        here = Line(self.file, line)
        for mark, place in (
            ("looking" if self.looking_back else "running", self.place.running),
            ("forward", self.place.forward),
            ("script", self.script_line),
        ):
            if place is not None and place.line == here.line and same_file(place.file, here.file):
                return mark
        return ""

    def other_files(self) -> list[str]:
        """Files of the person's that can be shown beside this one: the script and those on the stack."""
        files = [self._script] if self._script else []
        files += [line.file for line in self.stack]
        result: list[str] = []
        for file in files:
            if not any(same_file(file, known) for known in result):
                result.append(file)
        return result


def _failure(snapshot: Snapshot) -> tuple[Line, str] | None:
    """The exception that ended the run (or that it is held on), at the user's innermost line."""
    if not snapshot.live:
        return None
    hold = snapshot.hold
    if hold is not None and hold.kind == "exception":
        return Line(hold.file, hold.line), hold.message
    if snapshot.phase is not Phase.ENDED:
        return None
    for event in reversed(snapshot.iteration_events):
        if isinstance(event, ExceptionRaised):
            return _line_of_exception(event, snapshot), _sentence(event)
    return None


def _sentence(event: ExceptionRaised) -> str:
    return f"{event.type}: {event.message}" if event.message else event.type


def _line_of_exception(event: ExceptionRaised, snapshot: Snapshot) -> Line:
    if event.traceback:
        file, line, _, _ = event.traceback[-1]
        return Line(file, line)
    site = snapshot.log.sites.get(event.site) if snapshot.log is not None else None
    if site is not None:
        return Line(site.file, site.line)
    return Line(_script_of(snapshot), 1)


def _script_of(snapshot: Snapshot) -> str:
    run = snapshot.log.run if snapshot.log is not None else None
    return os.path.join(run.cwd, run.script) if run is not None else ""


def _line_times(
    events: Sequence[AnyEvent], last: Seq | None, sites: dict[SiteId, SiteDefined], file: str
) -> dict[int, int]:
    """Host time of the operations, backward nodes and optimizer steps that each line of ``file`` issued."""
    result: dict[int, int] = {}
    for site, amount in _durations_by_site(events, last):
        found = sites.get(site)
        if found is not None and same_file(found.file, file):
            result[found.line] = result.get(found.line, 0) + amount
    return result


def _durations_by_site(events: Sequence[AnyEvent], last: Seq | None) -> Iterator[tuple[SiteId, int]]:
    backwards: dict[BackwardId, SiteId] = {}
    step: OptimizerStepStarted | None = None
    for event in events:
        if last is not None and event.seq > last:
            return
        if isinstance(event, OpApplied):
            if not event.backward:
                yield event.site, event.duration
        elif isinstance(event, BackwardStarted):
            backwards[event.backward] = event.site
        elif isinstance(event, NodeFinished):
            yield backwards.get(event.backward, SiteId(0)), event.duration
        elif isinstance(event, BackwardEnded):
            backwards.pop(event.backward, None)
        elif isinstance(event, OptimizerStepStarted):
            step = event
        elif isinstance(event, OptimizerStepEnded) and step is not None:
            yield step.site, event.time - step.time
            step = None
