"""Layers that learn their size from the first input: PyTorch's texts, starting values, states and errors."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import retrograd

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning")]

LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("LazyLinear", (4,), {}, (2, 3)),
    ("LazyLinear", (4,), {"bias": False}, (2, 5, 3)),
    ("LazyConv1d", (4, 2), {}, (2, 3, 6)),
    ("LazyConv2d", (4, 3), {"padding": 1, "bias": False}, (3, 6, 6)),
    ("LazyConv3d", (4, 2), {"stride": 2}, (1, 3, 4, 4, 4)),
    ("LazyConvTranspose1d", (4, 2), {}, (2, 3, 6)),
    ("LazyConvTranspose2d", (4, 3), {"stride": 2, "groups": 1}, (2, 3, 4, 4)),
    ("LazyConvTranspose3d", (4, 2), {}, (1, 3, 3, 3, 3)),
    ("LazyBatchNorm1d", (), {}, (4, 3)),
    ("LazyBatchNorm2d", (), {"affine": False}, (4, 3, 2, 2)),
    ("LazyBatchNorm3d", (), {"track_running_stats": False}, (2, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {}, (2, 3, 5)),
    ("LazyInstanceNorm2d", (), {}, (2, 3, 4, 4)),
    ("LazyInstanceNorm3d", (), {"affine": False}, (2, 3, 2, 2, 2)),
]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def close(found: list[Any], expected: list[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, (str, bool, list)):
            assert one == other
        else:
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def numbers(tensor: Any) -> Any:
    return np.asarray(tensor.detach().tolist())


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAYERS)
def test_a_layer_becomes_what_pytorchs_becomes(
    torch: ModuleType, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], shape: tuple[int, ...]
) -> None:
    def run(t: ModuleType) -> list[Any]:
        t.manual_seed(6)
        layer = getattr(t.nn, name)(*args, **kwargs)
        seen = [repr(layer), layer.has_uninitialized_params(), list(layer.state_dict())]
        x = t.rand(*shape, requires_grad=True)
        out = layer(x)
        (out**3).sum().backward()
        seen += [repr(layer), type(layer).__name__, numbers(out), numbers(x.grad), numbers(t.rand(2))]
        seen += [numbers(each) for each in layer.state_dict().values()]
        seen += [numbers(each.grad) for each in layer.parameters()]
        if "InstanceNorm" in name:  # PyTorch's, once loaded, refuses every input
            return seen
        loaded = getattr(t.nn, name)(*args, **kwargs).eval()
        loaded.load_state_dict(layer.state_dict())
        return [*seen, numbers(loaded(x)), type(loaded).__name__, loaded.training, numbers(t.rand(2))]

    close(run(retrograd), run(torch))


def test_a_model_of_them_is_converted_and_trained(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[Any]:
        t.manual_seed(2)
        nn = t.nn
        net = nn.Sequential(nn.LazyConv2d(3, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
        net = net.to(t.float64)
        x = t.rand(4, 1, 5, 5, dtype=t.float64)
        net(x)
        step = t.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            step.zero_grad()
            loss = (net(x) ** 2).sum()
            loss.backward()
            step.step()
        return [repr(net), numbers(loss), [str(p.dtype).split(".")[-1] for p in net.parameters()]]

    close(run(retrograd), run(torch))


def test_an_input_that_tells_no_size_is_refused(torch: ModuleType) -> None:
    for t in (retrograd, torch):
        with pytest.raises(RuntimeError):
            t.nn.LazyConv2d(3, 3)(t.ones(2, 5))


def test_a_layer_that_was_loaded_tells_its_size_after_the_first_call() -> None:
    nn = retrograd.nn
    layer = nn.LazyConv2d(4, 3)
    layer.load_state_dict(nn.Conv2d(5, 4, 3).state_dict())
    layer(retrograd.ones(1, 5, 4, 4))
    assert repr(layer) == repr(nn.Conv2d(5, 4, 3))


def test_what_is_not_known_yet_says_so() -> None:
    assert repr(retrograd.nn.LazyLinear(3).weight) == "<UninitializedParameter>"
    with pytest.raises(TypeError, match="out_features"):
        retrograd.nn.LazyLinear()
