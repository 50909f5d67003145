"""The two doors to a backward pass: ``backward`` and ``grad``."""

from __future__ import annotations

import itertools
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np

from retrograd.autograd.anomaly import check_roots
from retrograd.autograd.backward_pass import Wanted, run
from retrograd.autograd.gradients import RAW, RECORDED, Kind
from retrograd.autograd.graph import GradientEdge, edge_of
from retrograd.autograd.mode import mode
from retrograd.autograd.node import AccumulateGrad, Node, Output, below
from retrograd.lifting import Lifted, highest
from retrograd.ops.primitive import registry
from retrograd.tensor import Tensor, from_array, wrap
from retrograd_events.tap import tap

Root = Tensor | GradientEdge
Roots = Root | Sequence[Root]
Seeds = Tensor | Sequence[Tensor | None] | None


class Running:
    """A backward pass that runs: its number, and what it reaches."""

    __slots__ = ("_only", "_reached", "_roots", "number")
    _numbers = itertools.count(1)

    def __init__(self, roots: Sequence[Node], only: set[Node] | None) -> None:
        self.number = next(self._numbers)
        self._roots = roots
        self._only = only
        self._reached: set[Node] | None = None

    def reaches(self, edge: Node | Output | None) -> bool:
        """Whether a gradient comes to ``edge`` in this pass."""
        if self._reached is None:
            self._reached = below(self._roots)
        node = edge.node if isinstance(edge, Output) else edge
        if node is None or node not in self._reached:
            return False
        return self._only is None or not self._only.isdisjoint(below([node]))


class _Current(threading.local):
    def __init__(self) -> None:
        self.passes: list[Running] = []
        self.callbacks: list[Callable[[], None]] = []


current = _Current()
"""``current.passes``: this thread's backward passes, innermost last."""


def backward(
    tensors: Roots,
    grad_tensors: Seeds = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    grad_variables: Seeds = None,
    inputs: Roots | None = None,
) -> None:
    """Bring the gradients of ``tensors`` to the leaves they were made from, added to each leaf's ``grad``.

    ``grad_tensors`` are their own gradients (None: 1, for a scalar). ``retain_graph`` (default: as ``create_graph``)
    leaves the graph for another pass; ``create_graph`` records the pass itself. ``inputs``: only these get a gradient.
    ``grad_variables`` is an old name of ``grad_tensors``. Source: ``torch.autograd.backward``.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    chosen = None if inputs is None else _list(inputs)
    if chosen is not None and not chosen:
        raise RuntimeError("'inputs' argument to 'backward' cannot be empty.")
    answers, kind = _pass(tensors, grad_tensors, retain_graph, create_graph, chosen, accumulate=True)
    for index, tensor in enumerate(chosen or []):
        if index in answers and isinstance(tensor, Tensor):
            kind.accumulate(tensor, answers[index])


def grad(
    outputs: Roots,
    inputs: Roots | Mapping[str, Tensor],
    grad_outputs: Seeds = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; no ``grad`` is touched.

    An input that plays no part is an error unless ``allow_unused`` (its gradient is then None) or
    ``materialize_grads`` (then zeros). ``is_grads_batched``: the first dimension of each of ``grad_outputs`` counts
    gradients to be carried back side by side, and that of each answer as well. Source: ``torch.autograd.grad``.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False")
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    names = list(inputs) if isinstance(inputs, Mapping) else None
    chosen: list[Root] = list(inputs.values()) if isinstance(inputs, Mapping) else _list(inputs)
    unused = bool(allow_unused) or materialize_grads
    if is_grads_batched:
        found = _side_by_side(outputs, chosen, grad_outputs, retain_graph, create_graph, unused)
    else:
        found = _grads(outputs, chosen, grad_outputs, retain_graph, create_graph, unused)
    if materialize_grads:
        if any(isinstance(each, GradientEdge) for each in chosen):
            raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
        found = tuple(
            _zeros(each) if got is None and isinstance(each, Tensor) else got
            for each, got in zip(chosen, found, strict=True)
        )
    return found if names is None else dict(zip(names, found, strict=True))  # type: ignore[return-value]  # as asked


def _zeros(tensor: Tensor) -> Tensor:
    return from_array(tensor._meta.xp.zeros(tensor.shape, tensor._meta.numpy_dtype), tensor.device)


def _grads(
    outputs: Roots,
    inputs: list[Root],
    seeds: Seeds,
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool,
) -> tuple[Tensor | None, ...]:
    answers, kind = _pass(outputs, seeds, retain_graph, create_graph, inputs, accumulate=False)
    found: list[Tensor | None] = []
    for index in range(len(inputs)):
        answer = answers.get(index)
        if answer is None and not allow_unused:
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
        found.append(None if answer is None else kind.tensor(answer))
    return tuple(found)


def _side_by_side(
    outputs: Roots,
    inputs: list[Root],
    seeds: Seeds,
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool,
) -> tuple[Tensor | None, ...]:
    """The gradients for each of a batch of seeds, stacked."""
    batches = [seeds] if seeds is None or isinstance(seeds, Tensor) else list(seeds)
    counts = {each.shape[0] for each in batches if each is not None}
    if len(counts) != 1:
        raise RuntimeError(
            f"is_grads_batched=True needs grad_outputs with one length of their first dimension, got {counts}"
        )
    (count,) = counts
    keep = create_graph if retain_graph is None else retain_graph
    rows = [
        _grads(
            outputs, inputs, [None if each is None else each[place] for each in batches],
            keep or place < count - 1, create_graph, allow_unused,
        )
        for place in range(count)
    ]  # fmt: skip
    stack = cast("Callable[..., Tensor]", registry["stack"].call)
    return tuple(None if column[0] is None else stack(*column, dim=0) for column in zip(*rows, strict=True))


def queue_callback(callback: Callable[[], None]) -> None:
    """Call ``callback`` when the pass that runs has ended."""
    if not current.passes:
        raise RuntimeError("Final callbacks can only be installed during backward pass.")
    current.callbacks.append(callback)


def _list(tensors: Roots) -> list[Root]:
    return [tensors] if isinstance(tensors, (Tensor, GradientEdge)) else list(tensors)


def _pass(
    outputs: Roots,
    seeds: Seeds,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: list[Root] | None,
    *,
    accumulate: bool,
) -> tuple[dict[int, object], Kind]:
    roots = _list(outputs)
    given = [seeds] if seeds is None or isinstance(seeds, Tensor) else list(seeds)
    if len(given) != len(roots):
        if given != [None]:
            raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
        given = [None] * len(roots)
    edges = [_edge(each, place) for place, each in enumerate(roots)]
    starts = [_seed(root, seed, place) for place, (root, seed) in enumerate(zip(roots, given, strict=True))]
    wanted: Wanted = {}
    only: set[Node] | None = None
    if inputs is not None:
        only = set()
        for place, each in enumerate(inputs):
            edge = edge_of(each)
            if edge is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            node, index = (edge.node, edge.index) if isinstance(edge, Output) else (edge, 0)
            only.add(node)
            if not accumulate or not isinstance(node, AccumulateGrad):
                wanted.setdefault(node, {}).setdefault(index, []).append(place)
    keep = create_graph if retain_graph is None else retain_graph
    recorded = create_graph or highest((*roots, *starts)) is not None
    kind = RECORDED if recorded else RAW
    nodes = [edge.node if isinstance(edge, Output) else edge for edge in edges]
    listener = tap.listener
    number = 0
    if listener is not None:
        shown = [root if isinstance(root, Tensor) else start for root, start in zip(roots, starts, strict=True)]
        targets = [each for each in inputs or () if isinstance(each, Tensor)]
        number = listener.backward_started(shown, nodes, starts, targets, keep, create_graph)
    error: BaseException | None = None
    before = mode.enabled
    mode.enabled = create_graph
    passes = current.passes
    passes.append(Running(nodes, only))
    try:
        check_roots(roots)
        with np.errstate(all="ignore"):
            answers = run(
                [(edge, kind.back(start)) for edge, start in zip(edges, starts, strict=True)],
                kind, keep=keep, wanted=wanted, only=only, listener=listener, number=number,
            )  # fmt: skip
    except BaseException as raised:
        error = raised
        raise
    finally:
        passes.pop()
        mode.enabled = before
        if listener is not None:
            listener.backward_ended(number, error)
    if not passes and current.callbacks:
        _call_back()
    return answers, kind


Tensor._backward = staticmethod(backward)


def _call_back() -> None:
    while current.callbacks:
        current.callbacks.pop(0)()


def _edge(root: Root, place: int) -> Node | Output:
    edge = edge_of(root)
    while edge is None and isinstance(root, Lifted):
        root = root.parts()[0]
        edge = root._node
    if edge is None:
        raise RuntimeError(f"element {place} of tensors does not require grad and does not have a grad_fn")
    return edge


def _seed(root: Root, given: Tensor | None, place: int) -> Tensor:
    if isinstance(root, GradientEdge):
        if given is None:
            raise RuntimeError("When outputs are edges (GradientEdge), grad_outputs must be given for each of them")
        return given
    if given is None:
        if root._meta.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if not root._meta.floating:
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {root.dtype}")
        meta = root._meta  # of one element: NumPy's ones() costs five times as much
        return wrap(meta.xp.array(1, meta.numpy_dtype).reshape(meta.shape), meta, None)
    if not isinstance(given, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(given).__name__}")
    if given._meta.shape != root._meta.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{place}] has a shape of {given.shape} and output[{place}] has a shape of "
            f"{root.shape}."
        )
    if given._meta.dtype is not root._meta.dtype:
        return given.to(root._meta.dtype)
    return given
