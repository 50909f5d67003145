"""The same lines on both libraries: a test is a function of ``torch``, run on PyTorch and on the engine, and what it
returns must be the same."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd


def both(program: Callable[..., object]) -> Callable[..., None]:
    """A test that runs ``program(torch, ...)`` on the engine and on PyTorch and compares what it returns."""

    @pytest.mark.oracle
    def run(**arguments: Any) -> None:
        torch = pytest.importorskip("torch")
        ours = plain(program(retrograd, **arguments))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what PyTorch says of itself
            theirs = plain(program(torch, **arguments))
        same(ours, theirs, program.__name__)

    functools.update_wrapper(run, program)
    first, *rest = inspect.signature(program).parameters.values()
    assert first.name == "torch", "the first argument of such a test is the library"
    run.__signature__ = inspect.Signature(rest)  # type: ignore[attr-defined]  # pytest fills in the others
    return run


def plain(value: Any) -> Any:
    """A result without its library: tensors as (dtype, shape, elements), tuples as lists."""
    if type(value).__module__.split(".")[0] in ("torch", "retrograd") and hasattr(value, "detach"):
        array = np.asarray(value.detach().numpy())
        return {"dtype": str(value.dtype).split(".")[-1], "array": array, "requires_grad": value.requires_grad}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def same(ours: Any, theirs: Any, where: str) -> None:
    """Raise unless the two are equal, numbers to rounding."""
    if isinstance(theirs, list):
        assert isinstance(ours, list), f"{where}: {ours} is not {theirs}"
        assert len(ours) == len(theirs), f"{where}: {ours} is not {theirs}"
        for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            same(one, other, f"{where}[{place}]")
    elif isinstance(theirs, dict):
        assert isinstance(ours, dict), f"{where}: {ours} is not {theirs}"
        assert list(ours) == list(theirs), where
        for key in theirs:
            same(ours[key], theirs[key], f"{where}[{key!r}]")
    elif isinstance(theirs, np.ndarray):
        assert ours.shape == theirs.shape, f"{where}: shape {ours.shape} is not {theirs.shape}"
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=where)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6, nan_ok=True), where
    else:
        assert ours == theirs, f"{where}: {ours!r} is not {theirs!r}"


def fails(action: Callable[[], object]) -> str:
    """The class of the error that ``action`` raises, as both libraries name it; "" if none."""
    try:
        action()
    except Exception as error:  # noqa: BLE001  any
        kind = next(each for each in type(error).__mro__ if each.__module__ == "builtins")
        return kind.__name__
    return ""
