"""Builds the hold of whatever our engine is about to run, once the gate decides to stop there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from retrograd_debug.adapters.tensors import EngineNode, EngineTensor, as_tensor, version
from retrograd_debug.agent.frames import line_of
from retrograd_debug.agent.gate import Stop
from retrograd_debug.agent.threads import ThreadState
from retrograd_debug.session.api import Hold
from retrograd_events.events import NodeId, Param, Ref, ScopeId, Seq, SiteId, TensorId

if TYPE_CHECKING:
    from retrograd_debug.adapters.listener import EngineListener
    from retrograd_debug.agent.agent import Agent


class StopMaker:
    """Asks the gate at each kind of event, with what a hold there would say."""

    def __init__(self, agent: Agent, listener: EngineListener) -> None:
        self._agent = agent
        self._listener = listener
        self.running_node = 0

    def at_op(
        self, name: str, inputs: Sequence[object], params: Mapping[str, object], thread: ThreadState, frame: FrameType
    ) -> None:
        """Before an op."""

        def make(why: str, breakpoint: int) -> Stop:
            refs = [self._ref(each) for each in inputs]
            hold = self._hold("op", name, why, breakpoint, thread, frame, refs, self._listener.plain(params))
            return Stop(hold[0], hold[1], list(inputs))

        self._agent.gate.reach("op", name, thread, frame, make)

    def at_backward(self, roots: Sequence[EngineTensor], thread: ThreadState, frame: FrameType) -> None:
        """Before a backward pass."""

        def make(why: str, breakpoint: int) -> Stop:
            refs = [self._ref(each) for each in roots]
            hold = self._hold("backward", "backward", why, breakpoint, thread, frame, refs)
            return Stop(hold[0], hold[1], list(roots))

        self._agent.gate.reach("backward", "backward", thread, frame, make)

    def at_node(
        self, node: EngineNode, number: int, grads: list[object], thread: ThreadState, frame: FrameType
    ) -> None:
        """Before a node of a backward pass."""
        name = node.name()

        def make(why: str, breakpoint: int) -> Stop:
            hold, frames = self._hold("node", name, why, breakpoint, thread, frame, [], number=number, grads=grads)
            return Stop(hold, frames, [], grads)

        self._agent.gate.reach("node", name, thread, frame, make)

    def after_backward(self, thread: ThreadState, frame: FrameType) -> None:
        """Right after a backward pass."""

        def make(why: str, breakpoint: int) -> Stop:
            hold, frames = self._hold("pause", "backward", why, breakpoint, thread, frame, [])
            return Stop(hold, frames, [])

        self._agent.gate.reach("backward-end", "backward", thread, frame, make)

    def at_optimizer(self, optimizer: object, thread: ThreadState, frame: FrameType) -> None:
        """Before an optimizer's step."""
        name = type(optimizer).__name__

        def make(why: str, breakpoint: int) -> Stop:
            groups: list[Any] = getattr(optimizer, "param_groups", [])
            params = [each for group in groups for each in group["params"]]
            refs = [self._ref(each) for each in params]
            hold, frames = self._hold("optimizer", name, why, breakpoint, thread, frame, refs)
            return Stop(hold, frames, params)

        self._agent.gate.reach("optimizer", name, thread, frame, make)

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
            others=agent.gate.others,
        )
        return hold, frames
