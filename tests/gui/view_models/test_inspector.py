"""The inspector's model: which tensor, whose numbers, what can be changed."""

from __future__ import annotations

import msgspec
import numpy as np

from fixtures.stage import FILE, LIVE_VERBS, MemoryLog, held_before_addmm_backward, held_before_op, snapshot
from fixtures.synthetic import events
from retrograd_debug.log.api import Value
from retrograd_debug.session.api import Edit, FetchValue, Hold, Phase, Snapshot, ValueFetched
from retrograd_events.events import BackwardEnded, IterationStarted, OpApplied, OptimizerStepStarted, Seq, TensorId
from retrograd_gui.view_models.inspector import InspectorModel
from retrograd_gui.view_models.selection import NOTHING, Selection


def answer(model: InspectorModel, log: MemoryLog) -> list[FetchValue]:
    """Answer everything the model asks for from the log."""
    asked: list[FetchValue] = []
    while requests := model.requests():
        for request in requests:
            asked.append(request)
            value = log.value(request.tensor, request.version)
            model.receive(ValueFetched(request.lane, request.request, value, "" if value else "Not recorded here."))
    return asked


def held_in_backward() -> tuple[InspectorModel, MemoryLog, Hold]:
    log, hold = held_before_addmm_backward()
    model = InspectorModel()
    model.update(snapshot(log, hold=hold), NOTHING)
    answer(model, log)
    return model, log, hold


def parameter(view: Snapshot, path: str) -> Selection:
    tensor = next(info.meta for info in view.state.tensors.values() if info.path == path)
    return Selection("tensor", tensor=tensor.id, version=tensor.version)


def test_held_before_a_node_shows_the_gradient_that_enters_it() -> None:
    model, _, _ = held_in_backward()
    subject = model.subject
    assert subject is not None
    assert subject.name == "pred"
    assert subject.origin == "output of addmm, line 14, version 0"
    assert model.facet == "gradient"
    assert (model.heading, model.note) == ("Gradient entering AddmmBackward0", "arrived")
    assert model.empty == ("", "")


def test_the_gradient_is_that_of_the_mean_squared_error() -> None:
    model, _, _ = held_in_backward()
    pred, y, gradient = (model.loaded[key].value for key in ("value", "beside", "gradient"))
    assert pred is not None
    assert y is not None
    assert gradient is not None
    assert pred.array is not None
    assert y.array is not None
    np.testing.assert_allclose(gradient.array, 2 * (pred.array - y.array) / 100, rtol=1e-6)  # type: ignore[operator]


def test_the_table_sets_value_companion_and_gradient_side_by_side() -> None:
    model, _, _ = held_in_backward()
    table = model.table()
    assert table is not None
    assert table.titles == ["pred", "y", "gradient"]
    assert table.rows == 100
    assert table.index(21, 2) == [21, 0]
    assert table.as_csv().splitlines()[0] == "row,pred,y,gradient"
    assert len(table.as_csv().splitlines()) == 101


def test_held_in_forward_shows_the_newest_output() -> None:
    log, hold = held_before_op("mse_loss")
    model = InspectorModel()
    model.update(snapshot(log, hold=hold), NOTHING)
    answer(model, log)
    assert model.subject is not None
    assert model.subject.name == "pred"
    assert model.facet == "value"
    model.choose("gradient")
    text, action = model.empty
    assert text == "No gradient yet. It arrives in backward; F8 steps there."
    assert action == "debug.step-node"


def test_what_needs_no_gradient_says_so() -> None:
    log, hold = held_before_op("mse_loss", 0)
    view = snapshot(log, hold=hold)
    x = next(e for e in view.iteration_events if isinstance(e, OpApplied) and e.name == "randn").outputs[0]
    model = InspectorModel()
    model.update(view, Selection("op", tensor=x.id, version=0, facet="gradient"))
    answer(model, log)
    assert "requires_grad is False" in model.empty[0]


def test_a_parameter_shows_its_accumulated_gradient() -> None:
    log = MemoryLog(events(3, ended=False))
    ended = [e for e in log.events(Seq(1), log.head) if isinstance(e, BackwardEnded)][2]
    view = snapshot(log, cursor=ended.seq)
    model = InspectorModel()
    model.update(view, parameter(view, "weight"))
    answer(model, log)
    assert model.subject is not None
    assert model.subject.origin == "parameter, version 3"
    model.choose("gradient")
    assert model.heading == "Gradient of weight (.grad)"
    assert model.shown is not None
    assert model.shown.value is not None


def test_a_selected_parameter_is_shown_as_it_is_now() -> None:
    log = MemoryLog(events(3, ended=False))
    starts = [e for e in log.events(Seq(1), log.head) if isinstance(e, IterationStarted)]
    view = snapshot(log, cursor=starts[1].seq)
    selection = parameter(view, "bias")
    model = InspectorModel()
    model.update(view, selection)
    before = model.subject
    model.update(snapshot(log), selection)
    assert before is not None
    assert model.subject is not None
    assert model.subject.meta.version > before.meta.version


def test_the_persons_choice_of_side_stays_while_nothing_else_is_selected() -> None:
    model, log, hold = held_in_backward()
    model.choose("value")
    model.update(snapshot(log, hold=hold), NOTHING)
    assert model.facet == "value"
    assert model.heading == "Value at version 0"


def test_values_are_asked_for_once() -> None:
    model, log, hold = held_in_backward()
    model.update(snapshot(log, hold=hold), NOTHING)
    assert model.requests() == []


def test_late_answers_to_old_questions_are_dropped() -> None:
    model, _, _ = held_in_backward()
    assert not model.receive(ValueFetched("inspector.value", 9999, None, "gone"))
    assert not model.receive(ValueFetched("graph.value", 1, None, "gone"))


def test_what_the_log_lacks_is_read_from_the_held_process() -> None:
    log, hold = held_before_op("mse_loss")
    model = InspectorModel()
    model.update(snapshot(log, hold=hold), NOTHING)
    request = next(r for r in model.requests() if r.lane == "inspector.value")
    model.receive(ValueFetched(request.lane, request.request, None, "Not recorded here."))
    (again,) = [r for r in model.requests() if r.lane == "inspector.value"]
    assert (again.tensor, again.version) == (request.tensor, -1)
    model.receive(ValueFetched(again.lane, again.request, None, "It is gone."))
    assert model.requests() == []
    assert model.empty[0] == "It is gone."


def test_looking_back_at_what_was_not_recorded_says_so() -> None:
    log = MemoryLog(events(2))
    model = InspectorModel()
    model.update(snapshot(log, cursor=40), NOTHING)
    for request in model.requests():
        model.receive(ValueFetched(request.lane, request.request, None, ""))
    assert model.requests() == []
    assert model.empty[0] == "Not recorded here."


def test_a_skipped_value_gives_its_reason() -> None:
    log = MemoryLog(events(2))
    model = InspectorModel()
    model.update(snapshot(log), NOTHING)
    for request in model.requests():
        skipped = Value(request.tensor, 0, "skipped", (100, 1), "float32", 1, "not kept: budget", None)
        model.receive(ValueFetched(request.lane, request.request, skipped, ""))
    assert model.empty[0] == "not kept: budget"


def test_a_sample_is_called_one_and_cannot_be_changed() -> None:
    log, hold = held_before_op("mse_loss")
    model = InspectorModel()
    model.update(snapshot(log, hold=hold), NOTHING)
    for request in model.requests():
        sample = Value(request.tensor, 0, "sample", (100, 1), "float32", 4, "", np.arange(25, dtype=np.float32))
        model.receive(ValueFetched(request.lane, request.request, sample, ""))
    assert model.note == "sample of 25"
    assert "sample" in model.edit_problem("value")


def test_the_incoming_gradient_of_the_held_node_can_be_changed() -> None:
    model, _, hold = held_in_backward()
    assert model.edit_problem() == ""
    command, problem = model.edit("gradient", [21, 0], "−0.5")
    assert problem == ""
    assert hold.grads[0] is not None
    assert command == Edit("incoming", hold.grads[0][0], [21, 0], -0.5, 0)


def test_a_value_can_be_changed_while_held() -> None:
    model, _, _ = held_in_backward()
    assert model.subject is not None
    command, _ = model.edit("value", [3, 0], "1e3")
    assert command == Edit("tensor", model.subject.meta.id, [3, 0], 1000.0)


def test_a_parameters_gradient_can_be_changed_before_the_step() -> None:
    stream = events(2, ended=False)
    step = [e for e in stream if isinstance(e, OptimizerStepStarted)][1]
    log = MemoryLog([e for e in stream if e.seq < step.seq])
    hold = Hold("optimizer", "step", log.head, name="SGD", file=FILE, line=19)
    view = snapshot(log, hold=hold)
    model = InspectorModel()
    selection = parameter(view, "weight")
    model.update(view, selection)
    answer(model, log)
    model.choose("gradient")
    command, problem = model.edit("gradient", [0, 0], "0")
    assert problem == ""
    assert command == Edit("gradient", selection.tensor, [0, 0], 0.0)


def test_after_an_edit_the_numbers_are_read_again() -> None:
    model, log, hold = held_in_backward()
    model.edit("gradient", [0, 0], "1")
    model.update(snapshot(log, hold=hold), NOTHING)
    assert {request.lane for request in model.requests()} >= {"inspector.gradient"}


def test_what_is_no_number_is_refused_in_words() -> None:
    model, _, _ = held_in_backward()
    command, problem = model.edit("value", [0, 0], "two")
    assert command is None
    assert problem == "“two” is not a number"


def test_edits_say_why_they_are_off() -> None:
    model, log, hold = held_in_backward()
    model.update(snapshot(log, cursor=30, hold=hold), NOTHING)
    assert model.edit_problem() == "Edits are off while looking back: return to the head"
    model.update(snapshot(log, phase=Phase.RUNNING, verbs=frozenset()), NOTHING)
    assert "F6" in model.edit_problem()
    model.update(snapshot(log, phase=Phase.ENDED, verbs=LIVE_VERBS), NOTHING)
    assert "ended" in model.edit_problem()


def test_a_gradient_whose_node_has_run_cannot_be_changed() -> None:
    log, hold = held_before_addmm_backward()
    view = snapshot(log, hold=hold)
    loss = next(e for e in view.iteration_events if isinstance(e, OpApplied) and e.name == "mse_loss").outputs[0]
    model = InspectorModel()
    model.update(view, Selection("op", tensor=loss.id, version=0, facet="gradient"))
    answer(model, log)
    assert model.note == "passed on"
    assert "has run" in model.edit_problem()


def test_nothing_has_run_yet() -> None:
    model = InspectorModel()
    model.update(snapshot(MemoryLog(events(1)[:2])), NOTHING)
    assert model.empty == ("Nothing has run yet. F10 runs the first operation.", "debug.step-op")


def test_slices_of_higher_rank() -> None:
    stream = events(1, ended=False)
    op = next(e for e in stream if isinstance(e, OpApplied))
    cube = msgspec.structs.replace(op.outputs[0], id=TensorId(900), shape=(2, 3, 4, 5))
    log = MemoryLog([*stream, msgspec.structs.replace(op, seq=Seq(stream[-1].seq + 1), outputs=[cube])])
    model = InspectorModel()
    model.update(snapshot(log), NOTHING)
    array = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
    for request in model.requests():
        value = Value(cube.id, 0, "all", cube.shape, "float32", 1, "", array)
        model.receive(ValueFetched(request.lane, request.request, value, ""))
    assert model.prefix == (0, 0)
    model.choose_slice((1, 2))
    table = model.table()
    assert table is not None
    assert (table.rows, table.width) == (4, 5)
    assert table.cell(3, 4) == array[1, 2, 3, 4]
    assert table.index(3, 4) == [1, 2, 3, 4]
