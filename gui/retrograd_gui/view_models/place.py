"""Where the person looks, in the script: the line that runs and, in backward, the forward line of the held node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrograd_debug.log.state import State
from retrograd_debug.session.api import Hold, Snapshot
from retrograd_events.events import (
    AnyEvent,
    BackwardEnded,
    BackwardStarted,
    ExceptionRaised,
    GradientAccumulated,
    GradientsZeroed,
    NodeFinished,
    NodeId,
    NodeStarted,
    OpApplied,
    OptimizerStepStarted,
    ScalarLogged,
    Seq,
    SiteDefined,
    SiteId,
    WarningIssued,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Place:
    """``running``: the line that runs (or ran at the cursor). ``forward``: in backward, the line of the node's forward
    op, when it is another one. ``held``: the script stands here now."""

    running: Line | None = None
    forward: Line | None = None
    held: bool = False


def event_at(events: Sequence[AnyEvent], seq: Seq) -> AnyEvent | None:
    """The newest of ``events`` (ordered by seq) that is not after ``seq``."""
    low, high = 0, len(events)
    while low < high:
        middle = (low + high) // 2
        if events[middle].seq <= seq:
            low = middle + 1
        else:
            high = middle
    return events[low - 1] if low else None


def line_of(site: SiteId, sites: dict[SiteId, SiteDefined]) -> Line | None:
    """The line of a site, when it is known."""
    found = sites.get(site)
    return Line(found.file, found.line) if found is not None else None


def place_of(snapshot: Snapshot) -> Place:
    """Where ``snapshot`` stands. Held live: the hold's line. Looking back or running: the line of the newest event that
    has one, not after the cursor."""
    sites = snapshot.log.sites if snapshot.log is not None else {}
    hold = snapshot.hold
    if snapshot.live and hold is not None:
        running = Line(hold.file, hold.line) if hold.file else None
        return Place(running, _other(_forward_of_hold(hold, snapshot, sites), running), True)
    return _place_in_log(snapshot, sites)


def _forward_of_hold(hold: Hold, snapshot: Snapshot, sites: dict[SiteId, SiteDefined]) -> Line | None:
    if hold.kind != "node":
        return None
    return line_of(forward_site(hold.node, snapshot), sites)


def forward_site(node: NodeId, snapshot: Snapshot) -> SiteId:
    """The site of the forward op that made ``node`` (0: none, as for AccumulateGrad)."""
    info = snapshot.state.nodes.get(node)
    if info is None or not info.op:
        return SiteId(0)
    for events in (snapshot.iteration_events, snapshot.previous_events):
        event = event_at(events, info.op)
        if isinstance(event, OpApplied) and event.seq == info.op:
            return event.site
    for tensor in snapshot.state.tensors.values():
        if tensor.op == info.op:
            return tensor.site
    return SiteId(0)


def _other(line: Line | None, running: Line | None) -> Line | None:
    return None if line == running else line


def _place_in_log(snapshot: Snapshot, sites: dict[SiteId, SiteDefined]) -> Place:
    events = snapshot.iteration_events
    index = _last_index(events, snapshot.cursor)
    while index >= 0:
        event = events[index]
        site, node = _site_and_node(event, snapshot.state)
        running = line_of(site, sites)
        if running is not None:
            forward = line_of(forward_site(node, snapshot), sites) if node else None
            return Place(running, _other(forward, running), False)
        index -= 1
    return Place()


def _last_index(events: Sequence[AnyEvent], seq: Seq) -> int:
    low, high = 0, len(events)
    while low < high:
        middle = (low + high) // 2
        if events[middle].seq <= seq:
            low = middle + 1
        else:
            high = middle
    return low - 1


def _site_and_node(event: AnyEvent, state: State) -> tuple[SiteId, NodeId]:
    """The running line's site and the node at work, where ``event`` tells them."""
    if isinstance(
        event, (OpApplied, BackwardStarted, OptimizerStepStarted, GradientsZeroed, WarningIssued, ExceptionRaised)
    ):
        return event.site, NodeId(0)
    if isinstance(event, (NodeStarted, NodeFinished, GradientAccumulated, BackwardEnded)):
        site = next((b.site for b in reversed(state.backwards) if b.id == event.backward), SiteId(0))
        return site, NodeId(0) if isinstance(event, BackwardEnded) else event.node
    if isinstance(event, ScalarLogged):
        return SiteId(0), NodeId(0)
    return SiteId(0), NodeId(0)
