"""The whole app, as a person meets it: keys and clicks go in, the screen and the log come out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fixtures.screen import HEIGHT, WIDTH, Screen, until

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "linear_regression.py"
TOKENS = json.loads((ROOT / "assets" / "themes" / "tokens.json").read_text(encoding="utf-8"))
EDIT = -2.5
LEARNING_RATE = 0.05


@pytest.fixture
def screen() -> Iterator[Screen]:
    with Screen() as made:
        yield made


@dataclass
class App:
    """The app on the screen, and the log of its run as another process reads it."""

    screen: Screen
    process: subprocess.Popen[bytes]
    home: Path

    def log(self) -> Path | None:
        return next((self.home / "data" / "runs").glob("*.retro"), None)

    def show(self, *arguments: str) -> object:
        """What ``retrograd show --json`` says of the run, now."""
        log = self.log()
        assert log is not None
        command = [sys.executable, "-m", "retrograd_debug", "show", "--json", *arguments, str(log)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def events(self, kind: str) -> list[dict[str, object]]:
        """All events of a kind so far."""
        found = self.show("--events", "1:1000000")
        assert isinstance(found, list)
        return [event for event in found if event["event"] == kind]

    def names(self, kind: str) -> list[str]:
        return [str(event["name"]) for event in self.events(kind)]

    def parameters(self, at: int) -> dict[str, float]:
        """The model's two numbers after an event."""
        state = self.show("--at", str(at))
        assert isinstance(state, dict)
        return {entry["name"]: float(np.ravel(entry["value"])[0]) for entry in state["parameters"]}

    def losses(self) -> list[float]:
        return [float(str(event["value"])) for event in self.events("ScalarLogged")]


@pytest.fixture
def app(screen: Screen, own_home: Path, tmp_path: Path) -> Iterator[App]:
    """The app on the example, with settings of its own. After a failure the last picture is kept in ``tmp_path``."""
    environment = {**os.environ, "DISPLAY": screen.name, "QT_QPA_PLATFORM": "xcb", "RETROGRAD_HOME": str(own_home)}
    environment.pop("WAYLAND_DISPLAY", None)
    with subprocess.Popen([sys.executable, "-m", "retrograd_gui", str(EXAMPLE)], env=environment) as process:
        try:
            yield App(screen, process, own_home)
        finally:
            if process.poll() is None:
                screen.save(tmp_path / "screen.png")
                end(screen, process)


def end(screen: Screen, process: subprocess.Popen[bytes]) -> None:
    """Close the app as a person would, so that it ends its script; kill it if it does not listen."""
    screen.key("Escape")
    screen.key("Ctrl+q")
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


def colour(token: str, theme: str = "dark") -> str:
    return str(TOKENS["colour"][theme][token])


def pencil(screen: Screen) -> tuple[int, int]:
    """The inspector's edit button: the last mark in the row of its pressed Gradient switch."""
    pressed = screen.places(colour("select"))
    y = int(np.median(pressed[pressed[:, 0] > WIDTH * 2 // 3, 1]))
    panel = screen.places(colour("panel"))
    edge = int(panel[panel[:, 1] == y, 0].max())
    marks = screen.places(colour("text2"), tolerance=60)
    near = marks[(abs(marks[:, 1] - y) < 8) & (marks[:, 0] > edge - 40) & (marks[:, 0] < edge)]
    return int(np.median(near[:, 0])), int(np.median(near[:, 1]))


@pytest.mark.timeout(240)
def test_first_light(app: App) -> None:
    screen = app.screen

    # it opens on the example, held before its first operation
    until(lambda: screen.active().startswith("linear_regression.py"), "the app's window", 60)
    until(lambda: len(screen.places(colour("heldTag"))) > 300, "the HELD tag")
    assert app.names("OpApplied") == []

    # forward, operation by operation
    for _ in range(12):
        before = len(app.names("OpApplied"))
        screen.key("F10")
        until(lambda before=before: len(app.names("OpApplied")) > before, "one more operation")
        if "mse_loss" in app.names("OpApplied"):
            break
    assert app.names("OpApplied")[:1] == ["randn"]
    assert app.names("OpApplied")[-1:] == ["mse_loss"]
    assert app.events("BackwardStarted") == []

    # backward, node by node, up to the gradient of the bias
    for done in range(3):
        screen.key("F8")
        until(lambda: app.events("BackwardStarted"), "the beginning of backward")
        until(lambda done=done: len(app.events("NodeFinished")) == done, f"{done} nodes that have run")
        screen.settle()
    assert app.names("NodeStarted") == ["MseLossBackward0", "AddmmBackward0"]
    assert len(screen.places(colour("gradient"))) > 300, "no gradient flows on the screen"

    # another number for the gradient that is about to enter the bias
    held = screen.places(colour("heldTag"))
    screen.click(*map(int, np.median(held[held[:, 1] < HEIGHT // 2], axis=0)))
    screen.settle()
    screen.click(*pencil(screen))
    screen.settle()
    screen.key("Ctrl+a")
    screen.type(str(EDIT))
    screen.key("Return")
    until(lambda: app.events("Edited"), "the edit in the log")

    # it runs to its end with that number: the first step moved the bias by it
    screen.key("F5")
    until(lambda: app.events("RunEnded"), "the end of the run", 60)
    step = app.events("OptimizerStepEnded")[0]
    first = app.parameters(int(str(app.events("OptimizerStepStarted")[0]["seq"])))["bias"]
    moved = app.parameters(int(str(step["seq"])))["bias"]
    assert moved == pytest.approx(first - LEARNING_RATE * EDIT, abs=1e-6)

    # the loss falls, in the log and on the screen
    losses = app.losses()
    assert len(losses) == 100
    assert losses[-1] < losses[0] / 2
    until(lambda: len(screen.places(colour("done"))) > 50, "the green of a finished run")
    curve = screen.places(colour("forward"), tolerance=40)
    curve = curve[(curve[:, 1] > HEIGHT * 2 // 3) & (curve[:, 0] > WIDTH // 3) & (curve[:, 0] < WIDTH * 2 // 3)]
    assert len(curve) > 100, "no curve in the training plot"
    left, right = curve[curve[:, 0].argmin()], curve[curve[:, 0].argmax()]
    assert right[1] > left[1], "the curve on the screen does not fall"
    output = "".join(str(event["text"]) for event in app.events("OutputWritten"))
    assert "w = 1.8" in output

    # and it goes without leaving anything behind
    screen.key("Ctrl+q")
    assert app.process.wait(20) == 0
