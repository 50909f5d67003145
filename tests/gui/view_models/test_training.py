"""The training plot's model."""

from __future__ import annotations

import msgspec
import pytest

from fixtures.stage import MemoryLog, snapshot
from fixtures.synthetic import events
from retrograd_debug.session.api import Phase
from retrograd_events.events import BackwardEnded, ScalarLogged, Seq, SiteId
from retrograd_gui.view_models.training import TrainingModel


def test_each_scalar_is_a_curve_over_iterations() -> None:
    log = MemoryLog(events(5))
    model = TrainingModel()
    model.update(snapshot(log, phase=Phase.ENDED))
    assert [curve.title for curve in model.curves] == ["loss"]
    curve = model.curves[0]
    assert curve.iterations == [0, 1, 2, 3, 4]
    assert curve.values == [scalar.value for scalar in log.scalars]
    assert curve.values[-1] < curve.values[0]


def test_two_losses_of_one_name_are_told_apart_by_line() -> None:
    stream = events(2)
    scalar = next(event for event in stream if isinstance(event, ScalarLogged))
    other = msgspec.structs.replace(scalar, seq=Seq(stream[-1].seq + 1), site=SiteId(1), value=1.0)
    model = TrainingModel()
    model.update(snapshot(MemoryLog([*stream, other]), phase=Phase.ENDED))
    assert [curve.title for curve in model.curves] == [
        "loss · linear_regression.py:15",
        "loss · linear_regression.py:6",
    ]


def test_the_cursor_is_marked_with_its_value_and_the_script_keeps_its_own() -> None:
    log = MemoryLog(events(4, ended=False))
    model = TrainingModel()
    model.update(snapshot(log))
    assert model.cursor is not None
    assert (model.cursor.iteration, model.cursor.value) == (3, log.scalars[3].value)
    assert model.script is None
    ended = [e for e in log.events(Seq(1), log.head) if isinstance(e, BackwardEnded)][1]
    model.update(snapshot(log, cursor=ended.seq))
    assert (model.cursor.iteration, model.cursor.value) == (1, log.scalars[1].value)
    assert model.script is not None
    assert model.script.iteration == 3


def test_before_the_loss_is_logged_the_cursor_has_no_value() -> None:
    log = MemoryLog(events(3))
    model = TrainingModel()
    start = log.iterations[2].first
    model.update(snapshot(log, cursor=start))
    assert model.cursor is not None
    assert (model.cursor.iteration, model.cursor.value) == (2, None)


@pytest.mark.parametrize(("clicked", "index"), [(-3.0, 0), (1.2, 1), (1.8, 2), (99.0, 3)])
def test_a_click_travels_to_the_nearest_iterations_scalar(clicked: float, index: int) -> None:
    log = MemoryLog(events(4))
    model = TrainingModel()
    model.update(snapshot(log))
    assert model.seq_at(clicked) == log.scalars[index].seq


def test_only_what_is_new_is_read_and_redrawn() -> None:
    stream = events(4)
    first = MemoryLog([e for e in stream if e.seq <= 60])
    model = TrainingModel()
    view = snapshot(first)
    model.update(view)
    version = model.version
    model.update(view)
    assert model.version == version
    model.update(snapshot(MemoryLog(stream)))
    assert model.version > version
    assert len(model.curves[0].values) == 4


def test_the_point_near_the_mouse() -> None:
    log = MemoryLog(events(4))
    model = TrainingModel()
    model.update(snapshot(log))
    point = model.near(2.1, log.scalars[2].value, 10, 10)
    assert point is not None
    assert (point.iteration, point.value) == (2, log.scalars[2].value)


def test_a_run_without_scalars_has_no_curve() -> None:
    model = TrainingModel()
    model.update(snapshot(MemoryLog(events(1, ended=False)[:8])))
    assert model.curves == []
    assert model.near(0, 0, 1, 1) is None
