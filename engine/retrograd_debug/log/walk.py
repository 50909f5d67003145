"""Where a step lands when it walks a recorded log, forwards or back.

It lands on what the live step would be held before: the event of that op, pass, node or optimizer's step, so that what
is shown there is what was known right after it. Which one that is ``session.stepping`` decides for both.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrograd_debug.log.api import Log
from retrograd_debug.log.hits import Hits
from retrograd_debug.log.reduce import reduce
from retrograd_debug.log.regions import Region, entered
from retrograd_debug.log.state import State
from retrograd_debug.session.api import Breakpoint, StepKind
from retrograd_debug.session.stepping import Origin, ends
from retrograd_events.events import (
    AnyEvent,
    BackwardEnded,
    BackwardId,
    BackwardStarted,
    NodeStarted,
    OpApplied,
    OptimizerStepStarted,
    Seq,
    SiteDefined,
    SiteId,
)

_FOREVER = Seq(1 << 62)


@dataclass(frozen=True, slots=True)
class RecordedPlace:
    """A place in the log, as ``ends`` asks about it; ``seq`` is its event."""

    seq: Seq
    thread: int
    kind: str
    regions: Sequence[Region]
    entered: int
    scopes: Sequence[int]
    iteration: int
    site: SiteDefined | None
    line: SiteDefined | None
    """The user's line that runs: in a pass the one that called it."""

    def by_user(self) -> bool:
        """Whether a line of the user's files issued it, not a library that such a line called."""
        return self.site is not None and self.site.direct

    def depth(self) -> int:
        """How many frames of the user's files were on the stack when its line was first met."""
        return self.site.depth if self.site is not None else 0

    def where(self) -> tuple[str, int]:
        """The user's file and line that run."""
        return (self.line.file, self.line.line) if self.line is not None else ("", 0)

    @property
    def origin(self) -> Origin:
        """A step from here."""
        inside = tuple(region.id for region in self.regions[: self.entered])
        return Origin(inside, tuple(self.scopes), self.depth(), self.iteration, self.where())


def step(
    log: Log, cursor: Seq, kind: StepKind, back: bool = False, breakpoints: Sequence[Breakpoint] = ()
) -> Seq | None:
    """The event that a step from ``cursor`` lands on; None when the log has nothing further in that direction.

    A step that finds no stop lands on the log's last (or first) event. ``breakpoints`` end a step of any kind early:
    op breakpoints at what they name, line breakpoints where the line first did something (a line that does nothing
    that is recorded can't be told from one that did not run).
    """
    windows = _windows(log)
    hits = Hits(log, breakpoints)
    if kind is StepKind.RUN and not hits:
        return _end(log, windows, cursor, back)
    at = _window_of(windows, cursor)
    thread, origin = (None, Origin()) if kind is StepKind.RUN else _stand(log, windows[at], cursor)
    for bounds in windows[at::-1] if back else windows[at:]:
        stops = set(hits.among(log.events(*bounds)))
        if kind is not StepKind.RUN:
            places = [place for place in _places(log, bounds) if thread is None or place.thread == thread]
            if kind is StepKind.ITERATION and back:
                stops.update([place.seq for place in places if place.kind != "backward-end"][:1])
            else:
                stops.update(place.seq for place in places if ends(kind, origin, place))
        found = [seq for seq in stops if (seq < cursor if back else seq > cursor)]
        if found:
            return max(found) if back else min(found)
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


def _stand(log: Log, bounds: tuple[Seq, Seq], cursor: Seq) -> tuple[int | None, Origin]:
    """Where a step from ``cursor`` begins, and the thread that it stays in: None where no thread stands there."""
    places = list(_places(log, bounds))
    at = bisect_left(places, cursor, key=lambda place: place.seq)
    if at < len(places) and places[at].seq == cursor:
        return places[at].thread, places[at].origin
    state = log.state_at(cursor)
    thread = next((event.thread for event in log.events(cursor, cursor)), 0)
    scopes = state.scopes.get(thread, ())
    inside = tuple(region.id for region in state.regions.get(thread, ()))
    before = next((place for place in reversed(places[:at]) if place.thread == thread), None)
    depth, where = (before.depth(), before.where()) if before is not None else (0, ("", 0))
    return None, Origin(inside, tuple(scope.id for scope in scopes), depth, state.iteration, where)


def _places(log: Log, bounds: tuple[Seq, Seq]) -> Iterator[RecordedPlace]:
    """The places among the events of a window, in order."""
    events = log.events(*bounds)
    if not events:
        return
    state = log.state_at(Seq(events[0].seq - 1))
    for event in events:
        if isinstance(event, BackwardEnded):
            reduce(state, event)
            if not event.error:
                yield _place(log.sites, state, event, "backward-end", _site_of(state, event.backward))
            continue
        match event:
            case OpApplied(site=site):
                yield _place(log.sites, state, event, "op", site)
            case NodeStarted(backward=backward):
                yield _place(log.sites, state, event, "node", SiteId(0), _site_of(state, backward))
            case BackwardStarted(site=site):
                yield _place(log.sites, state, event, "backward", site)
            case OptimizerStepStarted(site=site):
                yield _place(log.sites, state, event, "optimizer", site)
            case _:
                pass
        reduce(state, event)


def _place(
    sites: Mapping[SiteId, SiteDefined],
    state: State,
    event: AnyEvent,
    kind: str,
    site: SiteId,
    line: SiteId | None = None,
) -> RecordedPlace:
    regions = tuple(state.regions.get(event.thread, ()))
    inside = entered(regions) if kind == "op" else len(regions)
    scopes = tuple(scope.id for scope in state.scopes.get(event.thread, ()))
    return RecordedPlace(
        event.seq,
        event.thread,
        kind,
        regions,
        inside,
        scopes,
        state.iteration,
        sites.get(site),
        sites.get(line or site),
    )


def _site_of(state: State, backward: BackwardId) -> SiteId:
    return next((info.site for info in state.backwards if info.id == backward), SiteId(0))
