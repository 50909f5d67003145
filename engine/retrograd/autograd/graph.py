"""The graph itself, under PyTorch's name ``torch.autograd.graph``: nodes, edges, hooks of several tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from retrograd.autograd.node import Node, Output
from retrograd.autograd.saved import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
from retrograd.autograd.versions import versions_of
from retrograd.tensor import Tensor

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class GradientEdge(NamedTuple):
    """Where a gradient goes: a node, and which of the outputs of its op. ``ownership_token`` keeps alive what the edge
    needs."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge that the gradient of ``tensor`` goes along; ``backward`` and ``grad`` take it in the tensor's place."""
    edge = tensor._node
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(edge.node, edge.index) if isinstance(edge, Output) else GradientEdge(edge, 0)


def edge_of(given: Tensor | GradientEdge) -> Node | Output | None:
    """The edge as nodes keep it."""
    if isinstance(given, Tensor):
        return given._node
    return Output(given.node, given.output_nr) if given.node.outputs else given.node


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Note that ``tensor`` was changed in place by means that the engine does not see."""
    for each in [tensor] if isinstance(tensor, Tensor) else tensor:
        versions_of(each).bump("increment_version")


class _Handles:
    """Removes the hooks that one call registered."""

    def __init__(self, handles: Sequence[object]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Remove them."""
        for handle in self.handles:
            handle.remove()  # type: ignore[attr-defined]

    def __enter__(self) -> None:
        """They are registered already."""

    def __exit__(self, *error: object) -> None:
        self.remove()


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all") -> _Handles:
    """Call ``fn`` once in each backward pass: with the gradients of all ``tensors`` when the last of those that the
    pass reaches is there (None for the others), or with ``mode`` "any" with the first that is."""
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    counting = _Counting(tensors, fn, mode)
    return _Handles([each.register_hook(counting.hook_for(place)) for place, each in enumerate(tensors)])


class _Counting:
    """Gathers the gradients of several tensors in one pass."""

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[..., None], mode: str) -> None:
        self.edges = [edge_of(each) for each in tensors]
        self.fn = fn
        self.any = mode == "any"
        self.lock = threading.Lock()
        self.passes: dict[int, list[Tensor | None]] = {}
        self.left: dict[int, int] = {}

    def hook_for(self, place: int) -> Callable[[Tensor], None]:
        """The hook of the tensor at ``place``."""

        def hook(grad: Tensor) -> None:
            from retrograd.autograd.engine import current

            running = current.passes[-1]
            with self.lock:
                if running.number not in self.passes:
                    self.passes.clear()
                    self.passes[running.number] = [None] * len(self.edges)
                    self.left[running.number] = sum(running.reaches(each) for each in self.edges)
                    first = True
                else:
                    first = False
                grads = self.passes[running.number]
                grads[place] = grad
                self.left[running.number] -= 1
                last = self.left[running.number] == 0
            if self.any and first:
                self.fn(grad)
            elif last and not self.any:
                self.fn(grads)

        return hook
