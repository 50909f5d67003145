"""The example scripts: the same under PyTorch, right by the closed form, and runnable with plain Python."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrograd_events.tap import tap

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LINEAR = ROOT / "examples" / "linear_regression.py"
MOONS = ROOT / "examples" / "mlp_two_moons.py"

pytestmark = pytest.mark.filterwarnings("default")  # PyTorch's own


def run(script: Path, folder: Path, *, under: str) -> dict[str, object]:
    """The script's names after it ran under engine ``under``, with ``losses``, one an epoch, and ``start``, the
    parameters before the first."""
    text = script.read_text(encoding="utf-8")
    text = text.replace("import retrograd as torch", f"import {under} as torch")
    text = text.replace("from retrograd import", f"from {under} import")
    text = re.sub(r"^(for .*)$", r"start, losses = [p.tolist() for p in model.parameters()], []\n\1", text, flags=re.M)
    text = text.replace("    loss.backward()", "    losses.append(loss.item())\n    loss.backward()")
    importlib.import_module(under)
    copy = folder / f"{under}_{script.name}"
    copy.write_text(text, encoding="utf-8")
    return runpy.run_path(str(copy), run_name="__main__")


def array(value: object) -> np.ndarray:
    return np.array(value.tolist())


@pytest.mark.oracle
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_the_same_script_under_pytorch_has_the_same_numbers(script: Path, tmp_path: Path) -> None:
    mine, theirs = run(script, tmp_path, under="retrograd"), run(script, tmp_path, under="torch")
    assert mine["start"] == theirs["start"]
    for name in {"x", "y", "points", "labels"} & set(mine):
        np.testing.assert_allclose(array(mine[name]), array(theirs[name]), rtol=1e-5, atol=1e-6)
    assert len(mine["losses"]) == len(theirs["losses"]) >= 100
    np.testing.assert_allclose(mine["losses"], theirs["losses"], rtol=1e-5)


def test_the_line_is_the_one_of_least_squares(tmp_path: Path) -> None:
    names = run(LINEAR, tmp_path, under="retrograd")
    x, y = array(names["x"]), array(names["y"])
    assert x.shape == y.shape == (100, 1)
    design = np.hstack([x, np.ones_like(x)])
    weight, bias = np.linalg.lstsq(design, y, rcond=None)[0].ravel()
    assert names["model"].weight.item() == pytest.approx(weight, abs=0.05)
    assert names["model"].bias.item() == pytest.approx(bias, abs=0.05)
    assert names["losses"][-1] < 0.3 * names["losses"][0]


def test_the_moons_are_told_apart(tmp_path: Path) -> None:
    names = run(MOONS, tmp_path, under="retrograd")
    assert names["right"].tolist().count([True]) >= 195


def test_two_runs_are_bitwise_equal(tmp_path: Path) -> None:
    assert run(LINEAR, tmp_path, under="retrograd")["losses"] == run(LINEAR, tmp_path, under="retrograd")["losses"]


class Witness:
    """A listener that looks at everything and keeps nothing."""

    def op_starting(self, name: str, inputs: object, params: object) -> int:
        return 0

    def __getattr__(self, name: str) -> object:
        return lambda *args: 0


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_a_watched_run_is_bitwise_the_same(script: Path, tmp_path: Path) -> None:
    plain = run(script, tmp_path, under="retrograd")
    tap.listener = Witness()
    try:
        watched = run(script, tmp_path, under="retrograd")
    finally:
        tap.listener = None
    assert watched["losses"] == plain["losses"]
    assert [p.tolist() for p in watched["model"].parameters()] == [p.tolist() for p in plain["model"].parameters()]


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_it_runs_with_plain_python_and_loads_no_debugger(script: Path) -> None:
    check = (
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__');"
        "assert not [name for name in sys.modules if name.startswith(('retrograd_debug', 'retrograd_gui', 'PySide6'))]"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", check, str(script)],
        env={"PYTHONPATH": str(ROOT / "engine"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert re.search(r"^\w+ = -?\d", done.stdout, flags=re.M)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_it_says_in_its_docstring_what_the_gallery_shows(script: Path) -> None:
    """First line the title, then one sentence."""
    title, _, sentence = (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").partition("\n")
    assert 3 <= len(title) <= 40
    assert not title.endswith(".")
    assert sentence.strip().endswith(".")
    assert len(sentence) <= 90


def test_the_line_that_the_tour_speaks_of_is_backward() -> None:
    assert LINEAR.read_text(encoding="utf-8").splitlines()[20].strip() == "loss.backward()"
