"""Randomness that a script takes from the system: noted, so that a replay can be given the same.

Everything that Python and NumPy seed themselves with (``default_rng()``, ``random.seed()``, ``secrets``, ``uuid4``)
comes from ``os.urandom`` or can be made to.
"""

from __future__ import annotations

import os
import random
import threading
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

MOST = 10_000
"""Takings that are noted in a run."""

SEED_BYTES = 2496
"""What Python takes to seed a generator of its own."""


class Entropy:
    """Stands before ``os.urandom``; ``ours`` tells the debugger's own threads, which are let through."""

    def __init__(
        self, note: Callable[[bytes], None], ours: Callable[[], bool], given: Sequence[bytes] | None = None
    ) -> None:
        """``note`` is told what is taken; ``given`` is handed out first."""
        self._note = note
        self._ours = ours
        self._given = list(given or ())
        self._real = os.urandom
        self._noted = 0
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def install(self) -> None:
        """From here on. NumPy and ``secrets`` take theirs by way of ``random``."""
        setattr(os, "urandom", self.urandom)  # noqa: B010  # a module's function is put in place, not assigned
        setattr(random, "_urandom", self.urandom)  # noqa: B010
        seed = random.Random.seed

        def seeded(generator: random.Random, a: Any = None, version: int = 2) -> None:
            if a is None:
                a = int.from_bytes(self.urandom(SEED_BYTES), "big")
            seed(generator, a, version)

        setattr(random.Random, "seed", seeded)  # noqa: B010
        shared: Any = getattr(random, "_inst")  # noqa: B009
        setattr(random, "seed", shared.seed)  # noqa: B010

    def urandom(self, size: int, /) -> bytes:
        """As ``os.urandom``."""
        if os.getpid() != self._pid or self._ours():
            return self._real(size)
        with self._lock:
            data = self._given.pop(0) if self._given and len(self._given[0]) == size else self._real(size)
            self._noted += 1
            if self._noted <= MOST:
                self._note(data)
        return data


def keep_states() -> dict[str, str]:
    """The states of Python's and NumPy's global generators, as text."""
    version, words, spare = random.getstate()
    python = (version, array("I", words).tobytes(), spare)
    name, key, position, has_spare, numpy_spare = np.random.get_state()  # the global generator is the script's
    numpy = (str(name), np.asarray(key).tobytes(), int(position), int(has_spare), float(numpy_spare))
    return {"random.python": _text(python), "random.numpy": _text(numpy)}


def restore_states(states: dict[str, str]) -> None:
    """Bring both generators to states that ``keep_states`` gave."""
    if "random.python" in states:
        version, data, spare = _read(states["random.python"], tuple[int, bytes, float | None])
        random.setstate((version, tuple(array("I", data)), spare))
    if "random.numpy" in states:
        name, key, position, has, numpy_spare = _read(states["random.numpy"], tuple[str, bytes, int, int, float])
        np.random.set_state((name, np.frombuffer(key, np.uint32), position, has, numpy_spare))


def _text(state: object) -> str:
    return b64encode(msgspec.msgpack.encode(state)).decode()


def _read(text: str, kind: Any) -> Any:
    return msgspec.msgpack.decode(b64decode(text), type=kind)
