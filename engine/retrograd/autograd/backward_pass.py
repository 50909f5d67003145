"""The backward pass.

A node is made after those it passes gradients to, so going from the last made to the first, each node's gradients are
all in when its turn comes: PyTorch's order. AccumulateGrad nodes run as soon as they can. There is no recursion, so a
graph may be as deep as memory allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from retrograd.autograd.gradients import RAW, Kind
from retrograd.autograd.node import AccumulateGrad, Node, Output
from retrograd.autograd.observe import Watched
from retrograd_events.tap import Listener

Wanted = dict[Node, dict[int, list[int]]]
"""Gradients asked for: node -> which of its outputs -> places in the answer."""

_seq = attrgetter("seq")


def run(
    roots: Sequence[tuple[Node | Output, object]],
    kind: Kind,
    *,
    keep: bool,
    wanted: Wanted,
    only: set[Node] | None,
    listener: Listener | None,
    number: int,
) -> dict[int, object]:
    """Carry the gradients of ``roots`` to the leaves; answers with the ``wanted`` ones by place.

    ``keep``: leave what nodes saved for another pass. ``only``: run what leads to these nodes (None: everything).
    ``listener`` is told about it as pass ``number``.
    """
    order, missing, needed = _plan(dict.fromkeys(_node(root) for root, _ in roots), only)
    arrived: dict[Node, object] = {}  # gradients of nodes that wait (a list for a node of several outputs)
    owned: set[Node] = set()  # nodes whose arrived gradient is a sum made here
    answers: dict[int, object] = {}
    watched = Watched(kind, wanted, only, answers, listener, number)
    plain = kind is RAW and listener is None and not wanted and not watched.anomalous
    for leaf in _start(roots, missing, needed, arrived, owned, kind):
        watched.run(leaf, arrived.pop(leaf))
    for node in order:
        grad = arrived.pop(node, None)
        unseen = plain and grad is not None and node.hooks is None
        grads = node.run(grad) if unseen else watched.run(node, grad)
        if not keep and node.frees:
            node.saved = None
        leaves: list[AccumulateGrad] | None = None
        for edge, grad in zip(node.edges, grads):  # noqa: B905  as many of each; strict costs time
            if edge is None:
                continue
            target = edge.node if type(edge) is Output else edge
            if needed is not None and target not in needed:
                continue
            if grad is not None:
                if target in arrived or type(edge) is Output:
                    _put(arrived, owned, kind, edge, grad)
                    watched.summed(edge, arrived[target])
                else:
                    arrived[target] = grad
            if type(target) is AccumulateGrad:
                missing[target] -= 1
                if not missing[target] and target in arrived:
                    leaves = [*(leaves or ()), target]
        if leaves is not None:
            grads, grad = (), None  # what leaves get must be theirs alone
            for leaf in leaves:
                if plain and leaf.hooks is None:
                    kind.accumulate(leaf.variable, arrived.pop(leaf))
                else:
                    watched.run(leaf, arrived.pop(leaf))
    return answers


def _node(edge: Node | Output) -> Node:
    return edge.node if type(edge) is Output else edge


def _start(
    roots: Sequence[tuple[Node | Output, object]],
    missing: dict[Node, int],
    needed: set[Node] | None,
    arrived: dict[Node, object],
    owned: set[Node],
    kind: Kind,
) -> list[Node]:
    """Give the roots their gradients; those that are leaves and wait for no more."""
    for root, seed in roots:
        if needed is None or _node(root) in needed:
            _put(arrived, owned, kind, root, seed)
    return [node for node in arrived if missing.get(node) == 0]


def _put(arrived: dict[Node, object], owned: set[Node], kind: Kind, edge: Node | Output, grad: object) -> None:
    """Add a gradient to those that wait for ``edge``."""
    if isinstance(edge, Output):
        waiting = arrived.setdefault(edge.node, [None] * len(edge.node.outputs))
        assert isinstance(waiting, list)
        before = waiting[edge.index]
        waiting[edge.index] = grad if before is None else kind.add(before, grad, False)
    elif edge in arrived:
        arrived[edge] = kind.add(arrived[edge], grad, edge in owned)
        owned.add(edge)
    else:
        arrived[edge] = grad


def _plan(roots: Iterable[Node], only: set[Node] | None) -> tuple[list[Node], dict[Node, int], set[Node] | None]:
    """The inner nodes to run, in order; for each leaf how many gradients it will get; what leads to ``only``."""
    missing: dict[Node, int] = {}
    todo: list[Node] = []
    for root in roots:
        if type(root) is AccumulateGrad:
            missing[root] = 0
        else:
            todo.append(root)
    reached = set(todo)
    for node in todo:  # it grows meanwhile
        for edge in node.edges:
            if edge is None:
                continue
            target = edge.node if type(edge) is Output else edge
            if type(target) is AccumulateGrad:
                missing[target] = missing.get(target, 0) + 1
            elif target not in reached:
                reached.add(target)
                todo.append(target)
    todo.sort(key=_seq, reverse=True)
    return (todo, missing, None) if only is None else _leading_to(todo, missing, only)


def _leading_to(
    order: Sequence[Node], missing: Iterable[Node], only: set[Node]
) -> tuple[list[Node], dict[Node, int], set[Node]]:
    """The same for the nodes that lead to ``only``."""
    needed = {leaf for leaf in missing if leaf in only}
    for node in reversed(order):
        if node in only or any(edge is not None and _node(edge) in needed for edge in node.edges):
            needed.add(node)
    kept = [node for node in order if node in needed]
    counts = {leaf: 0 for leaf in missing if leaf in needed}
    for node in kept:
        for edge in node.edges:
            if isinstance(edge, AccumulateGrad) and edge in counts:
                counts[edge] += 1
    return kept, counts, needed
