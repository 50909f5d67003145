"""The debug core: agent, log, session, graph; free of Qt."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    record: Callable[..., AbstractContextManager[object]]

__all__ = ["record"]


def __getattr__(name: str) -> object:
    # Recording needs the agent, which the app's process never loads: found when it is asked for.
    if name == "record":
        return importlib.import_module("retrograd_debug.recording").record
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
