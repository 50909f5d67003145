"""The source panel's model: where the script stands, costs, breakpoints, failures."""

from __future__ import annotations

from fixtures.stage import FILE, MemoryLog, held_before_addmm_backward, held_before_op, snapshot
from fixtures.synthetic import SCRIPT, events
from retrograd_debug.session.api import Breakpoint, BreakpointStatus, Hold, Phase
from retrograd_events.events import (
    BackwardStarted,
    ExceptionRaised,
    NodeFinished,
    NodeId,
    OpApplied,
    OptimizerStepStarted,
    Seq,
    SiteId,
)
from retrograd_gui.view_models.highlight import highlight
from retrograd_gui.view_models.place import Line, place_of
from retrograd_gui.view_models.source import SourceModel, Text


def shown(model: SourceModel) -> dict[int, str]:
    """Marked lines."""
    return {line: mark for line in range(1, 30) if (mark := model.mark_of(line))}


def test_highlighting_keeps_every_character() -> None:
    source = 'def f(x):\n\treturn "a" + f"{x:.3f}"  # note\n\nclass A: pass'
    lines = highlight(source)
    assert ["".join(run.text for run in line) for line in lines] == source.expandtabs(4).split("\n")
    tokens = {run.text: run.token for line in lines for run in line}
    assert tokens["def"] == "synKeyword"
    assert lines[0][2].token == "synFunc"
    assert tokens["# note"] == "synComment"


def test_a_file_that_ends_in_a_newline_has_no_empty_last_line() -> None:
    assert len(highlight("a = 1\nb = 2\n")) == 2
    assert len(highlight("")) == 1


def test_in_backward_two_lines_are_marked() -> None:
    log, hold = held_before_addmm_backward()
    model = SourceModel()
    target = model.update(snapshot(log, hold=hold))
    assert target == Line(FILE, 18)
    assert model.title == "linear_regression.py"
    assert shown(model) == {18: "running", 14: "forward"}
    assert model.times[18] == "held"


def test_in_forward_one_line_is_marked() -> None:
    log, hold = held_before_op("mse_loss")
    model = SourceModel()
    model.update(snapshot(log, hold=hold))
    assert shown(model) == {15: "running"}


def test_lines_carry_the_time_of_their_operations() -> None:
    log, hold = held_before_addmm_backward()
    model = SourceModel()
    model.update(snapshot(log, hold=hold))
    assert model.times[14] == "1.8 µs"  # t and addmm, 900 ns each
    assert model.times[15] == "0.90 µs"
    assert 19 in model.times  # the optimizer's step of the iteration before
    assert 1 not in model.times


def test_it_follows_only_when_the_place_moves() -> None:
    log, hold = held_before_addmm_backward()
    model = SourceModel()
    view = snapshot(log, hold=hold)
    assert model.update(view) is not None
    assert model.update(view) is None
    model.open("/elsewhere/helper.py")
    assert model.update(view) is None
    assert model.title == "helper.py"


def test_looking_back_marks_the_cursor_and_the_scripts_own_place() -> None:
    log, hold = held_before_addmm_backward()
    loss = next(e for e in log.events(Seq(1), log.head) if isinstance(e, OpApplied) and e.name == "mse_loss")
    model = SourceModel()
    model.update(snapshot(log, cursor=loss.seq, hold=hold))
    assert shown(model) == {15: "looking", 18: "script"}


def test_looking_back_into_backward_names_the_forward_line() -> None:
    log = MemoryLog(events(2))
    finished = next(e for e in log.events(Seq(1), log.head) if isinstance(e, NodeFinished))
    place = place_of(snapshot(log, cursor=finished.seq, phase=Phase.ENDED))
    assert place.running == Line(FILE, 18)
    assert place.forward == Line(FILE, 15)


def test_place_of_other_events() -> None:
    log = MemoryLog(events(2))
    everything = log.events(Seq(1), log.head)
    for kind, line in ((BackwardStarted, 18), (OptimizerStepStarted, 19)):
        event = next(e for e in everything if isinstance(e, kind))
        assert place_of(snapshot(log, cursor=event.seq)).running == Line(FILE, line)


def test_breakpoints_of_the_shown_file() -> None:
    log, hold = held_before_addmm_backward()
    model = SourceModel()
    model.update(snapshot(log, hold=hold))
    breakpoints = [
        Breakpoint(1, "line", FILE, 18),
        Breakpoint(2, "line", FILE, 13, enabled=False),
        Breakpoint(3, "line", FILE, 3),
        Breakpoint(4, "line", "/other.py", 5),
        Breakpoint(5, "op", op="mse_loss"),
    ]
    model.set_breakpoints(breakpoints, {3: BreakpointStatus(3, 3, 0, "This line is empty: no code runs on it")})
    assert {line: dot.state for line, dot in model.dots.items()} == {18: "on", 13: "off", 3: "unreachable"}
    assert "empty" in model.dots[3].problem


def test_a_breakpoint_sits_where_the_session_put_it() -> None:
    log, hold = held_before_addmm_backward()
    model = SourceModel()
    model.update(snapshot(log, hold=hold))
    model.set_breakpoints([Breakpoint(1, "line", FILE, 16)], {1: BreakpointStatus(1, 17, 0, "")})
    assert list(model.dots) == [17]


def test_a_held_exception_is_shown_at_its_line() -> None:
    log, _ = held_before_op()
    hold = Hold("exception", "exception", log.head, file=FILE, line=15, message="RuntimeError: sizes differ")
    model = SourceModel()
    model.update(snapshot(log, hold=hold))
    assert model.message is not None
    assert (model.message.line, model.message.text) == (15, "RuntimeError: sizes differ")


def test_an_exception_that_ended_the_run_is_shown_at_the_users_line() -> None:
    stream = events(1, ended=False)
    raised = ExceptionRaised(
        Seq(stream[-1].seq + 1), 0, 0, "SyntaxError", "invalid syntax", SiteId(0),
        [(FILE, 14, "<module>", "pred = model(x"), ], "", [], NodeId(0),
    )  # fmt: skip
    log = MemoryLog([*stream, raised])
    model = SourceModel()
    model.update(snapshot(log, phase=Phase.ENDED))
    assert model.message is not None
    assert model.message.line == 14
    assert model.message.text == "SyntaxError: invalid syntax"


def test_text_is_asked_for_once_a_file() -> None:
    log, hold = held_before_addmm_backward()
    model = SourceModel()
    model.update(snapshot(log, hold=hold))
    assert model.needs == FILE
    model.provide(FILE, Text.parse(SCRIPT))
    assert model.needs == ""
    assert model.text is not None
    assert model.text.plain(14).strip() == "pred = model(x)"
    assert model.text.plain(999) == ""
