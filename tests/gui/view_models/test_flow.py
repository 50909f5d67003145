"""Gradients over the iterations: what is read, what it says."""

from __future__ import annotations

import math

import numpy as np

from fixtures.stage import held_before_addmm_backward, snapshot
from retrograd_gui.view_models.flow import MOST_COLUMNS, FlowModel, measured, read, weight_norms


def filled() -> tuple[FlowModel, object]:
    log, hold = held_before_addmm_backward()
    model = FlowModel()
    model.take(log.events(log.iterations[0].first, log.head))
    return model, snapshot(log, hold=hold)


def test_gradients_are_found_by_parameter_and_iteration() -> None:
    model, shown = filled()
    assert [row.path for row in model.rows.values()] == ["weight", "bias"]
    assert model.iterations == [0, 1, 2]
    wanted = model.wanted(1)
    assert {arrival.iteration for arrival in wanted[:2]} == {1}, "those that are looked at come first"
    assert len(wanted) == 6
    log = shown.log  # type: ignore[attr-defined]
    model.learn(read(log, wanted))
    assert model.wanted(1) == []
    rows, iterations, norms = model.norms()
    assert norms.shape == (len(rows), len(iterations)) == (2, 3)


def test_norms_are_those_of_the_recorded_values() -> None:
    model, shown = filled()
    log, state = shown.log, shown.state  # type: ignore[attr-defined]
    model.learn(read(log, model.wanted(0)))
    weights = weight_norms(log, state, model.rows)
    for entry in model.entries(2, state, weights):
        arrival = model.rows[entry.key].arrivals[2]  # type: ignore[index]
        value = log.value(arrival.grad.id, arrival.grad.version)
        if value is None or value.array is None:
            assert entry.cells[1] == "–"
            continue
        expected = float(np.linalg.norm(value.array))
        assert math.isclose(entry.order[1], expected)  # type: ignore[arg-type]
        assert math.isclose(entry.order[2], expected / weights[entry.key])  # type: ignore[arg-type,index]


def test_numbers_of_a_gradient() -> None:
    assert measured(np.array([3.0, -4.0, 0.0, 0.0], np.float32)) == (measured(np.array([0, 4, 0, -3])))
    assert (measured(np.array([3.0, -4.0, 0.0, 0.0])).norm, measured(np.array([0.0, 1.0])).zeros) == (5.0, 0.5)
    assert math.isnan(measured(np.array([np.nan, 1.0])).norm)
    assert math.isnan(measured(None).norm)
    assert math.isinf(measured(np.array([np.inf, 1.0])).norm)


def test_a_long_run_keeps_every_second_iteration_of_too_many() -> None:
    from retrograd_events.events import GradientAccumulated, IterationStarted, TensorMeta

    meta = TensorMeta(9, 0, (2,), "float32", "cpu")  # type: ignore[arg-type]
    model = FlowModel()
    for index in range(MOST_COLUMNS + 10):
        model.take([IterationStarted(1, 0, 0, index), GradientAccumulated(2, 0, 0, 1, 1, 5, meta)])  # type: ignore[arg-type]
    kept = model.iterations
    assert len(kept) <= MOST_COLUMNS // 2 + 10
    assert all(index % 2 == 0 for index in kept)
