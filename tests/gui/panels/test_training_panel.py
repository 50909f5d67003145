"""The training panel under a real mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from fixtures.stage import MemoryLog, snapshot
from fixtures.synthetic import events
from retrograd_debug.session.api import Phase, Seek
from retrograd_events.events import IterationStarted, ScalarLogged, Seq
from retrograd_gui.panels.training import PANEL, TrainingPanel
from retrograd_gui.theme.loading import load_theme

if TYPE_CHECKING:
    from conftest import Stage


def opened(stage: Stage, iterations: int = 10) -> TrainingPanel:
    panel = stage.show(PANEL.make, 370, 248)
    assert isinstance(panel, TrainingPanel)
    stage.open(snapshot(MemoryLog(events(iterations)), phase=Phase.ENDED))
    stage.until(panel.plot.isVisible)
    QTest.qWait(60)
    return panel


def at(panel: TrainingPanel, iteration: float, value: float) -> QPointF:
    return panel.plot.pixel_of(iteration, value)


def losses(stage: Stage) -> list[float]:
    log = stage.session.snapshot().log
    assert log is not None
    return [scalar.value for scalar in log.scalars]


def test_the_loss_is_drawn_against_the_iteration(stage: Stage) -> None:
    panel = opened(stage)
    (curve,) = panel.plot.items
    xs, ys = curve.getData()
    assert xs.tolist() == list(range(10))
    np.testing.assert_allclose(ys, losses(stage))


def test_the_cursor_is_marked_and_told(stage: Stage) -> None:
    panel = opened(stage)
    log = stage.session.snapshot().log
    assert log is not None
    stage.session.show(snapshot(log, cursor=log.scalars[4].seq + 2))  # type: ignore[arg-type]
    stage.until(lambda: panel.plot.tip.title == "iteration 4")
    assert panel.plot.tip.isVisible()
    assert panel.plot.tip.name == "loss"
    assert float(panel.plot.tip.value) == float(f"{losses(stage)[4]:.4g}")


def test_a_click_travels_to_the_iteration(stage: Stage) -> None:
    panel = opened(stage)
    stage.session.commands.clear()
    widget = panel.plot._widget
    where = at(panel, 6, losses(stage)[0]).toPoint()
    QTest.mouseClick(widget.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    log = stage.session.snapshot().log
    assert log is not None
    stage.until(lambda: stage.session.asked(Seek) == [Seek(log.scalars[6].seq)])


def test_the_tip_tells_the_point_under_the_mouse(stage: Stage) -> None:
    panel = opened(stage)
    widget = panel.plot._widget
    where = at(panel, 2, losses(stage)[2])
    panel.plot._moved(QPointF(widget.mapToScene(where.toPoint())))
    assert panel.plot.tip.title == "iteration 2"


def test_the_scale_can_be_logarithmic_and_is_remembered(stage: Stage) -> None:
    panel = opened(stage)
    QTest.mouseClick(panel.log_y, Qt.MouseButton.LeftButton)
    (curve,) = panel.plot.items
    np.testing.assert_allclose(curve.getData()[1], np.log10(losses(stage)))
    again = stage.show(PANEL.make, 370, 248)
    assert isinstance(again, TrainingPanel)
    assert again.log_y.isChecked()


def test_new_losses_extend_the_curve(stage: Stage) -> None:
    panel = opened(stage, 3)
    stage.session.show(snapshot(MemoryLog(events(6)), phase=Phase.ENDED))
    stage.until(lambda: len(panel.plot.items[0].getData()[0]) == 6)


def test_two_losses_are_two_named_curves(stage: Stage) -> None:
    panel = opened(stage)
    stream = events(3)
    extra = [
        msgspec.structs.replace(event, seq=Seq(stream[-1].seq + 1 + n), name="accuracy", value=0.5)
        for n, event in enumerate(event for event in stream if isinstance(event, ScalarLogged))
    ]
    stage.session.show(snapshot(MemoryLog([*stream, *extra]), phase=Phase.ENDED))
    stage.until(lambda: len(panel.plot.items) == 2)
    assert panel.legend.accessibleName() == "loss, accuracy"


def test_values_that_are_not_numbers_break_the_line_only(stage: Stage) -> None:
    panel = opened(stage)
    stream = [
        msgspec.structs.replace(event, value=float("nan"))
        if isinstance(event, ScalarLogged) and event.seq < 60
        else event
        for event in events(5)
    ]
    stage.session.show(snapshot(MemoryLog(stream), phase=Phase.ENDED))
    QTest.qWait(60)
    panel.grab()
    QTest.mouseClick(panel.log_y, Qt.MouseButton.LeftButton)
    panel.grab()


def test_without_a_loss_it_says_so(stage: Stage) -> None:
    panel = stage.show(PANEL.make, 370, 248)
    assert isinstance(panel, TrainingPanel)
    stage.open(snapshot(MemoryLog(events(1)[:4])))
    assert panel.empty.isVisible()
    stage.context.set_theme(load_theme("light"))


def test_the_arrows_travel_by_an_iteration(stage: Stage) -> None:
    panel = opened(stage)
    stage.session.commands.clear()
    QTest.keyClick(panel.plot, Qt.Key.Key_Left)
    log = stage.session.snapshot().log
    assert log is not None
    assert stage.session.asked(Seek) == [Seek(log.scalars[8].seq)]


def test_the_cursor_is_in_view_before_its_iteration_has_a_loss(stage: Stage) -> None:
    panel = opened(stage, 2)
    stream = list(events(3, ended=False))
    cut = next(event.seq for event in stream if isinstance(event, IterationStarted) and event.index == 2)
    stage.session.show(snapshot(MemoryLog([event for event in stream if event.seq <= cut])))
    stage.until(lambda: panel._model.cursor is not None and panel._model.cursor.iteration == 2)
    QTest.qWait(40)
    low, high = panel.plot._plot.getViewBox().viewRange()[0]
    assert low <= 2 <= high
