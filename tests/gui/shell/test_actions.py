"""The one table of actions: everything made from it works, nothing collides, nothing is there for show."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import qtawesome
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from fixtures.stage import StageSession, held_before_addmm_backward, snapshot
from retrograd_debug.session.api import Pause, Phase, Restart, Step, StepKind, Stop, Verb
from retrograd_gui.action import Action, Situation
from retrograd_gui.actions import menus, paces, table
from retrograd_gui.main_window import MainWindow
from retrograd_gui.panel_registry import panel_specs
from retrograd_gui.settings import Pace

ACTIONS = table(panel_specs())


@pytest.mark.parametrize("menu", [spec.id for spec in menus() if any(a.menu == spec.id for a in ACTIONS)])
def test_every_menu_is_built_from_the_table(menu: str, window: MainWindow) -> None:
    title = next(spec.title for spec in menus() if spec.id == menu)
    built = next(action.menu() for action in window.menuBar().actions() if action.text() == title)
    assert isinstance(built, QMenu)
    shown = {action.objectName() for action in _leaves(built)} - {""}
    assert shown == {action.id for action in ACTIONS if action.menu == menu}


def _leaves(menu: QMenu) -> list[QAction]:
    found = []
    for action in menu.actions():
        inner = action.menu()
        found += _leaves(inner) if isinstance(inner, QMenu) else [action]
    return found


def test_no_menu_is_empty_and_none_is_missing(window: MainWindow) -> None:
    bar = window.menuBar().actions()
    assert all(_leaves(action.menu()) for action in bar if isinstance(action.menu(), QMenu))
    assert {action.menu for action in ACTIONS} <= {spec.id for spec in menus()}


def test_no_two_actions_share_a_key() -> None:
    keys = Counter(
        (QKeySequence(key).toString(), action.panel if action.focused else "")
        for action in ACTIONS
        for key in action.keys
    )
    assert [key for key, number in keys.items() if number > 1] == []


def test_every_key_is_one_that_qt_knows() -> None:
    for action in ACTIONS:
        for key in action.keys:
            assert QKeySequence(key)[0].key() != Qt.Key.Key_unknown, action.id


def test_no_key_steals_typing_and_none_is_kept_by_the_system() -> None:
    for action in ACTIONS:
        for key in action.keys:
            combination = QKeySequence(key)[0]
            modifiers = combination.keyboardModifiers()
            plain = modifiers in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
            printable = combination.key() < Qt.Key.Key_Escape
            assert not (plain and printable) or action.focused, f"{action.id}: {key}"
            function_key = Qt.Key.Key_F1 <= combination.key() <= Qt.Key.Key_F35
            both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
            assert not (function_key and modifiers & both == both), f"{action.id}: {key} belongs to Linux"


def test_steps_back_have_a_second_key_that_window_managers_leave_alone() -> None:
    back = [action for action in ACTIONS if isinstance(action.command, Step) and action.command.back]
    assert back
    for action in back:
        first, second = action.keys
        assert first.startswith("Alt+"), action.id
        assert second == f"Shift+{first}", action.id


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_an_action_is_complete(action: Action) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z0-9-]+", action.id.replace("highContrast", "high-contrast"))
    assert sum((action.command is not None, action.run is not None, bool(action.panel))) == 1
    assert action.title
    assert action.help.endswith(".")
    if action.icon:
        qtawesome.icon(action.icon)


def test_ids_are_given_once() -> None:
    assert max(Counter(action.id for action in ACTIONS).values()) == 1


def test_the_tool_bar_stands_as_designed() -> None:
    placed = [(action.toolbar, action.id) for action in ACTIONS if action.toolbar]
    assert [group for group, _ in sorted(placed)] == [group for group, _ in placed if group != 9] + [9]
    labels = [action.label for action in ACTIONS if action.label]
    assert labels == ["Op", "Into", "Out", "Node", "Backward start", "Backward end", "Iteration", "Back"]
    assert [action.id for action in ACTIONS if action.emphasis] == ["debug.step-node"]


def test_every_action_can_be_done_in_some_situation() -> None:
    log, hold = held_before_addmm_backward()
    held = snapshot(log, hold=hold)
    back = snapshot(log, cursor=log.head - 20, hold=hold)
    running = snapshot(log, phase=Phase.RUNNING)
    situations = [
        Situation(),
        Situation(held, is_script=True, can_go_back=True, can_go_forward=True),
        Situation(back, is_script=True),
        Situation(running, is_script=True),
    ]
    for action in ACTIONS:
        assert any(action.enabled(situation) for situation in situations), f"{action.id} is never enabled"


def test_nothing_that_needs_a_run_is_enabled_without_one(window: MainWindow) -> None:
    enabled = {action.id for action in window.actions_.available()}
    assert not {id for id in enabled if id.startswith(("debug.", "window."))}
    assert {"file.open-script", "file.open-run", "file.quit", "help.show-keys"} <= enabled


@pytest.mark.parametrize(
    ("verbs", "enabled", "disabled"),
    [
        ({Verb.PAUSE, Verb.STOP}, {"debug.pause", "debug.stop"}, {"debug.continue", "debug.step-node"}),
        ({Verb.CONTINUE, Verb.STEP}, {"debug.continue", "debug.step-node"}, {"debug.pause", "debug.step-node-back"}),
        (
            {Verb.STEP_BACK, Verb.STEP},
            {"debug.step-node-back", "debug.continue-back"},
            {"debug.continue", "debug.stop"},
        ),
    ],
)
def test_the_verbs_of_the_session_enable_the_actions(verbs: set[Verb], enabled: set[str], disabled: set[str]) -> None:
    log, hold = held_before_addmm_backward()
    situation = Situation(snapshot(log, hold=hold, verbs=frozenset(verbs)), is_script=True)
    can = {action.id for action in ACTIONS if action.enabled(situation)}
    assert enabled <= can
    assert not disabled & can


@pytest.mark.parametrize(
    ("id", "command"),
    [
        ("debug.step-op", Step(StepKind.OP)),
        ("debug.step-node", Step(StepKind.NODE)),
        ("debug.step-into-back", Step(StepKind.INTO, back=True)),
        ("debug.continue-back", Step(StepKind.RUN, back=True)),
        ("debug.pause", Pause()),
        ("debug.stop", Stop()),
        ("debug.restart", Restart()),
    ],
)
def test_an_action_reaches_the_session(id: str, command: object, window: MainWindow, held: StageSession) -> None:
    window.context.run_action(id)
    assert command in held.commands


@pytest.mark.parametrize(
    ("key", "modifier", "kind", "back"),
    [
        (Qt.Key.Key_F10, Qt.KeyboardModifier.NoModifier, StepKind.OP, False),
        (Qt.Key.Key_F8, Qt.KeyboardModifier.NoModifier, StepKind.NODE, False),
        (Qt.Key.Key_F8, Qt.KeyboardModifier.ShiftModifier, StepKind.BACKWARD_START, False),
        (Qt.Key.Key_F8, Qt.KeyboardModifier.AltModifier, StepKind.NODE, True),
        (Qt.Key.Key_F8, Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier, StepKind.NODE, True),
    ],
)
def test_a_key_steps(
    key: Qt.Key,
    modifier: Qt.KeyboardModifier,
    kind: StepKind,
    back: bool,
    window: MainWindow,
    held: StageSession,
    qtbot: QtBot,
) -> None:
    window.activateWindow()
    qtbot.keyClick(window, key, modifier)
    assert held.asked(Step)[-1] == Step(kind, back=back)


def test_the_pace_is_chosen_in_menu_or_tool_bar_and_sent_with_continue(window: MainWindow, held: StageSession) -> None:
    index = [pace for pace, _ in paces()].index(Pace(iterations=1))
    window.context.run_action(f"debug.pace-{index}")
    assert window.actions_[f"debug.pace-{index}"].isChecked()
    window.context.run_action("debug.continue")
    assert held.commands[-1] == window.continue_command()
    assert held.commands[-1].iterations_per_second == 1  # type: ignore[union-attr]


def test_an_unknown_action_is_a_programming_error(window: MainWindow) -> None:
    with pytest.raises(KeyError):
        window.context.run_action("debug.fly")
