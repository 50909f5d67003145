"""The context hands over the session's news in the GUI thread, once a frame at most, and remembers travels."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fixtures.stage import FILE, StageSession, held_before_addmm_backward, snapshot
from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointsResolved,
    BreakpointStatus,
    Changed,
    Evaluated,
    Seek,
    SetBreakpoints,
    Snapshot,
    StopProgress,
)
from retrograd_events.events import Seq
from retrograd_gui.context import Context
from retrograd_gui.settings import Settings
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.view_models.selection import Selection


@pytest.fixture
def session() -> StageSession:
    log, hold = held_before_addmm_backward()
    return StageSession(snapshot(log, hold=hold))


@pytest.fixture
def context(qapp: QApplication, session: StageSession, qtbot: QtBot) -> Context:
    made = Context(Settings(), load_theme("dark"))
    with qtbot.waitSignal(made.snapshot_changed):
        made.open(session, FILE)
    session.commands.clear()
    return made


def test_many_changes_from_a_thread_become_few_snapshots_in_the_gui_thread(
    context: Context, session: StageSession, qtbot: QtBot
) -> None:
    seen: list[tuple[Snapshot, threading.Thread]] = []
    context.snapshot_changed.connect(lambda shown: seen.append((shown, threading.current_thread())))
    thread = threading.Thread(target=lambda: [session.tell(Changed()) for _ in range(2000)])
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(seen))
    qtbot.wait(60)
    assert len(seen) <= 4
    assert {where for _, where in seen} == {threading.main_thread()}
    assert seen[-1][0] is session.snapshot()


def test_no_other_notice_is_lost_and_their_order_stays(context: Context, session: StageSession, qtbot: QtBot) -> None:
    seen: list[object] = []
    context.noticed.connect(seen.append)
    sent = [Evaluated(number, "1", "") for number in range(300)]

    def speak() -> None:
        for notice in sent:
            session.tell(notice)
            session.tell(Changed())

    thread = threading.Thread(target=speak)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(seen) == len(sent))
    assert seen == sent


def test_nothing_arrives_from_a_session_that_was_let_go(context: Context, session: StageSession, qtbot: QtBot) -> None:
    seen: list[object] = []
    context.noticed.connect(seen.append)
    session.tell(StopProgress("asked to stop"))
    assert context.release() is session
    qtbot.wait(40)
    assert seen == []
    assert context.snapshot is None
    assert not session.closed, "closing may wait for the script: it is the caller's, off the GUI thread"


def test_travelling_is_undone_and_redone(context: Context, session: StageSession, qtbot: QtBot) -> None:
    context.dispatch(Seek(Seq(20)))
    _arrive(context, session, 20, qtbot)
    context.dispatch(Seek(Seq(40)))
    _arrive(context, session, 40, qtbot)
    context.travel_back()
    assert session.asked(Seek)[-1] == Seek(Seq(20))
    _arrive(context, session, 20, qtbot)
    context.travel_back()
    assert session.asked(Seek)[-1] == Seek(Seq(0)), "the head, where it began"
    _arrive(context, session, 0, qtbot)
    assert context.travels.back == ()
    context.travel_forward()
    context.travel_forward()
    assert [command.seq for command in session.asked(Seek)[-2:]] == [20, 40]  # type: ignore[union-attr]


def test_a_new_travel_forgets_what_was_undone(context: Context, session: StageSession, qtbot: QtBot) -> None:
    context.dispatch(Seek(Seq(20)))
    _arrive(context, session, 20, qtbot)
    context.travel_back()
    _arrive(context, session, 0, qtbot)
    context.dispatch(Seek(Seq(30)))
    assert context.travels.forward == ()


def _arrive(context: Context, session: StageSession, cursor: int, qtbot: QtBot) -> None:
    log, hold = held_before_addmm_backward()
    with qtbot.waitSignal(context.snapshot_changed):
        session.show(snapshot(log, cursor=cursor, hold=hold))


def test_a_breakpoint_is_set_and_cleared_and_sent_each_time(context: Context, session: StageSession) -> None:
    context.toggle_breakpoint(FILE, 18)
    (made,) = context.breakpoints
    assert (made.kind, made.file, made.line, made.id) == ("line", FILE, 18, 1)
    context.set_breakpoints([*context.breakpoints, Breakpoint(0, "op", op="addmm")])
    assert [b.id for b in context.breakpoints] == [1, 2]
    context.toggle_breakpoint(FILE, 18)
    assert [b.op for b in context.breakpoints] == ["addmm"]
    assert [len(command.breakpoints) for command in session.asked(SetBreakpoints)] == [1, 2, 1]  # type: ignore[union-attr]


def test_a_number_is_not_given_twice(context: Context) -> None:
    context.toggle_breakpoint(FILE, 18)
    context.toggle_breakpoint(FILE, 18)
    context.toggle_breakpoint(FILE, 20)
    assert [b.id for b in context.breakpoints] == [2]


def test_where_breakpoints_really_sit_is_told(context: Context, session: StageSession, qtbot: QtBot) -> None:
    context.toggle_breakpoint(FILE, 18)
    with qtbot.waitSignal(context.breakpoints_changed):
        session.tell(BreakpointsResolved([BreakpointStatus(1, 19, 3, "")]))
    assert context.breakpoint_statuses[1].line == 19
    context.toggle_breakpoint(FILE, 18)
    assert context.breakpoint_statuses == {}


def test_selecting_the_same_again_says_nothing(context: Context, qtbot: QtBot) -> None:
    seen: list[Selection] = []
    context.selection_changed.connect(seen.append)
    for _ in range(2):
        context.select(Selection("op", op=Seq(5)))
    assert seen == [Selection("op", op=Seq(5))]


def test_a_panel_keeps_its_small_settings() -> None:
    first = Context(Settings(), load_theme("dark"))
    first.save("plot/log", "yes")
    assert Context(Settings(), load_theme("dark")).load("plot/log", "") == "yes"
