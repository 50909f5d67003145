"""Overwriting a tensor, or a part of it, with what a function makes of it: the same lines on both engines."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd

CHANGES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "masked_fill_": lambda t, x, _: x.masked_fill_(t.tensor([True, False, True, False]), 2.0),
    "masked_scatter_": lambda t, x, y: x.masked_scatter_(t.tensor([True, False, True, True]), y),
    "scatter_": lambda t, x, y: x.scatter_(0, t.tensor([2, 0]), y[:2]),
    "scatter_add_": lambda t, x, y: x.scatter_add_(0, t.tensor([2, 0, 2]), y[:3]),
    "scatter_reduce_": lambda t, x, y: x.scatter_reduce_(0, t.tensor([2, 0, 2]), y[:3], "prod"),
    "index_add_": lambda t, x, y: x.index_add_(0, t.tensor([2, 0, 2, 1]), y, alpha=2),
    "index_copy_": lambda t, x, y: x.index_copy_(0, t.tensor([3, 1]), y[:2]),
    "index_fill_": lambda t, x, _: x.index_fill_(0, t.tensor([3, 1]), 5.0),
    "index_put_": lambda t, x, y: x.index_put_((t.tensor([3, 1, 3, 3]),), y, accumulate=True),
    "cumsum_": lambda _, x, __: x.cumsum_(0),
    "cumprod_": lambda _, x, __: x.cumprod_(0),
}


def _gradients(torch: Any, name: str, *, part: bool) -> list[Any]:
    made = [
        torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in ([1.5, -2, 0.5, 3], [4, 1, 2, -1])
    ]
    first, second = made
    whole = torch.stack([first, first * 2]) * 1.0
    row = whole[0] if part else (first * 3.0)
    CHANGES[name](torch, row, second * 1.0)
    result = (whole * whole).sum() + (row * row * row).sum() if part else (row * row).sum()
    result.backward()
    return [row.detach().numpy(), *(each.grad.numpy() if each.grad is not None else np.zeros(4) for each in made)]


@pytest.mark.oracle
@pytest.mark.parametrize("part", [False, True], ids=["whole", "view"])
@pytest.mark.parametrize("name", sorted(CHANGES))
def test_overwriting_has_pytorchs_values_and_gradients(name: str, part: bool) -> None:
    expected = _gradients(importlib.import_module("torch"), name, part=part)
    found = _gradients(retrograd, name, part=part)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_result_that_does_not_fit_is_refused() -> None:
    whole = retrograd.zeros(3, dtype=retrograd.int64)
    with pytest.raises(RuntimeError, match="can't be cast"):
        whole.cumsum_(0, dtype=retrograd.float32)
