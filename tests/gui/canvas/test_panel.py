"""The graph panel in its place: fed by the context, carrying out the actions of the Graph menu."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("PySide6")

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from fixtures.graph_story import Story
from retrograd_debug.session.api import Snapshot
from retrograd_gui.actions import table
from retrograd_gui.panels.graph import PANEL, GraphPanel
from retrograd_gui.theme.fonts import install_fonts
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.view_models.selection import NOTHING, Selection

pytestmark = pytest.mark.qt


class Stage(QObject):
    """As much of a context as the graph reads."""

    snapshot_changed = Signal(object)
    selection_changed = Signal(object)
    theme_changed = Signal(object)
    session_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: Snapshot | None = None
        self.selection = NOTHING
        self.theme = load_theme("dark")

    def select(self, selection: Selection) -> None:
        self.selection = selection
        self.selection_changed.emit(selection)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def panel(qtbot, stage: Stage) -> Iterator[GraphPanel]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    install_fonts(app)
    panel = PANEL.make(stage)
    assert isinstance(panel, GraphPanel)
    qtbot.addWidget(panel)
    panel.resize(740, 512)
    panel.show()
    yield panel
    panel.canvas.finish()


def show(qtbot, stage: Stage, panel: GraphPanel) -> None:
    story = Story(4)
    stage.snapshot_changed.emit(story.live(story.find(3, "AddmmBackward0")))
    qtbot.waitUntil(lambda: panel.canvas.picture.scene is panel.canvas.scene, timeout=20_000)


def test_a_snapshot_shows_and_a_new_session_clears(qtbot, stage: Stage, panel: GraphPanel) -> None:
    show(qtbot, stage, panel)
    assert "AddmmBackward0" in panel.canvas.text()
    stage.session_changed.emit()
    assert panel.canvas.text() == "Nothing has run yet. F10 runs the first operation."


def test_what_is_selected_elsewhere_is_lit_here(qtbot, stage: Stage, panel: GraphPanel) -> None:
    show(qtbot, stage, panel)
    before = panel.canvas.grab().toImage()
    weight = next(item for item in panel.canvas.scene.items if item.title == "weight")
    stage.select(Selection("tensor", tensor=weight.tensor))
    assert panel.canvas.grab().toImage() != before


def test_norms_come_in_from_the_log(qtbot, stage: Stage, panel: GraphPanel) -> None:
    show(qtbot, stage, panel)
    facts = panel.canvas._facts
    qtbot.waitUntil(lambda: len(facts.all) > 0, timeout=10_000)
    norms = [fact.norm for fact in facts.all.values() if fact is not None]
    assert any(abs(norm - 0.3189) < 1e-5 for norm in norms)


def test_every_action_of_the_graph_menu_is_carried_out(
    qtbot, stage: Stage, panel: GraphPanel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    show(qtbot, stage, panel)
    path = tmp_path / "graph.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    ids = [action.id for action in table([PANEL]) if action.panel == "graph"]
    assert len(ids) >= 6
    for id in ids:
        panel.perform(id)
    assert path.stat().st_size > 1000
    with pytest.raises(ValueError, match="no action"):
        panel.perform("graph.dance")


def test_a_picture_that_cannot_be_saved_is_said(
    qtbot, stage: Stage, panel: GraphPanel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    show(qtbot, stage, panel)
    said: list[str] = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "graph.png"), ""))
    monkeypatch.setattr(QMessageBox, "warning", lambda *arguments: said.append(arguments[2]))
    panel.perform("graph.save-picture")
    assert len(said) == 1
    assert "graph.png" in said[0]


def test_the_bar_shows_where_we_are_and_how_large(qtbot, stage: Stage, panel: GraphPanel) -> None:
    show(qtbot, stage, panel)
    assert panel.bar._trail.accessibleName() == "run › iteration 3 › backward"
    panel.canvas.zoom(0.5 / panel.canvas.camera.scale)
    assert panel.bar._scale.text() == "50%"


def test_a_layout_process_that_dies_is_replaced(qtbot, stage: Stage, panel: GraphPanel) -> None:
    service = panel.canvas._service
    process = service._process
    assert process is not None
    process.kill()
    qtbot.waitUntil(lambda: service._process is not process, timeout=10_000)
    show(qtbot, stage, panel)
    assert panel.canvas.picture.items
