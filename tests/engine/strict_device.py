"""The other device: arrays that refuse to mix with NumPy's or to become them silently, as a GPU's would."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np

from retrograd.devices import add_backend


class StrictArray(np.ndarray):
    """An array that computes with its own kind and with numbers only."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        for each in (*inputs, *(out or ())):
            if isinstance(each, np.ndarray) and not isinstance(each, StrictArray) and each.ndim:
                raise TypeError(f"{ufunc.__name__}: a host array met an array of the test device")
        plain = [_plain(each) for each in inputs]
        if out:
            options["out"] = tuple(_plain(each) for each in out)
        return _strict(getattr(ufunc, method)(*plain, **options))

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise TypeError("an array of the test device was converted to a host array silently")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} was called on an array of the test device")

    def __getitem__(self, index: Any) -> Any:
        return _strict(_plain(self)[_deep(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(value) is np.ndarray and value.ndim:
            raise TypeError("a host array was written into an array of the test device")
        _plain(self)[_deep(index)] = _plain(value)


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, StrictArray) else value


def _deep(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_deep(each) for each in value)
    return _plain(value)


def _strict(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_strict(each) for each in value)
    return np.asarray(value).view(StrictArray) if isinstance(value, (np.ndarray, np.generic)) else value


class _Function:
    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = self._function(*_deep(args), **{name: _deep(each) for name, each in kwargs.items()})
        return _strict(found)

    def __getattr__(self, name: str) -> Any:
        return _Function(getattr(self._function, name))


class _Library:
    """NumPy's functions, on strict arrays."""

    def __getattr__(self, name: str) -> Any:
        return _Function(getattr(np, name))


class Backend(SimpleNamespace):
    """The test device's backend."""

    xp = _Library()
    array_type = StrictArray

    def count(self) -> int:
        return 2

    def from_host(self, array: Any, index: int) -> Any:
        assert not isinstance(array, StrictArray), "it lives on the test device already"
        return _strict(np.array(array))

    def to_host(self, array: Any) -> Any:
        assert isinstance(array, StrictArray), "it is a host array already"
        return _plain(array).copy()

    def scipy(self, module: str) -> Any:
        return _Function(importlib.import_module(f"scipy.{module}"))


add_backend("strict", Backend)
