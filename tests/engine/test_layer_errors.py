"""Inputs that a layer can't take: refused by PyTorch's class of exception, naming the layer and what came."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest

import retrograd

Made = Callable[[ModuleType], object]
Given = Callable[[ModuleType], tuple[object, ...]]

BAD: list[tuple[Made, Given, str]] = [
    (lambda t: t.nn.Linear(3, 4), lambda t: (t.ones(2, 5),), "Linear(in_features=3, out_features=4, bias=True)"),
    (lambda t: t.nn.Linear(3, 4), lambda t: (t.ones(2, 6, 5),), "[2, 6, 5]"),
    (lambda t: t.nn.Linear(3, 4), lambda t: (t.ones(2, 3, dtype=t.float64),), "Linear("),
    (lambda t: t.nn.Linear(3, 4, bias=False), lambda t: (t.ones(2, 3, dtype=t.float64),), "Linear("),
    (lambda t: t.nn.Bilinear(2, 3, 4), lambda t: (t.ones(5, 2), t.ones(5, 4)), "[5, 2], [5, 4]"),
    (lambda t: t.nn.Conv1d(3, 4, 3), lambda t: (t.ones(2, 5, 6, 6),), "Conv1d(3, 4, kernel_size=(3,), stride=(1,))"),
    (lambda t: t.nn.Conv2d(3, 4, 3), lambda t: (t.ones(2, 5, 6, 6),), "[2, 5, 6, 6]"),
    (lambda t: t.nn.Conv2d(3, 4, 3), lambda t: (t.ones(2, 3, 2, 2),), "Conv2d("),
    (lambda t: t.nn.ConvTranspose2d(3, 4, 3), lambda t: (t.ones(2, 5),), "ConvTranspose2d("),
    (lambda t: t.nn.MaxPool2d(2), lambda t: (t.ones(2, 5),), "MaxPool2d("),
    (lambda t: t.nn.BatchNorm1d(2), lambda t: (t.ones(2, 5),), "BatchNorm1d("),
    (lambda t: t.nn.BatchNorm2d(2), lambda t: (t.ones(2, 5),), "expected 4D input (got 2D input)"),
    (lambda t: t.nn.InstanceNorm2d(2), lambda t: (t.ones(2, 5),), "expected 3D or 4D input (got 2D input)"),
    (lambda t: t.nn.InstanceNorm1d(2, affine=True), lambda t: (t.ones(2, 5, 3),), "to match num_features (2)"),
    (lambda t: t.nn.LayerNorm(4), lambda t: (t.ones(2, 5),), "LayerNorm((4,)"),
    (lambda t: t.nn.GroupNorm(2, 4), lambda t: (t.ones(2, 5),), "GroupNorm(2, 4"),
    (lambda t: t.nn.Softmax2d(), lambda t: (t.ones(2, 5),), "Softmax2d()"),
    (lambda t: t.nn.Embedding(4, 2), lambda t: (t.ones(2),), "Embedding(4, 2)"),
    (lambda t: t.nn.Embedding(4, 2), lambda t: (t.tensor([7]),), "Embedding(4, 2)"),
    (lambda t: t.nn.PReLU(3), lambda t: (t.ones(2, 5),), "PReLU(num_parameters=3)"),
    (lambda t: t.nn.PixelShuffle(2), lambda t: (t.ones(2, 3),), "PixelShuffle("),
    (lambda t: t.nn.ReflectionPad2d(5), lambda t: (t.ones(1, 1, 3, 3),), "ReflectionPad2d((5, 5, 5, 5))"),
    (lambda t: t.nn.CrossEntropyLoss(), lambda t: (t.ones(2, 3), t.tensor([1, 2, 0])), "[2, 3], [3]"),
    (lambda t: t.nn.CrossEntropyLoss(), lambda t: (t.ones(2, 3), t.tensor([1, 5])), "CrossEntropyLoss()"),
    (
        lambda t: t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.Linear(4, 5)),
        lambda t: (t.ones(1, 2),),
        "(in Linear(in_features=4, out_features=5, bias=True), called with [1, 3])",
    ),
]


@pytest.mark.oracle
@pytest.mark.parametrize("place", range(len(BAD)))
@pytest.mark.parametrize("hooked", [False, True])
def test_a_layer_names_itself_and_what_came(place: int, hooked: bool) -> None:
    make, given, words = BAD[place]
    torch = importlib.import_module("torch")
    with pytest.raises(Exception, match=r".") as expected:
        make(torch)(*given(torch))
    layer = make(retrograd)
    if hooked:
        layer.register_forward_hook(lambda *_: None)
    with pytest.raises(type(expected.value)) as found:
        layer(*given(retrograd))
    assert words in str(found.value)
    assert str(found.value).count("called with") == 1


def test_errors_of_ones_own_layers_are_left_alone() -> None:
    class Own(retrograd.nn.Module):
        def forward(self, x: object) -> object:
            raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        Own()(retrograd.ones(2))


@pytest.mark.oracle
def test_everything_wrong_in_a_state_is_listed_at_once() -> None:
    def told(t: ModuleType) -> str:
        net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3))
        state = net.state_dict()
        state["0.weight"], state["1.bias"] = t.ones(5, 5), t.ones(1)
        del state["0.bias"], state["1.running_mean"]
        state["2.weight"] = t.ones(1)
        with pytest.raises(RuntimeError) as found:
            net.load_state_dict(state)
        loose = net.load_state_dict({"0.bias": t.ones(3), "nothing": t.ones(1)}, strict=False)
        return f"{found.value}\n{loose}"

    torch = importlib.import_module("torch")
    found = told(retrograd)
    assert found.replace("retrograd.Size", "torch.Size") == told(torch)
    assert all(key in found for key in ("0.weight", "1.bias", "0.bias", "1.running_mean", "2.weight"))
