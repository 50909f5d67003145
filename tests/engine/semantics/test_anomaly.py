"""Anomaly mode: the op at fault, by its line and its expression."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import retrograd
from engine.twice import both, fails


@both
def test_where_a_nan_is_born(torch: Any) -> object:
    a, b = torch.tensor([4.0], requires_grad=True), torch.tensor([0.0], requires_grad=True)

    def run(check_nan: bool = True) -> None:
        with torch.autograd.detect_anomaly(check_nan=check_nan):
            y = a.sqrt() * 0 + b.sqrt() * 0
            y.sum().backward()

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, that this is slow
        states = [torch.is_anomaly_enabled()]
        with torch.autograd.set_detect_anomaly(True):
            states.append(torch.is_anomaly_enabled())
        outcome = [fails(run), fails(lambda: run(False)), fails(lambda: (b.sqrt() * 0).sum().backward())]
    return [states, torch.is_anomaly_enabled(), outcome]


def caught(action: Any) -> str:
    with pytest.raises(RuntimeError) as error, retrograd.autograd.detect_anomaly():
        action()
    return str(error.value)


def test_of_two_square_roots_the_one_that_was_fed_a_zero_is_named() -> None:
    a, b = (retrograd.tensor([value], requires_grad=True) for value in (4.0, 0.0))
    for first, second, blamed in ((a, b, "second.sqrt()"), (b, a, "first.sqrt()")):

        def run(first: Any = first, second: Any = second) -> None:
            (first.sqrt() * 0 + second.sqrt() * 0).sum().backward()

        text = caught(run)
        assert "Function 'SqrtBackward0' returned nan values in its 0th output" in text
        assert f"{__file__}:{run.__code__.co_firstlineno + 1}, in run" in text
        assert "saved tensor holds 0.0" in text
        if sys.version_info >= (3, 11):
            assert blamed in text


def test_a_loss_that_is_nan_does_not_pass_in_silence() -> None:
    x = retrograd.tensor([1.0, 2.0], requires_grad=True)

    def run() -> None:
        h = x - 2
        bad = h.log()
        (bad.sum() + x.sum()).backward()

    text = caught(run)
    assert "LogBackward0" in text
    assert f"{__file__}:{run.__code__.co_firstlineno + 2}, in run" in text
    imported = caught(lambda: (x + retrograd.tensor([float("nan"), 0.0])).sum().backward())
    assert "it came in with the data" in imported
