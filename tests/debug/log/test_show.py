"""``retrograd show`` says in text and JSON what the log holds."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fixtures.synthetic import SyntheticRun, events, write_log_directly
from retrograd_debug.log.describe import describe, plain
from retrograd_debug.show import show
from retrograd_events.events import ExceptionRaised, NodeId, RunEnded, Seq, SiteId, TensorId, WarningIssued


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_log_directly(tmp_path / "run.retro", events(30))


def shown(path: Path, as_json: bool = False, events: str = "", at: int | None = None) -> str:
    out = io.StringIO()
    assert show(path, as_json, events, at, out) == 0
    return out.getvalue()


def test_the_text_tells_the_run(path: Path) -> None:
    text = shown(path)
    for part in (
        "linear_regression.py", "finished, exit code 0", "30 iterations", "addmm", "line 15: loss = loss_fn(pred, y)",
        "weight", "[1, 1] float32 cpu", "… 20 more …", "output",
    ):  # fmt: skip
        assert part in text
    assert "!" not in text


def test_the_json_holds_the_same_numbers_as_the_run(path: Path) -> None:
    run = SyntheticRun()
    stream = list(run.events(30))
    data = json.loads(shown(path, as_json=True))
    assert data["events"] == data["head"] == len(stream)
    assert len(data["iterations"]) == 30
    assert data["ops"]["addmm"] == {"count": 30, "time": 27000}
    assert data["ended"]["reason"] == "finished"
    assert data["nodes"] == 150
    parameters = {each["name"]: each["value"] for each in data["parameters"]}
    assert np.allclose(parameters["weight"], run.weight_value)
    assert np.allclose(parameters["bias"], run.bias_value)
    assert [each["value"] for each in data["scalars"]] == [each["loss"] for each in data["iterations"]]


def test_a_range_of_events(path: Path) -> None:
    lines = shown(path, events="28:30").splitlines()
    assert [int(line.split()[0]) for line in lines] == [28, 29, 30]
    assert "addmm(#7v1, #1v0, #8v1)" in lines[2]
    assert len(json.loads(shown(path, as_json=True, events="1:10"))) == 10
    assert len(json.loads(shown(path, as_json=True, events=":"))) == len(events(30))
    assert "No events there" in shown(path, events="90000:90001")


def test_the_state_at_an_event(path: Path) -> None:
    assert "backward, iteration 0" in shown(path, at=45)
    assert json.loads(shown(path, as_json=True, at=45))["state"]["seq"] == 45


def test_what_cannot_be_shown_is_one_sentence(tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(tmp_path / "none.retro") == 1
    assert show(path, events="ten") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 2


def test_errors_and_warnings_are_shown(tmp_path: Path) -> None:
    stream = events(1, ended=False)
    last = stream[-1].seq
    stream += [
        *[WarningIssued(Seq(last + n), 0, 0, "UserWarning", "broadcasting", SiteId(5)) for n in (1, 2, 3)],
        ExceptionRaised(
            Seq(last + 4), 0, 0, "RuntimeError", "shapes differ", SiteId(5),
            [("train.py", 15, "<module>", "loss = loss_fn(pred, y)")], "mse_loss", [(TensorId(9), 0)], NodeId(0),
        ),
        RunEnded(Seq(last + 5), 0, 0, "exception", 1, 0, "RuntimeError: shapes differ"),
    ]  # fmt: skip
    path = write_log_directly(tmp_path / "run.retro", stream)
    text = shown(path)
    assert "UserWarning: broadcasting  ×3" in text
    assert "train.py:15 <module>: loss = loss_fn(pred, y)" in text
    assert "RuntimeError: shapes differ (in mse_loss)" in text
    assert "exception\n  train.py:15" in text
    assert json.loads(shown(path, as_json=True))["errors"][0]["op"] == "mse_loss"


def test_every_event_can_be_told_in_a_line_and_as_data() -> None:
    for event in events(2):
        assert "\n" not in describe(event, {})
        json.dumps(plain(event))


def test_a_reader_who_has_seen_enough_is_not_told_off(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"}
    code = f"from retrograd_debug.show import show; raise SystemExit(show({str(path)!r}, True))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
