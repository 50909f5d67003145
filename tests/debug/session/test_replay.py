"""Recorded runs that happen again, in real processes: equal bit for bit, in a world of their own, or told why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fixtures.drive import Driver, live
from retrograd_debug.log.reader import open_log
from retrograd_debug.session.api import (
    Continue,
    Edit,
    FetchValue,
    Phase,
    Recomputing,
    StepKind,
    ValueFetched,
    Verb,
)
from retrograd_debug.session.replay import ReplaySession
from retrograd_debug.session.replaying import Replay, Report
from retrograd_events.events import Edited, NodeStarted, OpApplied, OutputWritten

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.py"))


def record(script: Path, log: Path, stdin: str = "") -> Path:
    """Run ``script`` as the command line does, in its own folder."""
    command = [sys.executable, "-m", "retrograd_debug", "run", "--log", str(log), script.name]
    ran = subprocess.run(command, cwd=script.parent, input=stdin, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return log


def replayed(log: Path, to: int | None = None) -> Report:
    with Replay(log, to) as again:
        return again.wait()


def made(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_equal_bit_for_bit(example: Path, tmp_path: Path) -> None:
    log = record(example, tmp_path / "run.retro")
    report = replayed(log)
    assert report.equal, report.verdict()
    reader = open_log(log)
    ops = sum(isinstance(each, OpApplied) for each in reader.events(1, reader.head))
    reader.close()
    assert report.events > ops > 0
    assert report.values > 0


RANDOM = """\
import os
import random

import numpy as np

import retrograd as torch

rng = np.random.default_rng()
name = input()
w = torch.tensor([0.5, -0.5], requires_grad=True)
for step in range(4):
    x = torch.tensor([random.random() + np.random.rand(), rng.random()]) + torch.rand(2)
    loss = (w * x).sum() ** 2
    w.grad = None
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    with open("out.txt", "a") as file:
        file.write(f"{name} {step}\\n")
    lines = len(open("out.txt").read().splitlines())
    y = torch.tensor(float(lines)) * 2
    print("printed", step)
os.rename("out.txt", "done.txt")
os.remove("gone.txt")
"""


@pytest.fixture
def random_run(tmp_path: Path) -> Path:
    folder = tmp_path / "random"
    folder.mkdir()
    (folder / "gone.txt").write_text("x")
    return record(made(folder / "script.py", RANDOM), tmp_path / "random.retro", "Ada\n")


def test_randomness_input_and_own_files_are_the_same_again(random_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "random"
    (folder / "done.txt").write_text("mine")
    (folder / "gone.txt").write_text("still here")
    report = replayed(random_run)
    assert report.equal, report.verdict()
    assert sorted(os.listdir(folder)) == ["done.txt", "gone.txt", "script.py"]
    assert (folder / "done.txt").read_text() == "mine"
    assert (folder / "gone.txt").read_text() == "still here"


def test_it_is_held_right_after_the_event_and_can_be_read_and_stepped(random_run: Path) -> None:
    reader = open_log(random_run)
    ops = [each for each in reader.events(1, reader.head) if isinstance(each, OpApplied) and each.name == "mul"]
    nodes = [each for each in reader.events(1, reader.head) if isinstance(each, NodeStarted)]
    wanted, node = ops[len(ops) // 2], nodes[len(nodes) // 2]
    output = wanted.outputs[0]
    recorded = reader.value(output.id, output.version)
    reader.close()
    with Replay(random_run, wanted.seq) as again:
        report = again.wait()
        assert report.equal, report.verdict()
        assert again.hold is not None
        assert (again.hold.kind, again.hold.name, again.hold.why) == ("after", "mul", "replay")
        value = again.value(output.id, output.version)
        assert recorded is not None
        assert recorded.array is not None
        assert value.array is not None
        assert np.array_equal(value.array, recorded.array)
        assert again.evaluate("name") == "'Ada'"
        hold = again.step(StepKind.OP)
        assert hold is not None
        assert hold.kind == "op"
    with Replay(random_run, node.seq) as again:
        again.wait()
        assert again.hold is not None
        assert (again.hold.kind, again.hold.name) == ("node", node.name)


def test_a_changed_script_is_replayed_as_it_was(random_run: Path, tmp_path: Path) -> None:
    (tmp_path / "random" / "script.py").write_text("raise SystemExit('changed')\n")
    (tmp_path / "random" / "gone.txt").write_text("x")
    report = replayed(random_run)
    assert report.equal, report.verdict()


def test_a_clock_in_the_data_is_told(tmp_path: Path) -> None:
    text = (
        "import time\nimport retrograd as torch\n\n"
        "x = torch.tensor([time.time(), 1.0], dtype=torch.float64)\ny = x * 2\n"
    )
    report = replayed(record(made(tmp_path / "clock.py", text), tmp_path / "clock.retro"))
    assert not report.equal
    assert "in line 4 of clock.py element [0]" in report.difference
    assert report.suspects == ["clock.py, line 4, reads the clock (time.time)"]
    assert "not the same each time" in report.verdict()


def test_a_process_is_refused_and_named(tmp_path: Path) -> None:
    text = (
        "import subprocess, sys\nimport retrograd as torch\n\nw = torch.ones(2)\n"
        "n = subprocess.check_output([sys.executable, '-c', 'print(3)'])\ny = w * int(n)\n"
    )
    report = replayed(record(made(tmp_path / "process.py", text), tmp_path / "process.retro"))
    assert not report.equal
    assert report.refused[0].startswith("process.py, line 5, wants a process (")


def test_a_refusal_that_the_script_takes_in_changes_nothing(tmp_path: Path) -> None:
    text = (
        "import socket\nimport retrograd as torch\n\nw = torch.ones(2)\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9), timeout=1)\nexcept OSError:\n    pass\ny = w * 2\n"
    )
    report = replayed(record(made(tmp_path / "net.py", text), tmp_path / "net.retro"))
    assert report.equal, report.verdict()
    assert report.refused == ["net.py, line 6, wants the network (socket.getaddrinfo)"]


EDITED = """\
import retrograd as torch

w = torch.tensor([0.5, -0.5], requires_grad=True)
for step in range(4):
    loss = (w * w).sum()
    w.grad = None
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    print(step, loss.item())
"""


def test_edits_are_made_again(tmp_path: Path) -> None:
    script = made(tmp_path / "edited.py", EDITED)
    with live(script) as driver:
        log = driver.session.log_path
        driver.held()
        driver.step(StepKind.ITERATION)
        hold = driver.step(StepKind.OP)
        tensor = hold.inputs[0][0]
        driver.do(Edit("tensor", tensor, [0], 7.0))
        driver.evaluate("step")
        node = driver.step(StepKind.NODE)
        driver.evaluate("w.grad is None")
        assert node.grads[0] is not None
        driver.do(Edit("incoming", node.grads[0][0], [], 3.0))
        driver.evaluate("step")
        driver.step(StepKind.ITERATION)
        driver.evaluate("w.data.fill_(2.0)")
        driver.do(Continue())
        driver.ended()
    reader = open_log(log)
    edits = [each for each in reader.events(1, reader.head) if isinstance(each, Edited)]
    reader.close()
    assert [each.target for each in edits] == ["tensor", "incoming"]
    report = replayed(log)
    assert report.equal, report.verdict()


def test_a_branch_parts_exactly_where_it_was_changed(tmp_path: Path) -> None:
    log = record(made(tmp_path / "edited.py", EDITED), tmp_path / "run.retro")
    reader = open_log(log)
    lines = {number: site.line for number, site in reader.sites.items()}
    squares = [
        each.seq
        for each in reader.events(1, reader.head)
        if isinstance(each, OpApplied) and each.name == "mul" and lines[each.site] == 5
    ]
    start = squares[2] - 1
    reader.close()
    other = tmp_path / "other.retro"
    command = [sys.executable, "-m", "retrograd_debug", "branch", str(log), "--at", str(start)]
    ran = subprocess.run(
        [*command, "--set", "w[0] = 9.0", "-o", str(other)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["2", "3"]
    left, right = open_log(log), open_log(other)
    assert right.run is not None
    assert right.run.environment["parent"] == str(log.resolve())
    assert right.run.environment["parent.seq"] == str(start)
    losses = [[each.value for each in reader.scalars] for reader in (left, right)]
    assert losses[0][:2] == losses[1][:2]
    assert losses[1][2] == pytest.approx(81.0 + losses[0][2] / 2)
    printed = "".join(each.text for each in right.events(1, right.head) if isinstance(each, OutputWritten))
    assert [line.split()[0] for line in printed.splitlines()] == ["0", "1", "2", "3"]
    left.close()
    right.close()
    report = replayed(other)
    assert report.equal, report.verdict()


def test_a_change_that_fails_makes_no_branch(tmp_path: Path) -> None:
    log = record(made(tmp_path / "edited.py", EDITED), tmp_path / "run.retro")
    other = tmp_path / "other.retro"
    with Replay(log, 40, ["nothing_of_that_name = missing"], branch=other) as again:
        report = again.wait()
    assert report.undone == ["nothing_of_that_name = missing: NameError: name 'missing' is not defined"]
    assert not report.equal


def test_a_value_that_was_not_recorded_is_had_by_a_replay(tmp_path: Path) -> None:
    script, log = made(tmp_path / "edited.py", EDITED), tmp_path / "run.retro"
    command = [sys.executable, "-m", "retrograd_debug", "run", "--values", "none", "--log", str(log), str(script)]
    subprocess.run(command, check=True, capture_output=True)
    reader = open_log(log)
    events = reader.events(1, reader.head)
    reader.close()
    op = [each for each in events if isinstance(each, OpApplied) and each.name == "mul"][2]
    node = [each for each in events if isinstance(each, NodeStarted)][5]
    with Driver(ReplaySession(log)) as driver:
        driver.phase(Phase.ENDED)
        assert Verb.REPLAY in driver.snapshot.verbs
        assert driver.fetch(op.outputs[0].id, op.outputs[0].version).value is None
        for number, meta in enumerate((op.outputs[0], node.grads[0])):
            assert meta is not None
            driver.do(FetchValue("replay", 100 + number, meta.id, meta.version, replay=True))
            found = driver.heard(ValueFetched, lambda each, number=number: each.request == 100 + number)
            assert found.value is not None, found.reason
            assert found.value.array is not None
            assert found.value.array.shape == meta.shape
        assert any(isinstance(each, Recomputing) and "again from its beginning" in each.why for each in driver.notices)
