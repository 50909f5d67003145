"""Recurrent layers against PyTorch's: what its table of modules does not try."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import retrograd
from retrograd import nn
from retrograd.nn.utils import rnn

LENGTHS = [3, 5, 1, 4]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"num_layers": 2, "bidirectional": True, "bias": False},
    {"num_layers": 2, "batch_first": True, "dropout": 0.4},
    {"num_layers": 3, "bidirectional": True, "dropout": 0.5},
]
LAYERS = [
    pytest.param(kind, {**options, **more}, id=f"{kind}-{place}-{'-'.join(more)}")
    for kind, extra in (("RNN", {"nonlinearity": "relu"}), ("LSTM", {"proj_size": 2}), ("GRU", {}))
    for place, options in enumerate(OPTIONS)
    for more in ({}, *([extra] if extra else []))
]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def flat(value: Any) -> list[Any]:
    """All tensors in nested tuples, as arrays."""
    if isinstance(value, (tuple, list)):
        return [part for each in value for part in flat(each)]
    return [] if value is None else [value.detach().numpy()]


def same(ours: Any, theirs: Any, tolerance: float = 1e-12) -> None:
    for mine, other in zip(flat(ours), flat(theirs), strict=True):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)


def numbers(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape)


def train(t: ModuleType, kind: str, options: dict[str, Any], packed: bool, given: bool) -> list[Any]:
    """Output, states and all gradients of a layer with PyTorch's own starting values."""
    t.manual_seed(3)
    layer = getattr(t.nn, kind)(3, 4, **options).double()
    shape = (4, 5, 3) if options.get("batch_first") else (5, 4, 3)
    x = t.tensor(numbers(*shape), requires_grad=True)
    count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    h = t.tensor(numbers(count, 4, options.get("proj_size") or 4, seed=1), requires_grad=True)
    c = t.tensor(numbers(count, 4, 4, seed=2), requires_grad=True)
    states = ((h, c) if kind == "LSTM" else h) if given else None
    packing = t.nn.utils.rnn
    batch_first = bool(options.get("batch_first"))
    if packed:
        packed_x = packing.pack_padded_sequence(x, LENGTHS, batch_first, enforce_sorted=False)
        out, last = layer(packed_x, states)
        out = packing.pad_packed_sequence(out, batch_first, padding_value=0.5)[0]
    else:
        out, last = layer(x, states)
    ends = list(last) if kind == "LSTM" else [last]
    total = (out * out).sum() + sum((end * end * 0.5).sum() for end in ends)
    total.backward()
    known = [h, c] if given and kind == "LSTM" else [h] if given else []
    return [out, ends, x.grad, [each.grad for each in known], [each.grad for each in layer.parameters()]]


@pytest.mark.oracle
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("kind", "options"), LAYERS)
def test_layers_train_as_pytorchs(torch: ModuleType, kind: str, options: dict[str, Any], packed: bool) -> None:
    for given in (False, True):
        same(train(retrograd, kind, options, packed, given), train(torch, kind, options, packed, given), 1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize(("kind", "options"), LAYERS)
def test_members_and_text_are_pytorchs(torch: ModuleType, kind: str, options: dict[str, Any]) -> None:
    def facts(t: ModuleType) -> list[Any]:
        t.manual_seed(1)
        layer = getattr(t.nn, kind)(3, 4, **options)
        return [repr(layer), {name: each.tolist() for name, each in layer.state_dict().items()}]

    assert facts(retrograd) == facts(torch)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("bias", [True, False])
def test_cells_step_as_pytorchs(torch: ModuleType, kind: str, bias: bool) -> None:
    def run(t: ModuleType) -> list[Any]:
        t.manual_seed(1)
        cell = getattr(t.nn, kind)(3, 4, bias=bias).double()
        x = t.tensor(numbers(2, 3), requires_grad=True)
        state = None
        for _ in range(3):
            state = cell(x, state)
        found = list(state) if isinstance(state, tuple) else [state]
        sum((each * each).sum() for each in found).backward()
        single = cell(x[0])
        return [found, x.grad, [each.grad for each in cell.parameters()], single]

    same(run(retrograd), run(torch))


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_one_sequence_needs_no_batch(torch: ModuleType, kind: str) -> None:
    def run(t: ModuleType) -> list[Any]:
        t.manual_seed(1)
        layer = getattr(t.nn, kind)(3, 4, num_layers=2).double()
        states = [t.tensor(numbers(2, 4, seed=place)) for place in range(2)]
        x = t.tensor(numbers(5, 3))
        return [*layer(x), *layer(x, tuple(states) if kind == "LSTM" else states[0])]

    same(run(retrograd), run(torch))


@pytest.mark.oracle
def test_an_lstm_leaves_one_node_named_as_pytorchs(torch: ModuleType) -> None:
    names = [t.nn.LSTM(3, 4)(t.ones(5, 2, 3))[0].grad_fn.name() for t in (retrograd, torch)]
    assert names == ["MkldnnRnnLayerBackward0"] * 2


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["RNN", "GRU"])
def test_gradients_of_gradients_are_pytorchs(torch: ModuleType, kind: str) -> None:
    def run(t: ModuleType) -> list[Any]:
        t.manual_seed(1)
        layer = getattr(t.nn, kind)(3, 4, bidirectional=True).double()
        x = t.tensor(numbers(5, 2, 3), requires_grad=True)
        out, _ = layer(x)
        (slope,) = t.autograd.grad((out * out).sum(), x, create_graph=True)
        (slope * slope).sum().backward()
        return [slope, x.grad, [each.grad for each in layer.parameters()]]

    same(run(retrograd), run(torch), 1e-10)


def test_gradients_of_an_lstms_gradients_are_those_of_its_cells() -> None:
    """PyTorch has none for its fused layer."""
    layer = nn.LSTM(3, 4, proj_size=2).double()
    x = retrograd.tensor(numbers(4, 2, 3), requires_grad=True)

    def unrolled() -> Any:
        w_ih, w_hh, b_ih, b_hh, w_hr = layer.parameters()
        h, c = retrograd.zeros(2, 2).double(), retrograd.zeros(2, 4).double()
        outs = []
        for step in x:
            h, c = retrograd.lstm_cell(step, (h, c), w_ih, w_hh, b_ih, b_hh)
            h = h @ w_hr.T
            outs.append(h)
        return retrograd.stack(outs)

    found = []
    for out in (layer(x)[0], unrolled()):
        (slope,) = retrograd.autograd.grad((out * out).sum(), x, create_graph=True)
        found.append(retrograd.autograd.grad((slope * slope).sum(), [x, *layer.parameters()], allow_unused=True))
    same(list(found[0]), list(found[1]), 1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize("batch_first", [False, True])
def test_packing_is_pytorchs(torch: ModuleType, batch_first: bool) -> None:
    def run(t: ModuleType) -> list[Any]:
        tools = t.nn.utils.rnn
        sequences = [t.tensor(numbers(length, 2, 3, seed=length), requires_grad=True) for length in LENGTHS]
        packed = tools.pack_sequence(sequences, enforce_sorted=False)
        padded, lengths = tools.pad_packed_sequence(packed, batch_first, -1.0, total_length=7)
        (padded * padded).sum().backward()
        falling = tools.pack_sequence([sequences[1], sequences[3], sequences[0], sequences[2]])
        return [
            list(packed), padded, lengths, [each.grad for each in sequences], list(falling),
            tools.pad_sequence(sequences, batch_first, 9.0), tools.pad_sequence(sequences, padding_side="left"),
            tools.unpad_sequence(padded.clone(), lengths, batch_first), tools.unpack_sequence(packed),
            list(packed.float()), list(tools.pad_packed_sequence(falling, batch_first)),
        ]  # fmt: skip

    same(run(retrograd), run(torch))


@pytest.mark.oracle
def test_refusals_are_of_pytorchs_kind_and_name_the_layer(torch: ModuleType) -> None:
    def kinds(t: ModuleType) -> list[str]:
        n, tools = t.nn, t.nn.utils.rnn
        lstm, gru = n.LSTM(3, 4), n.GRU(3, 4)
        tries = [
            lambda: lstm(t.ones(3)),
            lambda: lstm(t.ones(5, 2, 4)),
            lambda: lstm(t.ones(5, 2, 3).double()),
            lambda: lstm(t.ones(5, 2, 3), (t.ones(1, 1, 4), t.ones(1, 2, 4))),
            lambda: gru(t.ones(5, 2, 3), t.ones(2, 4)),
            lambda: gru(t.ones(5, 3), t.ones(1, 1, 4)),
            lambda: gru(t.ones(0, 2, 3)),
            lambda: n.RNN(3, 4, nonlinearity="sigmoid"),
            lambda: n.GRU(3, 4, proj_size=2),
            lambda: n.LSTM(3, 4, proj_size=4),
            lambda: n.LSTM(3, 0),
            lambda: n.LSTM(3.0, 4),
            lambda: n.LSTM(3, 4, bias=1),
            lambda: n.LSTM(3, 4, dropout=2),
            lambda: n.LSTM(3, 4, num_layers=0),
            lambda: n.LSTMCell(3, 4)(t.ones(1, 2, 3)),
            lambda: n.GRUCell(3, 4)(t.ones(2, 4)),
            lambda: tools.pack_padded_sequence(t.ones(3, 2, 1), [2, 3]),
            lambda: tools.pack_padded_sequence(t.ones(3, 2, 1), [3, 0]),
            lambda: tools.pack_padded_sequence(t.ones(3, 2, 1), [3]),
            lambda: tools.pad_packed_sequence(tools.pack_sequence([t.ones(3)]), total_length=2),
        ]
        found = []
        for each in tries:
            with pytest.raises((ValueError, RuntimeError, TypeError)) as caught:
                each()
            found.append(caught.type.__name__)
        return found

    assert kinds(retrograd) == kinds(torch)
    with pytest.raises(RuntimeError, match=r"Expected 3, got 4 \(in LSTM\(3, 4\), called with \[5, 2, 4\]\)"):
        nn.LSTM(3, 4)(retrograd.ones(5, 2, 4))


def test_dropout_of_one_layer_warns() -> None:
    with pytest.warns(UserWarning, match="num_layers=1"):
        nn.GRU(3, 4, dropout=0.1)


def test_packed_sequences_keep_their_order_on_the_way_to_another_device() -> None:
    packed = rnn.pack_sequence([retrograd.ones(1, 2), retrograd.ones(3, 2)], enforce_sorted=False)
    moved = packed.double()
    assert moved.data.dtype is retrograd.float64
    assert moved.sorted_indices.tolist() == [1, 0]
    assert packed.to(retrograd.float32) is packed
