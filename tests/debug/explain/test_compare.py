"""Two runs of a script, compared: where they part, and what lies apart."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from retrograd_debug.diff import diff
from retrograd_debug.explain.compare import Difference, compare
from retrograd_debug.log.reader import open_log

SCRIPT = """\
import sys
import retrograd as torch
from retrograd import nn, optim

torch.manual_seed(0)
model = nn.Linear(2, 1)
opt = optim.SGD(model.parameters(), lr=0.1)
with torch.no_grad():
    model.weight.fill_(0.5)
    model.bias.fill_(0.25)
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
for step in range(4):
    if step == 2 and "late" in sys.argv:
        x = x * 1.5
    if step == 2 and "shift" in sys.argv:
        opt.param_groups[0]["lr"] = 0.2
    loss = (model(x) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


def run(tmp_path: Path, name: str, *args: str) -> Path:
    script, log = tmp_path / "script.py", tmp_path / f"{name}.retro"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "retrograd_debug", "run", "--log", str(log), str(script), *args]
    subprocess.run(command, check=True, capture_output=True)
    return log


def difference(left: Path, right: Path, tolerance: float = 0.0) -> Difference:
    with closing(open_log(left)) as one, closing(open_log(right)) as other:
        return compare(one, other, tolerance)


def test_the_same_run_twice_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = run(tmp_path, "left"), run(tmp_path, "right")
    found = difference(left, right)
    assert found.equal
    assert {each.name for each in found.parameters} == {"weight", "bias"}
    assert all(each.compared for each in (*found.parameters, *found.gradients, *found.scalars))
    assert diff(str(left), str(right), 0.0, as_json=False) == 0
    assert "The runs are the same" in capsys.readouterr().out


def test_another_op_is_where_they_part(tmp_path: Path) -> None:
    found = difference(run(tmp_path, "left"), run(tmp_path, "right", "late"))
    assert found.event is not None
    assert found.event.left_text.startswith("enters module Linear")
    assert found.event.right_text.startswith("mul(")
    assert found.value is not None
    assert "addmm" in found.value.left_text or "linear" in found.value.left_text
    assert [each.first for each in found.scalars] == [2]
    assert {each.first for each in found.gradients} == {2}


def test_other_values_in_the_same_ops_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = run(tmp_path, "left"), run(tmp_path, "right", "shift")
    found = difference(left, right)
    assert found.event is None
    assert found.value is not None
    assert found.value.apart is not None
    assert found.value.apart > 0
    assert [each.first for each in found.scalars] == [3]
    assert difference(left, right, tolerance=1e6).equal
    assert diff(str(left), str(right), 0.0, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["equal"] is False
