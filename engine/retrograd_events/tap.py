"""The tap: the one place where a source of events (the engine) meets whoever listens.

A source tests ``tap.listener`` once per op and does nothing more while it is None. It hands over live objects; what is
copied, numbered and encoded is the listener's business. A listener must keep no strong reference to what it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Listener(Protocol):
    """What a source calls, in the thread where it happens. Tensors and nodes are the source's own objects; gradients in
    a plain backward are raw arrays, with ``create_graph`` tensors.

    ``*_starting`` calls may block (the gate); the others must not.

    ``armed``: something waits for the next op or node. While it is false the source may leave out ``op_starting`` (an
    op then began at ``time.perf_counter_ns()``) and tell of a node once, by ``node_ran``.
    """

    armed: bool

    def op_starting(self, name: str, inputs: Sequence[object], params: Mapping[str, object]) -> int:
        """An op is about to run; returns ``time.perf_counter_ns()`` at its start, after any hold."""
        ...

    def op_applied(
        self,
        name: str,
        inputs: Sequence[object],
        params: Mapping[str, object],
        outputs: Sequence[object],
        started: int,
        flags: int,
    ) -> None:
        """The op ran; ``outputs`` are tensors that already carry their backward node; ``flags``: VIEW | IN_PLACE."""
        ...

    def op_failed(
        self, name: str, inputs: Sequence[object], params: Mapping[str, object], error: BaseException
    ) -> None:
        """The op raised; the error goes on to the caller."""
        ...

    def allocation_announced(self, name: str, bytes: int) -> None:
        """The op about to run allocates more than 64 MiB."""
        ...

    def scope_entered(self, kind: str, name: str, owner: object) -> int:
        """A module, function or optimizer scope opened; ``owner`` is the module, function or optimizer object."""
        ...

    def scope_exited(self, scope: int) -> None:
        """The scope returned by ``scope_entered`` closed, by whatever way."""
        ...

    def construction_entered(self, owner: object) -> None:
        """A module's ``__init__`` begins: its ops count as one step."""
        ...

    def construction_exited(self, owner: object) -> None:
        """The module's ``__init__`` ended."""
        ...

    def backward_started(
        self,
        roots: Sequence[object],
        nodes: Sequence[object],
        seeds: Sequence[object],
        inputs: Sequence[object],
        retain_graph: bool,
        create_graph: bool,
    ) -> int:
        """A pass begins; may hold; returns its id for the calls below."""
        ...

    def node_starting(self, backward: int, node: object, grads: list[object]) -> int:
        """A node is about to run; may hold. The listener may replace elements of ``grads``; the source uses what is
        there on return. Returns ``time.perf_counter_ns()``."""
        ...

    def gradients_summed(self, backward: int, node: object, slot: int, total: object) -> None:
        """A second gradient reached ``slot`` of a waiting ``node``; ``total`` is the sum so far (a new object, or the
        first one changed in place)."""
        ...

    def node_finished(self, backward: int, node: object, grads: Sequence[object], started: int) -> None:
        """The node ran; ``grads`` go to its next nodes, in order."""
        ...

    def node_ran(self, backward: int, node: object, grad: object, grads: Sequence[object], started: int) -> None:
        """A node of one output ran on raw arrays while nothing was ``armed``: ``node_starting`` and ``node_finished``
        in one. ``grad`` went in, ``grads`` came out, ``started`` is ``time.perf_counter_ns()`` before it."""
        ...

    def gradient_accumulated(self, backward: int, node: object, tensor: object) -> None:
        """``tensor.grad`` now holds what an AccumulateGrad node brought."""
        ...

    def backward_ended(self, backward: int, error: BaseException | None) -> None:
        """The pass ended, by whatever way."""
        ...

    def optimizer_step_started(self, optimizer: object) -> None:
        """``step()`` begins; may hold."""
        ...

    def optimizer_step_ended(self, optimizer: object) -> None:
        """``step()`` ended."""
        ...

    def gradients_zeroed(self, owner: object, tensors: Sequence[object], to_none: bool) -> None:
        """``zero_grad`` ran."""
        ...

    def device_transferred(self, source: object, target: object) -> None:
        """A tensor was copied to another device."""
        ...


class Tap:
    """Holds the listener, or None."""

    __slots__ = ("listener",)

    def __init__(self) -> None:
        self.listener: Listener | None = None


tap = Tap()
"""The process's tap: one, as PyTorch's own global state is one."""
