"""Processes that share tensors, under PyTorch's name ``torch.multiprocessing``.

All of Python's ``multiprocessing`` is here too: its queues and pipes pass tensors by shared memory once Retrograd is
imported.
"""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

from retrograd.multiprocessing.shared import is_shared, share
from retrograd.multiprocessing.tensors import register

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "is_shared", "set_sharing_strategy", "share"]

register()

if not TYPE_CHECKING:
    globals().update({name: getattr(multiprocessing, name) for name in multiprocessing.__all__})
    __all__ += multiprocessing.__all__


def get_all_sharing_strategies() -> set[str]:
    """The ways to share memory: one."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The way in use."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose a way.

    Raises:
        ValueError: for one that is not there.
    """
    if new_strategy not in get_all_sharing_strategies():
        raise ValueError(f"there is no sharing strategy {new_strategy!r}; there is: file_system")
