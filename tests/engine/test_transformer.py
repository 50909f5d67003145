"""Attention and the Transformer against PyTorch's: what its table of modules does not try."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import retrograd
from retrograd import nn

NESTED = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # PyTorch's word on its own fast path


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


def numbers(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape)


def same(ours: list[Any], theirs: list[Any]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        if mine is None or other is None:
            assert mine is other
            continue
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("options", "call"),
    [
        ({"add_bias_kv": True, "add_zero_attn": True}, {"average_attn_weights": False}),
        ({"kdim": 3, "vdim": 5, "batch_first": True, "bias": False}, {"need_weights": False}),
        ({"dropout": 0.5}, {}),
        ({"dropout": 0.5}, {"need_weights": False}),
    ],
)
def test_attention_trains_as_pytorchs(torch: ModuleType, options: dict[str, Any], call: dict[str, Any]) -> None:
    def run(t: ModuleType) -> list[Any]:
        t.manual_seed(2)
        layer = t.nn.MultiheadAttention(4, 2, **options).double()
        shapes = [(3, 2, 4), (5, 2, options.get("kdim") or 4), (5, 2, options.get("vdim") or 4)]
        if options.get("batch_first"):
            shapes = [(shape[1], shape[0], shape[2]) for shape in shapes]
        given = [t.tensor(numbers(*shape, seed=place), requires_grad=True) for place, shape in enumerate(shapes)]
        padding = t.tensor(numbers(2, 5, seed=7) > 1)
        mask = t.tensor(numbers(3, 5, seed=8) > 1)
        out, weights = layer(*given, key_padding_mask=padding, attn_mask=mask, **call)
        ((out * out).sum() + (0.0 if weights is None else (weights * weights).sum())).backward()
        return [out, weights, *(each.grad for each in given), *(each.grad for each in layer.parameters())]

    same(run(retrograd), run(torch))


@NESTED
@pytest.mark.oracle
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_transformer_trains_as_pytorchs(torch: ModuleType, norm_first: bool) -> None:
    def run(t: ModuleType) -> tuple[list[Any], list[Any]]:
        t.manual_seed(4)
        model = t.nn.Transformer(
            4, 2, 2, 2, 8, dropout=0.3, activation="gelu", norm_first=norm_first, batch_first=norm_first
        ).double()
        shape = (2, 5, 4) if norm_first else (5, 2, 4)
        source, target = (t.tensor(numbers(*shape, seed=place), requires_grad=True) for place in range(2))
        mask = t.nn.Transformer.generate_square_subsequent_mask(5, dtype=t.float64)
        padding = t.zeros(2, 5, dtype=t.float64).masked_fill(t.tensor(numbers(2, 5, seed=5) > 1), float("-inf"))
        out = model(source, target, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
        (out * out).sum().backward()
        found = [out, source.grad, target.grad, *(each.grad for each in model.parameters())]
        return [repr(model), *model.state_dict()], found

    (text, ours), (expected, theirs) = run(retrograd), run(torch)
    assert text == expected
    same(ours, theirs)


@NESTED
@pytest.mark.oracle
def test_starting_values_are_pytorchs(torch: ModuleType) -> None:
    def values(t: ModuleType) -> list[Any]:
        t.manual_seed(0)
        modules = [
            t.nn.MultiheadAttention(4, 2, add_bias_kv=True, kdim=3),
            t.nn.TransformerDecoder(t.nn.TransformerDecoderLayer(4, 2, 6), 2, t.nn.LayerNorm(4)),
            t.nn.Transformer(4, 2, 1, 1, 6, bias=False),
        ]
        return [each for module in modules for each in module.parameters()]

    for mine, other in zip(values(retrograd), values(torch), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-6, atol=1e-7)


def test_gradients_have_gradients() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, activation="gelu").double()
    x = retrograd.tensor(numbers(3, 2, 4), requires_grad=True)
    assert retrograd.autograd.gradgradcheck(layer, (x,))


@NESTED
@pytest.mark.oracle
def test_refusals_are_of_pytorchs_kind(torch: ModuleType) -> None:
    def kinds(t: ModuleType) -> list[str]:
        n = t.nn
        small = n.Transformer(4, 2, 1, 1, 6)
        tries = [
            lambda: n.MultiheadAttention(5, 2),
            lambda: n.MultiheadAttention(4, 0),
            lambda: n.MultiheadAttention(4, 2)(t.ones(3), t.ones(3), t.ones(3)),
            lambda: n.MultiheadAttention(4, 2)(t.ones(3, 1, 6), t.ones(3, 1, 6), t.ones(3, 1, 6)),
            lambda: n.MultiheadAttention(4, 2)(*[t.ones(3, 1, 4)] * 3, attn_mask=t.ones(2, 2)),
            lambda: n.MultiheadAttention(4, 2)(*[t.ones(3, 1, 4)] * 3, is_causal=True),
            lambda: n.TransformerEncoderLayer(4, 2, activation="tanh"),
            lambda: small(t.ones(3, 2, 4), t.ones(3, 1, 4)),
            lambda: small(t.ones(3, 2, 5), t.ones(3, 2, 4)),
        ]
        found = []
        for each in tries:
            with pytest.raises((ValueError, RuntimeError, AssertionError)) as caught:
                each()
            found.append(caught.type.__name__)
        return found

    assert kinds(retrograd) == kinds(torch)
