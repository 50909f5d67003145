"""The source panel under real clicks and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtTest import QTest

from fixtures.stage import FILE, held_before_addmm_backward, held_before_op, snapshot
from fixtures.synthetic import SCRIPT
from retrograd_debug.session.api import Breakpoint, BreakpointsResolved, BreakpointStatus, Hold
from retrograd_gui.panels.source import PANEL, SourcePanel
from retrograd_gui.theme.loading import load_theme

if TYPE_CHECKING:
    from conftest import Stage


def opened(stage: Stage, height: int = 520) -> SourcePanel:
    log, hold = held_before_addmm_backward()
    panel = stage.show(PANEL.make, 356, height)
    assert isinstance(panel, SourcePanel)
    stage.open(snapshot(log, hold=hold))
    stage.until(panel.code.isVisible)
    return panel


def gutter(panel: SourcePanel, line: int) -> QPoint:
    rect = panel.code.line_rect(line)
    return QPoint(8, rect.center().y())


def click(panel: SourcePanel, at: QPoint) -> None:
    QTest.mouseClick(panel.code.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


def color_at(panel: SourcePanel, at: QPoint) -> QColor:
    return panel.code.viewport().grab().toImage().pixelColor(at)


def test_the_tab_is_named_after_the_file(stage: Stage) -> None:
    assert opened(stage).windowTitle() == "linear_regression.py"


def test_the_current_line_stands_out(stage: Stage) -> None:
    panel = opened(stage)
    right = panel.code.viewport().width() - 60
    theme = load_theme("dark")
    assert color_at(panel, QPoint(right, panel.code.line_rect(18).top() + 1)) == QColor(theme["curLine"])
    assert color_at(panel, QPoint(right, panel.code.line_rect(14).top() + 1)) == QColor(theme["forwardFill"])
    assert color_at(panel, QPoint(right, panel.code.line_rect(12).top() + 1)) == QColor(theme["panel"])


def test_a_click_in_the_gutter_sets_and_clears_a_breakpoint(stage: Stage) -> None:
    panel = opened(stage)
    click(panel, gutter(panel, 15))
    assert [(b.kind, b.file, b.line) for b in stage.context.breakpoints] == [("line", FILE, 15)]
    assert color_at(panel, QPoint(9, panel.code.line_rect(15).center().y())).red() > 200
    click(panel, gutter(panel, 15))
    assert list(stage.context.breakpoints) == []


def test_a_click_in_the_text_sets_none(stage: Stage) -> None:
    panel = opened(stage)
    click(panel, QPoint(round(panel.code.text_left) + 20, panel.code.line_rect(15).center().y()))
    assert list(stage.context.breakpoints) == []


def test_f9_sets_a_breakpoint_at_the_caret(stage: Stage) -> None:
    panel = opened(stage)
    click(panel, QPoint(round(panel.code.text_left) + 20, panel.code.line_rect(10).center().y()))
    QTest.keyClick(panel.code, Qt.Key.Key_F9)
    assert [b.line for b in stage.context.breakpoints] == [10]
    panel.perform("edit.toggle-breakpoint")
    assert list(stage.context.breakpoints) == []


def test_an_unreachable_line_has_a_hollow_dot_that_says_why(stage: Stage) -> None:
    panel = opened(stage)
    click(panel, gutter(panel, 3))
    id = stage.context.breakpoints[0].id
    stage.session.tell(BreakpointsResolved([BreakpointStatus(id, 3, 0, "No code runs on line 3")]))
    stage.until(lambda: panel.code.tip_at(gutter(panel, 3)) == "No code runs on line 3")
    center = QPoint(9, panel.code.line_rect(3).center().y())
    assert color_at(panel, center) == QColor(load_theme("dark")["panel"])


def test_the_current_line_is_brought_into_view_but_scrolling_stays(stage: Stage) -> None:
    panel = opened(stage, 120)
    assert panel.code.is_visible_line(18)
    panel.code.verticalScrollBar().setValue(0)
    log, hold = held_before_addmm_backward()
    stage.session.show(snapshot(log, hold=hold))
    QTest.qWait(60)
    assert panel.code.verticalScrollBar().value() == 0
    log, hold = held_before_op("mse_loss")
    stage.session.show(snapshot(log, hold=hold))
    stage.until(lambda: panel.code.is_visible_line(15))


def test_an_exception_is_shown_at_its_line(stage: Stage) -> None:
    panel = opened(stage)
    log, _ = held_before_op()
    hold = Hold("exception", "exception", log.head, file=FILE, line=15, message="RuntimeError: sizes differ")
    stage.session.show(snapshot(log, hold=hold))
    below = QPoint(100, panel.code.line_rect(15).bottom() + 9)
    stage.until(lambda: color_at(panel, QPoint(300, below.y())) == QColor(load_theme("dark")["errorFill"]))
    # what follows moves down by the message
    assert panel.code.line_rect(16).top() - panel.code.line_rect(15).top() == 36


def test_text_can_be_selected_and_copied(stage: Stage) -> None:
    panel = opened(stage)
    code = panel.code
    QTest.keyClick(code, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(code, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().split() == SCRIPT.split()


def test_another_file_opens_at_a_line(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> None:
    panel = opened(stage)
    other = tmp_path_factory.mktemp("other") / "helper.py"
    other.write_text("\n".join(f"a{n} = {n}" for n in range(200)), encoding="utf-8")
    stage.context.show_source(str(other), 150)
    stage.until(lambda: panel.windowTitle() == "helper.py" and panel.code.is_visible_line(150))


def test_a_file_that_cannot_be_read_is_said(stage: Stage) -> None:
    panel = opened(stage)
    stage.context.show_source("/nowhere/gone.py", 3)
    stage.until(lambda: "can't be read" in panel.empty.text)


def test_lines_show_breakpoints_kept_from_before(stage: Stage) -> None:
    panel = opened(stage)
    stage.context.set_breakpoints([Breakpoint(0, "line", FILE, 13, enabled=False)])
    edge = QPoint(4, panel.code.line_rect(13).center().y())
    assert color_at(panel, edge).red() > 150
    center = QPoint(9, panel.code.line_rect(13).center().y())
    assert color_at(panel, center) == QColor(load_theme("dark")["panel"])


def test_closing_the_run_empties_the_panel(stage: Stage) -> None:
    panel = opened(stage)
    stage.context.release()
    assert panel.windowTitle() == ""
    assert panel.empty.isVisible()
    assert panel.empty.text == "No run open"


def test_it_works_in_every_theme(stage: Stage) -> None:
    panel = opened(stage)
    for name in ("light", "highContrast", "dark"):
        stage.context.set_theme(load_theme(name))
        right = panel.code.viewport().width() - 60
        found = color_at(panel, QPoint(right, panel.code.line_rect(18).top() + 1))
        assert found == QColor(load_theme(name)["curLine"])
