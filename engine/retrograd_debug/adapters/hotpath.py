"""The calls that the engine makes most: an op applied, a node started and finished.

Written for speed: closures over what they use, one list an event, no call where an attribute will do. What is rare is
left to the listener.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from threading import get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd_debug.adapters.memory import PAGE
from retrograd_debug.adapters.tensors import EngineMeta, next_node, next_tensor
from retrograd_debug.agent.writer import BATCH

if TYPE_CHECKING:
    from retrograd_debug.adapters.listener import EngineListener
    from retrograd_debug.agent.agent import Agent

OP_APPLIED, NODE_STARTED, NODE_FINISHED = 10, 12, 13

Kind = tuple[tuple[int, ...], str, str, bool]
"""Of an output: shape, dtype, device, and whether it is one element or at least a page."""

NodeStarting = Callable[[int, Any, list[object]], int]
NodeFinished = Callable[[int, Any, Sequence[object], int], None]
NodeRan = Callable[[int, Any, Any, Sequence[Any], int], None]
OpApplied = Callable[[str, Sequence[Any], Mapping[str, object], Sequence[Any], int, int], None]


class Kinds:
    """What an engine's meta says, by its address; the metas are kept, so that the address stays theirs."""

    def __init__(self) -> None:
        self.known: dict[int, Kind] = {}
        self._kept: list[EngineMeta] = []

    def learn(self, meta: EngineMeta) -> Kind:
        """Remember a meta."""
        if len(self._kept) >= 4096:
            self.known.clear()
            self._kept.clear()
        shape = tuple(meta.shape)
        count = 1
        for length in shape:
            count *= length
        special = count == 1 or count * meta.dtype.itemsize >= PAGE
        made = self.known[id(meta)] = (shape, meta.dtype.name, str(meta.device), special)
        self._kept.append(meta)
        return made


def op_applied_for(agent: Agent, listener: EngineListener) -> OpApplied:  # noqa: C901  # as its body
    """The listener's ``op_applied``."""
    writer = agent.writer
    pending = writer.pending
    flush = writer.flush
    started_at = writer.started
    threads = agent.threads
    by_ident = threads.by_ident
    places = agent.sites.by_place
    site_of = agent.sites.of
    kinds = Kinds()
    known_kinds = kinds.known
    learn = kinds.learn
    wants_values = agent.values.wanted
    freed = listener.memory.freed
    edge_of = listener.edge
    frame_at = sys._getframe
    nothing = (0, 0)
    no_params: dict[str, object] = {}

    def op_applied(  # noqa: C901  # one body: a call more costs 5 % here
        name: str, inputs: Sequence[Any], params: Mapping[str, object], outputs: Sequence[Any], started: int, flags: int
    ) -> None:
        """Write the op, and its values."""
        now = perf_counter_ns()
        refs: list[tuple[int, int]] = []
        for each in inputs:
            try:
                tensor = each._tid or listener.see(each, changed=flags & 2 != 0 and not refs)
                cell = each._cell
                refs.append((tensor, 0 if cell is None else cell.count))
            except AttributeError:  # a plain number, or None
                refs.append(nothing)
        if flags & 2:
            # In place: the input is the output; what went in had the version before.
            refs[0] = (refs[0][0], max(0, refs[0][1] - 1))
        metas = []
        special = wants_values
        node = None
        for each in outputs:
            tensor = each._tid
            if not tensor:
                each._tid = tensor = next_tensor()
            cell = each._cell
            meta = each._meta
            shape, dtype, device, notable = known_kinds.get(id(meta)) or learn(meta)
            maker = each._node
            if notable:
                special = True
            if maker is None:
                metas.append((tensor, 0 if cell is None else cell.count, shape, dtype, device, False))
                continue
            metas.append((tensor, 0 if cell is None else cell.count, shape, dtype, device, True))
            if node is None:
                if not hasattr(maker, "_nid"):
                    maker = maker.node
                # A node met before is not this op's: in place without recording, a tensor keeps the node it had.
                if not maker._nid and maker.op_name:
                    node = maker
        ident = get_ident()
        thread = by_ident[ident] if ident in by_ident else threads.current()
        scopes = thread.scopes
        backwards = thread.backwards
        event: list[object]
        if node is None:
            event = [
                OP_APPLIED, 0, now - started_at, thread.number, name, site_of(frame_at(1)),
                scopes[-1] if scopes else 0, refs, metas, listener.plain(params) if params else no_params, flags,
                now - started, 0, "", (), backwards[-1] if backwards else 0,
            ]  # fmt: skip
        else:
            listener.in_setup = False
            node._nid = number = next_node()
            following: list[int] = []
            for edge in node.edges:
                following.append(0 if edge is None else getattr(edge, "_nid", 0) or edge_of(edge))
            # The node keeps the user's place already; where that is a library's, the stack is walked.
            event = [
                OP_APPLIED, 0, now - started_at, thread.number, name,
                places.get((id(node.code), node.lasti)) or site_of(frame_at(1)),
                scopes[-1] if scopes else 0, refs, metas, listener.plain(params) if params else no_params, flags,
                now - started, number, type(node).__name__, following, backwards[-1] if backwards else 0,
            ]  # fmt: skip
        if writer.before is not None:
            writer.run_before()
        pending.append(event)
        if len(pending) >= BATCH or now > writer.due:
            flush()
        if special:
            listener.outputs_made(outputs, metas, event[5], flags)  # type: ignore[arg-type]  # the site
        if freed:
            listener.memory.write_freed()

    return op_applied


def node_starting_for(agent: Agent, listener: EngineListener) -> NodeStarting:
    """The listener's ``node_starting``."""
    writer = agent.writer
    pending = writer.pending
    started_at = writer.started
    threads = agent.threads
    by_ident = threads.by_ident
    gate = agent.gate
    stops = listener.stops
    known_gradients = listener.gradients.known
    waiting = listener.gradients.waiting
    meta_of = listener.gradients.meta
    wants_values = agent.values.wanted
    frame_at = sys._getframe

    def node_starting(backward: int, node: Any, grads: list[object]) -> int:
        """Write the node and what goes in; may hold, and let the person change what goes in."""
        number = node._nid or listener.node_id(node)
        if number in waiting and not node.outputs:
            listener.gradients.entering(number, grads[0])
        thread = by_ident.get(get_ident()) or threads.current()
        if gate.armed:
            stops.at_node(node, number, grads, thread, frame_at(1))
        stops.running_node = number
        metas: list[object] = []
        for each in grads:
            known = known_gradients.get(id(each))
            if known is not None and known[0]() is each:
                metas.append(known[1])
            elif each is None:
                metas.append(None)
            else:
                made, new = meta_of(each)
                metas.append(made)
                if new and wants_values:
                    listener.gradient_value(each, made)
        now = perf_counter_ns()
        pending.append([NODE_STARTED, 0, now - started_at, thread.number, backward, number, type(node).__name__, metas])
        if len(pending) >= BATCH or now > writer.due:
            writer.flush()
        return perf_counter_ns()

    return node_starting


def node_finished_for(agent: Agent, listener: EngineListener) -> NodeFinished:
    """The listener's ``node_finished``."""
    writer = agent.writer
    pending = writer.pending
    started_at = writer.started
    threads = agent.threads
    by_ident = threads.by_ident
    known_gradients = listener.gradients.known
    meta_of = listener.gradients.meta
    wants_values = agent.values.wanted
    freed = listener.memory.freed

    def node_finished(backward: int, node: Any, grads: Sequence[object], started: int) -> None:
        """Write what came out."""
        now = perf_counter_ns()
        thread = by_ident.get(get_ident()) or threads.current()
        metas: list[object] = []
        new = None
        for each in grads:
            known = known_gradients.get(id(each))
            if known is not None and known[0]() is each:
                metas.append(known[1])
            elif each is None:
                metas.append(None)
            else:
                made, first = meta_of(each)
                metas.append(made)
                if first and wants_values:
                    new = [] if new is None else new
                    new.append((each, made))
        pending.append([NODE_FINISHED, 0, now - started_at, thread.number, backward, node._nid, metas, now - started])
        if len(pending) >= BATCH or now > writer.due:
            writer.flush()
        if new is not None:
            for each, made in new:
                listener.gradient_value(each, made)
        if freed:
            listener.memory.write_freed()

    return node_finished


def node_ran_for(agent: Agent, listener: EngineListener) -> NodeRan:  # noqa: C901  # as its body
    """The listener's ``node_ran``."""
    writer = agent.writer
    pending = writer.pending
    started_at = writer.started
    threads = agent.threads
    by_ident = threads.by_ident
    waiting = listener.gradients.waiting
    meta_of = listener.gradients.meta
    wants_values = agent.values.wanted
    freed = listener.memory.freed
    adopt = listener.gradients.adopt
    names: dict[int, str] = {}
    host = np.ndarray

    def learn(dtype: np.dtype[Any]) -> str:
        return names.setdefault(dtype.num, dtype.name)

    def node_ran(  # one body: a call more costs 5 % here
        backward: int, node: Any, grad: Any, grads: Sequence[Any], started: int
    ) -> None:
        """Write what went in and what came out."""
        now = perf_counter_ns()
        number = node._nid or listener.node_id(node)
        waited = waiting.pop(number, None)
        new: list[tuple[Any, Any]] = []
        if waited is not None and waited[0] == id(grad):
            entered = waited[1]
        else:
            entered, first = meta_of(grad)
            if first:
                new.append((grad, entered))
        metas: list[object] = []
        for each, edge in zip(grads, node.edges):  # noqa: B905  # as many of each
            if edge is None or each is None:
                metas.append(None)
                continue
            if each is grad:
                made = entered
            elif type(each) is host:
                dtype = each.dtype
                made = (next_tensor(), 0, each.shape, names.get(dtype.num) or learn(dtype), "cpu", False)
                if wants_values:
                    new.append((each, made))
            else:
                made, first = meta_of(each)
                if first:
                    new.append((each, made))
            metas.append(made)
            target = getattr(edge, "_nid", 0)
            if target and target not in waiting:
                waiting[target] = (id(each), made)
            else:
                adopt(each, made)
        ident = get_ident()
        thread = (by_ident[ident] if ident in by_ident else threads.current()).number
        pending.append(
            [NODE_STARTED, 0, started - started_at, thread, backward, number, type(node).__name__, (entered,)]
        )
        pending.append([NODE_FINISHED, 0, now - started_at, thread, backward, number, metas, now - started])
        if len(pending) >= BATCH or now > writer.due:
            writer.flush()
        if wants_values:
            for each, made in new:
                listener.gradient_value(each, made)
        if freed:
            listener.memory.write_freed()

    return node_ran
