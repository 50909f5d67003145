"""What reducing events makes of a run: which node waits for how many gradients, what is remembered and what goes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import get_args

import pytest

from fixtures.synthetic import events
from retrograd_debug.log.reduce import reduce
from retrograd_debug.log.state import State
from retrograd_events.events import (
    AnyEvent,
    BackwardEnded,
    BackwardId,
    BackwardStarted,
    Gap,
    GradientAccumulated,
    GradientsZeroed,
    IterationStarted,
    NodeDefined,
    NodeFinished,
    NodeId,
    NodeStarted,
    OpApplied,
    ScopeEntered,
    ScopeExited,
    ScopeId,
    Seq,
    SiteId,
    TensorId,
    TensorMeta,
    TensorSeen,
)

PASS = BackwardId(1)


class Run:
    """Reduces events as they are made, with as little said as a test needs."""

    def __init__(self) -> None:
        self.state = State()
        self._seq = count(1)

    def next(self) -> tuple[Seq, int, int]:
        return Seq(next(self._seq)), 0, 0

    def feed(self, event: AnyEvent) -> None:
        reduce(self.state, event)

    def leaf(self, id: int, node: int) -> None:
        self.feed(TensorSeen(*self.next(), meta(id, requires_grad=True)))
        self.feed(NodeDefined(*self.next(), NodeId(node), "AccumulateGrad", TensorId(id)))

    def op(self, output: int, inputs: Sequence[int], node: int, following: Sequence[int], scope: int = 0) -> None:
        self.feed(
            OpApplied(
                *self.next(), "mul", SiteId(1), ScopeId(scope), [(TensorId(each), 0) for each in inputs],
                [meta(output)], {}, 0, 0, NodeId(node), "MulBackward0", [NodeId(each) for each in following],
                BackwardId(0),
            )
        )  # fmt: skip

    def backward(self, root: int, node: int, inputs: Sequence[int] = ()) -> None:
        self.feed(
            BackwardStarted(
                *self.next(), PASS, BackwardId(0), [(TensorId(root), 0)], [NodeId(node)], [],
                [TensorId(each) for each in inputs], False, False, SiteId(1),
            )
        )  # fmt: skip

    def node(self, id: int) -> None:
        self.feed(NodeStarted(*self.next(), PASS, NodeId(id), "MulBackward0", [None]))
        assert self.status(id) == "started"
        self.feed(NodeFinished(*self.next(), PASS, NodeId(id), [], 5))

    def status(self, id: int) -> str:
        return self.state.nodes[NodeId(id)].status

    def statuses(self, *ids: int) -> list[tuple[str, int]]:
        return [(self.status(id), self.state.nodes[NodeId(id)].needs) for id in ids]


def meta(id: int, version: int = 0, requires_grad: bool = False) -> TensorMeta:
    return TensorMeta(TensorId(id), version, (2,), "float32", "cpu", requires_grad)


@pytest.fixture
def diamond() -> Run:
    """x (1) → a (2), b (3), c (3 again uses x) → root (4): nodes 10 (leaf), 12, 13, 14."""
    run = Run()
    run.leaf(1, 10)
    run.op(2, [1], 12, [10])
    run.op(3, [1, 1], 13, [10, 10])
    run.op(4, [2, 3], 14, [12, 13])
    return run


def test_nodes_wait_for_all_their_gradients(diamond: Run) -> None:
    assert diamond.statuses(10, 12, 13, 14) == [("idle", 0)] * 4
    diamond.backward(4, 14)
    assert diamond.state.phase == "backward"
    assert diamond.statuses(10, 12, 13, 14) == [("waiting", 3), ("waiting", 1), ("waiting", 1), ("ready", 0)]
    diamond.node(14)
    assert diamond.statuses(10, 12, 13, 14) == [("waiting", 3), ("ready", 0), ("ready", 0), ("done", 0)]
    diamond.node(13)
    assert diamond.statuses(10, 12) == [("waiting", 1), ("ready", 0)]
    diamond.node(12)
    assert diamond.statuses(10) == [("ready", 0)]
    diamond.node(10)
    info = diamond.state.backwards[-1]
    assert (info.total, info.done, info.ended) == (4, 4, 0)
    diamond.feed(BackwardEnded(*diamond.next(), PASS, ""))
    assert diamond.state.backwards[-1].ended
    assert diamond.state.phase == "forward"


def test_only_what_leads_to_the_wanted_inputs_is_needed() -> None:
    run = Run()
    run.leaf(1, 10)
    run.leaf(2, 11)
    run.op(3, [1], 12, [10])
    run.op(4, [2], 13, [11])
    run.op(5, [3, 4], 14, [12, 13])
    run.backward(5, 14, inputs=[1])
    assert [run.status(each) for each in (14, 12, 10, 13, 11)] == ["ready", "waiting", "waiting", "idle", "idle"]
    assert run.state.backwards[-1].total == 3


def test_a_pass_that_fails_leaves_nothing_waiting(diamond: Run) -> None:
    diamond.backward(4, 14)
    diamond.node(14)
    diamond.feed(BackwardEnded(*diamond.next(), PASS, "RuntimeError: no"))
    assert [diamond.status(each) for each in (14, 12, 13, 10)] == ["done", "idle", "idle", "idle"]


def test_a_second_pass_begins_afresh(diamond: Run) -> None:
    diamond.backward(4, 14)
    for node in (14, 13, 12, 10):
        diamond.node(node)
    diamond.feed(BackwardEnded(*diamond.next(), PASS, ""))
    diamond.backward(4, 14)
    assert diamond.statuses(10, 14) == [("waiting", 3), ("ready", 0)]
    assert len(diamond.state.backwards) == 1


def test_a_chain_of_100_000_nodes_needs_no_recursion() -> None:
    run = Run()
    run.leaf(1, 1)
    for id in range(2, 100_002):
        run.op(id, [id - 1], id, [id - 1])
    run.backward(100_001, 100_001)
    assert run.state.backwards[-1].total == 100_001
    assert run.status(100_001) == "ready"
    assert run.statuses(1, 50_000) == [("waiting", 1), ("waiting", 1)]


def test_gradients_arrive_and_are_cleared(diamond: Run) -> None:
    leaf = diamond.state.tensors[TensorId(1)]
    grad = meta(20)
    diamond.feed(GradientAccumulated(*diamond.next(), PASS, NodeId(10), TensorId(1), grad))
    assert leaf.grad == grad
    assert diamond.state.tensors[TensorId(20)].kind == "gradient"
    diamond.feed(GradientsZeroed(*diamond.next(), [TensorId(1)], False, SiteId(1)))
    assert leaf.grad == grad
    diamond.feed(GradientsZeroed(*diamond.next(), [TensorId(1)], True, SiteId(1)))
    assert leaf.grad is None
    assert TensorId(20) not in diamond.state.tensors


def test_what_two_iterations_did_not_touch_is_forgotten_but_never_a_parameter() -> None:
    state = State()
    sizes, parameters = [], []
    for event in events(12):
        reduce(state, event)
        if isinstance(event, IterationStarted):
            sizes.append((len(state.tensors), len(state.nodes)))
            parameters.append(sorted(info.path for info in state.tensors.values() if info.kind == "parameter"))
    assert parameters[1:] == [["bias", "weight"]] * 11
    assert len(set(sizes[3:])) == 1


def test_phases_follow_the_training_loop() -> None:
    state = State()
    phases: list[str] = []
    for event in events(2):
        reduce(state, event)
        if not phases or phases[-1] != state.phase:
            phases.append(state.phase)
    loop = ["forward", "backward", "forward", "step"]
    assert phases == ["setup", *loop, *loop, "ended"]


def test_scopes_close_by_whatever_way() -> None:
    run = Run()
    for id in (1, 2, 3):
        run.feed(ScopeEntered(*run.next(), ScopeId(id), ScopeId(0), "module", f"m{id}", "M", "", 1, SiteId(1)))
    assert [scope.path for scope in run.state.scopes[0]] == ["m1", "m2", "m3"]
    run.feed(ScopeExited(*run.next(), ScopeId(2)))
    assert [scope.path for scope in run.state.scopes[0]] == ["m1"]
    run.feed(ScopeExited(*run.next(), ScopeId(9)))
    run.feed(ScopeExited(*run.next(), ScopeId(1)))
    assert run.state.scopes == {}


def test_counters_count() -> None:
    state = State()
    stream = events(3)
    for event in stream:
        reduce(state, event)
    assert state.events == len(stream)
    assert state.ops == sum(isinstance(each, OpApplied) for each in stream)
    assert state.nodes_run == 15
    assert state.iteration == 2


def test_events_out_of_nowhere_are_survived() -> None:
    """A log whose beginning was thinned out starts in the middle."""
    stream = events(4)
    kinds = set()
    for start in range(0, len(stream), 5):
        state = State()
        for event in stream[start:]:
            reduce(state, event)
            kinds.add(type(event))
        assert state.phase == "ended"
    reduce(State(), Gap(Seq(1), 0, 0, Seq(9), "thinned"))
    assert kinds <= set(get_args(AnyEvent))


def test_data_made_before_training_is_still_known_when_it_is_used_again() -> None:
    run = Run()
    run.feed(IterationStarted(*run.next(), 0))
    for id in (1, 2):
        run.op(id, [], 0, [])
    run.leaf(3, 10)
    for iteration in range(1, 6):
        run.op(100 + iteration, [3, 1], 200 + iteration, [10, 0])
        run.feed(IterationStarted(*run.next(), iteration))
    assert {TensorId(1), TensorId(2)} <= set(run.state.tensors)
    assert TensorId(101) not in run.state.tensors
