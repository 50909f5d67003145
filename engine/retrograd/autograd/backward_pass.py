"""The backward pass.

Nodes run in PyTorch's order: of those whose gradients are all in, the one made last; AccumulateGrad nodes as soon as
they can. There is no recursion, so a graph may be as deep as memory allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from retrograd.autograd.gradients import Kind
from retrograd.autograd.node import AccumulateGrad, Node, Output
from retrograd.autograd.observe import run_observed
from retrograd_events.tap import Listener

Wanted = dict[Node, dict[int, int]]
"""Gradients asked for: node -> which of its outputs -> place in the answer."""


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
    missing = _count(dict.fromkeys(_node(edge) for edge, _ in roots), only)  # gradients still to come
    arrived: dict[Node, object] = {}  # gradients of nodes that wait (a list for a node of several outputs)
    owned: set[Node] = set()  # nodes whose arrived gradient is a sum made here
    ready: list[tuple[int, Node]] = []
    answers: dict[int, object] = {}
    run_name = kind.run
    for edge, seed in roots:
        node = _node(edge)
        _put(arrived, owned, kind, edge, seed)
        if not missing[node]:
            missing[node] = -1  # queued, once
            heappush(ready, (-node.seq, node))
    while ready:
        node = heappop(ready)[1]
        if listener is None and node.hooks is None and node not in wanted and node in arrived and not node.outputs:
            grads = getattr(node, run_name)(arrived.pop(node))
        else:
            grads = run_observed(node, arrived.pop(node, None), kind, wanted, only, answers, listener, number)
        if not keep:
            node.saved = None
        leaves: list[AccumulateGrad] = []
        for edge, grad in zip(node.edges, grads):
            if edge is None:
                continue
            target = edge if type(edge) is not Output else edge.node
            left = missing.get(target, 0) - 1
            if left < 0:
                continue  # nothing wanted lies that way
            if grad is not None:
                if target in arrived or type(edge) is Output:
                    _put(arrived, owned, kind, edge, grad)
                    if listener is not None:
                        listener.gradients_summed(number, target, 0, arrived[target])
                else:
                    arrived[target] = grad
            missing[target] = left
            if not left:
                if type(target) is AccumulateGrad:
                    leaves.append(target)
                else:
                    heappush(ready, (-target.seq, target))
        grads = grad = None
        for leaf in leaves:
            if leaf in arrived:
                if listener is None and leaf.hooks is None and leaf not in wanted:
                    kind.accumulate(leaf.variable, arrived.pop(leaf))
                else:
                    run_observed(leaf, arrived.pop(leaf), kind, wanted, only, answers, listener, number)
    return answers


def _node(edge: Node | Output) -> Node:
    return edge.node if isinstance(edge, Output) else edge


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


def _count(roots: Iterable[Node], only: set[Node] | None) -> dict[Node, int]:
    """For every node to run, how many gradients it will get."""
    missing = dict.fromkeys(roots, 0)
    todo = list(missing)
    while todo:
        for edge in todo.pop().edges:
            if edge is not None:
                node = edge if type(edge) is not Output else edge.node
                if node in missing:
                    missing[node] += 1
                else:
                    missing[node] = 1
                    todo.append(node)
    return missing if only is None else _leading_to(missing, only)


def _leading_to(reached: Iterable[Node], only: set[Node]) -> dict[Node, int]:
    """The same for the nodes that lead to ``only`` (each node is made after those it passes gradients to)."""
    missing: dict[Node, int] = {}
    for node in sorted(reached, key=lambda node: (bool(node.edges), node.seq)):
        if node in only or any(edge is not None and _node(edge) in missing for edge in node.edges):
            missing[node] = 0
    for node in missing:
        for edge in node.edges:
            if edge is not None and _node(edge) in missing:
                missing[_node(edge)] += 1
    return missing
