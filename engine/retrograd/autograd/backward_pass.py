"""The backward pass.

Nodes run in PyTorch's order: of those whose gradients are all in, the one made last; AccumulateGrad nodes as soon as
they can. There is no recursion, so a graph may be as deep as memory allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush, heappushpop

from retrograd.autograd.gradients import RAW, Kind
from retrograd.autograd.node import AccumulateGrad, Node, Output
from retrograd.autograd.observe import Watched
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
    missing = _count(dict.fromkeys(_node(root) for root, _ in roots), only)  # gradients still to come
    arrived: dict[Node, object] = {}  # gradients of nodes that wait (a list for a node of several outputs)
    owned: set[Node] = set()  # nodes whose arrived gradient is a sum made here
    answers: dict[int, object] = {}
    watched = Watched(kind, wanted, only, answers, listener, number)
    unwatched = listener is None and not wanted
    raw = kind is RAW
    ready = _start(roots, missing, arrived, owned, kind)
    node = heappop(ready)[1] if ready else None
    while node is not None:
        grad = arrived.pop(node, None)
        if unwatched and node.hooks is None and grad is not None and not node.outputs:
            grads = node.run(grad) if raw else node.run_recorded(grad)
        else:
            grads = watched.run(node, grad)
        if not keep and node.frees:
            node.saved = None
        following = None
        leaves: list[AccumulateGrad] | None = None
        for edge, grad in zip(node.edges, grads):  # noqa: B905  as many of each; strict costs time
            if edge is None:
                continue
            target = edge.node if type(edge) is Output else edge
            left = missing.get(target, 0) - 1
            if left < 0:
                continue  # nothing wanted lies that way
            if grad is not None:
                if target in arrived or type(edge) is Output:
                    _put(arrived, owned, kind, edge, grad)
                    watched.summed(edge, arrived[target])
                else:
                    arrived[target] = grad
            if left:
                missing[target] = left
            elif type(target) is AccumulateGrad:
                leaves = [*(leaves or ()), target]
            elif following is None:
                following = target
            else:
                heappush(ready, (-target.seq, target))
        grads, grad = (), None  # what leaves get must be theirs alone
        for leaf in leaves or ():
            if leaf in arrived:
                _finish(leaf, arrived, kind, watched if not unwatched or leaf.hooks is not None else None)
        if ready:
            node = (heappop(ready) if following is None else heappushpop(ready, (-following.seq, following)))[1]
        else:
            node = following
    return answers


def _start(
    roots: Sequence[tuple[Node | Output, object]],
    missing: dict[Node, int],
    arrived: dict[Node, object],
    owned: set[Node],
    kind: Kind,
) -> list[tuple[int, Node]]:
    """Give the roots their gradients; a heap of those that wait for no other."""
    for root, seed in roots:
        if _node(root) in missing:
            _put(arrived, owned, kind, root, seed)
    ready = [(-node.seq, node) for node in {_node(root) for root, _ in roots} if missing.get(node) == 0]
    heapify(ready)
    return ready


def _finish(leaf: AccumulateGrad, arrived: dict[Node, object], kind: Kind, watched: Watched | None) -> None:
    """Bring a leaf its gradient."""
    if watched is None:
        kind.accumulate(leaf.variable, arrived.pop(leaf))
    else:
        watched.run(leaf, arrived.pop(leaf))


def _node(edge: Node | Output) -> Node:
    return edge.node if type(edge) is Output else edge


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
                node = edge.node if type(edge) is Output else edge
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
