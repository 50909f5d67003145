"""From (log, cursor, hold) to a picture: which items and edges there are, what they are called and how they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from retrograd_debug.format import duration, number, shape, short_dtype
from retrograd_debug.graph.marks import Standing
from retrograd_debug.graph.model import Edge, EdgeKind, EdgeState, Item, ItemKind, ItemState, Mark, Role, Scene
from retrograd_debug.graph.names import called_names, short_arguments, site_text, variable
from retrograd_debug.graph.steps import (
    SETUP_SHOWN,
    Reading,
    Step,
    expect,
    held_step,
    in_setup,
    optimizer_of,
    read,
    step_of,
    with_hold,
)
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import (
    VIEW,
    BackwardStarted,
    NodeId,
    Ref,
    ScopeEntered,
    ScopeId,
    Seq,
    SiteDefined,
    SiteId,
    TensorId,
)
from retrograd_events.text import tr, trn

NOTHING_YET = "Nothing has run yet. F10 runs the first operation."
OPTIMIZER_SHOWN = 24


def build(snapshot: Snapshot | None, folds: Mapping[str, bool] | None = None) -> Scene:
    """The picture of ``snapshot``. ``folds`` holds what the person folded (True) or unfolded (False), by scope key."""
    if snapshot is None:
        return Scene(empty=tr(NOTHING_YET))
    return _Builder(snapshot, folds or {}).scene()


@dataclass
class _Port:
    """Where a tensor comes from in this picture."""

    key: str
    version: int
    slot: int = 0
    gradient: bool = False


@dataclass
class _Builder:
    """One picture in the making; used once."""

    snapshot: Snapshot
    folds: Mapping[str, bool]
    items: dict[str, Item] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    made: dict[TensorId, _Port] = field(default_factory=dict)
    scope_keys: dict[ScopeId, str] = field(default_factory=dict)
    scope_names: dict[str, int] = field(default_factory=dict)
    site_calls: dict[SiteId, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    key_of_op: dict[Seq, str] = field(default_factory=dict)
    unfold: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        snapshot = self.snapshot
        self.reading: Reading = read(snapshot.iteration_events)
        self.before: Reading = read(snapshot.previous_events)
        self.scopes: dict[ScopeId, ScopeEntered] = {**self.before.scopes, **self.reading.scopes}
        self.sites: Mapping[SiteId, SiteDefined] = snapshot.log.sites if snapshot.log is not None else {}
        self.hold = snapshot.hold if snapshot.live else None
        self.standing = Standing(snapshot)
        scalars = snapshot.log.scalars if snapshot.log is not None else ()
        self.losses: dict[TensorId, float] = {scalar.tensor: scalar.value for scalar in scalars[-64:]}
        if not snapshot.live:
            self.losses.update((scalar.tensor, scalar.value) for scalar in scalars if scalar.seq <= snapshot.cursor)

    # --- the whole

    def scene(self) -> Scene:
        setup = in_setup(self.snapshot, self.reading)
        omitted = self._draw_setup() if setup else self._draw_work()
        self._count_scopes()
        items = tuple(self._in_order())
        focus = next((item.key for item in items if item.mark in (Mark.HELD, Mark.CURSOR)), "")
        edges = tuple(lifted(self.edges.values(), self.items, {item.key for item in items}))
        place = self._place(setup)
        empty = "" if items else tr(NOTHING_YET)
        index = {item.key: at for at, item in enumerate(items)}
        return Scene(items, edges, place, focus, empty, omitted, setup, index)

    def _place(self, setup: bool) -> tuple[str, ...]:
        state = self.snapshot.state
        if setup:
            return (tr("run"), tr("setup"))
        trail = [tr("run"), tr("iteration {index}", index=state.iteration)]
        words = {"setup": tr("setup"), "forward": tr("forward"), "backward": tr("backward"), "step": tr("step")}
        phase = state.phase
        if self.hold is not None and self.hold.kind in ("op", "node"):
            phase = self.hold.phase
        elif self.hold is not None and self.hold.kind == "optimizer":
            phase = "step"
        if phase == "forward" and self._is_past_backward():
            trail.append(tr("end of backward"))
        elif phase in words:
            trail.append(words[phase])
        return tuple(trail)

    def _is_past_backward(self) -> bool:
        """Whether the iteration's last backward has run, and nothing more of forward since."""
        cursor = self.snapshot.cursor
        begun = [backward.seq for backward in self.reading.backwards if backward.seq <= cursor]
        later = [
            event for event in (*self.reading.work, *self.reading.plain) if begun and begun[-1] < event.seq <= cursor
        ]
        held = self.hold is not None and self.hold.kind in ("op", "backward")
        return bool(begun) and not later and not held

    def _in_order(self) -> list[Item]:
        """Items so that a scope comes before what it holds; what lies in a folded scope is left out."""
        result: list[Item] = []
        hidden: set[str] = set()
        for item in self.items.values():
            if item.parent in hidden:
                hidden.add(item.key)
                continue
            if item.kind is ItemKind.SCOPE and item.folded:
                hidden.add(item.key)
            result.append(item)
        return result

    # --- setup: every operation is seen

    def _draw_setup(self) -> int:
        cursor = self.snapshot.cursor
        ran = [event for event in self.reading.plain if event.seq <= cursor]
        later = [event for event in self.reading.plain if event.seq > cursor]
        if self.reading.work:
            later = [event for event in later if event.seq < self.reading.work[0].seq]
        omitted = max(0, len(ran) - SETUP_SHOWN)
        steps = [step_of(event) for event in ran[omitted:]]
        if self.snapshot.live:
            steps = with_hold(steps, self.hold, cursor)
        else:
            steps += [step_of(event) for event in later[:SETUP_SHOWN]]
        for place, step in enumerate(steps):
            self._draw_op(step, f"u{place + omitted}")
        return omitted

    # --- work: what gradients pass

    def _draw_work(self) -> int:
        cursor = self.snapshot.cursor
        steps = [step_of(event) for event in self.reading.work]
        hold = self.hold
        held_optimizing = hold is not None and hold.kind == "op" and bool(optimizer_of(self.scopes, hold.scope))
        aside = None
        if self.snapshot.live:
            steps += expect(self.reading, self.before)
            if hold is not None and hold.kind == "op" and not held_optimizing:
                if self._is_aside():
                    aside = held_step(hold)
                else:
                    steps = with_hold(steps, hold, cursor)
        roots = self._roots()
        for place, step in enumerate(steps):
            self._draw_op(step, f"o{place}")
        for place, root in enumerate(roots):
            self._draw_root(place, root)
        if self.snapshot.live and not roots and not (hold is not None and hold.kind == "backward"):
            self._draw_expected_roots()
        if aside is not None:
            self._draw_aside(aside)
        if hold is not None and hold.kind == "backward":
            self._draw_held_backward()
        self._draw_optimizer(held_optimizing)
        self._draw_error()
        return 0

    def _is_aside(self) -> bool:
        """Whether the held operation makes data (nothing requires grad) rather than work."""
        hold = self.hold
        if hold is None:
            return False
        tensors = self.snapshot.state.tensors
        known = [tensors[ref[0]].meta.requires_grad for ref in hold.inputs if ref[0] in tensors]
        return not any(known)

    def _draw_aside(self, step: Step) -> None:
        """The held operation on data, with those of its line that ran before it."""
        hold = self.hold
        last_work = self.reading.work[-1].seq if self.reading.work else 0
        same_line = [
            event
            for event in self.reading.plain
            if hold is not None and event.site == hold.site and last_work < event.seq <= self.snapshot.cursor
        ]
        for place, event in enumerate(same_line[-8:]):
            self._draw_op(step_of(event), f"a{place}")
        self._draw_op(step, f"a{len(same_line[-8:])}")

    # --- one operation

    def _draw_op(self, step: Step, key: str) -> None:
        parent = self._scope_key(step.scope)
        event = step.event
        cursor = self.snapshot.cursor
        done = not step.expected and step.seq <= cursor
        site = event.site if event is not None else (self.hold.site if self.hold is not None else SiteId(0))
        output = variable(self.sites, site) if step.outputs else ""
        first = step.outputs[0] if step.outputs else None
        words = [] if first is None else [shape(first.shape), short_dtype(first.dtype)]
        if event is not None and event.flags & VIEW:
            words.append(tr("view"))
        mark = Mark.HELD if step.held else self.standing.op_mark(step.seq, step.expected)
        node = event.node if event is not None and not step.expected else NodeId(0)
        has_mirror = event is not None and bool(event.node)
        for slot, ref in enumerate(step.inputs):
            self._draw_input(key, step, slot, ref)
        self.items[key] = Item(
            key=key,
            kind=ItemKind.OP,
            parent=parent,
            title=step.name,
            detail=" ".join(words) if words else tr("about to run"),
            info=duration(event.duration) if done and event is not None else "",
            state=ItemState.DONE if done else ItemState.IDLE,
            mark=mark,
            pair=f"m:{key}" if has_mirror else "",
            device=first.device if first is not None else "",
            output=output,
            op=Seq(0) if step.expected else step.seq,
            node=node,
            scope=step.scope,
            tensor=first.id if first is not None and not step.expected else TensorId(0),
            version=first.version if first is not None else 0,
            site=site,
            outputs=() if step.expected else tuple((meta.id, meta.version) for meta in step.outputs),
        )
        if not step.expected:
            self.key_of_op[step.seq] = key
        for slot, meta in enumerate(step.outputs):
            self.made[meta.id] = _Port(key, meta.version, slot, has_mirror)
        if event is not None and event.node:
            self.items[f"m:{key}"] = self._mirror(key, parent, event.node_name, node, first.shape if first else ())

    def _mirror(self, pair: str, parent: str, name: str, node: NodeId, dims: Sequence[int]) -> Item:
        state, detail, info = self.standing.node(node, tuple(dims))
        return Item(
            key=f"m:{pair}",
            kind=ItemKind.MIRROR,
            parent=parent,
            title=name,
            detail=detail,
            info=info,
            state=state,
            mark=self.standing.node_mark(node),
            pair=pair,
            node=node,
            tensor=self.standing.gradient_of(node),
            site=self.items[pair].site if pair in self.items else SiteId(0),
        )

    def _draw_input(self, key: str, step: Step, slot: int, ref: Ref) -> None:
        tensor, version = ref
        if not tensor:
            return
        wanted = slot < len(step.wanted) and step.wanted[slot]
        port = self.made.get(tensor)
        if port is None:
            port = self._draw_leaf(step, slot, ref, wanted)
        name = f"{port.key}>{key}:{slot}"
        event = step.event
        view = event is not None and bool(event.flags & VIEW) and slot == 0
        ran = not step.expected and step.seq <= self.snapshot.cursor
        self.edges[name] = Edge(
            name,
            EdgeKind.VIEW if view else EdgeKind.TENSOR,
            port.key,
            key,
            EdgeState.PLAIN if ran else EdgeState.PENDING,
            tensor,
            version,
            self._edge_label(port, key),
        )
        if wanted and port.gradient:
            node = event.node if event is not None and not step.expected else NodeId(0)
            self._draw_gradient(f"m:{key}", f"m:{port.key}", name, node, slot)

    def _draw_gradient(self, source: str, target: str, rail: str, node: NodeId, slot: int) -> None:
        state, ref = self.standing.gradient_edge(node, slot)
        name = f"g:{rail}"
        self.edges[name] = Edge(name, EdgeKind.GRADIENT, source, target, state, ref[0], ref[1], rail=rail)

    def _edge_label(self, port: _Port, key: str) -> str:
        source = self.items.get(port.key)
        if source is None or source.kind is not ItemKind.OP or port.slot:
            return ""
        return source.output if self._is_result(source) else ""

    def _is_result(self, source: Item) -> bool:
        """Whether the item is the last operation of its line so far, which is what the line's variable names."""
        events = self.reading.work if source.pair else self.reading.plain
        hold = self.hold
        if hold is not None and hold.kind == "op" and hold.site == source.site:
            return False
        later = [event.seq for event in events if event.site == source.site and event.seq > source.op]
        return not later and bool(source.op)

    # --- leaves

    def _draw_leaf(self, step: Step, slot: int, ref: Ref, wanted: bool) -> _Port:
        tensor, version = ref
        info = self.snapshot.state.tensors.get(tensor)
        path = info.path if info is not None else ""
        kind = info.kind if info is not None else ""
        role = Role.DATA
        if wanted:
            role = Role.PARAMETER
        elif kind == "parameter":
            asks = info is not None and info.meta.requires_grad
            role = Role.PARAMETER if asks else Role.FROZEN
        elif kind == "buffer":
            role = Role.BUFFER
        parent = self._scope_key(step.scope) if role is not Role.DATA else ""
        count = sum(1 for item in self.items.values() if item.kind is ItemKind.LEAF)
        key = f"l{count}"
        site = info.site if info is not None else SiteId(0)
        title = self._leaf_name(path, step.scope, site, info.slot if info is not None else 0, tensor)
        dims = shape(info.meta.shape) if info is not None else ""
        mirrored = role is Role.PARAMETER
        self.items[key] = Item(
            key=key,
            kind=ItemKind.LEAF,
            parent=parent,
            title=title,
            info=tr("frozen") if role is Role.FROZEN else dims,
            state=ItemState.DONE,
            role=role,
            pair=f"m:{key}" if mirrored else "",
            device=info.meta.device if info is not None else "",
            tip=path,
            tensor=tensor,
            version=version,
            site=site,
            outputs=((tensor, version),),
        )
        if mirrored:
            node = self._accumulator(step, slot, tensor)
            self.items[f"m:{key}"] = self._mirror(key, parent, "AccumulateGrad", node, info.meta.shape if info else ())
        port = _Port(key, version, 0, mirrored)
        self.made[tensor] = port
        return port

    def _leaf_name(self, path: str, scope: ScopeId, site: SiteId, slot: int, tensor: TensorId) -> str:
        if path:
            entered = self.scopes.get(scope)
            if entered is not None and entered.kind == "module":
                prefix = entered.path + "." if entered.path else ""
                return path.removeprefix(prefix)
            return path
        return variable(self.sites, site, slot) or tr("tensor {id}", id=tensor)

    def _accumulator(self, step: Step, slot: int, tensor: TensorId) -> NodeId:
        """The AccumulateGrad node of a leaf: known from its use, or from the state."""
        if step.event is not None and not step.expected and slot < len(step.event.next):
            return step.event.next[slot]
        for node in self.snapshot.state.nodes.values():
            if node.tensor == tensor and not node.op and node.backward:
                return node.id
        return NodeId(0)

    # --- the root of a backward: its result and its seed

    def _roots(self) -> list[BackwardStarted]:
        """The outermost backward passes, also those still to come when looking back."""
        return [backward for backward in self.reading.backwards if not backward.parent]

    def _draw_root(self, place: int, backward: BackwardStarted) -> None:
        started = backward.seq <= self.snapshot.cursor
        for slot, ref in enumerate(backward.roots):
            seed = backward.seeds[slot] if started and slot < len(backward.seeds) else None
            named = (seed.id, seed.version) if seed is not None else (TensorId(0), 0)
            self._result(f"r{place}.{slot}", ref, named, held=False, started=started)

    def _draw_expected_roots(self) -> None:
        """The result that the iteration before went back from, if that operation is here or still expected."""
        places = {meta.id: at for at, event in enumerate(self.before.work) for meta in event.outputs[:1]}
        roots = [ref for backward in self.before.backwards if not backward.parent for ref in backward.roots]
        for slot, ref in enumerate(roots):
            item = self.items.get(f"o{places[ref[0]]}") if ref[0] in places else None
            if item is not None:
                made = next((id for id, port in self.made.items() if port.key == item.key), TensorId(0))
                self._result(f"r0.{slot}", (made, 0), (TensorId(0), 0), held=False, started=False)

    def _result(self, key: str, ref: Ref, seed: Ref, held: bool, started: bool) -> None:
        tensor, version = ref
        port = self.made.get(tensor)
        if port is None or self.items[port.key].kind is not ItemKind.OP:
            return
        source = self.items[port.key]
        value = self.losses.get(tensor) if source.state is ItemState.DONE else None
        dims = shape(self._dims(tensor))
        self.items[key] = Item(
            key=key,
            kind=ItemKind.LEAF,
            parent="",
            title=source.output or source.title,
            info=number(value) if value is not None else dims,
            state=source.state,
            role=Role.RESULT,
            pair=f"m:{key}",
            device=source.device,
            tensor=tensor,
            version=version,
            site=source.site,
            outputs=(ref,),
        )
        self.items[f"m:{key}"] = Item(
            key=f"m:{key}",
            kind=ItemKind.SEED,
            parent="",
            title=tr("seed gradient"),
            info=("1" if dims == "[]" else dims) if started or held else "",
            state=ItemState.PASSED if started else ItemState.IDLE,
            mark=Mark.HELD if held else Mark.NONE,
            pair=key,
            tensor=seed[0],
            version=seed[1],
            site=source.site,
        )
        rail = f"{port.key}>{key}:0"
        plain = EdgeState.PLAIN if source.state is ItemState.DONE else EdgeState.PENDING
        self.edges[rail] = Edge(rail, EdgeKind.TENSOR, port.key, key, plain, tensor, version)
        name = f"g:{rail}"
        target = f"m:{port.key}"
        state = self.standing.seed_edge(self.items[target].node if target in self.items else NodeId(0), started)
        self.edges[name] = Edge(name, EdgeKind.GRADIENT, f"m:{key}", target, state, seed[0], seed[1], rail=rail)

    def _dims(self, tensor: TensorId) -> tuple[int, ...]:
        info = self.snapshot.state.tensors.get(tensor)
        if info is not None:
            return tuple(info.meta.shape)
        for event in self.reading.work:
            for meta in event.outputs:
                if meta.id == tensor:
                    return tuple(meta.shape)
        return ()

    # --- optimizer and errors

    def _draw_optimizer(self, held_inside: bool) -> None:
        hold, cursor = self.hold, self.snapshot.cursor
        begun = [step for step in self.reading.steps if step.seq <= cursor]
        held = hold is not None and hold.kind == "optimizer"
        if not begun and not held and not held_inside:
            return
        type_name = begun[-1].type if begun else (hold.name if hold is not None else "")
        ran = [event for event in self.reading.optimizing if event.seq <= cursor]
        ended = [end for end in self.reading.step_ends if end.seq <= cursor]
        done = bool(begun) and len(ended) >= len(begun)
        key = "optimizer"
        folded = self.folds.get(key, not held_inside)
        count = trn("{count} op", "{count} ops", len(ran))
        self.items[key] = Item(
            key=key,
            kind=ItemKind.SCOPE,
            parent="",
            title=tr("optimizer: {type}", type=type_name),
            detail=tr("{ops}, done", ops=count) if done else tr("{ops} run", ops=count),
            info=count,
            state=ItemState.DONE if done else ItemState.RUNNING if begun and not held_inside else ItemState.IDLE,
            mark=Mark.HELD if held else self.standing.optimizer_mark(begun, ended),
            group="optimizer",
            folded=folded,
            share=1.0 if done else 0.0,
            site=begun[-1].site if begun else (hold.site if hold is not None else SiteId(0)),
        )
        if folded:
            return
        steps = [step_of(event) for event in ran[-OPTIMIZER_SHOWN:]]
        if held_inside and hold is not None:
            steps = with_hold(steps, hold, cursor)
        skipped = max(0, len(ran) - OPTIMIZER_SHOWN)
        for place, step in enumerate(steps):
            self._draw_optimizing(step, f"p{place + skipped}")

    def _draw_optimizing(self, step: Step, key: str) -> None:
        """An operation of the optimizer: linked to its like only, so that the picture of the work stays clear."""
        inside = {id: port for id, port in self.made.items() if port.key.startswith("p")}
        kept, self.made = self.made, inside
        wanted = tuple(ref for ref in step.inputs if ref[0] in inside)
        names = [self._tensor_word(ref[0]) for ref in step.inputs]
        self._draw_op(replace(step, inputs=wanted, scope=ScopeId(0), wanted=()), key)
        target = next((name for name in names if name), "")
        item = self.items[key]
        self.items[key] = replace(item, parent="optimizer", detail=target or item.detail, output="")
        kept.update(self.made)
        self.made = kept

    def _tensor_word(self, tensor: TensorId) -> str:
        info = self.snapshot.state.tensors.get(tensor)
        return info.path if info is not None else ""

    def _draw_held_backward(self) -> None:
        """Held before a backward that is not in the log yet: its result and seed show, the seed marked."""
        hold = self.hold
        if hold is None:
            return
        roots = [ref for ref in hold.inputs if ref[0] in self.made]
        if not roots and self.reading.work:
            last = self.reading.work[-1].outputs
            roots = [(meta.id, meta.version) for meta in last[:1]]
        for slot, ref in enumerate(roots):
            place = len([b for b in self.reading.backwards if not b.parent])
            self._result(f"r{place}.{slot}", ref, (TensorId(0), 0), held=slot == 0, started=False)

    def _draw_error(self) -> None:
        error = self.reading.error
        if error is None or error.seq > self.snapshot.cursor:
            return
        if error.node:
            found = next((key for key, item in self.items.items() if item.node == error.node and key[0] == "m"), "")
            if found:
                item = self.items[found]
                self.items[found] = replace(item, state=ItemState.ERROR, detail=error.type, tip=error.message)
            return
        if not error.op:
            return
        step = Step(error.op, None, tuple(error.inputs), (), (), ScopeId(0), error.seq, expected=True)
        self._draw_op(step, "error")
        item = self.items["error"]
        self.items["error"] = replace(
            item, state=ItemState.ERROR, detail=error.type, tip=error.message, mark=Mark.NONE, site=error.site
        )

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
