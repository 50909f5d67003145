"""The console under real keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fixtures.stage import LIVE_VERBS, MemoryLog, held_before_addmm_backward, snapshot
from fixtures.synthetic import events
from retrograd_debug.session.api import Evaluate, Evaluated, FeedInput, InputWanted, Phase, Verb
from retrograd_events.events import OutputWritten, Seq
from retrograd_gui.panels.console import PANEL, ConsolePanel
from retrograd_gui.theme.loading import load_theme

if TYPE_CHECKING:
    from conftest import Stage


def opened(stage: Stage) -> ConsolePanel:
    panel = stage.show(PANEL.make, 342, 160)
    assert isinstance(panel, ConsolePanel)
    log, hold = held_before_addmm_backward()
    stage.open(snapshot(log, hold=hold))
    stage.until(lambda: text(panel).startswith("0 "))
    return panel


def text(panel: ConsolePanel) -> str:
    return panel.text.toPlainText()


def typed(panel: ConsolePanel, words: str) -> None:
    QTest.keyClicks(panel.line, words)
    QTest.keyClick(panel.line, Qt.Key.Key_Return)


def test_the_scripts_output_is_there(stage: Stage) -> None:
    panel = opened(stage)
    assert text(panel) == "0 5.180275917053223"


def test_an_expression_is_evaluated_and_answered(stage: Stage) -> None:
    panel = opened(stage)
    assert panel.line.placeholderText() == "Expression in the frame of line 18"
    typed(panel, "loss.item()")
    assert stage.session.asked(Evaluate) == [Evaluate(1, "loss.item()")]
    stage.session.tell(Evaluated(1, "2.543", ""))
    stage.until(lambda: text(panel).endswith("> loss.item()\n2.543"))
    typed(panel, "1/0")
    stage.session.tell(Evaluated(2, "", "ZeroDivisionError: division by zero"))
    stage.until(lambda: text(panel).endswith("ZeroDivisionError: division by zero"))
    assert panel.line.text() == ""


def test_up_and_down_recall(stage: Stage) -> None:
    panel = opened(stage)
    typed(panel, "a")
    typed(panel, "b")
    QTest.keyClicks(panel.line, "draft")
    for key, expected in (
        (Qt.Key.Key_Up, "b"),
        (Qt.Key.Key_Up, "a"),
        (Qt.Key.Key_Up, "a"),
        (Qt.Key.Key_Down, "b"),
        (Qt.Key.Key_Down, "draft"),
    ):
        QTest.keyClick(panel.line, key)
        assert panel.line.text() == expected


def test_input_is_plainly_labelled_and_fed(stage: Stage) -> None:
    panel = opened(stage)
    log, _ = held_before_addmm_backward()
    stage.session.show(snapshot(log, phase=Phase.RUNNING, verbs=frozenset({Verb.FEED_INPUT, Verb.PAUSE})))
    stage.until(panel.line.isReadOnly)
    stage.session.tell(InputWanted(True))
    stage.until(lambda: panel.label.text() == "stdin")
    assert not panel.line.isReadOnly()
    assert "waits for input" in panel.line.placeholderText()
    typed(panel, "Ada")
    assert stage.session.asked(FeedInput) == [FeedInput("Ada\n")]
    assert text(panel).endswith("Ada")


def test_why_it_is_off_is_said(stage: Stage) -> None:
    panel = opened(stage)
    log, hold = held_before_addmm_backward()
    stage.session.show(snapshot(log, cursor=30, hold=hold, verbs=LIVE_VERBS - {Verb.EVALUATE}))
    stage.until(panel.line.isReadOnly)
    assert panel.line.placeholderText() == "Off while looking back: return to the head"


def test_a_hundred_thousand_lines_stay_quick(stage: Stage) -> None:
    panel = opened(stage)
    stream = events(1, ended=False)
    start = stream[-1].seq
    many = [OutputWritten(Seq(start + n), 0, 0, "stdout", f"line {n}\n") for n in range(1, 100_001)]
    log = MemoryLog([*stream, *many])
    log.events = _bisected(log)  # type: ignore[method-assign]
    stage.session.show(snapshot(log, phase=Phase.RUNNING, verbs=frozenset({Verb.PAUSE})))
    longest, last = 0.0, time.monotonic()
    while "line 100000" not in panel.text.document().lastBlock().text():
        QTest.qWait(1)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        assert now - last < 60
    assert panel.text.blockCount() <= 100_000
    print(f"longest turn of the event loop {longest * 1000:.0f} ms")


def _bisected(log: MemoryLog) -> object:
    """Reading by place, as a real log does."""
    everything = log._events

    def read(first: Seq, last: Seq) -> list[object]:
        return list(everything[first - 1 : last])

    return read


def test_a_line_begun_is_shown_and_completed(stage: Stage) -> None:
    panel = opened(stage)
    stream = events(1, ended=False)
    first = OutputWritten(Seq(stream[-1].seq + 1), 0, 0, "stdout", "name? ")
    second = OutputWritten(Seq(stream[-1].seq + 2), 0, 0, "stdout", "Ada\n")
    stage.session.show(snapshot(MemoryLog([*stream, first]), phase=Phase.RUNNING, verbs=frozenset()))
    stage.until(lambda: text(panel).endswith("name? "))
    stage.session.show(snapshot(MemoryLog([*stream, first, second]), phase=Phase.RUNNING, verbs=frozenset()))
    stage.until(lambda: text(panel).endswith("name? Ada"))
    assert text(panel).count("name?") == 1


def test_errors_are_in_the_colour_of_errors(stage: Stage) -> None:
    panel = opened(stage)
    stream = events(1, ended=False)
    oops = OutputWritten(Seq(stream[-1].seq + 1), 0, 0, "stderr", "oops\n")
    stage.session.show(snapshot(MemoryLog([*stream, oops]), phase=Phase.RUNNING, verbs=frozenset()))
    stage.until(lambda: text(panel).endswith("oops"))
    for name in ("dark", "light"):
        stage.context.set_theme(load_theme(name))
        block = panel.text.document().lastBlock()
        assert block.begin().fragment().charFormat().foreground().color().name().upper() == load_theme(name)["error"]
