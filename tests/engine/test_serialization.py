"""Saving and loading: what comes back, what is refused, what never runs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrograd
from retrograd import nn, optim

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


def through(value: Any) -> Any:
    """``value`` saved and loaded."""
    stream = io.BytesIO()
    retrograd.save(value, stream)
    return retrograd.load(io.BytesIO(stream.getvalue()))


@given(TREES)
@settings(max_examples=60, deadline=None)
def test_containers_come_back_as_they_were(value: Any) -> None:
    assert through(value) == value


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "complex64", "complex128", "int64",
                                   "int8", "uint8", "bool"])  # fmt: skip
@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 3), (2, 3)])
def test_tensors_come_back_with_dtype_shape_and_contents(dtype: str, shape: tuple[int, ...]) -> None:
    kind = retrograd.bool if dtype == "bool" else getattr(retrograd, dtype)
    tensor = retrograd.tensor(np.random.default_rng(0).normal(size=shape) * 3).to(kind)
    found = through({"x": tensor.transpose(-1, 0) if len(shape) > 1 else tensor})["x"]
    expected = tensor.transpose(-1, 0) if len(shape) > 1 else tensor
    assert found.dtype is kind
    assert found.shape == expected.shape
    assert found.tolist() == expected.tolist()
    assert not found.requires_grad


def test_leaves_parameters_and_sharing_are_kept() -> None:
    weight = nn.Parameter(retrograd.ones(2, 2))
    leaf = retrograd.ones(3, requires_grad=True)
    found = through([weight, weight, leaf, nn.Parameter(retrograd.zeros(1), requires_grad=False)])
    assert found[0] is found[1]
    assert isinstance(found[0], nn.Parameter)
    assert found[0].requires_grad
    assert found[2].requires_grad
    assert not found[3].requires_grad


def test_a_training_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    def made() -> tuple[nn.Module, optim.SGD]:
        retrograd.manual_seed(3)
        model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        return model, optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def train(model: nn.Module, optimizer: optim.SGD, steps: int) -> None:
        x = retrograd.linspace(-1, 1, 12).reshape(4, 3)
        for _ in range(steps):
            optimizer.zero_grad()
            (model(x) ** 2).sum().backward()
            optimizer.step()

    whole, whole_optimizer = made()
    train(whole, whole_optimizer, 4)
    model, optimizer = made()
    train(model, optimizer, 2)
    path = tmp_path / "checkpoint.safetensors"
    retrograd.save({"epoch": 2, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    kept: Any = retrograd.load(path)
    assert kept["epoch"] == 2
    assert isinstance(kept["model"], OrderedDict)
    resumed, resumed_optimizer = made()
    resumed.load_state_dict(kept["model"])
    resumed_optimizer.load_state_dict(kept["optimizer"])
    train(resumed, resumed_optimizer, 2)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert one.tolist() == other.tolist()


def test_other_tools_read_the_tensors_by_their_keys(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    model = nn.Linear(2, 1)
    retrograd.save(model.state_dict(), tmp_path / "model.safetensors")
    found = load_file(tmp_path / "model.safetensors")
    assert sorted(found) == ["bias", "weight"]
    save_file({"a": np.arange(3.0)}, tmp_path / "theirs.safetensors")
    theirs: Any = retrograd.load(tmp_path / "theirs.safetensors")
    assert theirs["a"].tolist() == [0, 1, 2]


def test_what_can_not_be_kept_is_named_with_its_place() -> None:
    with pytest.raises(TypeError, match=r"parts\.1 is a Linear.*state_dict"):
        retrograd.save({"parts": [1, nn.Linear(1, 1)]}, io.BytesIO())


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    retrograd.save({"a": 1}, path)

    def broken(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="no space"):
        retrograd.save({"a": 2}, path)
    assert retrograd.load(path) == {"a": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["x.safetensors"]


@pytest.mark.oracle
def test_a_file_of_pytorchs_is_refused_with_the_line_that_converts_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    path = tmp_path / "model.pt"
    torch.save({"a": torch.ones(2)}, path)
    with pytest.raises(RuntimeError, match="python -c") as refused:
        retrograd.load(path)
    line = str(refused.value).split('python -c "')[1].rstrip('"')
    subprocess.run([sys.executable, "-c", line], check=True)
    converted: Any = retrograd.load(tmp_path / "model.safetensors")
    assert converted["a"].tolist() == [1, 1]


def test_damaged_and_hostile_files_are_refused_in_words(tmp_path: Path) -> None:
    stream = io.BytesIO()
    retrograd.save({"a": retrograd.ones(8), "b": [(1, 2)]}, stream)
    whole = stream.getvalue()
    rng = np.random.default_rng(0)
    path = tmp_path / "x.safetensors"
    for number in range(300):
        data = bytearray(whole[: rng.integers(0, len(whole))] if number % 2 else whole)
        for place in rng.integers(0, max(1, len(data)), 4 if number % 2 == 0 else 0):
            if data:
                data[place] = rng.integers(0, 256)
        path.write_bytes(bytes(data))
        said = ""
        try:
            retrograd.load(path)
        except RuntimeError as error:
            said = str(error)
        assert not said or str(path) in said
    path.write_bytes(b"")
    with pytest.raises(RuntimeError, match="damaged"):
        retrograd.load(path)
    with pytest.raises(FileNotFoundError):
        retrograd.load(tmp_path / "none")


def test_a_file_nested_without_end_is_refused() -> None:
    from safetensors.numpy import save as encode

    deep = encode({}, {"retrograd": "[" * 100_000 + "]" * 100_000})
    with pytest.raises(RuntimeError, match="damaged"):
        retrograd.load(io.BytesIO(deep))


def test_devices_are_mapped() -> None:
    stream = io.BytesIO()
    retrograd.save(retrograd.ones(2), stream)
    found: Any = retrograd.load(io.BytesIO(stream.getvalue()), map_location={"cuda:0": "cpu"})
    assert str(found.device) == "cpu"
