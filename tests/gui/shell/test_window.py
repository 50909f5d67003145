"""The window around the graph: messages, palette, layout, the way back, the end."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QListView
from pytestqt.qtbot import QtBot

from fixtures.stage import FILE, StageSession, held_before_addmm_backward, snapshot
from retrograd_debug.session.api import (
    Breakpoint,
    Failed,
    Frame,
    Hold,
    InputWanted,
    Phase,
    Restart,
    Seek,
    SetBreakpoints,
    Step,
    StepKind,
    StopProgress,
)
from retrograd_debug.session.settings import RunSettings
from retrograd_events.events import Seq
from retrograd_gui.errors import ErrorLog
from retrograd_gui.main_window import MainWindow
from retrograd_gui.message_bar import Message
from retrograd_gui.palette import Palette
from retrograd_gui.panel_registry import AREAS, panel_specs
from retrograd_gui.run_settings_dialog import RunSettingsDialog
from retrograd_gui.settings import Settings

from .conftest import show, shut


def test_every_panel_of_the_package_is_in_the_window(window: MainWindow, held: StageSession) -> None:
    assert {spec.id for spec in panel_specs()} >= {"graph", "source", "inspector", "training", "timeline", "console"}
    for spec in panel_specs():
        panel = window.workspace.panel(spec.id)
        assert panel is not None
        assert panel.accessibleName()
        assert spec.area in AREAS


def test_the_layout_is_the_pictures(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    def place(id: str) -> tuple[int, int, int, int]:
        panel = window.workspace.panel(id)
        assert panel is not None
        corner = panel.mapTo(window, panel.rect().topLeft())
        return corner.x(), corner.y(), panel.width(), panel.height()

    qtbot.waitUntil(lambda: abs(place("source")[2] - 356) <= 4, timeout=3000)
    assert abs(place("inspector")[2] - 342) <= 4
    assert place("graph")[0] > place("source")[0]
    assert place("inspector")[0] > place("graph")[0] + place("graph")[2] - 4
    assert place("timeline")[1] > place("source")[1] + place("source")[3] - 4
    assert abs(place("console")[0] - place("inspector")[0]) <= 4
    assert place("console")[1] > place("breakpoints")[1]


def test_the_layout_survives_a_restart(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    log, hold = held_before_addmm_backward()
    widths = []
    for start in range(2):
        window = MainWindow(Settings(), "dark", ErrorLog(tmp_path / "e.log"))
        if start == 0:
            window.resize(1300, 850)
        window.show()
        show(window, qtbot, StageSession(snapshot(log, hold=hold)))
        qtbot.wait(50)
        source = window.workspace.panel("source")
        assert source is not None
        if start == 0:
            window.workspace.resize_dock("source", 250)
            qtbot.waitUntil(lambda source=source: abs(source.width() - 250) < 5)
        widths.append(source.width())
        shut(qtbot, window)
    assert widths == [250, 250]


def test_ctrl_number_gives_a_panel_the_keyboard(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    window.activateWindow()
    for number, spec in enumerate(panel_specs()[:9], 1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        panel = window.workspace.panel(spec.id)
        focused = QApplication.focusWidget()
        assert panel is not None
        assert focused is not None
        assert focused is panel or panel.isAncestorOf(focused), spec.id


def test_end_returns_to_the_head_and_so_does_the_button(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    log, hold = held_before_addmm_backward()
    assert window.status.shown.way == ""
    held.show(snapshot(log, cursor=log.head - 30, hold=hold))
    qtbot.waitUntil(lambda: window.status.shown.kind == "looking-back")
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_End)
    assert held.asked(Seek) == [Seek(Seq(0))]
    window.status.way_taken.emit()
    assert held.asked(Seek) == [Seek(Seq(0))] * 2


def test_what_a_command_could_not_do_is_said_in_place(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    held.tell(Failed("The script is not held."))
    qtbot.waitUntil(window.message.isVisible)
    assert window.message.message is not None
    assert window.message.message.text == "The script is not held."


def test_steps_of_stopping_and_waiting_for_input_are_said(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    log, _ = held_before_addmm_backward()
    held.show(snapshot(log, phase=Phase.RUNNING))
    held.tell(InputWanted(True))
    qtbot.waitUntil(lambda: window.status.shown.kind == "input")
    held.tell(InputWanted(False))
    held.tell(StopProgress("terminated after 2 s"))
    qtbot.waitUntil(lambda: window.status.shown.sentence == "terminated after 2 s")
    held.show(snapshot(log, phase=Phase.ENDED))
    qtbot.waitUntil(lambda: window.status.shown.sentence != "terminated after 2 s")


def test_an_exception_is_said_with_its_lines_behind_a_link(
    window: MainWindow, held: StageSession, qtbot: QtBot
) -> None:
    log, _ = held_before_addmm_backward()
    frames = [Frame(FILE, 14, "<module>", "pred = model(x)")]
    hold = Hold("exception", "exception", log.head, line=14, message="RuntimeError: shapes differ", stack=frames)
    held.show(snapshot(log, hold=hold))
    qtbot.waitUntil(window.message.isVisible)
    message = window.message.message
    assert message is not None
    assert "RuntimeError: shapes differ" in message.text
    assert "line 14" in message.details
    held.show(replace(snapshot(log, hold=hold), hold=None, phase=Phase.RUNNING))
    qtbot.waitUntil(lambda: not window.message.isVisible())


def test_a_message_can_be_acted_on_and_dismissed(window: MainWindow, qtbot: QtBot) -> None:
    done = threading.Event()
    window.say(Message("error", "It broke.", "Much detail", "Mend", done.set))
    assert window.message.isVisible()
    assert window.message.accessibleName() == "It broke."
    assert not window.grab().isNull()
    button = next(b for b in window.message.findChildren(type(window.message._do)) if b.text() == "Mend")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert done.is_set()
    assert not window.message.isVisible()


def test_an_error_inside_the_app_is_a_sentence_and_a_file(window: MainWindow, qtbot: QtBot) -> None:
    try:
        raise RuntimeError("a slip")
    except RuntimeError as error:
        window.errors._exception(type(error), error, error.__traceback__)
    qtbot.waitUntil(lambda: window.message.message is not None and "a slip" in window.message.message.text)
    assert window.message.message is not None
    assert "Traceback" not in window.message.message.text
    assert "Traceback" in window.message.message.details
    assert "a slip" in window.errors.text()


def test_the_palette_finds_and_runs_an_action(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    window.context.run_action("view.show-palette")
    palette = window.findChild(Palette)
    assert palette is not None
    field = palette.findChild(QLineEdit)
    assert field is not None
    qtbot.keyClicks(field, "next node")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert held.asked(Step) == [Step(StepKind.NODE)]
    assert not palette.isVisible()


def test_the_palette_finds_lines_and_operations(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    asked: list[tuple[str, int]] = []
    window.context.source_requested.connect(lambda file, line: asked.append((file, line)))
    for query in ("line 18", "addmm 100"):
        window.show_palette()
        palette = window.findChildren(Palette)[-1]
        field, found = palette.findChild(QLineEdit), palette.findChild(QListView)
        assert field is not None
        assert found is not None
        qtbot.keyClicks(field, query)
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert asked == [(FILE, 18)]
    assert window.context.selection.kind == "op"


def test_the_palette_says_when_nothing_matches(window: MainWindow, qtbot: QtBot) -> None:
    window.show_palette()
    palette = window.findChildren(Palette)[-1]
    field = palette.findChild(QLineEdit)
    assert field is not None
    qtbot.keyClicks(field, "zzzz")
    found = palette.findChild(QListView)
    assert found is not None
    assert "Nothing matches" in str(found.model().index(0, 0).data())
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert palette.isVisible(), "there is nothing to run"
    palette.close()


@pytest.mark.parametrize("id", ["help.show-keys", "help.about"])
def test_a_sheet_opens_and_closes(id: str, window: MainWindow, qtbot: QtBot) -> None:
    window.context.run_action(id)
    sheet = next(d for d in window.findChildren(QDialog) if d.isVisible())
    assert not sheet.grab().isNull()
    sheet.reject()


def test_a_syntax_error_is_shown_at_its_line(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("x = 1\ny = = 2\n")
    window.open_path(path)
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.syntax_page)
    refused = window.syntax_page.refused
    assert refused is not None
    assert (refused.path, refused.line) == (path, 2)
    assert not window.grab().isNull()
    path.unlink()
    window.syntax_page.retried.emit(path)
    qtbot.waitUntil(window.message.isVisible)
    assert window.pages.currentWidget() is window.gallery


def test_what_cannot_be_opened_leaves_the_open_run_alone(
    window: MainWindow, held: StageSession, qtbot: QtBot, tmp_path: Path
) -> None:
    window.open_path(tmp_path / "gone.py")
    qtbot.waitUntil(window.message.isVisible)
    assert window.pages.currentWidget() is window.workspace
    assert window.context.is_open
    assert not held.closed


@pytest.mark.parametrize("data", [b"no log at all", b""], ids=["text", "empty"])
def test_a_file_that_is_no_log_is_refused_in_a_sentence(
    data: bytes, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "a.retro"
    path.write_bytes(data)
    window.open_path(path)
    qtbot.waitUntil(window.message.isVisible)
    message = window.message.message
    assert message is not None
    assert "a.retro" in message.text
    assert "Traceback" not in message.details


def test_run_settings_are_checked_and_kept(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    dialog = RunSettingsDialog(window, Path(FILE), RunSettings(args=["--lr", "0 1"]), sys.executable, running=True)
    assert dialog._arguments.text() == "--lr '0 1'"
    dialog._environment.setPlainText("A=1\nnonsense")
    dialog._keep()
    assert "line 2" in dialog.problem
    dialog._environment.setPlainText("A=1")
    dialog._interpreter.setText("/no/such/python")
    dialog._keep()
    assert "/no/such/python" in dialog.problem
    dialog._interpreter.setText("")
    dialog._arguments.setText('--lr "0 1')
    dialog._keep()
    assert "quote" in dialog.problem
    dialog._arguments.setText('--lr "0 1" -v')
    dialog._engine.setCurrentIndex(1)
    dialog._keep_and_restart()
    assert dialog.settings == RunSettings(args=["--lr", "0 1", "-v"], environment={"A": "1"}, engine="retrograd")
    assert dialog.restart
    dialog.deleteLater()


def test_keep_and_restart_restarts_with_what_was_kept(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    window.context.run_action("edit.run-settings")
    qtbot.waitUntil(lambda: window.findChild(RunSettingsDialog) is not None)
    dialog = window.findChild(RunSettingsDialog)
    assert dialog is not None
    dialog._arguments.setText("--fast")
    dialog._keep_and_restart()
    qtbot.waitUntil(lambda: held.asked(Restart) == [Restart()])
    from retrograd_debug.session.settings import recall

    assert recall(FILE).settings.args == ["--fast"]


def test_breakpoints_of_a_script_are_there_when_it_is_opened(window: MainWindow, qtbot: QtBot) -> None:
    log, hold = held_before_addmm_backward()
    kept = Breakpoint(4, "line", FILE, 18)
    session = show(window, qtbot, StageSession(snapshot(log, hold=hold)), (kept,))
    assert window.context.breakpoints == (kept,)
    assert session.asked(SetBreakpoints) == [SetBreakpoints([kept])]


def test_closing_the_window_closes_the_session_beside_the_gui_thread(window: MainWindow, qtbot: QtBot) -> None:
    log, hold = held_before_addmm_backward()

    class Slow(StageSession):
        def close(self) -> None:
            self.where = threading.current_thread()
            super().close()

    session = Slow(snapshot(log, hold=hold))
    show(window, qtbot, session)
    with qtbot.waitSignal(window.closed):
        window.close()
    assert session.closed
    assert session.where is not threading.main_thread()


def test_narrow_windows_drop_labels_and_then_the_search_field(
    window: MainWindow, held: StageSession, qtbot: QtBot
) -> None:
    def labels() -> int:
        styles = [button.toolButtonStyle() for _, button in window.toolbar._buttons]
        return styles.count(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    assert labels() == 8
    window.resize(1280, 800)
    assert labels() == 0
    assert window.toolbar.width() >= window.toolbar.sizeHint().width()
    window.resize(960, 700)
    assert window.toolbar.width() >= window.toolbar.minimumSizeHint().width()


@pytest.mark.parametrize("arguments", [[], ["train.py"]])
def test_without_a_display_there_is_a_sentence_and_two_ways_on(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux can be without a display")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-m", "retrograd_gui", *arguments]
    for display in ("", ":9999"):
        if display:
            monkeypatch.setenv("DISPLAY", display)
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 3
        assert "isplay" in ran.stderr.splitlines()[0]
        assert "--offscreen --screenshot" in ran.stderr
        assert "retrograd run" in ran.stderr
        assert "Traceback" not in ran.stderr
