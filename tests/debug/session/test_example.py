"""The example: what it computes is bitwise the same plain, recorded and stepped; and the command line around it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.drive import live
from retrograd_debug.assets import data_folder
from retrograd_debug.log.reader import open_log
from retrograd_debug.session.api import StepKind
from retrograd_events.events import ScalarLogged, Seq

LOSSES = """
import sys
sys.argv = [sys.argv[1]]
import retrograd.nn as nn
forward = nn.MSELoss.forward
def told(self, *args):
    loss = forward(self, *args)
    print("loss", loss.item().hex())
    return loss
nn.MSELoss.forward = told
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    script = tmp_path / "linear_regression.py"
    script.write_bytes((data_folder("examples") / "linear_regression.py").read_bytes())
    return script


def plain_losses(script: Path) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", LOSSES, str(script)], capture_output=True, text=True, check=True)
    return [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("loss ")]


def recorded_losses(log: Path) -> list[str]:
    reader = open_log(log)
    found = [each.value.hex() for each in reader.scalars if isinstance(each, ScalarLogged)]
    reader.close()
    return found


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retrograd_debug", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=100,
        check=False,
    )


def test_opens_held_at_its_first_randn(example: Path) -> None:
    with live(example) as driver:
        hold = driver.held()
        assert (hold.kind, hold.name, hold.why) == ("op", "randn", "start")
        assert "randn" in hold.stack[-1].text
        assert [frame.function for frame in hold.stack] == ["<module>"]


def test_construction_and_optimizer_step_count_as_one(example: Path) -> None:
    with live(example) as driver:
        driver.held()
        texts = []
        for _ in range(9):
            hold = driver.step(StepKind.OP)
            texts.append((hold.kind, hold.stack[-1].text.split("=")[0].strip()))
        assert [text for _, text in texts].count("model") == 1
        while driver.held().kind != "optimizer":
            driver.step(StepKind.OP)
        assert driver.held().name == "SGD"
        assert driver.step(StepKind.OP).iteration == 1


def test_losses_are_bitwise_the_same_plain_recorded_and_stepped(example: Path) -> None:
    plain = plain_losses(example)
    assert len(plain) == 100
    log = example.with_suffix(".retro")
    assert command("run", "--log", str(log), str(example), cwd=example.parent).returncode == 0
    assert recorded_losses(log) == plain
    log.unlink()
    with live(example) as driver:
        driver.held()
        for kind in (StepKind.OP, StepKind.INTO, StepKind.NODE, StepKind.NODE, StepKind.ITERATION, StepKind.OUT):
            driver.step(kind)
        driver.run()
    assert recorded_losses(log) == plain


def test_record_block_writes_a_log(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import retrograd as torch\n"
        "from retrograd_debug import record\n"
        "w = torch.tensor([2.0], requires_grad=True)\n"
        "with record('part.retro', values='sample'):\n"
        "    (w * w).sum().backward()\n"
        "w * 3\n"
        "print(w.grad.item())\n"
    )
    ran = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert ran.stdout == "4.0\n", ran.stderr
    reader = open_log(tmp_path / "part.retro")
    names = [type(each).__name__ for each in reader.events(Seq(1), reader.head)]
    reader.close()
    assert names.count("OpApplied") == 2
    assert names.count("NodeStarted") == 3
    assert names[-1] == "RunEnded"


@pytest.mark.parametrize(
    ("leaves", "reason", "code", "message"),
    [
        ("sys.exit(3)", "exit", 3, ""),
        ("raise KeyboardInterrupt", "stopped", 130, ""),
        ("1 / 0", "exception", 1, "ZeroDivisionError: division by zero"),
        ("assert False", "exception", 1, "AssertionError"),
    ],
)
def test_record_block_says_how_it_was_left(tmp_path: Path, leaves: str, reason: str, code: int, message: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from retrograd_debug import record\n"
        "try:\n"
        "    with record('part.retro'):\n"
        f"        {leaves}\n"
        "except BaseException as error:\n"
        "    print(type(error).__name__)\n"
        "try:\n"
        "    record('other.retro', values='everything')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert ran.stdout.splitlines()[1] == "values must be one of none, sample, all, not 'everything'"
    assert ran.stderr == ""
    assert not (tmp_path / "other.retro").exists()
    reader = open_log(tmp_path / "part.retro")
    ended = reader.ended
    reader.close()
    assert ended is not None
    assert (ended.reason, ended.exit_code, ended.message) == (reason, code, message)


def test_run_gives_the_scripts_exit_code_and_output(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:], __name__, sys.stdin.read())\nsys.exit(5)\n")
    ran = subprocess.run(
        [sys.executable, "-m", "retrograd_debug", "run", "--log", "a.retro", "script.py", "one", "--two"],
        capture_output=True, text=True, cwd=tmp_path, input="fed", timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 5
    assert ran.stdout == "['one', '--two'] __main__ fed\n"
    assert "recorded in a.retro" in ran.stderr
    shown = command("show", "--json", "a.retro", cwd=tmp_path)
    assert shown.returncode == 0
    assert json.loads(shown.stdout)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.py", None, "There is no file"),
        ("folder.py", "", "is a directory"),
        ("binary.py", "\0\1\2", "is not a Python script"),
        ("broken.py", "x = 1\nif x\n", "line 2"),
    ],
)
def test_run_refuses_what_is_no_script_in_a_sentence(
    tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    path = tmp_path / name
    if content == "":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    ran = command("run", name, cwd=tmp_path)
    assert ran.returncode == 2
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read everything")
def test_unreadable_script_is_said(tmp_path: Path) -> None:
    path = tmp_path / "secret.py"
    path.write_text("pass")
    path.chmod(0)
    assert "can't be read" in command("run", "secret.py", cwd=tmp_path).stderr


def test_exception_shows_the_users_frames_only(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import retrograd as torch\ntorch.tensor([1.0, 2.0]) + torch.tensor([1.0, 2.0, 3.0])\n")
    ran = command("run", "--log", "a.retro", "script.py", cwd=tmp_path)
    assert ran.returncode == 1
    assert "script.py" in ran.stderr
    assert "retrograd_debug" not in ran.stderr
    assert "engine/retrograd" not in ran.stderr
