"""The status line always says in words where the run stands."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from fixtures.stage import MemoryLog, held_before_addmm_backward, snapshot
from fixtures.synthetic import events
from retrograd_debug.session.api import Hold, Phase, Snapshot
from retrograd_events.events import RunEnded, Seq
from retrograd_gui.status_line import PILLS
from retrograd_gui.status_text import Moment, status_text


@pytest.fixture
def held() -> Snapshot:
    log, hold = held_before_addmm_backward()
    return snapshot(log, hold=hold)


def test_without_a_run() -> None:
    assert status_text(None).sentence == "No run open"


def test_held_in_backward(held: Snapshot) -> None:
    line = status_text(held, Moment(log_bytes=200_000))
    assert (line.kind, line.pill) == ("held", "Held")
    assert line.sentence == "in backward of iteration 3, before AddmmBackward0, line 18"
    assert line.way == ""
    assert line.facts == ("live, at the head", "recording all values, 0.2 MB", "cpu", f"event {held.cursor}")


def test_looking_back_offers_the_way_to_the_head(held: Snapshot) -> None:
    log, hold = held_before_addmm_backward()
    back = snapshot(log, cursor=held.head - 40, hold=hold)
    line = status_text(back, Moment(left_at=hold.seq))
    assert (line.kind, line.pill) == ("looking-back", "Looking back")
    assert line.way == "Return to the head"
    assert "script held at iteration 3" in line.facts


def test_a_stop_that_came_meanwhile_is_offered_and_moves_nobody(held: Snapshot) -> None:
    log, hold = held_before_addmm_backward()
    back = snapshot(log, cursor=held.head - 40, hold=hold)
    assert "go there" in status_text(back, Moment(left_at=Seq(3))).way


def test_a_script_that_waits_stops_or_is_quiet_says_so(held: Snapshot) -> None:
    running = replace(held, phase=Phase.RUNNING, hold=None)
    assert status_text(running, Moment()).kind == "running"
    assert status_text(running, Moment(input_wanted=True)).sentence == "the script waits for input"
    assert status_text(running, Moment(stopping="terminated after 2 s")).sentence == "terminated after 2 s"
    busy = status_text(running, Moment(quiet=7.2))
    assert (busy.kind, busy.sentence) == ("busy", "no operation for 7 s")
    at_line = replace(running, hold=Hold("pause", "pause", Seq(9), line=40))
    assert status_text(at_line, Moment(quiet=5)).sentence == "no operation for 5 s, at line 40"


def test_starting_counts_the_seconds(held: Snapshot) -> None:
    starting = replace(held, phase=Phase.STARTING, hold=None, message="importing train.py")
    assert status_text(starting, Moment(in_phase=0.2)).sentence == "importing train.py"
    assert status_text(starting, Moment(in_phase=3.4)).sentence == "importing train.py, 3 s"


def test_an_exception_keeps_values_readable(held: Snapshot) -> None:
    hold = Hold("exception", "exception", held.head, line=31, message="RuntimeError: shapes differ")
    line = status_text(replace(held, hold=hold))
    assert line.kind == "error"
    assert "line 31" in line.sentence
    assert "values still readable" in line.sentence


def test_a_finished_run_counts_its_iterations() -> None:
    line = status_text(snapshot(MemoryLog(events(5)), phase=Phase.ENDED), Moment(is_script=False))
    assert line.kind == "finished"
    assert "5 iterations" in line.sentence
    assert line.facts[0] == "recorded run"
    assert line.facts[1].startswith("recorded all values")


def test_an_exit_code_that_is_not_zero_is_not_called_finished() -> None:
    stream = events(2)
    assert isinstance(stream[-1], RunEnded)
    stream[-1] = msgspec.structs.replace(stream[-1], reason="exit", exit_code=3)
    line = status_text(snapshot(MemoryLog(stream), phase=Phase.ENDED))
    assert (line.kind, line.pill) == ("error", "Exited")
    assert "exit code 3" in line.sentence


def test_a_lost_process_is_said(held: Snapshot) -> None:
    lost = replace(held, phase=Phase.LOST, hold=None, message="the script's process was killed (signal 9)")
    assert status_text(lost).kind == "lost"
    assert "signal 9" in status_text(lost).sentence


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_has_a_pill_of_its_own_look(phase: Phase, held: Snapshot) -> None:
    line = status_text(replace(held, phase=phase))
    assert line.kind in PILLS
    assert line.pill
    assert line.sentence
