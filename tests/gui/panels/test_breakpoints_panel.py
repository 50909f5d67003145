"""The breakpoint list under real clicks and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fixtures.stage import FILE, held_before_addmm_backward, snapshot
from retrograd_debug.session.api import Breakpoint, BreakpointsResolved, BreakpointStatus, SetBreakpoints
from retrograd_gui.panels.breakpoints import PANEL, BreakpointsPanel
from retrograd_gui.theme.loading import load_theme

if TYPE_CHECKING:
    from conftest import Stage

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def opened(stage: Stage) -> BreakpointsPanel:
    panel = stage.show(PANEL.make, 342, 140)
    assert isinstance(panel, BreakpointsPanel)
    log, hold = held_before_addmm_backward()
    stage.open(snapshot(log, hold=hold))
    return panel


def with_rows(stage: Stage) -> BreakpointsPanel:
    panel = opened(stage)
    stage.context.set_breakpoints([Breakpoint(0, "line", FILE, 18), Breakpoint(0, "op", op="mse_loss")])
    stage.session.tell(BreakpointsResolved([BreakpointStatus(1, 18, 4, ""), BreakpointStatus(2, 0, 1, "")]))
    stage.until(lambda: "loss.backward() 4 hits" in words(panel)[0])
    return panel


def words(panel: BreakpointsPanel) -> list[str]:
    rows = panel.list.rows
    return [str(rows.data(rows.index(row))) for row in range(rows.rowCount())]


def at_row(panel: BreakpointsPanel, row: int, x: int) -> QPoint:
    return QPoint(x, panel.list.visualRect(panel.list.rows.index(row)).center().y())


def test_without_breakpoints_it_says_how_to_set_one(stage: Stage) -> None:
    panel = opened(stage)
    assert panel.empty.isVisible()
    assert "F9" in panel.empty.text


def test_rows_say_where_what_and_how_often(stage: Stage) -> None:
    panel = with_rows(stage)
    assert words(panel) == ["line 18 loss.backward() 4 hits", "before mse_loss 1 hit"]
    assert panel.list.isVisible()


def test_the_check_box_switches_off_and_on(stage: Stage) -> None:
    panel = with_rows(stage)
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at_row(panel, 0, 15))
    assert [b.enabled for b in stage.context.breakpoints] == [False, True]
    assert words(panel)[0].endswith("off")
    sent = stage.session.asked(SetBreakpoints)[-1]
    assert isinstance(sent, SetBreakpoints)
    assert not sent.breakpoints[0].enabled
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at_row(panel, 0, 15))
    assert stage.context.breakpoints[0].enabled


def test_a_click_on_the_words_switches_nothing(stage: Stage) -> None:
    panel = with_rows(stage)
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at_row(panel, 0, 90))
    assert stage.context.breakpoints[0].enabled
    assert panel.list.selected() == [0]


def test_space_switches_and_delete_removes(stage: Stage) -> None:
    panel = with_rows(stage)
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at_row(panel, 1, 90))
    QTest.keyClick(panel.list, Qt.Key.Key_Space)
    assert [b.enabled for b in stage.context.breakpoints] == [True, False]
    QTest.keyClick(panel.list, Qt.Key.Key_Delete)
    assert [b.kind for b in stage.context.breakpoints] == ["line"]


def test_the_trash_removes_the_selected(stage: Stage) -> None:
    panel = with_rows(stage)
    assert not panel.remove.isEnabled()
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at_row(panel, 0, 90))
    QTest.mouseClick(panel.remove, LEFT)
    assert [b.kind for b in stage.context.breakpoints] == ["op"]


def test_a_name_adds_a_breakpoint_before_an_operation(stage: Stage) -> None:
    panel = opened(stage)
    QTest.keyClicks(panel.name, "AddmmBackward0")
    QTest.keyClick(panel.name, Qt.Key.Key_Return)
    assert [(b.kind, b.op) for b in stage.context.breakpoints] == [("op", "AddmmBackward0")]
    assert panel.name.text() == ""
    assert words(panel) == ["before AddmmBackward0 0 hits"]


def choose(panel: BreakpointsPanel, key: str) -> None:
    next(each for each in panel.kind.menu().actions() if each.data() == key).trigger()


def test_other_kinds_are_added_from_the_same_row(stage: Stage) -> None:
    panel = opened(stage)
    choose(panel, "nonfinite")
    assert len(stage.context.breakpoints) == 1, "it needs no text"
    choose(panel, "range")
    assert not panel.add.isEnabled()
    QTest.keyClicks(panel.name, "fc.weight")
    QTest.mouseClick(panel.add, LEFT)
    assert len(stage.context.breakpoints) == 1, "a range without bounds makes none"
    assert "fc.weight -10..10" in panel.name.toolTip()
    QTest.keyClicks(panel.name, " ..10")
    QTest.keyClick(panel.name, Qt.Key.Key_Return)
    assert words(panel) == ["after the first NaN or infinity 0 hits", "after fc.weight leaves ..10 0 hits"]


def test_more_is_said_of_one_in_place(stage: Stage) -> None:
    panel = with_rows(stage)
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at_row(panel, 1, 90))
    assert not panel.editor.isVisible()
    QTest.keyClick(panel.list, Qt.Key.Key_F2)
    assert panel.editor.isVisible()
    QTest.keyClicks(panel.editor.condition, "iteration > 3")
    QTest.keyClick(panel.editor.condition, Qt.Key.Key_Return)
    panel.editor.ignore.setValue(2)
    panel.editor.once.click()
    changed = stage.context.breakpoints[1]
    assert (changed.condition, changed.ignore, changed.once, changed.op) == ("iteration > 3", 2, True, "mse_loss")
    assert "if iteration > 3, skips 2 hits, once" in words(panel)[1]
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at_row(panel, 0, 90))
    assert panel.editor.condition.text() == "", "the other row has none"
    QTest.keyClick(panel.editor.condition, Qt.Key.Key_Escape)
    assert not panel.editor.isVisible()


def test_names_that_ran_are_offered(stage: Stage) -> None:
    panel = opened(stage)
    stage.until(lambda: "mse_loss" in panel._names.stringList())
    assert "MseLossBackward0" in panel._names.stringList()


def test_a_double_click_or_enter_goes_to_the_line(stage: Stage) -> None:
    panel = with_rows(stage)
    asked: list[tuple[str, int]] = []
    stage.context.source_requested.connect(lambda file, line: asked.append((file, line)))
    at = at_row(panel, 0, 90)
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, at)
    QTest.mouseDClick(panel.list.viewport(), LEFT, NONE, at)
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    assert asked == [(FILE, 18), (FILE, 18)]


def test_what_cannot_be_reached_says_why(stage: Stage) -> None:
    panel = opened(stage)
    stage.context.set_breakpoints([Breakpoint(0, "line", FILE, 3)])
    stage.session.tell(BreakpointsResolved([BreakpointStatus(1, 3, 0, "No code runs on line 3")]))
    stage.until(lambda: "No code runs on line 3" in words(panel)[0])
    tip = panel.list.rows.data(panel.list.rows.index(0), Qt.ItemDataRole.ToolTipRole)
    assert "No code runs on line 3" in str(tip)


def test_it_paints_in_every_theme(stage: Stage) -> None:
    panel = with_rows(stage)
    for name in ("light", "highContrast", "dark"):
        stage.context.set_theme(load_theme(name))
        assert not panel.grab().isNull()
