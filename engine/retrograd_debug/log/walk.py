"""Where a step lands when it walks a recorded log, forwards or back.

A stop is an event; landing on it shows what was known right after it. The steps mean what they mean live: "op" counts
an optimizer's step and a backward pass as one unless the cursor is inside of it, "into" enters them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from retrograd_debug.log.api import Log
from retrograd_debug.session.api import Breakpoint, StepKind
from retrograd_events.events import (
    AnyEvent,
    BackwardEnded,
    BackwardStarted,
    IterationStarted,
    NodeStarted,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    ScopeEntered,
    ScopeExited,
    Seq,
    SiteId,
)

_FOREVER = Seq(1 << 62)


@dataclass(slots=True)
class _Region:
    """A stretch of one thread that opens and closes: a scope, a backward pass or an optimizer's step."""

    kind: str
    key: int
    thread: int
    first: Seq
    last: Seq = _FOREVER

    def holds(self, seq: Seq) -> bool:
        """Whether a cursor at ``seq`` stands inside: past what opens it and before what closes it."""
        return self.first < seq < self.last


@dataclass(slots=True)
class _Window:
    """The events of one iteration, and the regions that open in it."""

    events: list[AnyEvent]
    regions: list[_Region] = field(default_factory=list)


def step(
    log: Log, cursor: Seq, kind: StepKind, back: bool = False, breakpoints: Sequence[Breakpoint] = ()
) -> Seq | None:
    """The event that a step from ``cursor`` lands on; None when the log has nothing further in that direction.

    A step that finds no stop lands on the log's last (or first) event. ``breakpoints`` end a step of any kind early.
    """
    windows = _windows(log)
    at = _window_of(windows, cursor)
    enabled = [breakpoint for breakpoint in breakpoints if breakpoint.enabled]
    here = _read(log, windows[at])
    inside = [region for region in here.regions if region.holds(cursor)]
    if kind is StepKind.OUT:
        if inside:
            region = max(inside, key=lambda region: region.first)
            if back or region.last != _FOREVER:
                return region.first if back else region.last
        kind = StepKind.ITERATION
    indices = range(at, -1, -1) if back else range(at, len(windows))
    for index in indices:
        window = here if index == at else _read(log, windows[index])
        stops = _stops(log, window, kind, inside if index == at else [], enabled)
        place = bisect_left(stops, cursor) - 1 if back else bisect_right(stops, cursor)
        if 0 <= place < len(stops):
            return stops[place]
    return _end(log, windows, cursor, back)


def _end(log: Log, windows: list[tuple[Seq, Seq]], cursor: Seq, back: bool) -> Seq | None:
    if not back:
        return log.head if cursor < log.head else None
    first = log.events(windows[0][0], windows[0][1])[:1]
    return first[0].seq if first and first[0].seq < cursor else None


def _windows(log: Log) -> list[tuple[Seq, Seq]]:
    """First and last event of each iteration, in order; what lies before the first one comes first."""
    iterations = log.iterations
    if not iterations:
        return [(Seq(1), log.head)]
    windows = [(each.first, each.last or log.head) for each in iterations]
    return [(Seq(1), Seq(windows[0][0] - 1)), *windows]


def _window_of(windows: list[tuple[Seq, Seq]], cursor: Seq) -> int:
    return max(0, bisect_right(windows, (cursor, _FOREVER)) - 1)


def _read(log: Log, bounds: tuple[Seq, Seq]) -> _Window:
    window = _Window(log.events(*bounds))
    open_regions: list[_Region] = []
    for event in window.events:
        match event:
            case ScopeEntered(scope=scope):
                region = _Region("scope", scope, event.thread, event.seq)
            case BackwardStarted(backward=backward):
                region = _Region("backward", backward, event.thread, event.seq)
            case OptimizerStepStarted(optimizer=optimizer):
                region = _Region("optimizer", optimizer, event.thread, event.seq)
            case ScopeExited(scope=scope):
                _close(open_regions, "scope", scope, event.seq)
                continue
            case BackwardEnded(backward=backward):
                _close(open_regions, "backward", backward, event.seq)
                continue
            case OptimizerStepEnded(optimizer=optimizer):
                _close(open_regions, "optimizer", optimizer, event.seq)
                continue
            case _:
                continue
        open_regions.append(region)
        window.regions.append(region)
    return window


def _close(open_regions: list[_Region], kind: str, key: int, seq: Seq) -> None:
    for at in range(len(open_regions) - 1, -1, -1):
        if open_regions[at].kind == kind and open_regions[at].key == key:
            open_regions[at].last = seq
            del open_regions[at]
            return


def _stops(
    log: Log, window: _Window, kind: StepKind, inside: list[_Region], breakpoints: Sequence[Breakpoint]
) -> list[Seq]:
    stops = {event.seq for event in window.events if _is_stop(event, kind)}
    if kind is StepKind.OP:
        stops -= set(_hidden(window, inside))
        stops |= {region.last for region in window.regions if region.kind == "optimizer" and region.last != _FOREVER}
    if breakpoints:
        stops |= set(_hits(log, window.events, breakpoints))
    return sorted(stops)


def _is_stop(event: AnyEvent, kind: StepKind) -> bool:
    if kind is StepKind.OP:
        return isinstance(event, (OpApplied, NodeStarted, BackwardStarted))
    if kind is StepKind.INTO:
        return isinstance(event, (OpApplied, NodeStarted, BackwardStarted, BackwardEnded, OptimizerStepStarted))
    if kind is StepKind.NODE:
        return isinstance(event, NodeStarted)
    if kind is StepKind.BACKWARD_START:
        return isinstance(event, BackwardStarted)
    if kind is StepKind.BACKWARD_END:
        return isinstance(event, BackwardEnded)
    return kind is StepKind.ITERATION and isinstance(event, IterationStarted)


def _hidden(window: _Window, inside: list[_Region]) -> Iterable[Seq]:
    """What lies in a backward pass or an optimizer's step that the cursor is not inside of."""
    entered = {(region.kind, region.key, region.first) for region in inside}
    closed = [
        region
        for region in window.regions
        if region.kind != "scope" and (region.kind, region.key, region.first) not in entered
    ]
    events = window.events
    for region in closed:
        at = bisect_right(events, region.first, key=lambda event: event.seq)
        while at < len(events) and events[at].seq < region.last:
            if events[at].thread == region.thread:
                yield events[at].seq
            at += 1


def _hits(log: Log, events: list[AnyEvent], breakpoints: Sequence[Breakpoint]) -> Iterable[Seq]:
    names = {breakpoint.op for breakpoint in breakpoints if breakpoint.kind == "op"}
    lines = {(breakpoint.file, breakpoint.line) for breakpoint in breakpoints if breakpoint.kind == "line"}
    sites = {id for id, site in log.sites.items() if (site.file, site.line) in lines}
    before = SiteId(-1)
    for event in events:
        if isinstance(event, OpApplied):
            # A line is hit when it begins, not with each of its operations.
            if event.name in names or event.node_name in names or (event.site in sites and event.site != before):
                yield event.seq
            before = event.site
        elif isinstance(event, NodeStarted) and event.name in names:
            yield event.seq
