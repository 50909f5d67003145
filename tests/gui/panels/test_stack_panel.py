"""The call stack under real clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fixtures.stage import FILE, held_before_op, snapshot
from retrograd_debug.session.api import Frame, ListLocals, LocalsListed, Phase, Variable
from retrograd_events.events import TensorId
from retrograd_gui.panels.stack import PANEL, StackPanel
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.widgets.listing import Listing

if TYPE_CHECKING:
    from conftest import Stage

STACK = [Frame(FILE, 20, "<module>", "loss = step(x)"), Frame(FILE, 8, "step", "return model(x).mean()")]


def opened(stage: Stage) -> StackPanel:
    panel = stage.show(PANEL.make, 420, 300)
    assert isinstance(panel, StackPanel)
    log, hold = held_before_op()
    stage.open(snapshot(log, hold=msgspec.structs.replace(hold, stack=STACK)))
    stage.until(lambda: panel.frames.rows.rowCount() == 2)
    return panel


def words(listing: Listing) -> list[str]:
    return [entry.words for entry in listing.rows.entries]


def click(listing: Listing, row: int) -> None:
    at = listing.visualRect(listing.rows.index(row, 0)).center()
    QTest.mouseClick(listing.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


def test_the_innermost_frame_comes_first_and_is_asked_for_its_variables(stage: Stage) -> None:
    panel = opened(stage)
    assert words(panel.frames) == ["step  8  return model(x).mean()", "<module>  20  loss = step(x)"]
    assert stage.session.asked(ListLocals) == [ListLocals(1, 1)]
    assert panel.head.text() == "step, linear_regression.py line 8"


def test_variables_are_shown_and_a_tensor_among_them_is_selected(stage: Stage) -> None:
    panel = opened(stage)
    x = Variable("x", "Tensor", "[100, 1] f32", TensorId(3), 0)
    stage.session.tell(LocalsListed(1, [x, Variable("rate", "float", "0.05")]))
    stage.until(lambda: panel.variables.rows.rowCount() == 2)
    assert words(panel.variables) == ["x  Tensor  [100, 1] f32", "rate  float  0.05"]
    click(panel.variables, 0)
    assert stage.context.selection.tensor == 3
    click(panel.variables, 1)
    assert stage.context.selection.tensor == 3, "a plain number is nothing to select"


def test_another_frame_shows_its_line_and_its_variables(stage: Stage) -> None:
    panel = opened(stage)
    asked: list[tuple[str, int]] = []
    stage.context.source_requested.connect(lambda file, line: asked.append((file, line)))
    click(panel.frames, 1)
    assert asked == [(FILE, 20)]
    assert stage.session.asked(ListLocals)[-1] == ListLocals(2, 0)
    stage.session.tell(LocalsListed(1, [Variable("old", "int", "1")]))
    stage.session.tell(LocalsListed(2, [Variable("new", "int", "2")]))
    stage.until(lambda: words(panel.variables) == ["new  int  2"])


def test_while_the_script_runs_it_says_how_to_stop_it(stage: Stage) -> None:
    panel = stage.show(PANEL.make, 420, 300)
    assert isinstance(panel, StackPanel)
    log, _ = held_before_op()
    stage.open(snapshot(log, phase=Phase.RUNNING))
    stage.until(lambda: "F6" in panel.empty.text)


def test_it_paints_in_every_theme(stage: Stage) -> None:
    panel = opened(stage)
    for name in ("light", "highContrast", "dark"):
        stage.context.set_theme(load_theme(name))
        assert not panel.grab().isNull()
