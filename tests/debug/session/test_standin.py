"""A script written for PyTorch, run unchanged on our engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "linear_regression.py"

SPELLINGS = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch import autograd
from torch.nn import Linear, Module

class Net(Module):
    def __init__(self):
        super().__init__()
        self.layer = Linear(2, 1)

    def forward(self, x):
        return F.relu(self.layer(x))

out = Net()(torch.ones(3, 2))
print(torch.nn is nn, isinstance(out, torch.Tensor), type(out).__module__, torch.nn.__spec__.name)
"""


def run(script: Path, log: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "retrograd_debug", "run", *options, "--log", str(log), str(script)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "script.py"


def test_every_spelling_of_the_imports_brings_the_engine(written: Path, tmp_path: Path) -> None:
    written.write_text(SPELLINGS)
    done = run(written, tmp_path / "run.retro", "--engine", "retrograd")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True", "retrograd.tensor", "retrograd.nn"]


def test_the_example_gives_the_same_numbers_under_either_name(written: Path, tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    written.write_text(
        text.replace("import retrograd as torch", "import torch").replace("from retrograd", "from torch")
    )
    plain = run(EXAMPLE, tmp_path / "plain.retro")
    renamed = run(written, tmp_path / "renamed.retro", "--engine", "retrograd")
    assert renamed.returncode == 0, renamed.stderr
    assert "w = " in plain.stdout
    assert renamed.stdout == plain.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import torch.onnx", "torch.onnx is not in Retrograd's engine"),
        ("torch.nn.Relu()", "the nearest it has: ReLU"),
        ("from torch import no_such_thing", "no_such_thing"),
    ],
)
def test_what_the_engine_lacks_stops_the_script_at_its_line(
    written: Path, tmp_path: Path, line: str, said: str
) -> None:
    written.write_text(f"import torch\nx = torch.ones(2)\n{line}\n")
    done = run(written, tmp_path / "run.retro", "--engine", "retrograd")
    assert done.returncode == 1
    assert "line 3" in done.stderr
    assert said in done.stderr


def test_an_unknown_engine_is_refused(written: Path, tmp_path: Path) -> None:
    written.write_text("")
    done = run(written, tmp_path / "run.retro", "--engine", "jax")
    assert done.returncode == 2
    assert "retrograd" in done.stderr
