"""How the nodes of the backward graph stand at the cursor, and where the marks go."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd_debug.format import duration, shape
from retrograd_debug.graph.model import EdgeState, ItemState, Mark
from retrograd_debug.log.state import NodeInfo
from retrograd_debug.session.api import Snapshot
from retrograd_events.events import (
    GradientAccumulated,
    NodeFinished,
    NodeId,
    NodeStarted,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    Ref,
    Seq,
    TensorId,
)
from retrograd_events.text import tr

_NO_REF: Ref = (TensorId(0), 0)


class Standing:
    """What the snapshot says of each op and node: state, words, marks."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._nodes = snapshot.state.nodes
        self._first = snapshot.iteration.first if snapshot.iteration is not None else Seq(0)
        self._live = snapshot.live
        self._hold = snapshot.hold
        self._cursor_op = Seq(0)
        self._cursor_node = NodeId(0)
        self._cursor_optimizer = False
        if not snapshot.live:
            self._find_cursor(snapshot)

    def _find_cursor(self, snapshot: Snapshot) -> None:
        for event in snapshot.iteration_events:
            if event.seq > snapshot.cursor:
                break
            if isinstance(event, OpApplied):
                self._cursor_op, self._cursor_node, self._cursor_optimizer = event.seq, NodeId(0), False
            elif isinstance(event, (NodeStarted, NodeFinished, GradientAccumulated)):
                self._cursor_op, self._cursor_node, self._cursor_optimizer = Seq(0), event.node, False
            elif isinstance(event, (OptimizerStepStarted, OptimizerStepEnded)):
                self._cursor_op, self._cursor_node, self._cursor_optimizer = Seq(0), NodeId(0), True

    def op_mark(self, op: Seq, expected: bool) -> Mark:
        """The mark of an operation that the hold does not name."""
        if self._live or expected or not op:
            return Mark.NONE
        if op == self._cursor_op:
            return Mark.CURSOR
        hold = self._hold
        if hold is not None and hold.kind == "op" and op == hold.seq:
            return Mark.SCRIPT
        return Mark.NONE

    def node_mark(self, node: NodeId) -> Mark:
        """The mark of a backward node."""
        if not node:
            return Mark.NONE
        hold = self._hold
        held = hold is not None and hold.kind == "node" and hold.node == node
        if self._live:
            return Mark.HELD if held else Mark.NONE
        if node == self._cursor_node:
            return Mark.CURSOR
        return Mark.SCRIPT if held else Mark.NONE

    def optimizer_mark(self, begun: Sequence[OptimizerStepStarted], ended: Sequence[OptimizerStepEnded]) -> Mark:
        """The mark of the optimizer's box."""
        return Mark.CURSOR if self._cursor_optimizer and (begun or ended) else Mark.NONE

    def _is_held(self, node: NodeId) -> bool:
        return self.node_mark(node) is Mark.HELD

    def node(self, node: NodeId, dims: tuple[int, ...]) -> tuple[ItemState, str, str]:
        """State, second line and duration of a node; ``dims`` is the shape that its gradient will have."""
        info = self.info(node)
        incoming = tr("in {shape}", shape=shape(dims))
        if self._is_held(node):
            return ItemState.READY, incoming, ""
        if info is None or info.status == "idle":
            return ItemState.IDLE, tr("no gradient yet"), ""
        if info.status == "waiting":
            return ItemState.WAITING, tr("waits for {count}", count=max(info.needs, 1)), ""
        if info.status == "ready":
            return ItemState.READY, incoming, ""
        if info.status == "started":
            return ItemState.RUNNING, incoming, ""
        out = next((grad for grad in info.grads_out if grad is not None), None)
        words = tr("out {shape}", shape=shape(out.shape)) if out is not None else incoming
        return ItemState.PASSED, words, duration(info.duration) if info.duration else ""

    def gradient_of(self, node: NodeId) -> TensorId:
        """The gradient that entered a node, 0 when unknown."""
        info = self.info(node)
        entered = next((grad for grad in info.grads_in if grad is not None), None) if info is not None else None
        return entered.id if entered is not None else TensorId(0)

    def gradient_edge(self, node: NodeId, slot: int) -> tuple[EdgeState, Ref]:
        """The gradient that ``node`` passes on at ``slot``: how far it is, and which tensor it is."""
        info = self.info(node)
        if info is None or info.status == "idle":
            return EdgeState.IDLE, _NO_REF
        if info.status != "done":
            return EdgeState.WAITING, _NO_REF
        grad = info.grads_out[slot] if slot < len(info.grads_out) else None
        ref = (grad.id, grad.version) if grad is not None else _NO_REF
        if slot < len(info.next) and self._is_held(info.next[slot]):
            return EdgeState.HELD, ref
        return EdgeState.ARRIVED, ref

    def seed_edge(self, node: NodeId, started: bool) -> EdgeState:
        """The seed's way into the root's node."""
        if not started:
            return EdgeState.IDLE
        return EdgeState.HELD if self._is_held(node) else EdgeState.ARRIVED

    def info(self, node: NodeId) -> NodeInfo | None:
        """What the state knows of a node in this iteration; None for one whose last pass lies before it."""
        info = self._nodes.get(node)
        if info is not None and info.status == "done" and info.finished < self._first:
            return None
        return info
