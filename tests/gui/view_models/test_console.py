"""The console's model: output, expressions, input."""

from __future__ import annotations

from fixtures.stage import LIVE_VERBS, MemoryLog, held_before_addmm_backward, snapshot
from fixtures.synthetic import events
from retrograd_debug.session.api import Evaluate, Evaluated, FeedInput, Phase, Verb
from retrograd_events.events import OutputWritten, Seq
from retrograd_gui.view_models.console import ConsoleModel


def written(seq: int, text: str, stream: str = "stdout") -> OutputWritten:
    return OutputWritten(Seq(seq), seq * 1000, 0, stream, text)


def lines(model: ConsoleModel) -> list[tuple[str, str]]:
    return [(entry.kind, entry.text) for entry in model.entries]


def test_output_comes_as_whole_lines_by_stream() -> None:
    model = ConsoleModel()
    model.append_events([written(1, "a"), written(2, "b\nc\n"), written(3, "oh no\n", "stderr"), written(4, "rest")])
    assert lines(model) == [("stdout", "ab"), ("stdout", "c"), ("stderr", "oh no")]
    assert model.unfinished == "rest"
    model.flush()
    assert lines(model)[-1] == ("stdout", "rest")


def test_a_progress_bar_leaves_its_last_state() -> None:
    model = ConsoleModel()
    model.append_events([written(1, "10 %\r50 %\r100 %\n"), written(2, "windows\r\n")])
    assert lines(model) == [("stdout", "100 %"), ("stdout", "windows")]


def test_lines_are_bounded() -> None:
    model = ConsoleModel(most_lines=1000)
    model.append_events([written(n, f"{n}\n") for n in range(1, 5001)])
    assert len(model.entries) == 1000
    assert model.entries[-1].text == "5000"
    assert model.dropped == 4000


def test_new_lines_are_handed_out_once() -> None:
    model = ConsoleModel()
    model.append_events([written(1, "a\n")])
    assert [entry.text for entry in model.take()] == ["a"]
    assert model.take() == []


def test_an_expression_is_evaluated_in_the_held_frame() -> None:
    log, hold = held_before_addmm_backward()
    model = ConsoleModel()
    model.update(snapshot(log, hold=hold))
    assert model.input.mode == "expression"
    assert model.input.hint == "Expression in the frame of line 18"
    command = model.submit("loss.item()")
    assert command == Evaluate(1, "loss.item()")
    assert model.evaluating
    model.answer(Evaluated(1, "2.543", ""))
    assert lines(model) == [("expression", "loss.item()"), ("result", "2.543")]
    assert not model.evaluating
    model.answer(Evaluated(99, "someone else's", ""))
    assert len(model.entries) == 2


def test_an_error_is_shown_as_one() -> None:
    log, hold = held_before_addmm_backward()
    model = ConsoleModel()
    model.update(snapshot(log, hold=hold))
    model.submit("1/0")
    model.answer(Evaluated(1, "", "ZeroDivisionError: division by zero"))
    assert lines(model)[-1] == ("error", "ZeroDivisionError: division by zero")


def test_the_line_feeds_stdin_while_the_script_waits_for_input() -> None:
    log, hold = held_before_addmm_backward()
    model = ConsoleModel()
    model.append_events([written(1, "name? ")])
    model.update(snapshot(log, hold=hold, phase=Phase.RUNNING, verbs=frozenset({Verb.FEED_INPUT, Verb.PAUSE})))
    model.set_input_wanted(True)
    assert model.input.mode == "stdin"
    assert "waits for input" in model.input.hint
    assert model.submit("Ada") == FeedInput("Ada\n")
    assert lines(model) == [("stdin", "name? Ada")]
    assert model.unfinished == ""
    model.set_input_wanted(False)
    assert model.input.mode == "off"


def test_the_input_can_be_ended() -> None:
    log, hold = held_before_addmm_backward()
    model = ConsoleModel()
    model.update(snapshot(log, hold=hold))
    assert model.end_input() is None
    model.set_input_wanted(True)
    assert model.end_input() == FeedInput("", end=True)


def test_why_the_line_is_off_is_said_in_words() -> None:
    log, hold = held_before_addmm_backward()
    model = ConsoleModel()
    assert model.input.hint == "No run open"
    model.update(snapshot(log, cursor=20, hold=hold, verbs=LIVE_VERBS - {Verb.EVALUATE}))
    assert "looking back" in model.input.hint
    model.update(snapshot(log, phase=Phase.RUNNING, verbs=frozenset({Verb.PAUSE})))
    assert "F6" in model.input.hint
    ended = MemoryLog(events(1))
    model.update(snapshot(ended, phase=Phase.ENDED, verbs=frozenset({Verb.SEEK})))
    assert "ended" in model.input.hint
    assert model.submit("x") is None


def test_a_new_run_keeps_the_history_of_expressions() -> None:
    log, hold = held_before_addmm_backward()
    model = ConsoleModel()
    model.update(snapshot(log, hold=hold))
    model.submit("x.shape")
    following = ConsoleModel(history=model.history)
    assert following.history == ["x.shape"]
    assert not following.entries
