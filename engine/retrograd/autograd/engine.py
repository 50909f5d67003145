"""The two doors to a backward pass: ``backward`` and ``grad``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrograd.autograd.backward_pass import Wanted, run
from retrograd.autograd.gradients import RAW, RECORDED
from retrograd.autograd.mode import mode
from retrograd.autograd.node import AccumulateGrad, Node, Output
from retrograd.tensor import Tensor, from_array, wrap
from retrograd_events.tap import tap

Tensors = Tensor | Sequence[Tensor]
Seeds = Tensor | Sequence[Tensor | None] | None


def backward(
    tensors: Tensors,
    grad_tensors: Seeds = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    inputs: Tensors | None = None,
) -> None:
    """Bring the gradients of ``tensors`` to the leaves they were made from, added to each leaf's ``grad``.

    ``grad_tensors`` are their own gradients (None: 1, for a scalar). ``retain_graph`` (default: as ``create_graph``)
    leaves the graph for another pass; ``create_graph`` records the pass itself. ``inputs``: only these get a gradient.
    """
    chosen = None if inputs is None else _list(inputs)
    if chosen is not None and not chosen:
        raise RuntimeError("'inputs' argument to 'backward' cannot be empty.")
    answers = _pass(tensors, grad_tensors, retain_graph, create_graph, chosen, accumulate=True)
    kind = RECORDED if create_graph else RAW
    for index, tensor in enumerate(chosen or []):
        if index in answers:
            kind.accumulate(tensor, answers[index])


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Seeds = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    *,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; no ``grad`` is touched.

    An input that plays no part is an error unless ``allow_unused`` (its gradient is then None) or
    ``materialize_grads`` (then zeros).
    """
    chosen = _list(inputs)
    answers = _pass(outputs, grad_outputs, retain_graph, create_graph, chosen, accumulate=False)
    kind = RECORDED if create_graph else RAW
    found: list[Tensor | None] = []
    for index, tensor in enumerate(chosen):
        answer = answers.get(index)
        if answer is not None:
            found.append(kind.tensor(answer))
        elif materialize_grads:
            found.append(from_array(tensor._meta.xp.zeros(tensor.shape, tensor._meta.numpy_dtype), tensor.device))
        elif allow_unused:
            found.append(None)
        else:
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
    return tuple(found)


def _list(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _pass(
    outputs: Tensors,
    seeds: Seeds,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: list[Tensor] | None,
    *,
    accumulate: bool,
) -> dict[int, object]:
    roots = _list(outputs)
    given = [seeds] if seeds is None or isinstance(seeds, Tensor) else list(seeds)
    if len(given) != len(roots):
        if given != [None]:
            raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
        given = [None] * len(roots)
    edges = [_edge(each) for each in roots]
    starts = [_seed(root, seed) for root, seed in zip(roots, given, strict=True)]
    wanted: Wanted = {}
    only: set[Node] | None = None
    if inputs is not None:
        only = set()
        for place, each in enumerate(inputs):
            edge = each._node
            if edge is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            node, index = (edge.node, edge.index) if isinstance(edge, Output) else (edge, 0)
            only.add(node)
            if not accumulate or not isinstance(node, AccumulateGrad):
                wanted.setdefault(node, {})[index] = place
    keep = create_graph if retain_graph is None else retain_graph
    kind = RECORDED if create_graph else RAW
    listener = tap.listener
    number = 0
    if listener is not None:
        nodes = [edge.node if isinstance(edge, Output) else edge for edge in edges]
        number = listener.backward_started(roots, nodes, starts, inputs or (), keep, create_graph)
    error: BaseException | None = None
    before = mode.enabled
    mode.enabled = create_graph
    try:
        with np.errstate(all="ignore"):
            return run(
                [(edge, kind.back(start)) for edge, start in zip(edges, starts, strict=True)],
                kind, keep=keep, wanted=wanted, only=only, listener=listener, number=number,
            )  # fmt: skip
    except BaseException as raised:
        error = raised
        raise
    finally:
        mode.enabled = before
        if listener is not None:
            listener.backward_ended(number, error)


def _edge(root: Tensor) -> Node | Output:
    if root._node is None:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    return root._node


def _seed(root: Tensor, given: Tensor | None) -> Tensor:
    if given is None:
        if root._meta.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        meta = root._meta  # of one element: NumPy's ones() costs five times as much
        return wrap(meta.xp.array(1, meta.numpy_dtype).reshape(meta.shape), meta, None)
    if given._meta.shape != root._meta.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {given.shape} and output[0] has a shape of {root.shape}."
        )
    return given
