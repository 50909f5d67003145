"""Where steps land when they walk a log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.synthetic import LINES, SyntheticRun, events, write_log_directly
from retrograd_debug.log.reader import LogReader
from retrograd_debug.log.walk import step
from retrograd_debug.session.api import Breakpoint, StepKind
from retrograd_events.events import Seq


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogReader]:
    reader = LogReader(write_log_directly(tmp_path / "run.retro", events(4)))
    yield reader
    reader.close()


def said(log: LogReader, seq: Seq) -> str:
    (event,) = log.events(seq, seq)
    return str(getattr(event, "name", "")) or type(event).__name__


def course(log: LogReader, start: Seq, kind: StepKind, back: bool = False, most: int = 10**6) -> list[str]:
    found: list[str] = []
    at: Seq | None = start
    while len(found) < most and (at := step(log, at, kind, back)) is not None:
        found.append(said(log, at))
    return found


ITERATION = ["t", "addmm", "mse_loss", "BackwardStarted", "OptimizerStepStarted"]
SETUP = ["randn", "mul", "add", "randn", "add", "uniform_"]


def test_the_next_op_counts_construction_backward_and_optimizer_as_one(log: LogReader) -> None:
    assert course(log, Seq(0), StepKind.OP) == [*SETUP, *ITERATION * 4, "RunEnded"]


def test_stepping_back_visits_the_same_places(log: LogReader) -> None:
    for kind in (StepKind.OP, StepKind.INTO, StepKind.NODE, StepKind.BACKWARD_START, StepKind.ITERATION):
        forwards = course(log, Seq(0), kind)[:-1]
        assert course(log, log.head, kind, back=True)[: len(forwards)] == forwards[::-1]


def test_into_enters_backward_and_optimizer(log: LogReader) -> None:
    nodes = ["MseLossBackward0", "AddmmBackward0", "AccumulateGrad", "TBackward0", "AccumulateGrad"]
    inside = ["BackwardStarted", *nodes, "BackwardEnded", "OptimizerStepStarted", "add_", "add_"]
    assert course(log, Seq(0), StepKind.INTO, most=20) == [*SETUP, "uniform_", "t", "addmm", "mse_loss", *inside]


def test_inside_a_backward_the_next_op_is_the_next_node(log: LogReader) -> None:
    first = step(log, Seq(0), StepKind.NODE)
    assert first is not None
    assert course(log, first, StepKind.OP, most=5) == [
        "AddmmBackward0", "AccumulateGrad", "TBackward0", "AccumulateGrad", "OptimizerStepStarted",
    ]  # fmt: skip


def test_out_leaves_what_the_cursor_is_inside_of(log: LogReader) -> None:
    node = step(log, Seq(0), StepKind.NODE)
    assert node is not None
    out = step(log, node, StepKind.OUT)
    assert out is not None
    assert said(log, out) == "BackwardEnded"
    back = step(log, node, StepKind.OUT, back=True)
    assert back is not None
    assert said(log, back) == "BackwardStarted"
    in_module = Seq(next(event.seq for event in log.events(Seq(1), log.head) if getattr(event, "name", "") == "addmm"))
    assert said(log, step(log, in_module, StepKind.OUT) or Seq(0)) == "mse_loss"
    assert said(log, step(log, in_module, StepKind.OUT, back=True) or Seq(0)) == "uniform_"


def test_out_where_there_is_nothing_to_leave_runs_to_the_end(log: LogReader) -> None:
    assert course(log, Seq(1), StepKind.OUT) == ["RunEnded"]


def test_whole_iterations_and_the_whole_run(log: LogReader) -> None:
    assert course(log, Seq(1), StepKind.ITERATION) == ["t"] * 3 + ["RunEnded"]
    assert course(log, Seq(1), StepKind.BACKWARD_END) == ["BackwardEnded"] * 4 + ["RunEnded"]
    assert course(log, Seq(1), StepKind.RUN) == ["RunEnded"]
    assert course(log, log.head, StepKind.RUN, back=True) == ["RunStarted"]
    assert step(log, log.head, StepKind.OP) is None
    assert step(log, Seq(1), StepKind.OP, back=True) is None


def test_breakpoints_end_a_walk(log: LogReader) -> None:
    run = SyntheticRun()
    line = Breakpoint(1, "line", f"{run.cwd}/{run.script}", LINES["loss"])
    op = Breakpoint(2, "op", op="TBackward0")
    off = Breakpoint(3, "op", op="addmm", enabled=False)

    def walk(*breakpoints: Breakpoint, back: bool = False) -> list[str]:
        found: list[str] = []
        at: Seq | None = log.head if back else Seq(1)
        while (at := step(log, at, StepKind.RUN, back, breakpoints)) is not None:
            found.append(said(log, at))
        return found

    # A line begins with what it does first: it enters the module MSELoss.
    assert walk(line) == ["ScopeEntered"] * 4 + ["RunEnded"]
    assert walk(off) == ["RunEnded"]
    assert walk(op) == ["TBackward0"] * 4 + ["RunEnded"]
    assert walk(op, line, back=True) == ["TBackward0", "ScopeEntered"] * 4 + ["RunStarted"]


def test_a_log_without_iterations_can_be_walked(tmp_path: Path) -> None:
    log = LogReader(write_log_directly(tmp_path / "run.retro", events(1)[:1]))
    assert step(log, Seq(1), StepKind.OP) is None
    assert step(log, Seq(0), StepKind.OP) == 1
    log.close()
