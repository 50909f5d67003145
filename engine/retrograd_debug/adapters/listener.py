"""Turns what the engine tells the tap into events. The hot path: an op costs about a microsecond here.

Everything is a plain tuple of the event's shape, tag first; ids live in the engine's own slots; nothing shown is kept.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, cast

from retrograd_debug.adapters.gradients import GradientIds
from retrograd_debug.adapters.hotpath import node_finished_for, node_ran_for, node_starting_for, op_applied_for
from retrograd_debug.adapters.iterations import Iterations
from retrograd_debug.adapters.memory import PAGE, Memory
from retrograd_debug.adapters.scopes import Instances, ModulePaths, detail
from retrograd_debug.adapters.stops import StopMaker
from retrograd_debug.adapters.tensors import (
    EngineNode,
    EngineTensor,
    MetaTuple,
    as_tensor,
    host_array,
    kind,
    meta_tuple,
    next_node,
    next_tensor,
    version,
)
from retrograd_debug.agent.threads import ThreadState
from retrograd_debug.log.regions import Region, leave

if TYPE_CHECKING:
    from retrograd_debug.agent.agent import Agent

SCOPE_ENTERED, SCOPE_EXITED, TENSOR_SEEN, TENSOR_NAMED, NODE_DEFINED = 4, 5, 7, 8, 9
OP_APPLIED, BACKWARD_STARTED, NODE_STARTED, NODE_FINISHED, GRADIENT_ACCUMULATED = 10, 11, 12, 13, 14
BACKWARD_ENDED, STEP_STARTED, STEP_ENDED, GRADIENTS_ZEROED, SCALAR_LOGGED = 15, 16, 17, 18, 19
DEVICE_TRANSFERRED, ALLOCATION_ANNOUNCED, CONSTRUCTION_STARTED, CONSTRUCTION_ENDED = 20, 23, 30, 31

_PLAIN = frozenset((int, float, str, bool, type(None)))
_MANY = 64


class EngineListener:
    """Listens to our engine for one agent."""

    def __init__(self, agent: Agent) -> None:
        self.gradients = GradientIds()
        self.instances = Instances()
        self.armed = False
        self.iterations = Iterations(agent.writer.emit, self._arm)
        self.stops = StopMaker(agent, self)
        self.memory = Memory(agent.writer.emit)
        self._agent = agent
        self._writer = agent.writer
        self._emit = agent.writer.emit
        self._values = agent.values
        self._wants_values = agent.values.wanted
        self._site_of = agent.sites.of
        self._threads = agent.threads
        self._thread = agent.threads.current
        self._gate = agent.gate
        self._gate.on_arm = self._arm
        self._paths = ModulePaths(self._name_tensor, self.instances)
        self.paths: dict[int, str] = {}
        """Parameters and buffers by their ids."""
        self._scope_count = 0
        self._backward_count = 0
        self._regions = itertools.count(1)
        self._root_sites: dict[int, int] = {}
        self._recorded: dict[int, int] = {}
        self._recorded_passes: set[int] = set()
        self.in_setup = True
        """No op has been recorded for backward yet."""
        self.failed: tuple[int, str, list[tuple[int, int]], int] = (0, "", [], 0)
        """id of the error, op, inputs and node of what failed last."""
        self._op_applied = self.op_applied = op_applied_for(agent, self)
        self.node_starting = node_starting_for(agent, self)
        self._node_finished = self.node_finished = node_finished_for(agent, self)
        self.node_ran = node_ran_for(agent, self)

    def _arm(self) -> None:
        """The gate or the iterations wait for something else than before."""
        after = self._gate.after
        self.armed = self._gate.armed or self.iterations.due
        # Nothing is asked on the hot path for what hardly ever is waited for: it is another path then.
        self.op_applied = self._op_passed if "applied" in after else self._op_applied
        self.node_finished = self._node_passed if "ran" in after else self._node_finished

    def _op_passed(
        self,
        name: str,
        inputs: Sequence[Any],
        params: Mapping[str, object],
        outputs: Sequence[Any],
        started: int,
        flags: int,
    ) -> None:
        """An op ran; a breakpoint may hold after it."""
        self._op_applied(name, inputs, params, outputs, started, flags)
        self.stops.after_op(name, inputs, params, outputs, flags & 2 != 0, sys._getframe(1))

    def _node_passed(self, backward: int, node: Any, grads: Sequence[object], started: int) -> None:
        """A node ran; a breakpoint may hold after it."""
        self._node_finished(backward, node, grads, started)
        self.stops.after_node(node, grads, sys._getframe(1))

    # --- forward

    def op_starting(self, name: str, inputs: Sequence[object], params: Mapping[str, object]) -> int:
        """Hold here if asked to."""
        if self.iterations.due:
            self._begin_iteration()
        if self._gate.armed:
            self.stops.at_op(name, inputs, params, self._thread(), sys._getframe(1))
        return perf_counter_ns()

    def outputs_made(
        self, outputs: Sequence[EngineTensor], metas: Sequence[tuple[Any, ...]], site: int, flags: int
    ) -> None:
        """What an op's outputs bring beside the op: memory, contents, a place to remember for losses."""
        for tensor, made in zip(outputs, metas):  # noqa: B905  # one by construction
            array = tensor._data
            if array.size == 1 and made[5]:
                self._remember_root(made[0], site)
            if array.nbytes >= PAGE and not flags:
                self.memory.allocated(array, made[0], made[4])
            if self._wants_values:
                stepped = made[0] in self._recorded
                if stepped:
                    self._recorded[made[0]] = made[1]
                self._values.record(made[0], made[1], host_array(tensor), made[3], important=stepped)

    def _remember_root(self, tensor: int, site: int) -> None:
        if len(self._root_sites) > 4096:
            self._root_sites.clear()
        self._root_sites[tensor] = site

    def op_failed(
        self, name: str, inputs: Sequence[object], params: Mapping[str, object], error: BaseException
    ) -> None:
        """Remember which op it was, for the exception's event."""
        refs = [(self.see(as_tensor(each)), version(as_tensor(each))) for each in inputs if hasattr(each, "_tid")]
        thread = self._thread()
        node = self.stops.running_node if thread.backwards else 0
        self.failed = (id(error), name, refs, node)
        if "failed" in self._gate.after:
            self.stops.at_failure(name, inputs, error, thread, sys._getframe(1))

    def allocation_announced(self, name: str, bytes: int) -> None:
        """Write it before it is tried."""
        self._emit(ALLOCATION_ANNOUNCED, (name, self._site_of(sys._getframe(1)), bytes))
        self._writer.hasten()

    def see(self, tensor: EngineTensor, changed: bool = False) -> int:
        """The tensor's id; one that no recorded op made is told now. ``changed``: an op has just changed it in place,
        so what it was is told and its contents are gone."""
        if tensor._tid:
            return tensor._tid
        tensor._tid = next_tensor()
        made = meta_tuple(tensor)
        if changed:
            made = (made[0], max(0, made[1] - 1), *made[2:])
        self._emit(TENSOR_SEEN, (made,))
        if tensor._data.nbytes >= PAGE:
            self.memory.allocated(tensor._data, made[0], made[4])
        if not changed:
            self.record_value(tensor)
        return tensor._tid

    def record_value(self, tensor: EngineTensor, important: bool = False) -> None:
        """Record its contents, if the policy wants any."""
        if self._wants_values:
            dtype, _ = kind(tensor._meta)
            self._values.record(tensor._tid, version(tensor), host_array(tensor), dtype, important)

    def plain(self, params: Mapping[str, object]) -> dict[str, object]:
        """Parameters as events hold them."""
        return {key: _plain(value) for key, value in params.items()}

    # --- nodes

    def edge(self, edge: object) -> int:
        """The node that an edge leads to."""
        number = getattr(edge, "_nid", -1)
        if number > 0:
            return cast(int, number)
        if number == 0:
            return self.node_id(cast(EngineNode, edge))
        return self.node_id(cast(Any, edge).node)

    def node_id(self, node: EngineNode) -> int:
        """The node's id; one that no recorded op made is told now."""
        if node._nid:
            return node._nid
        node._nid = next_node()
        variable = getattr(node, "variable", None)
        tensor = self.see(as_tensor(variable)) if variable is not None else 0
        self._emit(NODE_DEFINED, (node._nid, node.name(), tensor))
        return node._nid

    # --- scopes

    def scope_entered(self, kind: str, name: str, owner: object) -> int:
        """Write the scope, with the module's path below its root."""
        thread = self._thread()
        if self.iterations.due and kind == "module":
            self._begin_iteration()
        site = self._site_of(sys._getframe(1))
        self._scope_count = scope = self._scope_count + 1
        path, type_name, more, instance = name, type(owner).__name__, "", 0
        if kind == "module":
            path = self._paths.path(owner, is_root=not thread.scopes)
            more = detail(owner)
            instance = self.instances.number(owner)
        elif kind == "optimizer":
            path = type_name
            instance = self.instances.number(owner)
        else:
            type_name = ""
        parent = thread.scopes[-1] if thread.scopes else 0
        self._emit(SCOPE_ENTERED, (scope, parent, kind, path, type_name, more, instance, site))
        thread.scopes.append(scope)
        thread.paths.append((path, type_name))
        if "scope" in self._gate.after:
            self.stops.at_scope("scope", thread, sys._getframe(1))
        return scope

    def scope_exited(self, scope: int) -> None:
        """Write its end (and that of scopes inside it that an exception left open)."""
        thread = self._thread()
        scopes, paths = thread.scopes, thread.paths
        while scopes and scopes[-1] != scope:
            self._emit(SCOPE_EXITED, (scopes.pop(),))
            paths.pop()
        if scopes:
            if "scope-end" in self._gate.after:
                self.stops.at_scope("scope-end", thread, sys._getframe(1))
            scopes.pop()
            paths.pop()
        self._emit(SCOPE_EXITED, (scope,))

    def construction_entered(self, owner: object) -> None:
        """The ops that follow count as one step."""
        self._emit(CONSTRUCTION_STARTED, (type(owner).__name__, self._site_of(sys._getframe(1))))
        self._enter(self._thread(), "construction")

    def construction_exited(self, owner: object) -> None:
        """They are over."""
        leave(self._thread().regions, "construction")
        self._emit(CONSTRUCTION_ENDED, ())

    def _enter(self, thread: ThreadState, kind: str) -> None:
        thread.regions.append(Region(kind, next(self._regions)))

    def _name_tensor(self, tensor: EngineTensor, kind: str, path: str, owner: int) -> None:
        number = self.see(tensor)
        self.paths[number] = path
        self._emit(TENSOR_NAMED, (number, kind, path, owner))

    # --- backward

    def backward_started(
        self,
        roots: Sequence[object],
        nodes: Sequence[object],
        seeds: Sequence[object],
        inputs: Sequence[object],
        retain_graph: bool,
        create_graph: bool,
    ) -> int:
        """Write the pass, and its roots as losses; may hold before it."""
        frame = sys._getframe(1)
        thread = self._thread()
        if self.iterations.due:
            self._begin_iteration()
        site = self._site_of(frame)
        tensors = [as_tensor(each) for each in roots]
        if self._gate.armed:
            self.stops.at_backward(tensors, thread, frame)
        refs = [(self.see(each), version(each)) for each in tensors]
        self._backward_count = number = self._backward_count + 1
        parent = thread.backwards[-1] if thread.backwards else 0
        metas, new = [], []
        for seed in seeds:
            made, first = self.gradients.meta(seed)
            metas.append(made)
            if first:
                new.append((seed, made))
            if not create_graph and hasattr(seed, "_data"):
                self.gradients.adopt(seed._data, made)
        numbers = [self.node_id(cast(EngineNode, each)) if each is not None else 0 for each in nodes]
        asked = [self.see(as_tensor(each)) for each in inputs]
        self._emit(BACKWARD_STARTED, (number, parent, refs, numbers, metas, asked, retain_graph, create_graph, site))
        for seed, made in new:
            self.gradient_value(seed, made)
        for root, (tensor, _) in zip(tensors, refs, strict=False):
            self._log_root(root, tensor, site)
        if create_graph:
            self._recorded_passes.add(number)
        thread.backwards.append(number)
        self._enter(thread, "backward")
        self.iterations.backward_started(closes=not inputs)
        return number

    def _log_root(self, root: EngineTensor, tensor: int, site: int) -> None:
        array = host_array(root)
        if array.size != 1 or array.dtype.kind == "c":
            return
        self._emit(SCALAR_LOGGED, ("loss", self._root_sites.get(tensor, site), float(array.reshape(())), tensor))
        if self._wants_values and self._values.exhausted:
            self.record_value(root, important=True)

    def gradients_summed(self, backward: int, node: object, slot: int, total: object) -> None:
        """The sum is a value of its own. A node of several outputs has a list, of which one element is new."""
        if isinstance(total, list):
            for each in total:
                if each is not None:
                    made, new = self.gradients.meta(each)
                    if new:
                        self.gradient_value(each, made)
            return
        self.gradient_value(total, self.gradients.summed(self.node_id(cast(EngineNode, node)), total))

    def gradient_value(self, gradient: Any, made: MetaTuple) -> None:
        """Record a gradient's contents, if the policy wants any."""
        if not self._wants_values:
            return
        array = host_array(gradient) if hasattr(gradient, "_tid") else self.host(gradient)
        self._values.record(made[0], made[1], array, made[3])

    def host(self, array: Any) -> Any:
        """A raw gradient on the host."""
        return array.get() if hasattr(array, "get") else array

    def gradient_accumulated(self, backward: int, node: object, tensor: object) -> None:
        """``.grad`` of a leaf has its new contents."""
        leaf = as_tensor(tensor)
        grad = leaf._grad
        if grad is None:
            return
        if not grad._tid:
            known = self.gradients.number_of(grad._data)
            grad._tid = known[0] if known is not None else next_tensor()
        elif backward not in self._recorded_passes:
            # Added to in place, without a version of its own: the log must tell the sum from what it was.
            grad._tid = next_tensor()
        made = meta_tuple(grad)
        self._emit(GRADIENT_ACCUMULATED, (backward, self.node_id(cast(EngineNode, node)), self.see(leaf), made))
        if self._wants_values:
            self._values.record(made[0], made[1], host_array(grad), made[3], important=True)
        if "accumulated" in self._gate.after:
            self.stops.after_gradient(leaf, self.node_id(cast(EngineNode, node)), sys._getframe(1))

    def backward_ended(self, backward: int, error: BaseException | None) -> None:
        """Write its end; may hold right after it."""
        thread = self._thread()
        while thread.backwards and thread.backwards.pop() != backward:
            pass
        self._recorded_passes.discard(backward)
        leave(thread.regions, "backward")
        if error is not None and self.failed[0] != id(error):
            self.failed = (id(error), "", [], self.stops.running_node)
        self._emit(BACKWARD_ENDED, (backward, f"{type(error).__name__}: {error}" if error is not None else ""))
        if not thread.backwards:
            self.gradients.clear()
            self.stops.pass_ended()
            self.iterations.backward_ended(inside_step=thread.optimizers > 0, failed=error is not None)
        if self._gate.armed and error is None:
            self.stops.after_backward(thread, sys._getframe(1))

    # --- optimizer

    def optimizer_step_started(self, optimizer: object) -> None:
        """Write the step; may hold before it."""
        thread = self._thread()
        frame = sys._getframe(1)
        if self._gate.armed:
            self.stops.at_optimizer(optimizer, thread, frame)
        thread.optimizers += 1
        self._enter(thread, "optimizer")
        params, groups = _groups(optimizer)
        refs = [(self.see(each), version(each)) for each in params]
        number = self.instances.number(optimizer)
        self._emit(STEP_STARTED, (number, type(optimizer).__name__, refs, groups, self._site_of(frame)))
        for _each, (tensor, count) in zip(params, refs, strict=False):
            self._recorded[tensor] = count

    def optimizer_step_ended(self, optimizer: object) -> None:
        """Write its end, with the parameters at their new versions."""
        thread = self._thread()
        thread.optimizers = max(0, thread.optimizers - 1)
        leave(thread.regions, "optimizer")
        params, _ = _groups(optimizer)
        refs = [(self.see(each), version(each)) for each in params]
        self._emit(STEP_ENDED, (self.instances.number(optimizer), refs))
        if self._wants_values:
            for each, (tensor, count) in zip(params, refs, strict=False):
                if self._recorded.get(tensor) != count:
                    self.record_value(each, important=True)
        self._recorded.clear()
        self.iterations.step_ended(inside_step=thread.optimizers > 0)

    def gradients_zeroed(self, owner: object, tensors: Sequence[object], to_none: bool) -> None:
        """Write it; an owner with parameter groups is an optimizer."""
        if hasattr(owner, "param_groups"):
            self.iterations.has_optimizer = True
        numbers = [self.see(as_tensor(each)) for each in tensors]
        self._emit(GRADIENTS_ZEROED, (numbers, to_none, self._site_of(sys._getframe(1))))

    def device_transferred(self, source: object, target: object) -> None:
        """Write the copy."""
        left, right = as_tensor(source), as_tensor(target)
        if not right._tid:
            right._tid = next_tensor()
        self._emit(DEVICE_TRANSFERRED, ((self.see(left), version(left)), meta_tuple(right), int(right._data.nbytes)))

    # --- iterations

    @property
    def phase(self) -> str:
        """Outside backward and step: setup or forward."""
        return "setup" if self.in_setup and self.iterations.index == 0 else "forward"

    def _begin_iteration(self) -> None:
        thread = self._thread()
        if not thread.backwards and not thread.optimizers:
            self.iterations.begin()
            self._gate.iteration_began(self.iterations.index)


def _plain(value: object) -> object:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (tuple, list)) and len(value) <= _MANY and all(type(each) in _PLAIN for each in value):
        return list(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"


def _groups(optimizer: Any) -> tuple[list[EngineTensor], list[dict[str, object]]]:
    """An optimizer's parameters, and the hyperparameters of each group."""
    params: list[EngineTensor] = []
    groups = []
    for group in optimizer.param_groups:
        params.extend(group["params"])
        groups.append({key: _plain(value) for key, value in group.items() if key != "params"})
    return params, groups
