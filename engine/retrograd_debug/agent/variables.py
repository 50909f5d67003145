"""The variables of a held frame, in short. Nothing of the user's own runs for it: no ``repr`` of theirs is called."""

from __future__ import annotations

import reprlib
from types import (
    BuiltinFunctionType,
    FrameType,
    FunctionType,
    ModuleType,
)

from retrograd_debug.adapters.base import Source
from retrograd_debug.session.api import Variable
from retrograd_events.events import TensorId

MOST = 500
"""Variables that are listed."""

_HIDDEN = (ModuleType, FunctionType, BuiltinFunctionType, type)
_PLAIN = (bool, int, float, complex, str, bytes, type(None), range, slice)
_MANY = (list, tuple, set, frozenset, dict)


def variables_of(frame: FrameType | None, source: Source) -> list[Variable]:
    """What ``frame`` calls by a name: data, not what a module imports and defines."""
    if frame is None:
        return []
    found = []
    for name, value in list(frame.f_locals.items()):
        if name.startswith("__") or isinstance(value, _HIDDEN):
            continue
        tensor = source.known(value)
        if tensor is not None:
            number, version, text = tensor
            found.append(Variable(name, type(value).__name__, text, TensorId(number), version))
        else:
            found.append(Variable(name, type(value).__name__, _shown(value)))
        if len(found) >= MOST:
            break
    return found


def _shown(value: object) -> str:
    kind = type(value)
    if kind in _PLAIN:
        return reprlib.repr(value)
    if kind in _MANY:
        count = len(value)  # type: ignore[arg-type]  # all of them have one
        inside = value.items() if isinstance(value, dict) else value
        plain = all(
            type(part) in _PLAIN
            for each in list(inside)[:8]  # type: ignore[call-overload]  # all of them can be gone through
            for part in (each if isinstance(value, dict) else (each,))
        )
        return reprlib.repr(value) if plain else f"{count} elements"
    return ""
