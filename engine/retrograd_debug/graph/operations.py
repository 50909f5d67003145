"""Operations and the leaves that they use, as items and edges of a picture."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd_debug.format import duration, shape, short_dtype
from retrograd_debug.graph.draft import Draft, Port
from retrograd_debug.graph.model import Edge, EdgeKind, EdgeState, Item, ItemKind, ItemState, Mark, Role
from retrograd_debug.graph.names import variable
from retrograd_debug.graph.steps import Step
from retrograd_events.events import VIEW, NodeId, Ref, ScopeId, Seq, SiteId, TensorId
from retrograd_events.text import tr


class Operations(Draft):
    """A picture in the making that knows how to draw operations."""

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
        for slot, meta in enumerate(step.outputs):
            self.made[meta.id] = Port(key, meta.version, slot, has_mirror)
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

    def _edge_label(self, port: Port, key: str) -> str:
        source = self.items.get(port.key)
        if source is None or source.kind is not ItemKind.OP or port.slot:
            return ""
        return source.output if self._is_result(source) else ""

    def _is_result(self, source: Item) -> bool:
        """Whether the item is the last operation of its line so far, which is what the line's variable names."""
        hold = self.hold
        if hold is not None and hold.kind == "op" and hold.site == source.site:
            return False
        return bool(source.op) and self.last_of_site.get(source.site) == source.op

    # --- leaves

    def _draw_leaf(self, step: Step, slot: int, ref: Ref, wanted: bool) -> Port:
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
        key = f"l{self.leaves}"
        self.leaves += 1
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
        port = Port(key, version, 0, mirrored)
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
