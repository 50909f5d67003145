"""The panel of the backward pass under real clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fixtures.stage import held_before_addmm_backward, held_before_op, snapshot
from retrograd_gui.panels.scheduler import PANEL, SchedulerPanel
from retrograd_gui.theme.loading import load_theme

if TYPE_CHECKING:
    from conftest import Stage


def opened(stage: Stage) -> SchedulerPanel:
    panel = stage.show(PANEL.make, 342, 300)
    assert isinstance(panel, SchedulerPanel)
    log, hold = held_before_addmm_backward()
    stage.open(snapshot(log, hold=hold))
    stage.until(lambda: panel.list.rows.rowCount() > 0)
    return panel


def words(panel: SchedulerPanel) -> list[str]:
    return [entry.words for entry in panel.list.rows.entries]


def test_it_says_what_runs_what_is_ready_and_who_waits_for_whom(stage: Stage) -> None:
    panel = opened(stage)
    assert panel.head.text() == "1 of 5 nodes have run"
    assert words(panel) == [
        "about to run", "AddmmBackward0  14",
        "3 wait", "AccumulateGrad bias  AddmmBackward0", "AccumulateGrad weight  TBackward0",
        "TBackward0  14  AddmmBackward0",
    ]  # fmt: skip


def test_a_click_selects_the_node_everywhere(stage: Stage) -> None:
    panel = opened(stage)
    place = panel.list.visualRect(panel.list.rows.index(1, 0)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    chosen = stage.context.selection
    assert (chosen.kind, chosen.facet) == ("node", "gradient")
    assert chosen.op
    assert chosen.tensor


def test_without_a_pass_it_says_how_to_get_to_one(stage: Stage) -> None:
    panel = stage.show(PANEL.make, 342, 300)
    assert isinstance(panel, SchedulerPanel)
    log, hold = held_before_op()
    stage.open(snapshot(log, hold=hold))
    stage.until(panel.empty.isVisible)
    assert "Shift+F8" in panel.empty.text


def test_it_paints_in_every_theme(stage: Stage) -> None:
    panel = opened(stage)
    for name in ("light", "highContrast", "dark"):
        stage.context.set_theme(load_theme(name))
        assert not panel.grab().isNull()
