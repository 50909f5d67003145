"""Gradient flow under real clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fixtures.stage import held_before_addmm_backward, snapshot
from retrograd_debug.session.api import Seek
from retrograd_gui.panels.flow import PANEL, FlowPanel
from retrograd_gui.theme.loading import load_theme

if TYPE_CHECKING:
    from conftest import Stage


def opened(stage: Stage) -> FlowPanel:
    panel = stage.show(PANEL.make, 800, 220)
    assert isinstance(panel, FlowPanel)
    log, hold = held_before_addmm_backward()
    stage.open(snapshot(log, hold=hold))
    stage.until(lambda: panel.table.rows.rowCount() == 2 and not panel._model.wanted(0))
    return panel


def test_each_parameter_has_a_row_and_each_iteration_a_column(stage: Stage) -> None:
    panel = opened(stage)
    assert [entry.cells[0] for entry in panel.table.rows.entries] == ["weight", "bias"]
    assert panel.map.words(0, 2).startswith("weight, iteration 2: ‖g‖ ")


def test_a_click_on_the_map_travels_and_selects(stage: Stage) -> None:
    panel = opened(stage)
    area = panel.map.area()
    at = area.topLeft() + (area.bottomRight() - area.topLeft()) / 6
    QTest.mouseClick(panel.map, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at.toPoint())
    weight = next(iter(panel._model.rows))
    assert stage.session.asked(Seek) == [Seek(panel._model.rows[weight].arrivals[0].seq)]
    assert (stage.context.selection.tensor, stage.context.selection.facet) == (weight, "gradient")
    panel.map.setFocus()
    QTest.keyClick(panel.map, Qt.Key.Key_Left)
    assert len(stage.session.asked(Seek)) == 2


def test_sorting_by_a_column_and_copying(stage: Stage) -> None:
    panel = opened(stage)
    panel.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    norms = [entry.order[1] for entry in panel.table.rows.entries]
    assert norms == sorted(norms, reverse=True)  # type: ignore[type-var]


def test_without_gradients_it_says_how_to_get_to_one(stage: Stage) -> None:
    panel = stage.show(PANEL.make, 800, 220)
    assert isinstance(panel, FlowPanel)
    assert "F8" in panel.empty.text


def test_it_paints_in_every_theme(stage: Stage) -> None:
    panel = opened(stage)
    for name in ("light", "highContrast", "dark"):
        stage.context.set_theme(load_theme(name))
        assert not panel.grab().isNull()
