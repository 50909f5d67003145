"""The timeline panel under a real mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fixtures.stage import MemoryLog, held_before_addmm_backward, snapshot
from fixtures.synthetic import events
from retrograd_debug.session.api import Phase, Seek
from retrograd_gui.panels.timeline import PANEL, TimelinePanel
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.view_models.timeline import Lane

if TYPE_CHECKING:
    from conftest import Stage


def opened(stage: Stage, iterations: int = 0) -> TimelinePanel:
    panel = stage.show(PANEL.make, 470, 248)
    assert isinstance(panel, TimelinePanel)
    if iterations:
        stage.open(snapshot(MemoryLog(events(iterations)), phase=Phase.ENDED))
    else:
        log, hold = held_before_addmm_backward()
        stage.open(snapshot(log, hold=hold))
    stage.until(panel.view.isVisible)
    return panel


def place(panel: TimelinePanel, iteration: int, lane: Lane) -> QPoint:
    """Somewhere in an iteration's lane."""
    rect = panel.view.lane_rect(lane)
    span = panel._model.span(iteration)
    return QPoint(round(panel.view.x_of((span.start + span.end) / 2)), round(rect.center().y()))


def test_a_press_travels_and_a_drag_goes_on(stage: Stage) -> None:
    panel = opened(stage)
    stage.session.commands.clear()
    QTest.mousePress(
        panel.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place(panel, 1, Lane.FORWARD)
    )
    first = stage.session.asked(Seek)
    assert len(first) == 1
    for iteration in (1, 2, 0):
        QTest.mouseMove(panel.view, place(panel, iteration, Lane.FORWARD))
    QTest.mouseRelease(panel.view, Qt.MouseButton.LeftButton)
    QTest.qWait(80)
    seeks = [command.seq for command in stage.session.asked(Seek) if isinstance(command, Seek)]
    log = stage.session.snapshot().log
    assert log is not None
    landed = [it.index for it in (log.iteration_at(seq) for seq in seeks) if it is not None]
    assert landed[0] == 1
    assert landed[-1] == 0
    # what was passed over in between is let go
    assert len(seeks) < 4


def test_the_end_is_the_head(stage: Stage) -> None:
    panel = opened(stage)
    log = stage.session.snapshot().log
    assert log is not None
    stage.session.show(snapshot(log, cursor=30))  # type: ignore[arg-type]
    QTest.qWait(40)
    stage.session.commands.clear()
    at = QPoint(panel.view.width() - 1, 60)
    panel.view.show_all()
    QTest.mouseClick(panel.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    assert stage.session.asked(Seek) == [Seek(0)]  # type: ignore[arg-type]


def test_the_wheel_zooms_about_the_mouse(stage: Stage) -> None:
    panel = opened(stage)
    stage.session.commands.clear()
    at = place(panel, 2, Lane.FORWARD)
    before = panel.view.clock_of(at.x())
    width = panel.view.clock_of(400) - panel.view.clock_of(200)
    turn = QWheelEvent(
        QPointF(at), QPointF(at), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(panel.view, turn)
    assert panel.view.clock_of(at.x()) - before < 1
    assert panel.view.clock_of(400) - panel.view.clock_of(200) < width
    assert stage.session.asked(Seek) == []


def test_the_tip_names_the_block(stage: Stage) -> None:
    panel = opened(stage)
    block = next(b for b in map(panel._model.block, range(panel._model.blocks)) if b.name == "addmm")
    at = QPoint(
        round(panel.view.x_of((block.start + block.end) / 2)), round(panel.view.lane_rect(Lane.FORWARD).center().y())
    )
    panel.view.show_all()
    at.setX(round(panel.view.x_of((block.start + block.end) / 2)))
    assert panel.view.tip_at(at).startswith("addmm\n")


def test_the_cursor_has_a_flag_and_the_script_a_hollow_one(stage: Stage) -> None:
    panel = opened(stage)
    log = stage.session.snapshot().log
    assert log is not None
    panel.view.show_all()
    stage.session.show(snapshot(log, cursor=30))  # type: ignore[arg-type]
    QTest.qWait(40)
    theme = load_theme("dark")
    image = panel.view.grab().toImage()
    cursor = QPoint(round(panel.view.x_of(panel._model.clock_at(30))), 24)  # type: ignore[arg-type]
    script = QPoint(round(panel.view.x_of(panel._model.clock_at(log.head))), 24)
    assert image.pixelColor(cursor) == QColor(theme["heldTag"])
    assert image.pixelColor(script) != QColor(theme["heldTag"])


def test_a_long_run_is_read_beside_the_window_and_drawn_as_density(stage: Stage) -> None:
    panel = opened(stage, 400)
    stage.until(lambda: panel._model.iterations == 400)
    QTest.mouseDClick(panel.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(200, 8))
    image = panel.view.grab().toImage()
    row = round(panel.view.lane_rect(Lane.FORWARD).center().y())
    colors = {image.pixelColor(x, row).name() for x in range(100, 440)}
    assert len(colors) > 1


def test_before_anything_ran_it_says_so(stage: Stage) -> None:
    panel = stage.show(PANEL.make, 470, 248)
    assert isinstance(panel, TimelinePanel)
    stage.open(snapshot(MemoryLog(events(1)[:1])))
    assert panel.empty.isVisible()
    assert panel.empty.text == "Nothing has run yet"


def test_the_arrows_travel_by_a_block(stage: Stage) -> None:
    panel = opened(stage)
    stage.session.commands.clear()
    QTest.keyClick(panel.view, Qt.Key.Key_Left)
    QTest.qWait(60)
    model = panel._model
    snapshot_now = stage.session.snapshot()
    assert stage.session.asked(Seek) == [Seek(model.neighbour(snapshot_now.cursor, -1))]  # type: ignore[arg-type]
