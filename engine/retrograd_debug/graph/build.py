"""From (log, cursor, hold) to a picture: which items and edges there are, what they are called and how they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from retrograd_debug.format import number, shape
from retrograd_debug.graph.draft import lifted
from retrograd_debug.graph.model import Edge, EdgeKind, EdgeState, Item, ItemKind, ItemState, Mark, Role, Scene
from retrograd_debug.graph.operations import Operations
from retrograd_debug.graph.steps import (
    SETUP_SHOWN,
    Step,
    expect,
    held_step,
    in_setup,
    optimizer_of,
    step_of,
    with_hold,
)
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import (
    BackwardStarted,
    NodeId,
    Ref,
    ScopeId,
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


class _Builder(Operations):
    """Draws one picture; used once."""

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
        words = {"forward": tr("forward"), "backward": tr("backward"), "step": tr("step")}
        phase = state.phase
        if self.hold is not None and self.hold.kind in ("op", "node"):
            phase = self.hold.phase
        elif self.hold is not None and self.hold.kind == "optimizer":
            phase = "step"
        if phase == "setup":
            # the first operation of the work is about to run
            phase = "forward"
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
            detail=tr("{ops}, done", ops=count) if done else tr("{ops} run", ops=count) if ran else tr("not run"),
            info=count if ran else "",
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
        step = Step(error.op or error.type, None, tuple(error.inputs), (), (), ScopeId(0), error.seq, expected=True)
        self._draw_op(step, "error")
        item = self.items["error"]
        site = self.sites.get(error.site)
        line = tr("line {line}", line=site.line) if site is not None else ""
        self.items["error"] = replace(
            item,
            state=ItemState.ERROR,
            detail=error.type if error.op else line,
            tip=error.message,
            mark=Mark.NONE,
            site=error.site,
        )
