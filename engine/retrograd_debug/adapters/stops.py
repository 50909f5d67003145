"""Builds the hold of whatever our engine is about to run, once the gate decides to stop there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from retrograd_debug.adapters.facts import EngineFacts
from retrograd_debug.adapters.tensors import EngineNode, EngineTensor, as_tensor, version
from retrograd_debug.agent.frames import line_of
from retrograd_debug.agent.holding import Stop
from retrograd_debug.agent.threads import ThreadState
from retrograd_debug.session.api import Hold
from retrograd_events.events import NodeId, Param, Ref, ScopeId, Seq, SiteId, TensorId

if TYPE_CHECKING:
    from retrograd_debug.adapters.listener import EngineListener
    from retrograd_debug.agent.agent import Agent


ACCUMULATE = "AccumulateGrad"


class StopMaker:
    """Asks the gate at each kind of event, with what a hold there would say and what breakpoints may ask about it."""

    def __init__(self, agent: Agent, listener: EngineListener) -> None:
        self._agent = agent
        self._gate = agent.gate
        self._listener = listener
        self.running_node = 0
        self.came: dict[int, list[object]] = {}
        """What went into the nodes that run, while a breakpoint waits for what comes out."""
        self.made_in: dict[int, tuple[tuple[str, str], ...]] = {}
        """The scopes in which the op of a node ran, while a breakpoint asks for them."""

    # --- where a step can end

    def at_op(
        self, name: str, inputs: Sequence[object], params: Mapping[str, object], thread: ThreadState, frame: FrameType
    ) -> None:
        """Before an op."""

        def make(why: str, breakpoint: int, message: str) -> Stop:
            refs = [self._ref(each) for each in inputs]
            plain = self._listener.plain(params)
            hold, frames = self._hold("op", name, why, breakpoint, message, thread, frame, refs, plain)
            return Stop(hold, frames, list(inputs))

        facts = EngineFacts(self._listener, inputs, (), inputs, _of(inputs), changes=name.endswith("_"))
        self._gate.reach("op", name, thread, frame, make, facts)

    def at_backward(self, roots: Sequence[EngineTensor], thread: ThreadState, frame: FrameType) -> None:
        """Before a backward pass."""

        def make(why: str, breakpoint: int, message: str) -> Stop:
            refs = [self._ref(each) for each in roots]
            hold, frames = self._hold("backward", "backward", why, breakpoint, message, thread, frame, refs)
            return Stop(hold, frames, list(roots))

        facts = EngineFacts(self._listener, roots, (), roots, _of(roots))
        self._gate.reach("backward", "backward", thread, frame, make, facts)

    def at_node(
        self, node: EngineNode, number: int, grads: list[object], thread: ThreadState, frame: FrameType
    ) -> None:
        """Before a node of a backward pass."""
        name = node.name()
        if "ran" in self._gate.after:
            self.came[number] = list(grads)

        def make(why: str, breakpoint: int, message: str) -> Stop:
            hold, frames = self._hold(
                "node", name, why, breakpoint, message, thread, frame, [], number=number, grads=grads
            )
            return Stop(hold, frames, [], grads)

        facts = EngineFacts(self._listener, grads, (), (), {"grads": grads, "grad": _first(grads)})
        self._gate.reach("node", name, thread, frame, make, facts, self.made_in.get(number))

    def after_backward(self, thread: ThreadState, frame: FrameType) -> None:
        """Right after a backward pass."""

        def make(why: str, breakpoint: int, message: str) -> Stop:
            hold, frames = self._hold("pause", "backward", why, breakpoint, message, thread, frame, [])
            return Stop(hold, frames, [])

        self._gate.reach("backward-end", "backward", thread, frame, make)

    def at_optimizer(self, optimizer: object, thread: ThreadState, frame: FrameType) -> None:
        """Before an optimizer's step."""
        name = type(optimizer).__name__

        def make(why: str, breakpoint: int, message: str) -> Stop:
            groups: list[Any] = getattr(optimizer, "param_groups", [])
            params = [each for group in groups for each in group["params"]]
            refs = [self._ref(each) for each in params]
            hold, frames = self._hold("optimizer", name, why, breakpoint, message, thread, frame, refs)
            return Stop(hold, frames, params)

        self._gate.reach("optimizer", name, thread, frame, make)

    # --- where only a breakpoint can hold

    def after_op(
        self,
        name: str,
        inputs: Sequence[object],
        params: Mapping[str, object],
        outputs: Sequence[object],
        changed: bool,
        frame: FrameType,
    ) -> None:
        """Right after an op."""

        def make(why: str, breakpoint: int, message: str) -> Stop:
            refs = [self._ref(each) for each in outputs]
            hold, frames = self._hold("after", name, why, breakpoint, message, thread, frame, refs)
            return Stop(hold, frames, list(outputs))

        thread = self._agent.threads.current()
        if self._gate.points.scoped:
            self._remember_scopes(outputs, thread)
        called = {**_of(inputs), "outputs": outputs, "output": _first(outputs)}
        facts = EngineFacts(self._listener, (*inputs, *params.values()), outputs, outputs if changed else (), called)
        self._gate.pass_by("applied", name, thread, frame, make, facts)

    def _remember_scopes(self, outputs: Sequence[object], thread: ThreadState) -> None:
        for each in outputs:
            maker: Any = getattr(each, "_node", None)
            number = getattr(getattr(maker, "node", maker), "_nid", 0)
            if number:
                self.made_in[number] = tuple(thread.paths)

    def after_node(self, node: EngineNode, went: Sequence[object], frame: FrameType) -> None:
        """Right after a node of a backward pass."""
        name, number = node.name(), node._nid
        came = self.came.pop(number, [])

        def make(why: str, breakpoint: int, message: str) -> Stop:
            hold, frames = self._hold(
                "after", name, why, breakpoint, message, thread, frame, [], number=number, grads=went
            )
            return Stop(hold, frames, [])

        thread = self._agent.threads.current()
        self._gate.pass_by("ran", name, thread, frame, make, EngineFacts(self._listener, came, went))

    def after_gradient(self, leaf: EngineTensor, number: int, frame: FrameType) -> None:
        """Right after ``.grad`` of a leaf got its new contents."""
        grad = leaf._grad

        def make(why: str, breakpoint: int, message: str) -> Stop:
            refs = [self._ref(grad)]
            hold, frames = self._hold("after", ACCUMULATE, why, breakpoint, message, thread, frame, refs, number=number)
            return Stop(hold, frames, [grad, leaf])

        thread = self._agent.threads.current()
        facts = EngineFacts(self._listener, (), (grad,), (leaf,), {"grad": grad, "tensor": leaf})
        self._gate.pass_by("accumulated", ACCUMULATE, thread, frame, make, facts)

    def at_scope(self, place: str, thread: ThreadState, frame: FrameType) -> None:
        """Just inside the innermost scope of ``thread``: at its beginning ("scope") or its end ("scope-end")."""
        path, type_name = thread.paths[-1]

        def make(why: str, breakpoint: int, message: str) -> Stop:
            hold, frames = self._hold(place, path or type_name, why, breakpoint, message, thread, frame, [])
            return Stop(hold, frames, [])

        self._gate.pass_by(place, path or type_name, thread, frame, make)

    def at_failure(
        self, name: str, inputs: Sequence[object], error: BaseException, thread: ThreadState, frame: FrameType
    ) -> None:
        """Where an op has raised ``error``, before anything of the script catches it."""
        kind = type(error).__name__

        def make(why: str, breakpoint: int, message: str) -> Stop:
            refs = [self._ref(each) for each in inputs]
            hold, frames = self._hold("raised", name, why, breakpoint, f"{kind}: {error}", thread, frame, refs)
            return Stop(hold, frames, list(inputs))

        facts = EngineFacts(self._listener, inputs, (), (), _of(inputs))
        self._gate.pass_by("failed", kind, thread, frame, make, facts)

    def pass_ended(self) -> None:
        """No pass is open any more."""
        self.came.clear()
        self.made_in.clear()

    def refs_of(self, grads: Sequence[object]) -> list[Ref | None]:
        """The gradients that wait at a node, as a hold has them."""
        found: list[Ref | None] = []
        for each in grads:
            number = self._listener.gradients.number_of(each) if each is not None else None
            if each is not None and number is None:
                made, _ = self._listener.gradients.meta(each)
                number = made[:2]
            found.append((TensorId(number[0]), number[1]) if number is not None else None)
        return found

    def _ref(self, value: object) -> Ref:
        if not hasattr(value, "_tid"):
            return (TensorId(0), 0)
        tensor = as_tensor(value)
        return (TensorId(self._listener.see(tensor)), version(tensor))

    def _hold(
        self,
        kind: str,
        name: str,
        why: str,
        breakpoint: int,
        message: str,
        thread: ThreadState,
        frame: FrameType,
        inputs: list[Ref],
        params: dict[str, object] | None = None,
        number: int = 0,
        grads: Sequence[object] = (),
    ) -> tuple[Hold, list[FrameType]]:
        agent = self._agent
        frames = agent.frames.stack(frame)
        user = agent.frames.innermost_user(frame)
        site = agent.sites.of(frame)
        described = agent.frames.describe((each, line_of(each)) for each in frames)
        refs = self.refs_of(grads)
        plain: dict[str, Param] = dict(params or {})  # type: ignore[arg-type]  # made plain already
        phase = "backward" if thread.backwards else "step" if thread.optimizers else self._listener.phase
        hold = Hold(
            kind=kind,
            why=why,
            seq=Seq(agent.writer.seq),
            name=name,
            breakpoint=breakpoint,
            node=NodeId(number),
            inputs=inputs,
            params=plain,
            grads=refs,
            file=agent.frames.path(user.f_code.co_filename) if user is not None else "",
            line=line_of(user) if user is not None else 0,
            function=user.f_code.co_name if user is not None else "",
            site=SiteId(site),
            scope=ScopeId(thread.scopes[-1] if thread.scopes else 0),
            thread=thread.number,
            thread_name=thread.name,
            stack=described,
            iteration=self._listener.iterations.index,
            phase=phase,
            message=message,
            others=agent.gate.others,
        )
        return hold, frames


def _of(inputs: Sequence[object]) -> dict[str, object]:
    return {"inputs": inputs, "input": _first(inputs)}


def _first(values: Sequence[object]) -> object:
    return next((each for each in values if each is not None), None)
