"""The window with a real script in a process of its own: open, step, look back, close; nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from retrograd_debug.assets import data_folder
from retrograd_debug.log.location import list_runs
from retrograd_debug.session.api import Phase, Snapshot
from retrograd_debug.session.live import LiveSession
from retrograd_gui.main_window import MainWindow

EXAMPLE = data_folder("examples") / "linear_regression.py"
LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
WAIT = 30_000


def line_of(text: str) -> int:
    return 1 + next(number for number, line in enumerate(LINES) if text in line)


def snapshot(window: MainWindow) -> Snapshot:
    found = window.context.snapshot
    assert found is not None
    return found


def held_anew(window: MainWindow, qtbot: QtBot, action: str) -> Snapshot:
    """Run ``action`` and wait until the script is held again, somewhere else."""
    before = snapshot(window).hold
    window.context.run_action(action)

    def arrived() -> bool:
        now = snapshot(window)
        return now.phase is Phase.HELD and now.hold is not None and now.hold != before

    qtbot.waitUntil(arrived, timeout=WAIT)
    return snapshot(window)


@pytest.fixture
def example(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """The example, open and held before its first operation."""
    window.open_path(EXAMPLE)
    qtbot.waitUntil(
        lambda: window.context.snapshot is not None and window.context.snapshot.phase is Phase.HELD, timeout=WAIT
    )
    return window


def test_the_example_opens_held_before_its_first_operation(example: MainWindow) -> None:
    hold = snapshot(example).hold
    assert hold is not None
    assert (hold.name, hold.line, hold.iteration) == ("randn", line_of("torch.randn"), 0)
    assert example.status.shown.pill == "Held"
    assert "randn" in example.status.shown.sentence
    assert example.windowTitle() == "linear_regression.py · Retrograd"


def test_steps_reach_what_their_names_say(example: MainWindow, qtbot: QtBot) -> None:
    for iteration in (1, 2, 3):
        held = held_anew(example, qtbot, "debug.step-iteration")
        assert held.hold is not None
        assert (held.hold.iteration, held.hold.phase) == (iteration, "forward")
    assert held_anew(example, qtbot, "debug.step-backward-start").hold.line == line_of("loss.backward()")  # type: ignore[union-attr]
    names = []
    for _ in range(2):
        held = held_anew(example, qtbot, "debug.step-node")
        assert held.hold is not None
        names.append(held.hold.name)
    assert names == ["MseLossBackward0", "AddmmBackward0"]
    expected = f"in backward of iteration 3, before AddmmBackward0, line {line_of('loss.backward()')}"
    qtbot.waitUntil(lambda: example.status.shown.sentence == expected)
    assert example.status.shown.facts[0] == "live, at the head"


def test_looking_back_leaves_the_script_alone_and_end_returns(example: MainWindow, qtbot: QtBot) -> None:
    held = held_anew(example, qtbot, "debug.step-iteration")
    for _ in range(3):
        before = snapshot(example).cursor
        example.context.run_action("debug.step-op-back")
        qtbot.waitUntil(lambda before=before: snapshot(example).cursor < before, timeout=WAIT)
    assert example.status.shown.kind == "looking-back"
    assert snapshot(example).hold == held.hold
    example.activateWindow()
    qtbot.keyClick(example, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: snapshot(example).live, timeout=WAIT)
    qtbot.waitUntil(lambda: example.status.shown.kind == "held")


def test_running_to_the_end_says_so_and_the_run_is_on_the_start_page(example: MainWindow, qtbot: QtBot) -> None:
    example.context.run_action("debug.continue")
    qtbot.waitUntil(lambda: snapshot(example).phase is Phase.ENDED, timeout=WAIT)
    qtbot.waitUntil(lambda: example.status.shown.kind == "finished")
    assert "100 iterations" in example.status.shown.sentence
    assert not example.actions_["debug.step-op"].isEnabled()
    assert example.actions_["debug.restart"].isEnabled()
    example.context.run_action("file.close-run")
    qtbot.waitUntil(lambda: example.background.pending == 0, timeout=WAIT)
    (run,) = list_runs()
    assert (run.ended, run.iterations, Path(run.script).name) == ("finished", 100, "linear_regression.py")
    example.open_path(run.path)
    qtbot.waitUntil(lambda: example.context.snapshot is not None and snapshot(example).log is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: "recorded run" in example.status.shown.facts, timeout=WAIT)


def test_breakpoints_and_pace_survive_a_restart(example: MainWindow, qtbot: QtBot) -> None:
    line = line_of("loss.backward()")
    example.context.toggle_breakpoint(str(EXAMPLE), line)
    example.context.run_action("debug.pace-2")
    held = held_anew(example, qtbot, "debug.continue")
    assert held.hold is not None
    assert (held.hold.why, held.hold.line) == ("breakpoint", line)
    example.context.run_action("file.close-run")
    qtbot.waitUntil(lambda: example.background.pending == 0, timeout=WAIT)
    example.open_path(EXAMPLE)
    qtbot.waitUntil(lambda: bool(example.context.breakpoints), timeout=WAIT)
    assert [(b.file, b.line) for b in example.context.breakpoints] == [(str(EXAMPLE), line)]
    assert example.continue_command().pace == 25


def test_closing_the_window_ends_the_script_and_keeps_its_log(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    script = tmp_path / "busy.py"
    script.write_text("import time\nprint('up', flush=True)\nwhile True:\n    time.sleep(0.01)\n")
    pids: list[int] = []
    window.open_path(script)
    qtbot.waitUntil(lambda: window.context.is_open and snapshot(window).head > 1, timeout=WAIT)
    session = window.context.release()
    assert isinstance(session, LiveSession)
    pids.append(session.pid)
    window.opener.close(session)
    assert pids[0]
    with qtbot.waitSignal(window.closed, timeout=WAIT):
        window.close()
    assert not _alive(pids[0])
    (run,) = list_runs()
    assert run.ended in ("stopped", "exception", "exit", "lost")


def _alive(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        time.sleep(0.05)
    return True


def test_a_picture_is_taken_without_a_screen(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    command = [sys.executable, "-m", "retrograd_gui", "--offscreen", "--screenshot", str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert ran.returncode == 0, ran.stderr
    image = QImage(str(target))
    assert (image.width(), image.height()) == (1440, 900)
    colors = {image.pixelColor(x, y).name() for x in range(0, 1440, 3) for y in range(0, 900, 3)}
    assert "#ffec24" in colors, "the held node is on the picture"
    assert "#eda752" in colors, "so is a gradient"
