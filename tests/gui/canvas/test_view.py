"""The canvas as a person meets it: pictures arrive, stand still, are walked and clicked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("PySide6")

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from fixtures.graph_story import Story
from retrograd_events import events as e
from retrograd_gui.canvas import picture_view
from retrograd_gui.canvas.view import GraphView
from retrograd_gui.theme.fonts import install_fonts
from retrograd_gui.theme.loading import load_theme
from retrograd_gui.view_models.selection import Selection

pytestmark = pytest.mark.qt


@pytest.fixture(scope="module")
def story() -> Story:
    return Story(4)


@pytest.fixture
def chosen() -> list[Selection]:
    return []


@pytest.fixture
def view(qtbot, chosen: list[Selection]) -> Iterator[GraphView]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    install_fonts(app)
    view = GraphView(load_theme("dark"), chosen.append)
    qtbot.addWidget(view)
    view.resize(740, 480)
    view.show()
    yield view
    view.finish()


def settle(qtbot, view: GraphView) -> None:
    qtbot.waitUntil(lambda: view.picture.scene is view.scene, timeout=20_000)


def point(view: GraphView, key: str) -> QPoint:
    rect = view.picture.rect(key)
    assert rect is not None
    x, y = view.camera.to_view(rect[0] + rect[2] / 2, rect[1] + rect[3] / 2)
    return QPoint(round(x), round(y))


def key_of(view: GraphView, title: str) -> str:
    return next(item.key for item in view.scene.items if item.title == title)


def test_an_empty_canvas_says_what_to_do(view: GraphView) -> None:
    assert view.text() == "Nothing has run yet. F10 runs the first operation."
    assert not view.grab().isNull()


def test_everything_is_in_view_at_first(qtbot, view: GraphView, story: Story) -> None:
    view.show_snapshot(story.live(story.find(3, "AddmmBackward0")))
    settle(qtbot, view)
    for item in view.picture.items:
        rect = view.picture.rect(item.key)
        assert rect is not None
        left, top = view.camera.to_view(rect[0], rect[1])
        right, bottom = view.camera.to_view(rect[0] + rect[2], rect[1] + rect[3])
        assert left >= 0
        assert top >= 0
        assert right <= view.width()
        assert bottom <= view.height()


def test_the_same_structure_stands_still_from_iteration_to_iteration(qtbot, view: GraphView, story: Story) -> None:
    view.show_snapshot(story.live(story.find(2, "AddmmBackward0")))
    settle(qtbot, view)
    before = {item.title: view.picture.rect(item.key) for item in view.picture.items}
    camera = view.camera
    view.show_snapshot(story.live(story.find(3, "t")))
    settle(qtbot, view)
    after = {item.title: view.picture.rect(item.key) for item in view.picture.items}
    assert after == before
    assert view.camera == camera


def test_a_click_selects_and_a_second_panel_could_show_it(
    qtbot, view: GraphView, story: Story, chosen: list[Selection]
) -> None:
    view.show_snapshot(story.live(story.find(3, "AddmmBackward0")))
    settle(qtbot, view)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=point(view, key_of(view, "addmm")))
    assert chosen[-1].kind == "op"
    assert chosen[-1].facet == "value"
    made = chosen[-1].tensor
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=point(view, key_of(view, "AddmmBackward0")))
    assert chosen[-1].kind == "node"
    assert chosen[-1].facet == "gradient"
    assert chosen[-1].tensor == made
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=point(view, key_of(view, "weight")))
    assert chosen[-1].kind == "tensor"


def test_keys_walk_edges_and_change_to_the_mirror(
    qtbot, view: GraphView, story: Story, chosen: list[Selection]
) -> None:
    view.show_snapshot(story.live(story.find(3, "AddmmBackward0")))
    settle(qtbot, view)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=point(view, key_of(view, "addmm")))
    qtbot.keyClick(view, Qt.Key.Key_M)
    assert chosen[-1].kind == "node"
    qtbot.keyClick(view, Qt.Key.Key_M)
    assert chosen[-1].kind == "op"
    op = chosen[-1].op
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert chosen[-1].kind == "op"
    assert chosen[-1].op > op


def test_folding_hides_what_a_scope_holds_and_unfolding_brings_it_back(qtbot, view: GraphView, story: Story) -> None:
    view.show_snapshot(story.live(story.find(3, "AddmmBackward0")))
    settle(qtbot, view)
    scope = key_of(view, "model: Linear(1, 1)")
    view.toggle_fold(scope)
    settle(qtbot, view)
    titles = [item.title for item in view.picture.items]
    assert "addmm" not in titles
    assert "mse_loss" in titles
    view.toggle_fold(scope)
    settle(qtbot, view)
    assert "addmm" in [item.title for item in view.picture.items]


def test_a_persons_camera_is_left_alone_unless_the_held_item_is_out_of_view(
    qtbot, view: GraphView, story: Story
) -> None:
    view.show_snapshot(story.live(story.find(3, "AddmmBackward0")))
    settle(qtbot, view)
    view.zoom(0.8)
    camera = view.camera
    view.show_snapshot(story.live(story.find(3, "TBackward0")))
    settle(qtbot, view)
    assert view.camera == camera
    for _ in range(8):
        view.zoom(1.25)
    view._look(view.camera.moved(0.0, 4000.0))
    view.show_snapshot(story.live(story.find(3, "AccumulateGrad", 1)))
    settle(qtbot, view)
    assert view.camera != camera
    assert view.rect().contains(point(view, view.scene.focus))


@pytest.mark.parametrize("theme", ["dark", "light", "highContrast"])
def test_every_stage_paints_at_every_distance(qtbot, view: GraphView, story: Story, theme: str) -> None:
    view.show_theme(load_theme(theme))
    spots = [(0, "add"), (3, "t"), (3, e.BackwardStarted), (3, "TBackward0"), (3, e.OptimizerStepStarted)]
    for iteration, what in spots:
        spot = story.find(iteration, what)
        view.show_snapshot(story.live(spot))
        settle(qtbot, view)
        for scale in (1.0, 0.5, 0.2, 0.03):
            view.fit()
            view.zoom(scale / view.camera.scale)
            assert not view.grab().isNull()


def test_the_picture_can_be_saved(qtbot, view: GraphView, story: Story, tmp_path) -> None:
    view.show_snapshot(story.live(story.find(3, "AddmmBackward0")))
    settle(qtbot, view)
    for name in ("picture.png", "picture.svg"):
        view.save_picture(str(tmp_path / name))
        assert (tmp_path / name).stat().st_size > 1000
    assert "AddmmBackward0" in (tmp_path / "picture.svg").read_text()
    with pytest.raises(OSError, match="cannot write"):
        view.save_picture(str(tmp_path / "nowhere" / "picture.png"))


def test_a_large_picture_is_drawn_up_beside_the_gui_thread_and_looks_the_same(
    qtbot, view: GraphView, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = story.live(story.find(3, "AddmmBackward0"))
    view.show_snapshot(snapshot)
    settle(qtbot, view)
    words, labels = view.text(), [route.label for route in view.picture.routes]
    monkeypatch.setattr(picture_view, "_LARGE", 0)
    monkeypatch.setattr(picture_view, "_MANY", 0)
    view.start_over()
    view._decor = None
    for _ in range(3):
        view.show_snapshot(snapshot)
    assert view.text() != words
    qtbot.waitUntil(lambda: view.text() == words, timeout=10_000)
    settle(qtbot, view)
    qtbot.waitUntil(lambda: [route.label for route in view.picture.routes] == labels, timeout=10_000)


def test_the_newest_snapshot_wins_over_a_slow_older_one(
    qtbot, view: GraphView, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_view, "_LARGE", 0)
    view.show_snapshot(story.live(story.find(3, "AddmmBackward0")))
    monkeypatch.setattr(picture_view, "_LARGE", 10_000)
    view.show_snapshot(story.live(story.find(3, "mse_loss")))
    words = view.text()
    qtbot.wait(300)
    assert view.text() == words
