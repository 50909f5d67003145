"""One step of a backward pass that someone looks at: hooks, captured gradients, the tap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from retrograd.autograd.gradients import Kind, as_array
from retrograd.autograd.node import AccumulateGrad, Node
from retrograd.tensor import Tensor
from retrograd_events.tap import Listener


def run_observed(
    node: Node,
    grad: object,
    kind: Kind,
    wanted: dict[Node, dict[int, int]],
    only: set[Node] | None,
    answers: dict[int, object],
    listener: Listener | None,
    number: int,
) -> Sequence[object]:
    """Run ``node`` on ``grad``; a gradient per edge. In PyTorch's order: hooks of its outputs' tensors, gradients
    kept or captured, hooks before the node, the node, hooks after it."""
    grads: list[object] = list(cast("list[object]", grad)) if node.outputs and grad is not None else [grad]
    grads = [None if each is None else as_array(each) for each in grads]
    if node.hooks is not None:
        _tensor_hooks(node, grads, kind)
    places = wanted.get(node)
    if places is not None:
        for index, place in places.items():
            answers[place] = grads[index] if index < len(grads) else None
        if isinstance(node, AccumulateGrad) or not _leads_on(node, only):
            return (None,) * len(node.edges)
    started = 0
    if listener is not None:
        started = listener.node_starting(number, node, grads)
    if node.hooks is not None:
        for hook in tuple(node.hooks.before.values()):
            result = hook(_tensors(grads, kind))
            if result is not None:
                grads = [None if each is None else kind.back(each) for each in _tuple(result)]
    if isinstance(node, AccumulateGrad):
        return _accumulate(node, grads, kind, listener, number, started)
    out = _run(node, grads, kind)
    if node.hooks is not None:
        for hook in tuple(node.hooks.after.values()):
            result = hook(_tensors(out, kind), _tensors(grads, kind))
            if result is not None:
                out = [None if each is None else kind.back(each) for each in _tuple(result)]
    if listener is not None:
        out = [None if each is None else as_array(each) for each in out]
        listener.node_finished(number, node, out, started)
    return out


def _run(node: Node, grads: list[object], kind: Kind) -> Sequence[object]:
    if all(each is None for each in grads):
        return (None,) * len(node.edges)
    function: Callable[..., Sequence[object]] = getattr(node, kind.run)
    return function(tuple(grads) if node.outputs else grads[0])


def _accumulate(
    node: AccumulateGrad, grads: list[object], kind: Kind, listener: Listener | None, number: int, started: int
) -> Sequence[object]:
    leaf = node.variable
    if grads[0] is not None:
        kind.accumulate(leaf, grads[0])
    if node.hooks is not None:
        for hook in tuple(node.hooks.after.values()):
            hook((), _tensors(grads, kind))
    if listener is not None:
        listener.node_finished(number, node, (), started)
        listener.gradient_accumulated(number, node, leaf)
    return ()


def _leads_on(node: Node, only: set[Node] | None) -> bool:
    """Whether anything else that is wanted lies below ``node``."""
    if only is None:
        return True
    seen: set[Node] = set()
    todo = [node]
    while todo:
        for edge in todo.pop().next_functions:
            below = edge[0]
            if below is not None and below not in seen:
                if below in only:
                    return True
                seen.add(below)
                todo.append(below)
    return False


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
            tensor._grad = kind.tensor(grads[index])


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
