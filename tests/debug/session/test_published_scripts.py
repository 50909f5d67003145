"""Scripts in the spelling that people publish for PyTorch, run unmodified on our engine and on PyTorch: they end well,
learn, and print the same numbers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "fixtures" / "scripts").glob("*.py"))
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")
FIRST, LATER = 1e-4, 5e-2
"""Relative tolerance of the numbers printed in the first third, and of those that come later: training carries
roundings on and makes them larger."""


def run(*command: str) -> str:
    """What a command prints, with one BLAS thread; it must end well."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def printed() -> dict[Path, str]:
    """What the scripts printed on our engine so far."""
    return {}


def on_ours(script: Path, printed: dict[Path, str], folder: Path) -> str:
    if script not in printed:
        log = str(folder / "run.retro")
        command = ["-m", "retrograd_debug", "run", "--engine", "retrograd", "--values", "none", "--log", log]
        printed[script] = run(sys.executable, *command, str(script))
    return printed[script]


def losses(text: str) -> list[list[float]]:
    """The curves that a script printed as ``[words] loss: number``, by the words before."""
    curves: dict[str, list[float]] = {}
    for words, number in re.findall(r"^(.*?)(?:[Ll]oss|distance): (\S+)", text, re.M):
        curves.setdefault(re.sub(r"[\d.%/()\[\]{}]+", "", words.partition("[")[0]), []).append(float(number))
    return [curve for curve in curves.values() if len(curve) > 2]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_it_learns_on_our_engine(script: Path, printed: dict[Path, str], tmp_path: Path) -> None:
    found = losses(on_ours(script, printed, tmp_path))
    assert found, "it prints its losses"
    for curve in found:
        assert curve[-1] < curve[0]


@pytest.mark.oracle
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_it_prints_what_it_prints_under_pytorch(script: Path, printed: dict[Path, str], tmp_path: Path) -> None:
    ours, theirs = on_ours(script, printed, tmp_path), run(sys.executable, "-W", "ignore", str(script))
    assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs)
    mine, other = ([float(each) for each in NUMBER.findall(text)] for text in (ours, theirs))
    early = max(1, len(other) // 3)
    assert mine[:early] == pytest.approx(other[:early], rel=FIRST, abs=1e-6)
    assert mine == pytest.approx(other, rel=LATER, abs=1e-3)
