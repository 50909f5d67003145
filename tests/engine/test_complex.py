"""Gradients of complex numbers' parts where a gradient is infinite."""

from __future__ import annotations

import math

import pytest

import retrograd


@pytest.mark.parametrize("part", ["real", "imag"])
def test_an_infinite_gradient_of_a_part_leaves_the_other_at_zero(part: str) -> None:
    z = retrograd.tensor([1 + 2j], requires_grad=True)
    getattr(z, part).backward(retrograd.tensor([math.inf]))
    assert z.grad is not None
    assert getattr(z.grad, part).item() == math.inf
    assert getattr(z.grad, "imag" if part == "real" else "real").item() == 0


def test_an_infinite_gradient_of_a_sign_is_no_gradient() -> None:
    x = retrograd.tensor([3.0], requires_grad=True)
    retrograd.sgn(x).backward(retrograd.tensor([math.inf]))
    assert x.grad is not None
    assert x.grad.item() == 0
