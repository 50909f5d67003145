"""Modules and their methods take what PyTorch's take, by the same names and with the same defaults."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

import retrograd
from retrograd import nn

NAMES = [
    name for name in nn.__all__ if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def told(function: object) -> list[tuple[str, object]]:
    """Names, and defaults that can be compared."""
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]  # whatever is callable
    return [(each.name, repr(each.default) if not callable(each.default) else "") for each in parameters]


@pytest.mark.oracle
@pytest.mark.parametrize("name", NAMES)
def test_constructor_and_forward_take_what_pytorchs_take(torch: ModuleType, name: str) -> None:
    mine, theirs = getattr(nn, name), getattr(torch.nn, name)
    expected = told(theirs)
    if [each for each, _ in expected] != ["args", "kwargs"]:
        assert told(mine) == expected
    if theirs.forward is not torch.nn.Module.forward:
        wanted = [each for each, _ in told(theirs.forward)]
        assert [each for each, _ in told(mine.forward)] == wanted


@pytest.mark.oracle
def test_modules_are_put_at_paths_as_by_pytorch(torch: ModuleType) -> None:
    def run(t: ModuleType) -> list[object]:
        net = t.nn.Sequential(t.nn.Linear(1, 1), t.nn.Sequential(t.nn.ReLU()))
        net.set_submodule("1.0", t.nn.Tanh())
        net.set_submodule("1.new", t.nn.ELU())
        seen: list[object] = [repr(net)]
        for target, module, strict in (
            ("", t.nn.ReLU(), False), ("1.0", 3, False), ("5.0", t.nn.ReLU(), False), ("0.weight", t.nn.ReLU(), False),
            ("1.other", t.nn.ReLU(), True),
        ):  # fmt: skip
            try:
                net.set_submodule(target, module, strict)
                seen.append("taken")
            except (ValueError, AttributeError) as error:
                seen.append(type(error).__name__)
        return seen

    assert run(retrograd) == run(torch)


def test_conversion_to_half_precisions_and_to_nothing() -> None:
    layer = nn.Sequential(nn.BatchNorm1d(3))
    assert layer.bfloat16()[0].weight.dtype is retrograd.bfloat16
    assert layer[0].num_batches_tracked.dtype is retrograd.int64
    emptied = layer.to_empty(device="cpu")
    assert emptied is layer
    assert tuple(layer[0].running_var.shape) == (3,)


def test_older_names_of_bounds_warn() -> None:
    with pytest.warns(FutureWarning, match="min_value"):
        assert repr(nn.Hardtanh(min_value=-3.0)) == "Hardtanh(min_val=-3.0, max_val=1.0)"
    with pytest.raises(AssertionError, match="must be larger"):
        nn.Hardtanh(2.0, 1.0)
