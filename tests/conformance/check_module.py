"""Whether a module of PyTorch's table holds: text, start, state, output, gradients, and all that it says must fail."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

import retrograd
from conformance.check import SEED, Result, words
from conformance.compare import Differs, gradients, leaves, same, same_gradients
from conformance.convert import converted

LEFT_OUT = {"Lazy": "made only for layers that learn their sizes from the first input"}
"""Modules that are not counted, by the beginning of their names, each with the reason."""


def modules() -> dict[str, Any]:
    """Every entry that counts, by the module's name below ``nn``."""
    named = {each.name.removeprefix("nn."): each for each in module_db}
    return {name: each for name, each in named.items() if not name.startswith(tuple(LEFT_OUT))}


def check_module(name: str, dtype: torch.dtype, limit: int | None = None) -> Result:
    """Try the first ``limit`` samples (None: all) in training and in evaluation, and what must raise."""
    entry = modules()[name]
    tried = passed = 0
    reason = ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for wrong in _tried(entry, name, dtype, limit):
            tried += 1
            passed += not wrong
            reason = reason or wrong
    return Result(tried, passed, reason)


def _tried(entry: Any, name: str, dtype: torch.dtype, limit: int | None) -> Iterator[str]:
    """What is wrong with each sample; "" for nothing."""
    for training in (True, False):
        torch.manual_seed(SEED)
        given = {"device": "cpu", "dtype": dtype, "requires_grad": True, "training": training}
        for sample in itertools.islice(entry.module_inputs_func(entry, **given), limit):
            try:
                _try(entry, name, sample, dtype, training)
                yield ""
            except Exception as error:  # noqa: BLE001  # whatever goes wrong is the finding
                yield words(error)
        if entry.module_error_inputs_func is not None:
            for bad in itertools.islice(entry.module_error_inputs_func(entry, **given), limit):
                yield _not_refused(name, bad, training)


def _made(engine: Any, name: str, given: Any) -> Any:
    """The module. ``given``: the constructor's arguments."""
    args, kwargs = converted((given.args, given.kwargs)) if engine is retrograd else (given.args, given.kwargs)
    engine.manual_seed(SEED)
    return getattr(engine.nn, name)(*args, **kwargs)


def _try(entry: Any, name: str, sample: Any, dtype: torch.dtype, training: bool) -> None:
    theirs = _made(torch, name, sample.constructor_input).to(dtype).train(training)
    mine = _made(retrograd, name, sample.constructor_input).to(converted(dtype)).train(training)
    same_module(mine, theirs)
    if sample.forward_input is not None:
        same_call(mine, theirs, sample.forward_input.args, sample.forward_input.kwargs, second=entry.supports_gradgrad)


def same_module(mine: Any, theirs: Any) -> None:
    """``Differs`` unless text and state agree; ``mine`` then gets ``theirs``' state exactly."""
    if repr(mine) != repr(theirs):
        raise Differs(f"repr: {mine!r} for {theirs!r}")
    _same_state(mine, theirs, "start")
    mine.load_state_dict(converted(dict(theirs.state_dict())))


def same_call(mine: Any, theirs: Any, args: Any, kwargs: Any, *, second: bool = True) -> None:
    """``Differs`` unless both modules make the same of the same arguments: output, state, gradients of inputs and
    parameters, and (``second``) their gradients."""
    my_args, my_kwargs = converted((args, kwargs))
    torch.manual_seed(SEED)
    expected = theirs(*args, **kwargs)
    retrograd.manual_seed(SEED)
    found = mine(*my_args, **my_kwargs)
    same(found, expected, "output")
    _same_state(mine, theirs, "state after the call")
    wanted = [
        [each for each in leaves(given) if isinstance(each, kind)] + list(module.parameters())
        for given, kind, module in (
            ((my_args, my_kwargs), retrograd.Tensor, mine),
            ((args, kwargs), torch.Tensor, theirs),
        )
    ]
    first, again = gradients(retrograd, found, wanted[0], second=second)
    expected_first, expected_again = gradients(torch, expected, wanted[1], second=second)
    inputs = len(first) - sum(each.requires_grad for each in mine.parameters())
    same_gradients(first[:inputs], expected_first[:inputs], "gradient of an input")
    same_gradients(first[inputs:], expected_first[inputs:], "gradient of a parameter")
    if expected_again:
        same_gradients(again, expected_again, "second derivative")


def _same_state(mine: Any, theirs: Any, what: str) -> None:
    found, expected = mine.state_dict(), theirs.state_dict()
    if list(found) != list(expected):
        raise Differs(f"state dict: {', '.join(found) or 'nothing'} for {', '.join(expected) or 'nothing'}")
    for key, value in expected.items():
        same(found[key], value, f"{what}: {key}")


def _not_refused(name: str, bad: Any, training: bool) -> str:
    """ "" when our module refuses ``bad`` with PyTorch's class of exception where PyTorch does."""
    sample, at_call = bad.module_error_input, bad.error_on is ModuleErrorEnum.FORWARD_ERROR
    wanted = f"{bad.error_type.__name__} ({bad.error_regex})"
    made = False
    try:
        module = _made(retrograd, name, sample.constructor_input).train(training)
        made = True
        if at_call:
            module(*converted(sample.forward_input.args), **converted(sample.forward_input.kwargs))
    except Exception as error:  # noqa: BLE001  # which one is what we ask
        if isinstance(error, bad.error_type) and made == at_call:
            return ""
        return f"bad input: {words(error)} for {wanted}"
    return f"bad input is taken: {wanted}"
