"""The inspector under real clicks and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget

from fixtures.stage import MemoryLog, held_before_addmm_backward, held_before_op, snapshot
from fixtures.synthetic import events
from retrograd_debug.log.api import Value
from retrograd_debug.session.api import Edit
from retrograd_gui.panels.inspector import PANEL, InspectorPanel
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.view_models.selection import Selection

if TYPE_CHECKING:
    from conftest import Stage

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def opened(stage: Stage) -> InspectorPanel:
    panel = stage.show(PANEL.make, 342, 520)
    assert isinstance(panel, InspectorPanel)
    log, hold = held_before_addmm_backward()
    stage.open(snapshot(log, hold=hold))
    stage.until(panel.table.isVisible)
    return panel


def cell(panel: InspectorPanel, row: int, column: int) -> str:
    return str(panel.table.numbers.data(panel.table.numbers.index(row, column)))


def click(widget: QWidget, at: QPoint) -> None:
    QTest.mouseClick(widget, LEFT, NONE, at)


def double_click_cell(panel: InspectorPanel, row: int, column: int) -> None:
    rect = panel.table.visualRect(panel.table.numbers.index(row, column))
    click(panel.table.viewport(), rect.center())
    QTest.mouseDClick(panel.table.viewport(), LEFT, NONE, rect.center())


def test_held_in_backward_it_shows_the_gradient_that_enters_the_node(stage: Stage) -> None:
    panel = opened(stage)
    assert panel.head.title.words == "pred [100, 1] float32 cpu\noutput of addmm, line 14, version 0"
    assert panel.head.gradient.isChecked()
    assert panel.subtitle.heading.text() == "Gradient entering AddmmBackward0"
    assert panel.subtitle.note.text() == "arrived"
    assert panel.statistics.text("mean") == "−0.007621"
    header = [panel.table.numbers.headerData(c, Qt.Orientation.Horizontal) for c in range(4)]
    assert header == ["row", "pred", "y", "gradient"]


def test_value_and_gradient_can_be_told_apart_by_a_click(stage: Stage) -> None:
    panel = opened(stage)
    before = panel.statistics.text("mean")
    click(panel.head.value, panel.head.value.rect().center())
    assert panel.subtitle.heading.text() == "Value at version 0"
    assert panel.statistics.text("mean") != before


def test_a_click_on_the_strip_goes_to_the_row(stage: Stage) -> None:
    panel = opened(stage)
    area = panel.heatmap.area()
    click(panel.heatmap, QPoint(round(area.left() + area.width() * 0.715), round(area.center().y())))
    assert panel.table.currentIndex().row() == 71
    assert panel.heatmap.tip_at(QPointF(area.left() + area.width() * 0.715, area.center().y())).startswith("row 71\n")


def test_a_gradient_is_changed_by_double_click_and_enter(stage: Stage) -> None:
    panel = opened(stage)
    double_click_cell(panel, 1, 3)
    editor = panel.table.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    QTest.keyClicks(editor, "-0.25")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    stage.until(lambda: bool(stage.session.asked(Edit)))
    edit = stage.session.asked(Edit)[0]
    assert isinstance(edit, Edit)
    assert (edit.target, edit.index, edit.value) == ("incoming", [1, 0], -0.25)


def test_the_pencil_edits_the_current_row(stage: Stage) -> None:
    panel = opened(stage)
    panel.table.go_to(2, 0)
    click(panel.head.edit, panel.head.edit.rect().center())
    editor = panel.table.findChild(QLineEdit)
    assert editor is not None
    assert f"{float(editor.text()):.3e}" == f"{float(cell(panel, 2, 3).replace('−', '-')):.3e}"


def test_another_tensors_column_is_refused_in_words(stage: Stage) -> None:
    panel = opened(stage)
    double_click_cell(panel, 1, 2)
    assert panel.table.findChild(QLineEdit) is None
    assert "another tensor" in panel.subtitle.problem.text()


def test_what_is_no_number_is_refused_in_words(stage: Stage) -> None:
    panel = opened(stage)
    double_click_cell(panel, 0, 3)
    editor = panel.table.findChild(QLineEdit)
    assert editor is not None
    editor.setText("two")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    stage.until(lambda: panel.subtitle.problem.text() == "“two” is not a number")
    assert stage.session.asked(Edit) == []


def test_looking_back_edits_are_off_and_say_why(stage: Stage) -> None:
    panel = opened(stage)
    log, hold = held_before_addmm_backward()
    stage.session.show(snapshot(log, cursor=40, hold=hold))
    stage.until(lambda: "looking back" in panel.head.edit.toolTip())
    click(panel.head.edit, panel.head.edit.rect().center())
    assert panel.subtitle.problem.text() == "Edits are off while looking back: return to the head"
    assert panel.subtitle.problem.isVisible()


def test_no_gradient_yet_offers_the_step_that_brings_it(stage: Stage) -> None:
    panel = opened(stage)
    log, hold = held_before_op("mse_loss")
    stage.session.show(snapshot(log, hold=hold))
    stage.until(panel.head.value.isChecked)
    click(panel.head.gradient, panel.head.gradient.rect().center())
    assert panel.empty.text == "No gradient yet. It arrives in backward; F8 steps there."
    click(panel.empty._button, panel.empty._button.rect().center())
    assert stage.actions == ["debug.step-node"]


def test_selecting_a_tensor_shows_it(stage: Stage) -> None:
    panel = opened(stage)
    state = stage.session.snapshot().state
    weight = next(info.meta for info in state.tensors.values() if info.path == "weight")
    stage.context.select(Selection("tensor", tensor=weight.id, version=weight.version))
    stage.until(lambda: panel.head.title.words.startswith("weight [1, 1]"))
    stage.until(lambda: panel.table.numbers.rowCount() == 1)


def test_a_matrix_is_a_picture_with_a_table_of_its_shape(stage: Stage) -> None:
    panel = opened(stage)
    array = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    array[1, 2] = np.nan
    array[2, 0] = np.inf
    value = Value(1, 0, "all", array.shape, "float32", 1, "", array)  # type: ignore[arg-type]
    subject = panel._model.subject
    assert subject is not None
    object.__setattr__(subject, "meta", subject.meta.__class__(subject.meta.id, 0, (3, 4), "float32", "cpu", True))
    loaded = panel._model.loaded["gradient"]
    loaded.value = value
    panel._model.revision += 1
    panel._refresh()
    assert (panel.table.numbers.rowCount(), panel.table.numbers.columnCount()) == (3, 5)
    assert cell(panel, 1, 3) == "× NaN"
    assert cell(panel, 2, 1) == "▲ +Inf"
    image = panel.heatmap.grab().toImage()
    assert not image.isNull()
    area = panel.heatmap.area()
    click(panel.heatmap, QPoint(round(area.left() + area.width() * 0.9), round(area.top() + area.height() * 0.1)))
    assert (panel.table.currentIndex().row(), panel.table.currentIndex().column()) == (0, 4)


def test_numbers_are_copied_in_full(stage: Stage) -> None:
    panel = opened(stage)
    click(panel.head.copy, panel.head.copy.rect().center())
    stage.until(lambda: QGuiApplication.clipboard().text().startswith("row,pred,y,gradient\n"))
    panel.table.go_to(0, 0)
    QTest.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().text().split("\t")) == 3


def test_the_range_is_narrowed_by_dragging_and_shown_whole_by_a_double_click(stage: Stage) -> None:
    panel = opened(stage)
    bar = panel.bar
    whole = panel.heatmap._shown
    assert whole is not None
    QTest.mousePress(bar, LEFT, NONE, QPoint(bar.width() - 2, 8))
    QTest.mouseMove(bar, QPoint(round(bar.width() * 0.75), 8))
    QTest.mouseRelease(bar, LEFT, NONE, QPoint(round(bar.width() * 0.75), 8))
    narrowed = panel.heatmap._shown
    assert narrowed is not None
    assert narrowed.shown[1] < whole.shown[1] * 0.6
    assert narrowed.shown[0] == -narrowed.shown[1]
    QTest.mouseDClick(bar, LEFT, NONE, QPoint(20, 8))
    assert panel.heatmap._shown is not None
    assert panel.heatmap._shown.shown == whole.shown


def test_the_scale_is_remembered(stage: Stage) -> None:
    panel = opened(stage)
    panel.head.scales.setCurrentIndex(1)
    assert panel.heatmap._shown is not None
    assert panel.heatmap._shown.scale == "linear"
    again = stage.show(PANEL.make, 342, 520)
    assert isinstance(again, InspectorPanel)
    assert again.head.scale == "linear"


def test_a_large_tensor_is_described_beside_the_window(stage: Stage) -> None:
    panel = opened(stage)
    array = np.ones((1_000_000, 1), np.float32)
    loaded = panel._model.loaded["gradient"]
    loaded.value = Value(1, 0, "all", array.shape, "float32", 1, "", array)  # type: ignore[arg-type]
    panel._model.revision += 1
    panel._refresh()
    assert panel.table.numbers.rowCount() == 1_000_000
    stage.until(lambda: panel.statistics.text("sum") == "1.000e+06")


def test_nothing_has_run_yet(stage: Stage) -> None:
    panel = stage.show(PANEL.make, 342, 520)
    assert isinstance(panel, InspectorPanel)
    stage.open(snapshot(MemoryLog(events(1)[:2])))
    stage.until(lambda: panel.empty.text == "Nothing has run yet. F10 runs the first operation.")


def test_it_paints_in_every_theme(stage: Stage) -> None:
    panel = opened(stage)
    for name in ("light", "highContrast", "dark"):
        stage.context.set_theme(load_theme(name))
        assert not panel.grab().isNull()
