"""Modules, optimizers and functions as the log names them: instance numbers, attribute paths, parameters' names."""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from retrograd_debug.adapters.tensors import EngineTensor, as_tensor


class Instances:
    """Numbers for modules and optimizers, one each, never reused; holds them weakly."""

    def __init__(self) -> None:
        self._next = itertools.count(1).__next__
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}

    def number(self, owner: object) -> int:
        """The owner's number."""
        key = id(owner)
        known = self._known.get(key)
        if known is not None and known[0]() is owner:
            return known[1]
        number = self._next()
        with contextlib.suppress(TypeError):
            self._known[key] = (weakref.ref(owner), number)
        return number


class ModulePaths:
    """Dotted paths of modules below the root that is called, and the names of its parameters and buffers."""

    def __init__(self, named: Callable[[EngineTensor, str, str, int], None], instances: Instances) -> None:
        """``named(tensor, kind, path, owner)`` is called for each parameter and buffer once."""
        self._named = named
        self._instances = instances
        self._paths: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._seen: set[tuple[int, str, int]] = set()

    def path(self, module: Any, is_root: bool) -> str:
        """The path of a module that is called; its root's tensors are named on the way."""
        known = self._paths.get(id(module))
        if known is not None and known[0]() is module and not (is_root and known[1]):
            return known[1]
        if not is_root:
            return type(module).__name__
        self._learn(module)
        return ""

    def _learn(self, root: Any) -> None:
        for path, module in _pairs(root, "named_modules"):
            self._paths[id(module)] = (weakref.ref(module), path)
        owner = self._instances.number(root)
        for kind, method in (("parameter", "named_parameters"), ("buffer", "named_buffers")):
            for path, tensor in _pairs(root, method):
                key = (id(tensor), path, owner)
                if key not in self._seen:
                    self._seen.add(key)
                    self._named(as_tensor(tensor), kind, path, owner)


def _pairs(module: Any, method: str) -> Iterable[tuple[str, Any]]:
    """What a module's own method lists; a user's override that fails must not reach the program."""
    try:
        return list(getattr(module, method)())
    except Exception:  # noqa: BLE001  # the user's code ran on our behalf
        return []


def detail(module: Any) -> str:
    """Its ``extra_repr`` ("" where it has none, or fails)."""
    try:
        return str(module.extra_repr())
    except Exception:  # noqa: BLE001  # the user's code ran on our behalf
        return ""
