"""What the engine's storages hold, by device: arrays of at least a page, watched weakly."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

PAGE = 4096
MEMORY_ALLOCATED, MEMORY_FREED = 21, 22


class Memory:
    """Writes an event when a storage comes and when it goes (the latter at the next event: it is noticed in a
    finalizer, where nothing may be written)."""

    def __init__(self, emit: Callable[[int, tuple[object, ...]], None]) -> None:
        self._emit = emit
        self._totals: dict[str, int] = {}
        self._live: dict[int, tuple[weakref.ref[Any], int, str, int]] = {}
        self.freed: deque[int] = deque()

    def allocated(self, array: Any, tensor: int, device: str) -> None:
        """``tensor`` was made on ``array``; counts its storage if it is new."""
        storage = array
        while (base := getattr(storage, "base", None)) is not None and hasattr(base, "nbytes"):
            storage = base
        key = id(storage)
        if key in self._live:
            return
        size = int(storage.nbytes)
        try:
            watch: weakref.ref[Any] = weakref.ref(storage, partial(_note, self.freed, key))
        except TypeError:
            return
        self._live[key] = (watch, size, device, tensor)
        total = self._totals[device] = self._totals.get(device, 0) + size
        self._emit(MEMORY_ALLOCATED, (device, size, total, tensor))

    def write_freed(self) -> None:
        """Write what was freed since the last call."""
        while self.freed:
            try:
                known = self._live.pop(self.freed.popleft(), None)
            except IndexError:
                return
            if known is not None:
                _, size, device, tensor = known
                total = self._totals[device] = self._totals[device] - size
                self._emit(MEMORY_FREED, (device, size, total, tensor))


def _note(freed: deque[int], key: int, _: object) -> None:
    freed.append(key)
