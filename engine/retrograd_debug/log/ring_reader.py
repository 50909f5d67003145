"""The recorder's end of the ring."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from retrograd_debug.log.ring import (
    HEADER,
    MESSAGE_AT,
    MESSAGE_SIZE,
    PAD,
    PART,
    W_CLOSED,
    W_COMMITTED,
    W_HEAD,
    W_MESSAGE,
    W_RECORDER,
    W_RECORDER_STAMP,
    W_REQUESTED,
    W_STATUS,
    W_TAIL,
    Ring,
    RingError,
)
from retrograd_debug.platform import process_stamp
from retrograd_events import tr

_ORDERED_STORES = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")


class RingReader(Ring):
    """The recorder's end."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._parts: list[bytes] = []
        self._tail = self._words[W_TAIL]

    def attach(self) -> None:
        """Say that this process drains the ring."""
        self._words[W_RECORDER_STAMP] = process_stamp(os.getpid())
        self._words[W_RECORDER] = os.getpid()

    @property
    def quiet(self) -> bool:
        """Nothing was written, asked for or closed since the last look."""
        words = self._words
        return words[W_HEAD] == self._tail and words[W_REQUESTED] <= words[W_COMMITTED] and not words[W_CLOSED]

    def set_status(self, status: int, message: str = "") -> None:
        """Say how the recording stands; ``message`` is a sentence."""
        data = message.encode()[:MESSAGE_SIZE]
        self._map[MESSAGE_AT : MESSAGE_AT + len(data)] = data
        self._words[W_MESSAGE] = len(data)
        self._words[W_STATUS] = status

    def set_committed(self, seq: int) -> None:
        """Say that the log holds everything up to event ``seq``."""
        self._words[W_COMMITTED] = seq

    def read(self, limit: int = 1 << 20) -> list[tuple[int, bytes]]:
        """Take whole frames of together at least ``limit`` bytes, or all there are: (kind, bytes).

        ``RingError`` when what lies there can't have been written by a ring writer.
        """
        words, area, capacity = self._words, self._map, self._capacity
        head = words[W_HEAD]
        if not _ORDERED_STORES:
            # Elsewhere than on x86 the head may become visible before the frame; a system call later both are.
            time.sleep(0)
        tail = self._tail
        stop = min(head, tail + limit)
        frames: list[tuple[int, bytes]] = []
        while tail < stop:
            at = HEADER + tail % capacity
            word = words[at >> 3]
            kind = word & 255
            size = word >> 8
            step = size + 15 & -8
            if step > head - tail or at + step > self._end:
                raise RingError(tr("The ring {path} is damaged.", path=self.path))
            if kind == PART:
                self._parts.append(area[at + 8 : at + 8 + size])
            elif kind != PAD:
                data = area[at + 8 : at + 8 + size]
                if self._parts:
                    self._parts.append(data)
                    data = b"".join(self._parts)
                    self._parts.clear()
                frames.append((kind, data))
            tail += step
        self._tail = tail
        words[W_TAIL] = tail
        return frames
