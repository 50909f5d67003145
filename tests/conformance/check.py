"""Whether an entry of the table holds: all its samples, and all that it says must fail."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import retrograd
from conformance.compare import Differs, gradients, is_inexact, leaves, same, same_gradients
from conformance.convert import converted
from conformance.table import UNSET, counterpart, gauge

SEED = 42  # what the entries that draw seed PyTorch with


@dataclass(frozen=True)
class Result:
    """How an entry fared. ``reason``: what was wrong first ("" when nothing was)."""

    samples: int
    passed: int
    reason: str


def check(entry: Any, dtype: torch.dtype, limit: int | None = None, *, errors: bool = True) -> Result:
    """Try the first ``limit`` samples (None: all) and, if ``errors``, what must raise."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _check(entry, dtype, limit, errors)


def _check(entry: Any, dtype: torch.dtype, limit: int | None, errors: bool) -> Result:
    tried = passed = 0
    reason = ""
    inexact = dtype.is_floating_point or dtype.is_complex
    differentiable = inexact and entry.supports_autograd and dtype in entry.backward_dtypes
    samples = entry.sample_inputs("cpu", dtype, requires_grad=differentiable)
    for sample in itertools.islice(samples, limit):
        tried += 1
        try:
            _try(entry, sample, differentiable)
            passed += 1
        except Exception as error:  # noqa: BLE001  # whatever goes wrong is the finding
            reason = reason or words(error)
    if errors and entry.error_inputs_func is not None:
        for bad in itertools.islice(entry.error_inputs("cpu"), limit):
            tried += 1
            wrong = _not_refused(entry, bad)
            passed += not wrong
            reason = reason or wrong
    return Result(tried, passed, reason)


def words(error: Exception) -> str:
    """What an entry failed with, on one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, Differs) else f"{type(error).__name__}: {text}"


def _try(entry: Any, sample: Any, differentiable: bool) -> None:
    theirs_in = [sample.input, *sample.args], sample.kwargs
    mine_in = converted(theirs_in)
    inputs = [each for each in leaves(mine_in) if isinstance(each, retrograd.Tensor)]
    their_inputs = [each for each in leaves(theirs_in) if isinstance(each, torch.Tensor)]
    torch.manual_seed(SEED)
    expected = entry.op(*theirs_in[0], **theirs_in[1])
    retrograd.manual_seed(SEED)
    found = counterpart(entry)(*mine_in[0], **mine_in[1])
    expected, found = gauge(sample, expected), gauge(sample, found)
    same(found, expected, "value", contents=UNSET.fullmatch(entry.name) is None)
    if not differentiable or not any(is_inexact(each) for each in leaves(expected)):
        return
    second = entry.supports_gradgrad
    theirs = gradients(torch, expected, their_inputs, second=second)
    mine = gradients(retrograd, found, inputs, second=second)
    same_gradients(mine[0], theirs[0], "gradient")
    if theirs[1]:
        same_gradients(mine[1], theirs[1], "second derivative")


def _not_refused(entry: Any, bad: Any) -> str:
    """ "" when our engine refuses ``bad`` with PyTorch's class of exception, else what it did."""
    sample = bad.sample_input
    try:
        arguments, options = converted(([sample.input, *sample.args], sample.kwargs))
        counterpart(entry)(*arguments, **options)
    except Exception as error:  # noqa: BLE001  # which one is what we ask
        if isinstance(error, bad.error_type):
            return ""
        return f"bad input: {words(error)} for {bad.error_type.__name__} ({bad.error_regex})"
    return f"bad input is taken: {bad.error_type.__name__} ({bad.error_regex})"
