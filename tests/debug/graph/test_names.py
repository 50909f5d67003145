"""Names from source lines, as a person would say them."""

from __future__ import annotations

import pytest

from fixtures.graph_story import Story
from retrograd_debug.graph.names import assigned_names, called_names, short_arguments, tensor_name
from retrograd_events.events import TensorId


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("x = torch.randn(100, 1)", ("x",)),
        ("    y = 2 * x + 1", ("y",)),
        ("a, b = torch.split(x, 2)", ("a", "b")),
        ("h, (c, d) = lstm(x)", ("h", "(c, d)")),
        ("self.hidden = tanh(x)", ("hidden",)),
        ("total += loss", ("total",)),
        ("out: Tensor = f(x)", ("out",)),
        ("pred = model(", ("pred",)),
        ("loss.backward()", ()),
        ("if x == 3:", ()),
        ("return self.fc(x)", ()),
        ("if (n := x.sum()) > 3:", ("n",)),
        ("for i in range(3):", ()),
        ("\x00", ()),
        ("", ()),
    ],
)
def test_what_a_line_assigns(line: str, names: tuple[str, ...]) -> None:
    assert assigned_names(line) == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("pred = model(x)", ("model",)),
        ("loss = loss_fn(model(x), y)", ("model", "loss_fn")),
        ("return self.fc2(self.act(self.fc1(x)))", ("fc1", "act", "fc2")),
        ("out = model(", ("model",)),
        ("x = y + 1", ()),
    ],
)
def test_what_a_line_calls(line: str, names: tuple[str, ...]) -> None:
    assert called_names(line) == names


@pytest.mark.parametrize(
    ("detail", "short"),
    [
        ("in_features=1, out_features=1, bias=True", "1, 1"),
        ("in_features=4, out_features=2, bias=False", "4, 2, bias=False"),
        ("3, 16, kernel_size=(3, 3), stride=(1, 1)", "3, 16, (3, 3), (1, 1)"),
        ("p=0.5, inplace=False", "0.5, inplace=False"),
        ("", ""),
        ("no python at all ((", "no python at all (("),
    ],
)
def test_a_modules_arguments_in_short(detail: str, short: str) -> None:
    assert short_arguments(detail) == short


def test_tensors_are_called_by_path_else_variable_else_op_and_number() -> None:
    story = Story(2)
    snapshot = story.back(story.find(1, "mse_loss").seq)
    assert tensor_name(snapshot, story.log, story.weight.id) == "weight"
    assert tensor_name(snapshot, story.log, story.x.id) == "x"
    assert tensor_name(snapshot, story.log, story.y.id) == "y"
    pred = story.find(1, "addmm")
    assert tensor_name(snapshot, story.log, pred.outputs[0].id) == "pred"
    turned = story.find(1, "t")
    assert tensor_name(snapshot, story.log, turned.outputs[0].id) == "t 1"
    assert tensor_name(snapshot.state, story.log, turned.outputs[0].id).startswith("tensor ")
    assert tensor_name(snapshot, story.log, TensorId(99_999)) == "tensor 99999"
