"""A picture in the making: what every part of it draws on, and its scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from retrograd_debug.graph.marks import Standing
from retrograd_debug.graph.model import Edge, EdgeKind, Item, ItemKind, ItemState, Mark, Role
from retrograd_debug.graph.names import called_names, short_arguments, site_text
from retrograd_debug.graph.steps import Reading, read
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import ScopeEntered, ScopeId, Seq, SiteDefined, SiteId, TensorId
from retrograd_events.text import tr, trn


@dataclass
class Port:
    """Where a tensor comes from in this picture."""

    key: str
    version: int
    slot: int = 0
    gradient: bool = False


@dataclass
class Draft:
    """One picture in the making; used once."""

    snapshot: Snapshot
    folds: Mapping[str, bool]
    items: dict[str, Item] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    made: dict[TensorId, Port] = field(default_factory=dict)
    scope_keys: dict[ScopeId, str] = field(default_factory=dict)
    scope_names: dict[str, int] = field(default_factory=dict)
    leaves: int = 0

    def __post_init__(self) -> None:
        snapshot = self.snapshot
        self.reading: Reading = read(snapshot.iteration_events)
        self.before: Reading = read(snapshot.previous_events)
        self.scopes: dict[ScopeId, ScopeEntered] = {**self.before.scopes, **self.reading.scopes}
        self.sites: Mapping[SiteId, SiteDefined] = snapshot.log.sites if snapshot.log is not None else {}
        self.hold = snapshot.hold if snapshot.live else None
        self.standing = Standing(snapshot)
        self.losses: dict[TensorId, float] = {
            scalar.tensor: scalar.value for scalar in self.reading.scalars if scalar.seq <= snapshot.cursor
        }
        # only a line's last operation makes what its variable names
        self.last_of_site: dict[SiteId, Seq] = {}
        for event in (*self.reading.work, *self.reading.plain):
            if event.seq > self.last_of_site.get(event.site, 0):
                self.last_of_site[event.site] = event.seq

    # --- scopes

    def _scope_key(self, scope: ScopeId) -> str:
        """The key of a scope's box, drawn with all around it when first needed."""
        entered = self.scopes.get(scope)
        if entered is None:
            return ""
        if scope in self.scope_keys:
            return self.scope_keys[scope]
        parent = self._scope_key(entered.parent)
        stem = f"{parent}/{entered.kind[:1]}.{entered.path or entered.type}"
        again = self.scope_names.get(stem, 0)
        self.scope_names[stem] = again + 1
        key = f"{stem}#{again}"
        self.scope_keys[scope] = key
        self.items[key] = Item(
            key=key,
            kind=ItemKind.SCOPE,
            parent=parent,
            title=self._scope_title(entered, bool(parent)),
            group=entered.kind,
            folded=self.folds.get(key, False),
            scope=scope,
            site=entered.site,
            tip=entered.detail,
        )
        return key

    def _scope_title(self, entered: ScopeEntered, nested: bool) -> str:
        if entered.kind == "function":
            return f"{entered.path}()"
        arguments = short_arguments(entered.detail)
        kind = f"{entered.type}({arguments})"
        is_root = entered.path in ("", entered.type)
        name = self._called(entered) if is_root else entered.path.rpartition(".")[2]
        return tr("{name}: {type}", name=name, type=kind) if name else kind

    def _called(self, entered: ScopeEntered) -> str:
        """The variable through which a root module was called: the line's calls, in order, skipping those that are
        methods of the modules' library."""
        text = site_text(self.sites, entered.site)
        names = [name for name in called_names(text) if not name.startswith(("torch.", "F.", "nn.", "print"))]
        if not names:
            return ""
        peers = [
            scope.scope
            for scope in self.scopes.values()
            if scope.site == entered.site
            and scope.kind == "module"
            and scope.path in ("", scope.type)
            and (scope.scope in self.reading.scopes) == (entered.scope in self.reading.scopes)
        ]
        place = peers.index(entered.scope) if entered.scope in peers else 0
        return names[place % len(names)]

    def _count_scopes(self) -> None:
        """Write on each scope what it holds and how much of it ran."""
        ops: dict[str, list[Item]] = {}
        marks: dict[str, Mark] = {}
        leaves: dict[str, int] = {}
        for item in list(self.items.values()):
            parent = item.parent
            while parent:
                if item.mark is not Mark.NONE and item.kind is not ItemKind.SCOPE:
                    marks[parent] = item.mark
                if item.kind is ItemKind.OP:
                    ops.setdefault(parent, []).append(item)
                elif item.kind is ItemKind.LEAF and item.role is not Role.DATA:
                    leaves[parent] = leaves.get(parent, 0) + 1
                parent = self.items[parent].parent
        for key, item in list(self.items.items()):
            if item.kind is not ItemKind.SCOPE or item.group == "optimizer":
                continue
            inside = ops.get(key, [])
            run = sum(1 for op in inside if op.state is ItemState.DONE)
            count = trn("{count} op", "{count} ops", len(inside))
            parameters = leaves.get(key, 0)
            info = count
            if parameters:
                info = trn("{count} parameter", "{count} parameters", parameters) + " · " + count
            done = run == len(inside)
            self.items[key] = replace(
                item,
                info=info,
                detail=tr("{ops}, done", ops=count) if done else tr("{ops}, {run} run", ops=count, run=run),
                state=ItemState.DONE if done else ItemState.RUNNING if run else ItemState.IDLE,
                share=run / len(inside) if inside else 0.0,
                mark=marks.get(key, Mark.NONE) if item.folded else Mark.NONE,
            )


def lifted(edges: Iterable[Edge], items: Mapping[str, Item], shown: set[str]) -> list[Edge]:
    """The edges between what is shown: an end that lies in a folded scope becomes the scope, and of the edges that then
    join the same two, one stays."""

    def standing(key: str) -> str:
        while key and key not in shown:
            item = items.get(key)
            key = item.parent if item is not None else ""
        return key

    result: dict[str, Edge] = {}
    seen: dict[tuple[bool, str, str], str] = {}
    rails: dict[str, str] = {}
    for edge in edges:
        source, target = standing(edge.source), standing(edge.target)
        if not source or not target or source == target:
            continue
        ends = (edge.kind is EdgeKind.GRADIENT, source, target)
        first = seen.setdefault(ends, edge.key)
        rails[edge.key] = first
        if first == edge.key:
            rail = rails.get(edge.rail, edge.rail)
            result[first] = replace(edge, source=source, target=target, rail=rail)
    return [edge for edge in result.values() if edge.kind is not EdgeKind.GRADIENT or edge.rail in result]
