"""A live script under the gate: steps, edits, expressions, breakpoints, pace; and that none of it is noticed by it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from fixtures.drive import Driver, live
from retrograd_debug.log.reader import open_log
from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointsResolved,
    Continue,
    Edit,
    Failed,
    ListLocals,
    LocalsListed,
    Pause,
    Phase,
    Seek,
    SetBreakpoints,
    Step,
    StepKind,
)
from retrograd_debug.session.status import status
from retrograd_events.events import Edited, Event, GradientAccumulated, NodeStarted, OpApplied, OutputWritten

SCRIPT = """\
import retrograd as torch

x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
w = torch.tensor([[0.5], [-0.5]], requires_grad=True)
b = torch.tensor([0.25], requires_grad=True)


def forward(x):
    h = x @ w
    return h + b


for epoch in range(4):
    y = forward(x)
    loss = (y * y).mean()
    w.grad = None
    b.grad = None
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    print(epoch, loss.item().hex())
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def places(driver: Driver, kind: StepKind, count: int) -> list[tuple[str, str, int]]:
    found = []
    for _ in range(count):
        hold = driver.step(kind)
        found.append((hold.kind, hold.name, hold.line))
    return found


def printed(log: Path) -> list[str]:
    reader = open_log(log)
    text = "".join(each.text for each in reader.events(1, reader.head) if isinstance(each, OutputWritten))
    reader.close()
    return text.splitlines()


def plain_output(script: Path) -> list[str]:
    """What the script prints without any debugger."""
    import os

    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    return ran.stdout.splitlines()


def test_opens_held_before_the_first_op(script: Path) -> None:
    with live(script) as driver:
        hold = driver.held()
        assert (hold.kind, hold.why, hold.name, hold.line) == ("op", "start", "tensor", 3)
        assert status(driver.snapshot) == ("Held", "in setup, before tensor, line 3")


def test_next_op_goes_line_by_line_and_over_backward(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        assert places(driver, StepKind.OP, 7) == [
            ("op", "tensor", 4), ("op", "tensor", 5), ("op", "mm", 9), ("op", "add", 10), ("op", "mul", 15),
            ("op", "mean", 15), ("backward", "backward", 18),
        ]  # fmt: skip
        hold = driver.step(StepKind.OP)
        assert (hold.kind, hold.line) == ("op", 20)


def test_backward_is_stepped_node_by_node(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        found = places(driver, StepKind.NODE, 4)
        assert found[0] == ("node", "MeanBackward0", 18)
        assert found[1] == ("node", "MulBackward0", 18)
        hold = driver.held()
        assert hold.phase == "backward"
        assert status(driver.snapshot)[1] == f"in backward of iteration 0, before {hold.name}, line 18"
        assert hold.stack[-1].line == 18
        out = driver.step(StepKind.OUT)
        assert (out.kind, out.name) == ("pause", "backward")
        assert driver.snapshot.state.tensors


def test_into_enters_backward_and_backward_start_and_end_are_found(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        hold = driver.step(StepKind.BACKWARD_START)
        assert (hold.kind, hold.line) == ("backward", 18)
        assert driver.step(StepKind.INTO).kind == "node"
        assert driver.step(StepKind.BACKWARD_END).kind == "pause"
        state = driver.snapshot.state
        assert any(info.grad is not None for info in state.tensors.values())


def test_next_iteration_and_out_of_a_function(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        hold = driver.step(StepKind.ITERATION)
        assert hold.iteration == 1
        assert places(driver, StepKind.OP, 6)[-1][1] in ("mm", "mean", "mul", "add")
        while driver.held().function != "forward":
            driver.step(StepKind.OP)
        assert driver.step(StepKind.OUT).function == "<module>"


def test_every_step_is_in_the_log_before_it_is_told(script: Path) -> None:
    with live(script) as driver:
        for _ in range(8):
            hold = driver.held()
            snapshot = driver.snapshot
            assert snapshot.head == hold.seq
            assert snapshot.cursor == snapshot.state.seq == hold.seq
            driver.step(StepKind.OP)


def test_live_tensor_and_gradient_are_read(script: Path) -> None:
    with live(script, values="none") as driver:
        driver.held()
        hold = driver.step(StepKind.NODE)
        gradient = hold.grads[0]
        assert gradient is not None
        value = driver.fetch(gradient[0]).value
        assert value is not None
        assert value.array is not None
        assert value.array.tolist() == 1.0
        while driver.held().name != "mm":
            driver.step(StepKind.OP)
        refs = driver.held().inputs
        fetched = driver.fetch(refs[0][0]).value
        assert fetched is not None
        np.testing.assert_array_equal(fetched.array, [[1, 2], [3, 4]])  # type: ignore[arg-type]


def test_edited_tensor_is_used_by_the_run(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        while driver.held().name != "mm":
            driver.step(StepKind.OP)
        weight = driver.held().inputs[1]
        driver.do(Edit("tensor", weight[0], [0, 0], 10.0))
        hold = driver.until(lambda s: s.hold is not None and s.hold.inputs[1][1] > weight[1], "the new version").hold
        assert hold is not None
        assert driver.snapshot.head == hold.seq
        driver.step(StepKind.OP)
        made = driver.snapshot.log
        assert made is not None
        events = made.events(1, made.head)  # type: ignore[arg-type]
        edited = [each for each in events if isinstance(each, Edited)]
        assert [(each.target, each.before.version + 1) for each in edited] == [("tensor", edited[0].after.version)]
        product = [each for each in events if isinstance(each, OpApplied) and each.name == "mm"][-1].outputs[0]
        value = made.value(product.id, product.version)
        assert value is not None
        np.testing.assert_allclose(value.array, [[10 - 1], [30 - 2]])  # type: ignore[arg-type]
        assert driver.run().phase is Phase.ENDED


def test_saved_tensor_may_be_edited_before_backward(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        hold = driver.step(StepKind.BACKWARD_START)
        activation = next(
            each.outputs[0]
            for each in driver.snapshot.iteration_events
            if isinstance(each, OpApplied) and each.name == "add"
        )
        driver.do(Edit("tensor", activation.id, [0, 0], 5.0))
        driver.until(lambda s: s.hold is not hold and s.hold is not None, "the edit")
        assert driver.run().message == "5 iterations, exit code 0"


def test_edited_gradient_reaches_the_leaf(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        driver.step(StepKind.NODE)
        hold = driver.held()
        gradient = hold.grads[0]
        assert gradient is not None
        driver.do(Edit("incoming", gradient[0], [], 0.0, slot=0))
        driver.until(lambda s: s.hold is not None and s.hold.grads != hold.grads, "another gradient")
        driver.step(StepKind.BACKWARD_END)
        assert driver.evaluate("w.grad.tolist()").text == "[[0.0], [0.0]]"
        log = driver.snapshot.log
        assert log is not None
        for event in log.events(1, log.head):  # type: ignore[arg-type]
            if isinstance(event, GradientAccumulated):
                value = log.value(event.grad.id, event.grad.version)
                assert value is not None
                assert not np.any(value.array)  # type: ignore[arg-type]


def test_accumulated_gradient_can_be_set(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        driver.step(StepKind.BACKWARD_END)
        leaf = next(each.tensor for each in driver.snapshot.iteration_events if isinstance(each, GradientAccumulated))
        driver.do(Edit("gradient", leaf, [0], 7.0)) if _ndim(driver, leaf) == 1 else driver.do(
            Edit("gradient", leaf, [0, 0], 7.0)
        )
        driver.until(lambda s: any(isinstance(each, Edited) for each in s.iteration_events), "the edit")
        assert "7.0" in driver.evaluate("(w.grad.tolist(), b.grad.tolist())").text


def _ndim(driver: Driver, tensor: int) -> int:
    return len(driver.snapshot.state.tensors[tensor].meta.shape)  # type: ignore[index]


def test_impossible_edits_are_refused_in_words(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        while driver.held().name != "mm":
            driver.step(StepKind.OP)
        weight = driver.held().inputs[1][0]
        driver.do(Edit("tensor", weight, [9, 9], 1.0))
        assert "no element" in driver.heard(Failed).text
        driver.do(Edit("incoming", weight, [0], 1.0))
        assert "No gradient arrives" in driver.heard(Failed, lambda notice: "gradient" in notice.text).text


def test_expressions_and_assignments_run_in_the_frame(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        while driver.held().function != "forward":
            driver.step(StepKind.OP)
        assert driver.evaluate("x.shape").text == "retrograd.Size([2, 2])"
        assert driver.evaluate("print('seen', 1 + 1)").text == "seen 2\n"
        assert "NameError" in driver.evaluate("nothing_here").error
        assert "syntax error" in driver.evaluate("1 +").error
        assert driver.evaluate("mark = 41 + 1", frame=0).error == ""
        assert driver.evaluate("mark", frame=0).text == "42"
        driver.do(SetBreakpoints([Breakpoint(1, "line", str(script), 10)]))
        assert driver.step(StepKind.RUN).line == 10
        driver.evaluate("h = h * 0")
        driver.do(SetBreakpoints([]))
        while driver.held().function != "<module>":
            driver.step(StepKind.OP)
        assert driver.evaluate("y.tolist()").text == "[[0.25], [0.25]]"


def test_variables_of_a_frame_are_listed_without_running_the_users_code(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import retrograd as torch\n\nclass Loud:\n"
        "    def __repr__(self):\n        print('called')\n        return 'loud'\n\n"
        "def inner(x, scale):\n    loud, names = Loud(), ['a', 'b']\n    return x * scale\n\n"
        "count = 3\nmodel = {'x': torch.ones(2, 3)}\ninner(model['x'], 2.5)\n"
    )
    with live(script) as driver:
        driver.held()
        driver.step()
        driver.do(ListLocals(1))
        inner = {each.name: each for each in driver.heard(LocalsListed).variables}
        assert {name: (each.type, each.text) for name, each in inner.items()} == {
            "x": ("Tensor", "[2, 3] float32 cpu"),
            "scale": ("float", "2.5"),
            "loud": ("Loud", ""),
            "names": ("list", "['a', 'b']"),
        }  # fmt: skip
        assert inner["x"].tensor
        driver.do(ListLocals(2, 0))
        outer = driver.heard(LocalsListed, lambda notice: notice.request == 2).variables
        assert [(each.name, each.text) for each in outer] == [("count", "3"), ("model", "1 elements")]
        assert driver.run().phase is Phase.ENDED
        assert printed(script.with_suffix(".retro")) == []


def test_expression_leaves_no_event_and_no_random_state_behind(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        driver.step(StepKind.ITERATION)
        head = driver.snapshot.head
        assert driver.evaluate("(w * 2).sum().item()").error == ""
        driver.evaluate("__import__('random').random()")
        first = driver.evaluate("__import__('random').random()").text
        assert driver.evaluate("__import__('random').random()").text == first
        driver.step(StepKind.OP)
        assert driver.snapshot.head - head < 12
        assert not any(isinstance(each, Edited) for each in driver.snapshot.iteration_events)


def test_line_breakpoint_stops_before_its_line(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        driver.do(SetBreakpoints([Breakpoint(1, "line", str(script), 22), Breakpoint(2, "line", str(script), 11)]))
        resolved = driver.heard(BreakpointsResolved, lambda notice: len(notice.statuses) == 2)
        assert [(each.line, each.problem) for each in resolved.statuses] == [(22, ""), (13, "")]
        driver.do(SetBreakpoints([Breakpoint(1, "line", str(script), 22)]))
        driver.do(Continue())
        hold = driver.until(lambda s: s.hold is not None and s.hold.kind == "line", "the line").hold
        assert hold is not None
        assert (hold.line, hold.why, hold.breakpoint, hold.iteration) == (22, "breakpoint", 1, 1)
        assert driver.evaluate("epoch").text == "0"
        assert driver.step(StepKind.RUN).line == 22
        assert driver.evaluate("epoch").text == "1"
        driver.do(SetBreakpoints([]))
        assert driver.run().phase is Phase.ENDED


def test_unreachable_line_has_a_reason(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        driver.do(SetBreakpoints([Breakpoint(1, "line", str(script), 900)]))
        resolved = driver.heard(BreakpointsResolved, lambda notice: len(notice.statuses) == 1)
        assert resolved.statuses[0].problem == "no code on line 900 or after it"


def test_op_and_node_breakpoints_stop_and_count(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        driver.do(SetBreakpoints([Breakpoint(1, "op", op="mean"), Breakpoint(2, "op", op="MulBackward0")]))
        assert (driver.step(StepKind.RUN).name, driver.held().why) == ("mean", "breakpoint")
        assert driver.step(StepKind.RUN).name == "MulBackward0"
        assert driver.step(StepKind.RUN).name == "mean"
        driver.do(SetBreakpoints([Breakpoint(1, "op", op="mean")]))
        counted = driver.heard(BreakpointsResolved, lambda notice: any(each.hits == 2 for each in notice.statuses))
        assert counted.statuses[0].id == 1


def test_pause_holds_a_running_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import retrograd as torch\nx = torch.tensor([1.0])\nwhile True:\n    y = x + x\n")
    with live(script) as driver:
        driver.held()
        driver.do(Continue())
        driver.phase(Phase.RUNNING)
        driver.do(Pause())
        hold = driver.held()
        assert (hold.kind, hold.why, hold.name, hold.line) == ("op", "pause", "add", 4)


def test_pace_is_kept(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        started = time.monotonic()
        driver.do(Continue(pace=20.0))
        driver.until(lambda s: s.phase is Phase.RUNNING and s.state.ops >= 6, "six ops")
        assert time.monotonic() - started > 0.2
        driver.do(Pause())
        driver.held()
        driver.run()


def test_looking_back_leaves_the_script_where_it_is(script: Path) -> None:
    with live(script) as driver:
        driver.held()
        hold = driver.step(StepKind.ITERATION)
        driver.do(Seek(5))  # type: ignore[arg-type]
        driver.until(lambda s: not s.live, "looking back")
        driver.do(Step(StepKind.NODE))
        snapshot = driver.until(lambda s: s.cursor > 5, "a step in the log")
        assert snapshot.hold == hold
        assert snapshot.head == hold.seq
        driver.do(Edit("tensor", 1, [0, 0], 1.0))  # type: ignore[arg-type]
        assert "return or branch" in driver.heard(Failed).text
        assert "return or branch" in driver.evaluate("1").error
        driver.do(Seek(0))  # type: ignore[arg-type]
        driver.until(lambda s: s.live, "the head")


def test_exception_of_an_op_names_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import retrograd as torch\na = torch.tensor([1.0, 2.0])\nb = torch.tensor([1.0, 2.0, 3.0])\nc = a + b\n"
    )
    with live(script) as driver:
        driver.held()
        hold = driver.step(StepKind.RUN)
        assert (hold.kind, hold.line) == ("exception", 4)
        assert driver.evaluate("b.tolist()").text == "[1.0, 2.0, 3.0]"
        driver.run()
        log = driver.snapshot.log
        assert log is not None
        raised = [each for each in log.events(1, log.head) if type(each).__name__ == "ExceptionRaised"]  # type: ignore[arg-type]
        assert [each.op for each in raised] == ["add"]  # type: ignore[union-attr]
        assert len(raised[0].inputs) == 2  # type: ignore[union-attr]


def test_threads_stand_while_one_is_held_and_a_waiting_step_lets_them_go(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import threading
            import retrograd as torch
            x = torch.tensor([1.0])
            def work():
                for _ in range(50):
                    x * 2
            other = threading.Thread(target=work, name="other")
            y = x + 1
            other.start()
            other.join()
            z = x + 2
            """
        )
    )
    with live(script) as driver:
        driver.held()
        assert driver.step(StepKind.OP).line == 9
        hold = driver.step(StepKind.OP)
        assert (hold.line, hold.thread) == (12, 0)
        assert "other" in driver.heard(Failed).text


@pytest.mark.parametrize("values", ["none", "sample", "all"])
def test_run_is_the_same_plain_recorded_and_stepped(script: Path, values: str) -> None:
    expected = plain_output(script)
    assert len(expected) == 4
    with live(script, values=values, hold_at_start=False) as driver:
        driver.ended()
    log = script.with_suffix(".retro")
    assert printed(log) == expected
    recorded = shape_of(log)
    log.unlink()
    with live(script, values=values) as driver:
        driver.held()
        for kind in (StepKind.OP, StepKind.NODE, StepKind.INTO, StepKind.NODE, StepKind.ITERATION, StepKind.OP):
            driver.step(kind)
            driver.evaluate("(w + b).sum()")
        driver.run()
    assert printed(log) == expected
    assert shape_of(log) == recorded


def shape_of(log: Path) -> list[tuple[str, str]]:
    """The run's events without times and addresses: what is the same stepped and free."""
    reader = open_log(log)
    kinds = (OpApplied, NodeStarted, GradientAccumulated)
    found = [
        (type(each).__name__, repr(_timeless(each)))
        for each in reader.events(1, reader.head)
        if isinstance(each, kinds)
    ]
    reader.close()
    return found


def _timeless(event: Event) -> tuple[object, ...]:
    names = [name for name in event.__struct_fields__ if name not in ("seq", "time", "duration")]
    return tuple(getattr(event, name) for name in names)
