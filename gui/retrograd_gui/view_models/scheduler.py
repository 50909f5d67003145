"""What the backward pass is about to do: the node that runs, those that are ready, those that wait and for whom."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd_debug import format as fmt
from retrograd_debug.log.state import BackwardInfo, NodeInfo, State
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import AnyEvent, NodeId, OpApplied, SiteDefined, SiteId
from retrograd_events.text import tr, trn
from retrograd_gui.view_models.listing import Column, Entry

COLUMNS = (Column(tr("node")), Column(tr("line"), number=True), Column(tr("waits for"), wide=True))
NAMED = 3
"""Nodes waited for that are named; more are counted."""


class SchedulerModel:
    """``entries`` are the rows, ``sentence`` what there is to say of the pass as a whole."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.sentence = tr("No backward pass. Shift+F8 runs to the next.")

    def update(self, snapshot: Snapshot | None) -> None:
        """Take over a snapshot."""
        self.entries = []
        open_passes = [info for info in snapshot.state.backwards if not info.ended] if snapshot is not None else []
        if snapshot is None or not open_passes:
            self.sentence = tr("No backward pass. Shift+F8 runs to the next.")
            return
        current = open_passes[-1]
        self.sentence = tr(
            "{done} of {total} nodes have run", done=fmt.count(current.done), total=fmt.count(current.total)
        )
        lines = _Lines(snapshot)
        held = snapshot.hold.node if snapshot.live and snapshot.hold is not None else NodeId(0)
        groups = _grouped(snapshot.state, current, held)
        awaited = _awaited(groups)
        for title, nodes in groups:
            if nodes:
                self.entries.append(Entry(None, (title, "", "")))
                self.entries.extend(_entry(node, lines, awaited.get(node.id, ()), snapshot.state) for node in nodes)


def _grouped(state: State, current: BackwardInfo, held: NodeId) -> list[tuple[str, list[NodeInfo]]]:
    """Nodes of the pass: the one that runs, the ready ones in their order, the waiting ones."""
    nodes = [node for node in state.nodes.values() if node.backward == current.id]
    running = [node for node in nodes if node.id == held or node.status == "started"]
    ready = [node for node in nodes if node.status == "ready" and node.id != held]
    waiting = [node for node in nodes if node.status == "waiting"]
    # A later made node runs first; AccumulateGrad as soon as it can.
    for group in (ready, waiting):
        group.sort(key=lambda node: (node.tensor == 0, -node.op, -node.id))
    first = tr("about to run") if held else tr("runs")
    return [
        (first, running),
        (trn("{count} is ready", "{count} are ready, in this order", len(ready)), ready),
        (trn("{count} waits", "{count} wait", len(waiting)), waiting),
    ]


def _awaited(groups: Sequence[tuple[str, Sequence[NodeInfo]]]) -> dict[NodeId, list[str]]:
    """For each node the names of those that have still to hand it a gradient."""
    found: dict[NodeId, list[str]] = {}
    for _, nodes in groups:
        for node in nodes:
            for following in node.next:
                found.setdefault(following, []).append(node.name)
    return found


def _entry(node: NodeInfo, lines: _Lines, awaited: Sequence[str], state: State) -> Entry:
    before = ""
    if node.status == "waiting":
        before = ", ".join(awaited[:NAMED])
        if len(awaited) > NAMED:
            before = tr("{names} and {count} more", names=before, count=len(awaited) - NAMED)
    tone = "held" if node.status == "started" else "text"
    return Entry(node.id, (_name(node, state), lines.of(node), before), tone)


def _name(node: NodeInfo, state: State) -> str:
    leaf = state.tensors.get(node.tensor) if node.tensor else None
    return f"{node.name} {leaf.path}" if leaf is not None and leaf.path else node.name


class _Lines:
    """The lines of the ops that made nodes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._sites: dict[SiteId, SiteDefined] = snapshot.log.sites if snapshot.log is not None else {}
        events: Sequence[AnyEvent] = snapshot.iteration_events
        self._made = {event.node: event.site for event in events if isinstance(event, OpApplied) and event.node}

    def of(self, node: NodeInfo) -> str:
        """Its line as text ("" where none is known)."""
        site = self._sites.get(self._made.get(node.id, SiteId(0)))
        return str(site.line) if site is not None else ""
