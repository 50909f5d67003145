"""The picture of a linear regression at every stage, in words."""

from __future__ import annotations

import pytest

from fixtures.graph_story import Story
from retrograd_debug.graph.build import build
from retrograd_debug.graph.model import EdgeKind, EdgeState, Item, ItemKind, ItemState, Mark, Role, Scene, scene_text
from retrograd_events import events as e


@pytest.fixture(scope="module")
def story() -> Story:
    return Story(4)


def item(scene: Scene, title: str, nth: int = 0) -> Item:
    return [item for item in scene.items if item.title == title][nth]


def marked(scene: Scene) -> list[tuple[str, str]]:
    return [(item.title, item.mark.value) for item in scene.items if item.mark is not Mark.NONE]


def test_nothing_yet_says_what_to_do() -> None:
    assert scene_text(build(None)) == "Nothing has run yet. F10 runs the first operation."


def test_mid_backward_shows_the_whole_scene(story: Story) -> None:
    scene = build(story.live(story.find(3, "AddmmBackward0")))
    assert scene.place == ("run", "iteration 3", "backward")
    assert [i.title for i in scene.items if i.kind is ItemKind.SCOPE] == ["model: Linear(1, 1)", "loss_fn: MSELoss()"]
    assert item(scene, "model: Linear(1, 1)").info == "2 parameters · 2 ops"
    assert marked(scene) == [("AddmmBackward0", "held")]
    assert item(scene, "AddmmBackward0").detail == "in [100, 1]"
    assert item(scene, "addmm").detail == "[100, 1] f32"
    assert item(scene, "addmm").info == "9.4 µs"
    assert item(scene, "t").detail == "[1, 1] f32 view"
    assert item(scene, "TBackward0").detail == "waits for 1"
    assert item(scene, "MseLossBackward0").state is ItemState.PASSED
    assert item(scene, "MseLossBackward0").detail == "out [100, 1]"
    assert item(scene, "loss").info == "2.543"
    assert item(scene, "seed gradient").pair == item(scene, "loss").key
    leaves = {i.title: i.role for i in scene.items if i.kind is ItemKind.LEAF}
    assert leaves == {
        "weight": Role.PARAMETER, "bias": Role.PARAMETER, "x": Role.DATA, "y": Role.DATA, "loss": Role.RESULT,
    }  # fmt: skip
    for mirror in (i for i in scene.items if i.kind is ItemKind.MIRROR):
        pair = scene.item(mirror.pair)
        assert pair is not None
        assert pair.pair == mirror.key


def test_gradients_run_from_mirror_to_mirror_with_their_state(story: Story) -> None:
    scene = build(story.live(story.find(3, "AddmmBackward0")))
    states = {}
    for edge in scene.edges:
        if edge.kind is EdgeKind.GRADIENT:
            source, target = scene.item(edge.source), scene.item(edge.target)
            assert source is not None
            assert target is not None
            pair = scene.item(target.pair)
            states[source.title, pair.title if pair is not None else ""] = edge.state
    assert states == {
        ("seed gradient", "mse_loss"): EdgeState.ARRIVED,
        ("MseLossBackward0", "addmm"): EdgeState.HELD,
        ("AddmmBackward0", "t"): EdgeState.WAITING,
        ("AddmmBackward0", "bias"): EdgeState.WAITING,
        ("TBackward0", "weight"): EdgeState.WAITING,
    }


def test_a_view_is_dashed_and_a_result_is_named_on_its_edge(story: Story) -> None:
    scene = build(story.live(story.find(3, "AddmmBackward0")))
    kinds = [edge.kind for edge in scene.edges if edge.kind is not EdgeKind.GRADIENT]
    assert kinds.count(EdgeKind.VIEW) == 1
    assert [edge.label for edge in scene.edges if edge.label] == ["pred"]


def test_setup_shows_each_operation_and_the_held_one(story: Story) -> None:
    scene = build(story.live(story.find(0, "add")))
    assert scene.place == ("run", "setup")
    assert [i.title for i in scene.items] == ["randn", "mul", "add"]
    assert marked(scene) == [("add", "held")]
    assert item(scene, "add").detail == "about to run"
    assert [i.state for i in scene.items] == [ItemState.DONE, ItemState.DONE, ItemState.IDLE]


def test_once_work_begins_the_setup_is_leaves(story: Story) -> None:
    scene = build(story.live(story.find(0, "mse_loss")))
    ops = [i.title for i in scene.items if i.kind is ItemKind.OP]
    assert ops == ["t", "addmm", "mse_loss"]
    assert [i.title for i in scene.items if i.role is Role.DATA] == ["x", "y"]
    assert marked(scene) == [("mse_loss", "held")]


def test_the_held_operation_shows_though_no_log_knows_it(story: Story) -> None:
    scene = build(story.live(story.find(0, "t")))
    assert marked(scene) == [("t", "held")]
    assert item(scene, "model: Linear(1, 1)")
    assert scene.place == ("run", "iteration 0", "forward")


def test_what_is_expected_shows_as_not_run_with_the_same_keys(story: Story) -> None:
    whole = build(story.live(story.find(3, "AddmmBackward0")))
    for stop in ("t", "addmm", "mse_loss"):
        scene = build(story.live(story.find(3, stop)))
        assert [i.key for i in scene.items] == [i.key for i in whole.items]
        assert marked(scene) == [(stop, "held")]
        assert item(scene, stop).state is ItemState.IDLE


def test_held_before_backward_marks_the_seed(story: Story) -> None:
    for iteration in (0, 3):
        scene = build(story.live(story.find(iteration, e.ScalarLogged)))
        assert marked(scene) == [("seed gradient", "held")]


def test_held_before_the_step_shows_the_optimizer_folded(story: Story) -> None:
    scene = build(story.live(story.find(3, e.OptimizerStepStarted)))
    assert marked(scene) == [("optimizer: SGD", "held")]
    assert item(scene, "optimizer: SGD").folded
    assert all(edge.state is not EdgeState.WAITING for edge in scene.edges)


def test_inside_the_step_the_optimizer_is_open(story: Story) -> None:
    scene = build(story.live(story.find(3, "add_", 1)))
    assert not item(scene, "optimizer: SGD").folded
    assert [i.title for i in scene.items if i.parent == "optimizer"] == ["add_", "add_"]
    assert marked(scene) == [("add_", "held")]
    assert item(scene, "add_").detail == "weight"


def test_the_gradients_of_the_iteration_before_are_not_shown_as_this_ones(story: Story) -> None:
    scene = build(story.live(story.find(3, "t")))
    for mirror in (i for i in scene.items if i.kind is ItemKind.MIRROR):
        assert mirror.state is ItemState.IDLE, mirror.title


def test_looking_back_marks_the_cursor_and_what_comes_later_as_not_run(story: Story) -> None:
    scene = build(story.back(story.find(2, "addmm").seq))
    assert marked(scene) == [("addmm", "cursor")]
    assert item(scene, "t").state is ItemState.DONE
    assert item(scene, "mse_loss").state is ItemState.IDLE
    scene = build(story.back(story.find(2, "TBackward0").seq))
    assert marked(scene) == [("TBackward0", "cursor")]


def test_a_folded_scope_says_how_much_of_it_ran(story: Story) -> None:
    snapshot = story.live(story.find(3, "addmm"))
    key = item(build(snapshot), "model: Linear(1, 1)").key
    scene = build(snapshot, {key: True})
    box = item(scene, "model: Linear(1, 1)")
    assert box.detail == "2 ops, 1 run"
    assert box.share == 0.5
    assert box.mark is Mark.HELD
    assert "addmm" not in [i.title for i in scene.items]
    ends = set()
    for edge in scene.edges:
        source, target = scene.item(edge.source), scene.item(edge.target)
        assert source is not None
        assert target is not None
        ends.add((edge.kind is EdgeKind.GRADIENT, source.title, target.title))
    assert (False, "x", "model: Linear(1, 1)") in ends
    assert (False, "model: Linear(1, 1)", "mse_loss") in ends
    assert (True, "MseLossBackward0", "model: Linear(1, 1)") in ends


def test_every_stage_has_a_picture_in_words(story: Story) -> None:
    for event in story.log.all:
        if event.seq > 1:
            for snapshot in (story.live(event), story.back(event.seq)):
                assert scene_text(build(snapshot))


def test_an_error_shows_where_it_struck(story: Story) -> None:
    broken = Story(1)
    seq = broken.log.head + 1
    site = e.SiteId(17)
    shapes = "mat1 and mat2 shapes cannot be multiplied"
    for op, node, title, detail in (
        ("mm", 0, "mm", "RuntimeError"),
        ("", 0, "RuntimeError", "line 17"),
        ("", broken.find(0, "AddmmBackward0").node, "AddmmBackward0", "RuntimeError"),
    ):
        error = e.ExceptionRaised(e.Seq(seq), seq, 0, "RuntimeError", shapes, site, [], op, [], e.NodeId(node))
        broken.log.all.append(error)
        scene = build(broken.back(e.Seq(seq)))
        broken.log.all.pop()
        struck = [i for i in scene.items if i.state is ItemState.ERROR]
        assert [(i.title, i.detail, i.tip) for i in struck] == [(title, detail, shapes)]
