"""Parts of the forward pass that are computed again in backward."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from engine.twice import both, fails


def checkpoint_of(torch: Any) -> Any:
    return import_module(f"{torch.__name__}.utils.checkpoint")


@pytest.mark.parametrize("reentrant", [True, False])
@both
def test_gradients_are_those_without(torch: Any, reentrant: bool) -> object:
    c = checkpoint_of(torch)
    x, w = (torch.tensor(values, requires_grad=True) for values in ([1.0, 2.0], [3.0, 4.0]))
    calls: list[bool] = []

    def block(x: Any, w: Any) -> Any:
        calls.append(torch.is_grad_enabled())
        return (x * w).sin(), (x * x).exp()

    a, b = c.checkpoint(block, x, w, use_reentrant=reentrant)
    before = len(calls)
    (a * b).sum().backward()
    with torch.no_grad():
        plain = c.checkpoint(block, x, w, use_reentrant=reentrant)[0]
    return [x.grad, w.grad, before, len(calls), plain]


@both
def test_the_second_form(torch: Any) -> object:
    c = checkpoint_of(torch)
    x, held = (torch.tensor(values, requires_grad=True) for values in ([1.0, 2.0], [3.0, 4.0]))

    def block(x: Any, *, scale: float) -> Any:
        return (x * held * scale).exp() * x

    y = c.checkpoint(block, x, scale=0.5, use_reentrant=False)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    nested = c.checkpoint(
        lambda x: c.checkpoint(block, x, scale=1.0, use_reentrant=False).sin(), x, use_reentrant=False
    )
    calls: list[int] = []

    def changing(x: Any) -> Any:
        calls.append(1)
        return (x * x).exp() if len(calls) == 1 else (x[:1] * x[:1]).exp()

    return [
        g, torch.autograd.grad(g.sum(), [x, held]), torch.autograd.grad(nested.sum(), [x, held]),
        fails(lambda: c.checkpoint(changing, x, use_reentrant=False).sum().backward()),
        fails(lambda: c.checkpoint(block, x, scale=1.0, use_reentrant=True)),
    ]  # fmt: skip


@both
def test_random_numbers_are_drawn_again(torch: Any) -> object:
    c = checkpoint_of(torch)
    x = torch.ones(4, requires_grad=True)
    torch.manual_seed(3)
    y = c.checkpoint(lambda x: (x * torch.rand(4)).exp(), x, use_reentrant=False)
    after = torch.rand(1)
    y.sum().backward()
    return [y, x.grad, after, torch.rand(1)]


@both
def test_layers_in_segments(torch: Any) -> object:
    c = checkpoint_of(torch)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    layers = [lambda x: x * 2, lambda x: x.sin(), lambda x: x * x, lambda x: x.exp()]
    y = c.checkpoint_sequential(layers, 2, x, use_reentrant=False)
    y.sum().backward()
    return [y, x.grad]
