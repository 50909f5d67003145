"""The timeline's model: blocks on a clock without stops."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from fixtures.synthetic import events
from retrograd_events.events import NodeFinished, OpApplied, Seq
from retrograd_gui.view_models.timeline import LONGEST_GAP, Lane, TimelineModel, clock_label, nice_step


def filled(iterations: int = 4) -> TimelineModel:
    model = TimelineModel()
    model.append(events(iterations))
    return model


def test_every_operation_node_and_step_is_a_block_in_its_lane() -> None:
    stream = events(3)
    model = TimelineModel()
    model.append(stream)
    blocks = [model.block(index) for index in range(model.blocks)]
    names = {lane: [block.name for block in blocks if block.lane is lane] for lane in Lane}
    optimizer_ops = 2 * 3
    ops = sum(isinstance(event, OpApplied) for event in stream)
    assert len(names[Lane.FORWARD]) == ops - optimizer_ops
    assert len(names[Lane.BACKWARD]) == sum(isinstance(event, NodeFinished) for event in stream)
    assert names[Lane.OPTIMIZER] == ["zero_grad", "SGD.step"] * 3
    assert names[Lane.BACKWARD][:2] == ["MseLossBackward0", "AddmmBackward0"]


def test_blocks_are_in_order_and_do_not_overlap_in_a_lane() -> None:
    lanes, starts, ends, _ = filled().columns()
    for lane in Lane:
        chosen = lanes == lane
        assert (starts[chosen][1:] >= ends[chosen][:-1]).all()


def test_feeding_in_pieces_or_twice_changes_nothing() -> None:
    stream = events(4)
    whole, pieces = TimelineModel(), TimelineModel()
    whole.append(stream)
    for start in range(0, len(stream), 7):
        pieces.append(stream[max(0, start - 3) : start + 7])
    assert pieces.clock == whole.clock
    assert pieces.blocks == whole.blocks


def test_stops_and_long_waits_take_no_room() -> None:
    stream = events(2)
    middle = len(stream) // 2
    late = [msgspec.structs.replace(event, time=event.time + 60 * 10**9) for event in stream[middle:]]
    plain, waited, stopped = TimelineModel(), TimelineModel(), TimelineModel()
    plain.append(stream)
    waited.append([*stream[:middle], *late])
    stopped.append([*stream[:middle], *late], holds={stream[middle - 1].seq})
    assert stopped.clock <= plain.clock
    assert waited.clock <= plain.clock + LONGEST_GAP


def test_time_and_event_answer_each_other() -> None:
    stream = events(4)
    model = TimelineModel()
    model.append(stream)
    for event in stream[::13]:
        clock = model.clock_at(event.seq)
        found = model.seq_at(clock)
        assert found is not None
        assert model.clock_at(found) == clock
    assert model.seq_at(-5) == stream[0].seq
    assert model.seq_at(1e15) == stream[-1].seq


def test_iterations_lie_end_to_end() -> None:
    model = filled()
    spans = model.spans_between(0, model.clock)
    assert [span.index for span in spans] == [0, 1, 2, 3]
    assert all(left.end == right.start for left, right in pairwise(spans))
    assert spans[0].start == 0
    assert spans[-1].end == model.clock
    assert len(model.spans_between(0, model.clock, most=2)) == 2


def test_only_blocks_in_view_are_listed() -> None:
    model = filled()
    span = model.span(2)
    _lanes, starts, ends, _ = model.columns()
    inside = model.visible(span.start, span.end)
    assert 0 < len(inside) < model.blocks
    assert (ends[inside] >= span.start).all()
    assert (starts[inside] <= span.end).all()


def test_neighbouring_blocks() -> None:
    model = filled()
    third, fourth = model.block(3).seq, model.block(4).seq
    assert model.neighbour(third, 1) == fourth
    assert model.neighbour(fourth, -1) == third
    assert model.neighbour(model.block(0).seq, -1) is None
    assert model.neighbour(model.block(model.blocks - 1).seq, 1) is None


def test_an_empty_run() -> None:
    model = TimelineModel()
    assert model.seq_at(0) is None
    assert model.clock_at(Seq(5)) == 0
    assert model.spans_between(0, 1) == []
    assert model.blocks == 0


def test_the_block_under_the_mouse() -> None:
    model = filled()
    block = model.block(3)
    assert model.first_block_at((block.start + block.end) / 2, block.lane, 0) == 3
    assert model.first_block_at(block.start, Lane.MARKERS, 0) is None


@pytest.mark.parametrize(
    ("clock", "step", "label"),
    [(0, 1, "0"), (210_000, 1e4, "0.21 ms"), (2_610_000, 1e4, "2.61 ms"), (50_000, 1e4, "50 µs"), (3e9, 5e8, "3.0 s")],
)
def test_neighbouring_ticks_read_differently(clock: float, step: float, label: str) -> None:
    assert clock_label(clock, step) == label
    assert clock_label(clock + step, step) != label


@pytest.mark.parametrize(("width", "most", "step"), [(100, 5, 20), (1, 4, 0.5), (95, 10, 10), (0, 5, 1.0)])
def test_ticks_are_round(width: float, most: int, step: float) -> None:
    assert nice_step(width, most) == pytest.approx(step)
