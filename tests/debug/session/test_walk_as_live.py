"""A walk through a finished log stops where stepping the live script stopped, for every kind of step."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from fixtures.drive import Driver, live
from retrograd_debug.assets import data_folder
from retrograd_debug.log import walk
from retrograd_debug.log.reader import LogReader, open_log
from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointsResolved,
    Continue,
    Hold,
    Phase,
    SetBreakpoints,
    Step,
    StepKind,
)
from retrograd_debug.session.replay import ReplaySession
from retrograd_debug.session.status import status
from retrograd_events.events import BackwardEnded, BackwardStarted, NodeStarted, OpApplied, OptimizerStepStarted, Seq

HELPER = """
import retrograd as torch

def scaled(x, factor):
    y = x * factor
    return shifted(y) * 2

def shifted(x):
    return x + 1

def doubled(x):
    return x * 2
"""

MLP = """
import retrograd as torch
from helper import doubled, scaled
from retrograd import nn, optim

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.inner = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.inner(x)) * self.gain

class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block(3)
        self.second = nn.Linear(3, 1)

    def forward(self, x):
        return self.second(scaled(self.first(x), 0.5))

torch.manual_seed(0)
x = torch.randn(4, 3) + 1
first, second = nn.Linear(1, 1), nn.Linear(1, 1)
model = MLP()
opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(3):
    loss = nn.functional.mse_loss(model(x), torch.zeros(4, 1))
    with torch.no_grad():
        doubled(x)
    opt.zero_grad()
    loss.backward()
    opt.step()
y = torch.ones(2)
"""

Position = tuple[str, str, int]


def write(folder: Path, name: str) -> Path:
    script = folder / f"{name}.py"
    if name == "mlp":
        script.write_text(textwrap.dedent(MLP))
        (folder / "helper.py").write_text(textwrap.dedent(HELPER))
    else:
        text = (data_folder("examples") / "linear_regression.py").read_text(encoding="utf-8")
        assert "range(100)" in text
        script.write_text(text.replace("range(100)", "range(3)"), encoding="utf-8")
    return script


def held_at(hold: Hold) -> Position:
    kind = "backward-end" if (hold.kind, hold.name) == ("pause", "backward") else hold.kind
    return kind, hold.name, 0 if kind == "node" else hold.line


def recorded_at(log: LogReader, seq: Seq) -> Position:
    (event,) = log.events(seq, seq)

    def line(site: int) -> int:
        return next(known.line for known in log.sites.values() if known.site == site)

    match event:
        case OpApplied(name=name, site=site):
            return "op", name, line(site)
        case BackwardStarted(site=site):
            return "backward", "backward", line(site)
        case NodeStarted(name=name):
            return "node", name, 0
        case OptimizerStepStarted(type=type, site=site):
            return "optimizer", type, line(site)
        case BackwardEnded(backward=backward):
            started = [each for each in log.events(Seq(1), seq) if isinstance(each, BackwardStarted)]
            return "backward-end", "backward", line(next(b.site for b in started if b.backward == backward))
        case _:
            return type_name(event), "", 0


def type_name(event: object) -> str:
    return type(event).__name__


def stepped(driver: Driver, kinds: Sequence[StepKind]) -> list[Position]:
    """Where ``kinds`` hold the script, from its first op until it ends."""
    hold = driver.held()
    found = [held_at(hold)]
    for kind in kinds:
        driver.do(Step(kind))
        snapshot = driver.until(
            lambda s, last=hold: s.phase is Phase.ENDED or (s.phase is Phase.HELD and s.hold not in (None, last)),  # type: ignore[misc]
            f"a step {kind}",
        )
        if snapshot.phase is Phase.ENDED:
            return found
        hold = driver.held()
        found.append(held_at(hold))
    driver.do(Continue())
    driver.ended()
    return found


def walked(log: LogReader, kinds: Sequence[StepKind], breakpoints: Sequence[Breakpoint] = ()) -> list[Position]:
    """Where ``kinds`` land in the log, from its first op until its end."""
    at = walk.step(log, Seq(1), StepKind.OP)
    assert at is not None
    found = [recorded_at(log, at)]
    for kind in kinds:
        at = walk.step(log, at, kind, breakpoints=breakpoints)
        if at is None or at == log.head:
            return found
        found.append(recorded_at(log, at))
    return found


def walked_back(log: LogReader, kind: StepKind) -> list[Position]:
    found: list[Position] = []
    at: Seq | None = log.head
    while (at := walk.step(log, at, kind, back=True)) is not None and at > 1:
        found.append(recorded_at(log, at))
    return found[::-1]


BOTH = pytest.mark.parametrize("name", ["linear", "mlp"])
ONE_WAY = [
    StepKind.OP,
    StepKind.INTO,
    StepKind.OVER,
    StepKind.NODE,
    StepKind.BACKWARD_START,
    StepKind.BACKWARD_END,
    StepKind.ITERATION,
]


@BOTH
@pytest.mark.parametrize("kind", ONE_WAY, ids=lambda kind: kind.value)
def test_each_kind_of_step_lands_where_it_held(tmp_path: Path, name: str, kind: StepKind) -> None:
    script = write(tmp_path, name)
    with live(script) as driver:
        places = stepped(driver, [kind] * 1000)
    log = open_log(script.with_suffix(".retro"))
    assert len(places) >= 3
    assert walked(log, [kind] * 1000) == places
    first = 0 if kind in (StepKind.OP, StepKind.INTO, StepKind.OVER, StepKind.ITERATION) else 1
    assert walked_back(log, kind) == places[first:]
    log.close()


OP, INTO, OUT, NODE, LINE, OVER = (
    StepKind.OP, StepKind.INTO, StepKind.OUT, StepKind.NODE, StepKind.LINE, StepKind.OVER,
)  # fmt: skip
ROUTES = {
    # Through the second half of a construction, out of it, out of a function of another file, of a module …
    "linear": [
        *[OP] * 5, INTO, INTO, OUT, OUT, OP, INTO, INTO, NODE, OP, OUT, INTO, INTO, OP, OUT, OP, OUT, OP, OUT, OUT,
    ],
    "mlp": [
        OP, OP, INTO, OUT, OP, INTO, INTO, OP, OP, OUT, OP, OP, OP, OP, OP, OP, OUT, OP, OUT, OP, OP, NODE, NODE, OP,
        OUT, OP, OP, OP, OP, OP, OUT, OP, OP, OP, OUT, OP, OUT, OP, INTO, INTO, OUT, INTO, INTO, OP, OUT, INTO, OUT,
    ],
    "mlp by lines": [
        *[LINE] * 12, INTO, OVER, OVER, LINE, NODE, OVER, LINE, LINE, OP, INTO, OVER, OVER, OUT, LINE, LINE,
    ],
}  # fmt: skip


@pytest.mark.parametrize("route", list(ROUTES))
def test_a_mixed_route_lands_where_it_held(tmp_path: Path, route: str) -> None:
    script = write(tmp_path, route.split()[0])
    with live(script) as driver:
        places = stepped(driver, ROUTES[route])
    log = open_log(script.with_suffix(".retro"))
    assert len(places) > 15
    assert walked(log, ROUTES[route]) == places
    log.close()


def test_next_iteration_lands_on_its_first_op_from_any_hold(tmp_path: Path) -> None:
    script = write(tmp_path, "linear")
    script.write_text(script.read_text(encoding="utf-8").replace("range(3)", "range(30)"), encoding="utf-8")
    left: list[str] = []
    with live(script) as driver:
        driver.held()
        hold = driver.step(StepKind.ITERATION)
        # From its first op, its second, …: as many steps into each iteration as there are places in it.
        while (hold.name, hold.iteration) == ("t", len(left) + 1):
            for _ in range(len(left)):
                hold = driver.step(StepKind.INTO)
            if hold.iteration == len(left) + 2:
                break
            left.append(hold.kind)
            hold = driver.step(StepKind.ITERATION)
        assert (hold.name, hold.line) == ("t", 16)
    assert set(left) == {"op", "backward", "node", "pause", "optimizer"}


def test_out_leaves_a_module_though_the_next_op_lies_in_another(tmp_path: Path) -> None:
    with live(write(tmp_path, "linear")) as driver:
        while driver.held().name != "addmm":
            driver.step()
        assert driver.step(StepKind.OUT).name == "mse_loss"


def test_the_next_construction_counts_as_one_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from retrograd import nn\na = nn.Linear(1, 2)\nb = nn.Linear(2, 1)\nc = nn.Linear(1, 1)\n")
    with live(script) as driver:
        assert driver.held().line == 2
        assert driver.step(StepKind.INTO).line == 2
        while driver.step().line == 2:
            pass
        assert driver.held().line == 3
        assert driver.step().line == 4


@BOTH
def test_run_stops_at_the_same_breakpoints(tmp_path: Path, name: str) -> None:
    script = write(tmp_path, name)
    lines = script.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "loss.backward()" in line)
    breakpoints = [
        Breakpoint(1, "line", str(script), at),
        Breakpoint(2, "op", op="AddmmBackward0"),
        Breakpoint(3, "op", op="SGD"),
        Breakpoint(4, "op", op="addmm", enabled=False),
    ]
    lived: list[tuple[str, int]] = []
    with live(script) as driver:
        driver.held()
        driver.do(SetBreakpoints(breakpoints))
        hold = driver.held()
        while True:
            driver.do(Step(StepKind.RUN))
            snapshot = driver.until(
                lambda s, last=hold: s.phase is Phase.ENDED or (s.phase is Phase.HELD and s.hold not in (None, last)),  # type: ignore[misc]
                "a hit",
            )
            if snapshot.phase is Phase.ENDED:
                break
            hold = driver.held()
            lived.append((hold.name or "line", hold.line))
        assert len(lived) >= 9
        # The same session looks back: from hit to hit, then to the run's start; and forwards to the end.
        log = driver.snapshot.log
        assert log is not None
        expected = [name for name, _ in lived]

        def landings(back: bool) -> list[Seq]:
            found = []
            while True:
                before = driver.snapshot.cursor
                driver.do(Step(StepKind.RUN, back=back))
                snapshot = driver.until(lambda s, last=before: s.cursor != last, "a landing")  # type: ignore[misc]
                if snapshot.cursor in (1, snapshot.head):
                    return found
                found.append(snapshot.cursor)

        back = landings(back=True)
        assert driver.snapshot.cursor == 1
        assert len(back) == len(expected)
        assert landings(back=False) == back[::-1]
        assert driver.snapshot.live
        names = [
            getattr(event, "name", getattr(event, "type", "line"))
            for seq in back[::-1]
            for event in log.events(seq, seq)
        ]
        assert names == expected


def test_a_recorded_run_takes_breakpoints_too(tmp_path: Path) -> None:
    script = write(tmp_path, "linear")
    with live(script) as driver:
        driver.held()
        driver.run()
    at = next(n for n, line in enumerate(script.read_text().splitlines(), 1) if "# backward and update" in line)
    # The recorded text counts, not what the file has become.
    script.write_text("changed = True\n")
    with Driver(ReplaySession(script.with_suffix(".retro"))) as driver:
        driver.until(lambda s: s.head > 0, "the log")
        driver.do(SetBreakpoints([Breakpoint(1, "line", str(script), at)]))
        (told,) = driver.heard(BreakpointsResolved).statuses
        assert (told.line, told.problem) == (at + 1, "")
        driver.do(Step(StepKind.RUN, back=True))
        snapshot = driver.until(lambda s: not s.live, "the last hit")
        assert status(snapshot) == ("Looking back", f"at iteration 2 of 3, gradients cleared, line {at + 1}")


def test_over_passes_by_what_a_module_calls(tmp_path: Path) -> None:
    with live(write(tmp_path, "mlp")) as driver:
        driver.held()
        names = []
        while (hold := driver.step(StepKind.OVER)).kind != "backward":
            names.append(hold.name)
        assert "addmm" not in names, "it is inside the model"
        driver.step(StepKind.ITERATION)
        assert driver.held().name == "t"
        assert [driver.step(StepKind.OVER).name for _ in range(4)] == ["addmm", "tanh", "mul", "mul"]


def test_a_step_to_a_line_goes_there_once(tmp_path: Path) -> None:
    script = write(tmp_path, "linear")
    lines = script.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "loss.backward()" in line)
    with live(script) as driver:
        driver.held()
        driver.do(Step(StepKind.TO_LINE, file=str(script), line=at))
        hold = driver.until(lambda s: s.hold is not None and s.hold.line == at, "the line").hold
        assert hold is not None
        assert (hold.why, hold.breakpoint) == ("step", 0)
        assert driver.run().phase is Phase.ENDED, "it stays no breakpoint"
        driver.do(Step(StepKind.TO_LINE, back=True, file=str(script), line=at))
        snapshot = driver.until(lambda s: not s.live, "a landing")
        assert status(snapshot)[1].endswith(f"line {at}")
