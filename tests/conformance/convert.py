"""Arguments for our engine made of PyTorch's."""

from __future__ import annotations

import dataclasses
import importlib
import weakref
from typing import Any

import torch

import retrograd
from conformance.compare import numpy_of


def converted(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """``value`` for our engine; what is one tensor in several places of it stays one."""
    seen = {} if seen is None else seen
    if isinstance(value, torch.Tensor):
        if id(value) not in seen:
            seen[id(value)] = _tensor(value)
        return seen[id(value)]
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        return getattr(retrograd, str(value).rpartition(".")[2])
    if isinstance(value, torch.device):
        return retrograd.device(value.type)
    if isinstance(value, torch.Size):
        return retrograd.Size(value)
    if isinstance(value, slice):
        return slice(*(converted(each, seen) for each in (value.start, value.stop, value.step)))
    if type(value) in (list, tuple):
        return type(value)(converted(each, seen) for each in value)
    if isinstance(value, dict):
        return {key: converted(each, seen) for key, each in value.items()}
    if isinstance(value, torch.nn.Module):
        return _rebuilt(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):  # options
        return getattr(retrograd.nn, type(value).__name__)(**converted(dataclasses.asdict(value), seen))
    if isinstance(value, tuple):  # one with named parts
        home = importlib.import_module(type(value).__module__.replace("torch", "retrograd", 1))
        return getattr(home, type(value).__name__)(*(converted(each, seen) for each in value))
    if callable(value) and getattr(torch.nn.functional, getattr(value, "__name__", ""), None) is value:
        return getattr(retrograd.nn.functional, value.__name__)
    return value


def _tensor(value: torch.Tensor) -> Any:
    repeated = [n > 1 and not step for n, step in zip(value.shape, value.stride(), strict=True)]
    once = tuple(slice(0, 1) if each else slice(None) for each in repeated)
    made = retrograd.tensor(numpy_of(value)[once] if any(repeated) else numpy_of(value))
    if any(repeated):  # elements that are one in memory stay so
        made = made.expand(tuple(value.shape))
    if value.dtype is torch.bfloat16:
        made = made.to(retrograd.bfloat16)
    return made.requires_grad_() if value.requires_grad else made


_BUILT: weakref.WeakKeyDictionary[torch.nn.Module, tuple[Any, Any]] = weakref.WeakKeyDictionary()
"""What each of PyTorch's modules was made with, which it doesn't tell itself."""


def _remembered(cls: type[torch.nn.Module], *args: Any, **kwargs: Any) -> torch.nn.Module:
    made: torch.nn.Module = object.__new__(cls)
    _BUILT[made] = args, kwargs
    return made


torch.nn.Module.__new__ = staticmethod(_remembered)  # type: ignore[method-assign,assignment]


def _rebuilt(module: torch.nn.Module) -> Any:
    """The module of the same name made with the same arguments, holding the same state."""
    args, kwargs = _BUILT[module]
    made = getattr(retrograd.nn, type(module).__name__)(*converted(args), **converted(kwargs))
    made.load_state_dict(converted(dict(module.state_dict())))
    return made
