"""Clipping of gradients, parameters as a vector, and the table of a module's layers."""

from __future__ import annotations

import importlib
import math
from types import ModuleType
from typing import Any

import pytest

import retrograd
from retrograd import nn
from retrograd.nn import utils


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def with_gradients(t: ModuleType, scale: float = 1.0) -> list[Any]:
    t.manual_seed(0)
    params = [t.nn.Parameter(t.randn(2, 3)), t.nn.Parameter(t.randn(4)), t.nn.Parameter(t.randn(1))]
    for param in params[:2]:
        param.grad = t.randn(*param.shape) * scale
    return params


def numbers(params: list[Any]) -> list[float]:
    return [number for param in params if param.grad is not None for number in param.grad.reshape(-1).tolist()]


@pytest.mark.oracle
@pytest.mark.parametrize("order", [2.0, 1, 3.5, math.inf, "inf"])
@pytest.mark.parametrize("largest", [0.1, 1e3])
def test_norms_are_clipped_as_pytorch_clips_them(torch: ModuleType, order: object, largest: float) -> None:
    def run(t: ModuleType) -> list[float]:
        params = with_gradients(t)
        norm = t.nn.utils.clip_grad_norm_(iter(params), largest, order)
        total = t.nn.utils.get_total_norm([param.grad for param in params[:2]], order)
        t.nn.utils.clip_grads_with_norm_(params, largest / 2, total)
        t.nn.utils.clip_grad_value_(params, largest / 3)
        single = t.nn.utils.clip_grad_norm_(params[0], 0.01)
        return [norm.item(), total.item(), single.item(), *numbers(params)]

    assert run(retrograd) == pytest.approx(run(torch), rel=1e-5, abs=1e-7)


@pytest.mark.oracle
def test_norms_that_are_no_numbers_are_told(torch: ModuleType) -> None:
    for t in (torch, retrograd):
        params = with_gradients(t, math.inf)
        with pytest.raises(RuntimeError, match=r"The total norm of order 2.0 for gradients from `parameters` is non-f"):
            t.nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
        assert t.nn.utils.clip_grad_norm_([], 1.0).item() == 0.0
        with pytest.warns(UserWarning, match="empty generator"):
            t.nn.utils.clip_grad_norm_((each for each in ()), 1.0)


def test_parameters_go_into_a_vector_and_come_back() -> None:
    layer, other = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (8,)
    utils.vector_to_parameters(vector, other.parameters())
    assert other.weight.tolist() == layer.weight.tolist()
    assert other.bias.tolist() == layer.bias.tolist()
    assert other.weight.is_leaf
    (vector**2).sum().backward()
    assert layer.bias.grad.tolist() == pytest.approx([2 * number for number in layer.bias.tolist()])
    with pytest.raises(TypeError, match=r"expected torch\.Tensor"):
        utils.vector_to_parameters([1.0], other.parameters())


class Branched(nn.Module):
    """Uses one layer twice and another not at all; gives a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
        self.head = nn.Linear(8, 2)
        self.head.bias.requires_grad_(False)
        self.spare = nn.Linear(1, 1)
        self.tied = nn.Linear(8, 2)
        self.tied.weight = self.head.weight

    def forward(self, x: retrograd.Tensor) -> dict[str, retrograd.Tensor]:
        inner = self.body(x)
        return {"out": self.head(inner), "again": self.head(inner)}


def test_a_summary_tells_shapes_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    model = Branched()
    retrograd.manual_seed(1)
    state = {name: value.tolist() for name, value in model.state_dict().items()}
    found = utils.summary(model, (5, 4))
    text = capsys.readouterr().out
    assert text.strip() == str(found)
    assert found.total_params == sum(param.numel() for param in model.parameters()) == 78
    assert found.trainable_params == 76
    assert [(each.name, each.depth, each.output, each.params) for each in found.layers] == [
        ("", 0, "[5, 2], [5, 2]", 78), ("body", 1, "[5, 8]", 56), ("0", 2, "[5, 8]", 40), ("1", 2, "[5, 8]", 16),
        ("2", 2, "[5, 8]", 0), ("head", 1, "[5, 2]", 18), ("spare", 1, "", 2), ("tied", 1, "", 18),
    ]  # fmt: skip
    for line in ("    Sequential (body)", "        Linear (0)", "Not trainable: 2", "Parameters: 78"):
        assert line in text
    assert {name: value.tolist() for name, value in model.state_dict().items()} == state
    assert model.training
    after = retrograd.rand(1).item()
    assert after == retrograd.rand(1, generator=retrograd.random.Generator().manual_seed(1)).item()
    assert not model.head._forward_hooks


def test_a_summary_runs_on_given_data_or_not_at_all() -> None:
    model = Branched()
    assert all(not each.output for each in utils.summary(model, verbose=False).layers)
    shallow = utils.summary(model, input_data={"x": retrograd.ones(2, 4)}, depth=1, verbose=False)
    assert [each.depth for each in shallow.layers] == [0, 1, 1, 1, 1]
    embedding = utils.summary(nn.Embedding(3, 2), (4,), dtypes=[retrograd.int64], verbose=False)
    assert embedding.layers[0].output == "[4, 2]"
    with pytest.raises(RuntimeError):
        utils.summary(model, (5, 3), verbose=False)
    assert model.training
