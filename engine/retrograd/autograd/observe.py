"""One step of a backward pass that someone looks at: hooks, captured gradients, the tap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import cast

from retrograd.autograd import anomaly
from retrograd.autograd.gradients import RAW, Kind, as_array
from retrograd.autograd.mode import EVERYWHERE, special
from retrograd.autograd.node import AccumulateGrad, Node, Output, below
from retrograd.ops.special import unpacked
from retrograd.tensor import Tensor
from retrograd_events.tap import Listener


class Watched:
    """Runs the steps of a pass that someone looks at; what it is given is described at ``backward_pass.run``."""

    __slots__ = ("anomalous", "answers", "brief", "kind", "listener", "number", "only", "wanted")

    def __init__(
        self,
        kind: Kind,
        wanted: dict[Node, dict[int, list[int]]],
        only: set[Node] | None,
        answers: dict[int, object],
        listener: Listener | None,
        number: int,
    ) -> None:
        self.kind = kind
        self.wanted = wanted
        self.only = only
        self.answers = answers
        self.listener = listener
        self.number = number
        self.anomalous = EVERYWHERE in special
        self.brief = not wanted and (listener is None or kind is RAW) and not self.anomalous
        """Whether a node without hooks needs no more than to run, and at most to be told of."""

    def summed(self, edge: Node | Output, total: object) -> None:
        """Tell that another gradient reached a waiting node."""
        if self.listener is None:
            return
        if type(edge) is Output:
            parts = cast("list[object]", total)
            self.listener.gradients_summed(self.number, edge.node, edge.index, parts[edge.index])
        else:
            self.listener.gradients_summed(self.number, edge, 0, total)

    def run(self, node: Node, grad: object) -> Sequence[object]:
        """Run ``node`` on ``grad``; a gradient per edge. In PyTorch's order: hooks of its outputs' tensors, gradients
        kept and captured, hooks before the node, the node, hooks after it."""
        kind, listener = self.kind, self.listener
        if self.brief and grad is not None and node.hooks is None and type(node) is not AccumulateGrad:
            if listener is None:
                return cast("Sequence[object]", getattr(node, kind.run)(grad))
            if not listener.armed and not node.outputs:
                return self._run_told(listener, node, grad)
        grads: list[object] = list(cast("list[object]", grad)) if node.outputs and grad is not None else [grad]
        if listener is not None or node.hooks is not None:
            grads = [None if each is None else as_array(each) for each in grads]
        places = self.wanted.get(node)
        last = places is not None and (isinstance(node, AccumulateGrad) or not _leads_on(node, self.only))
        if places is not None and not last:
            self._capture(places, grads)  # PyTorch: before the tensors' hooks, unless the pass ends here
        if node.hooks is not None:
            _tensor_hooks(node, grads, kind)
        if places is not None and last:
            self._capture(places, grads)
            return (None,) * len(node.edges)
        started = listener.node_starting(self.number, node, grads) if listener is not None else 0
        if node.hooks is not None:
            _before(node, grads, kind)
        if isinstance(node, AccumulateGrad):
            return self._accumulate(node, grads, started)
        out = _run(node, grads, kind)
        if self.anomalous:
            anomaly.check(node, grads, out, kind)
        if node.hooks is not None:
            out = _after(node, out, grads, kind)
        if listener is not None:
            out = [None if each is None else as_array(each) for each in out]
            listener.node_finished(self.number, node, out, started)
        return out

    def _capture(self, places: dict[int, list[int]], grads: Sequence[object]) -> None:
        for index, wanting in places.items():
            for place in wanting:
                self.answers[place] = grads[index] if index < len(grads) else None

    def _run_told(self, listener: Listener, node: Node, grad: object) -> Sequence[object]:
        """Run ``node`` and tell of it at once: nobody would hold before it."""
        started = perf_counter_ns()
        try:
            grads = node.run(grad)
        except BaseException:
            listener.node_starting(self.number, node, [as_array(grad)])
            raise
        listener.node_ran(self.number, node, grad, grads, started)
        return grads

    def _accumulate(self, node: AccumulateGrad, grads: list[object], started: int) -> Sequence[object]:
        leaf = node.variable
        if grads[0] is not None:
            self.kind.accumulate(leaf, grads[0])
        if node.hooks is not None:
            for hook in tuple(node.hooks.accumulated.values()):
                hook(leaf)
            _after(node, (), grads, self.kind)
        if self.listener is not None:
            self.listener.node_finished(self.number, node, (), started)
            self.listener.gradient_accumulated(self.number, node, leaf)
        return ()


def _before(node: Node, grads: list[object], kind: Kind) -> None:
    assert node.hooks is not None
    for hook in tuple(node.hooks.before.values()):
        result = hook(_tensors(grads, kind))
        if result is not None:
            grads[:] = [None if each is None else kind.back(each) for each in _tuple(result)]


def _after(node: Node, out: Sequence[object], grads: list[object], kind: Kind) -> Sequence[object]:
    assert node.hooks is not None
    for hook in tuple(node.hooks.after.values()):
        result = hook(_tensors(out, kind), _tensors(grads, kind))
        if result is not None:
            out = [None if each is None else kind.back(each) for each in _tuple(result)]
    return out


def _run(node: Node, grads: list[object], kind: Kind) -> Sequence[object]:
    if all(each is None for each in grads):
        return (None,) * len(node.edges)
    function: Callable[..., Sequence[object]] = getattr(node, kind.run)
    grad = tuple(grads) if node.outputs else grads[0]
    if node.hooks is None or not node.hooks.packed or node.saved is None:
        return function(grad)
    kept, node.saved = node.saved, unpacked(node.saved)
    try:
        return function(grad)
    finally:
        node.saved = kept


def _leads_on(node: Node, only: set[Node] | None) -> bool:
    """Whether anything else that is wanted lies below ``node``."""
    if only is None:
        return True
    return not only.isdisjoint(below([node]) - {node})


def _tensor_hooks(node: Node, grads: list[object], kind: Kind) -> None:
    hooks = node.hooks
    assert hooks is not None
    for index, each in list(enumerate(grads)):
        for hook in tuple(hooks.tensors.get(index, {}).values()):
            if grads[index] is not None:
                result = hook(kind.tensor(grads[index]))
                if result is not None:
                    grads[index] = kind.back(_matching(result, kind.tensor(each)))
        kept = hooks.retained.get(index)
        tensor = kept() if kept is not None else None
        if isinstance(tensor, Tensor) and grads[index] is not None:
            grad = kind.tensor(grads[index])
            tensor._grad = grad if tensor._grad is None else tensor._grad + grad


def _matching(result: object, expected: Tensor) -> Tensor:
    if not isinstance(result, Tensor):
        raise TypeError(f"a hook must return None or a Tensor, got {type(result).__name__}")
    if result._meta != expected._meta:
        raise RuntimeError(f"a hook has changed the gradient from [{expected._meta}] to [{result._meta}]")
    return result


def _tensors(grads: Sequence[object], kind: Kind) -> tuple[Tensor | None, ...]:
    return tuple([None if each is None else kind.tensor(each) for each in grads])


def _tuple(result: object) -> tuple[Tensor | None, ...]:
    return cast("tuple[Tensor | None, ...]", result if isinstance(result, (tuple, list)) else (result,))
