"""The debuggee's end of the ring."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import msgspec

from retrograd_debug.log.ring import (
    ACT,
    DEFAULT_SIZE,
    EVENT,
    EVENTS,
    FINISHED,
    HEADER,
    IN_FLIGHT,
    PAD,
    PART,
    VALUE,
    W_HEAD,
    W_RECORDER,
    W_STATUS,
    W_TAIL,
    W_WRITER,
    W_WRITER_STAMP,
    ActRecord,
    Bytes,
    Ring,
    create_ring,
)
from retrograd_debug.platform import process_stamp


class RingWriter(Ring):
    """The debuggee's end. One thread at a time: hold ``lock`` around every write when there are several.

    When nobody drains any more (the recorder died), ``lost`` becomes True and records are dropped: the program that is
    watched goes on.
    """

    def __init__(self, path: Path) -> None:
        """Take the ring over as its writer."""
        super().__init__(path)
        self.lock = threading.Lock()
        self.lost = False
        self._pack = msgspec.msgpack.Encoder()
        head = self._words[W_HEAD]
        self._at = HEADER + head % self._capacity
        self._base = head - self._at
        self._stop = 0
        self._piece = self._capacity // 4 - 16 & -8
        self._value_room = min(IN_FLIGHT, self._capacity * 4 // 5)
        self._words[W_WRITER_STAMP] = process_stamp(os.getpid())
        self._words[W_WRITER] = os.getpid()

    @classmethod
    def create(cls, path: str | os.PathLike[str], size: int = DEFAULT_SIZE) -> RingWriter:
        """Make a ring and take it over as its writer."""
        return cls(create_ring(path, size))

    def write(self, record: bytes) -> None:
        """Append an encoded event; waits while the ring is full."""
        size = len(record)
        at = self._at
        following = at + (size + 15 & -8)
        if following > self._stop:
            self._write_slow(EVENT, record)
            return
        self._words[at >> 3] = size << 8 | EVENT
        self._map[at + 8 : at + 8 + size] = record
        self._at = following
        self._words[W_HEAD] = self._base + following

    def write_batch(self, records: bytes) -> None:
        """Append several events, encoded as one array of them; waits while the ring is full."""
        size = len(records)
        at = self._at
        following = at + (size + 15 & -8)
        if following > self._stop:
            self._write_slow(EVENTS, records)
            return
        self._words[at >> 3] = size << 8 | EVENTS
        self._map[at + 8 : at + 8 + size] = records
        self._at = following
        self._words[W_HEAD] = self._base + following

    def try_write(self, record: bytes) -> bool:
        """Append an encoded event that may be left out (a value): False, and nothing written, when room is scarce."""
        if not self._has_room(len(record)):
            return False
        self.write(record)
        return True

    def write_value(self, record: bytes, data: Bytes) -> None:
        """Append an encoded ValueRecorded whose ``data`` is empty, and the bytes that belong there; waits for room."""
        self._write_slow(VALUE, b"".join((len(record).to_bytes(8, "little"), record, data)))

    def try_write_value(self, record: bytes, data: Bytes) -> bool:
        """As ``write_value``, but False, and nothing written, when the value would not fit the bytes in flight."""
        if not self._has_room(len(record) + len(data) + 8):
            return False
        self.write_value(record, data)
        return True

    def write_act(self, after: int, kind: str, text: str, result: str = "") -> None:
        """Append an act (hold, evaluation, edit) done after event ``after``; it is kept beside the events."""
        self._write_slow(ACT, self._pack.encode(ActRecord(after, time.time(), kind, text, result)))

    def close(self) -> None:
        """Say that nothing more will come, and let go of the ring."""
        self.mark_closed()
        self.unmap()

    def _has_room(self, size: int) -> bool:
        return not self.lost and self._base + self._at + size + 16 - self._words[W_TAIL] <= self._value_room

    def _write_slow(self, kind: int, record: bytes) -> None:
        """Write with every check, in parts if large."""
        start, size = 0, len(record)
        while size - start > self._piece:
            if not self._put(PART, record[start : start + self._piece]):
                return
            start += self._piece
        self._put(kind, record[start:] if start else record)

    def _put(self, kind: int, piece: bytes) -> bool:
        size = len(piece)
        step = size + 15 & -8
        if not self._reserve(step):
            return False
        at = self._at
        self._words[at >> 3] = size << 8 | kind
        self._map[at + 8 : at + 8 + size] = piece
        self._at = at + step
        self._words[W_HEAD] = self._base + self._at
        return True

    def _reserve(self, step: int) -> bool:
        """Move to where ``step`` bytes fit in one piece, waiting for the recorder if need be; False: it is gone."""
        words = self._words
        give_up = 0.0
        while not self.lost:
            head = self._base + self._at
            free = self._capacity - (head - words[W_TAIL])
            to_end = self._end - self._at
            if step <= to_end:
                if step <= free:
                    self._stop = self._at + min(free, to_end)
                    return True
            elif to_end + step <= free:
                if to_end:
                    words[self._at >> 3] = to_end - 8 << 8 | PAD
                self._at = HEADER
                self._base += self._capacity
                words[W_HEAD] = self._base + self._at
                continue
            now = time.monotonic()
            if now >= give_up > 0.0 and self._nobody_drains():
                break
            if now >= give_up:
                # A recorder that is still starting gets ten seconds; one that runs is looked at four times a second.
                give_up = now + (0.25 if words[W_RECORDER] else 10.0)
            time.sleep(0.0002)
        self.lost = True
        self._stop = 0
        return False

    def _nobody_drains(self) -> bool:
        return self._words[W_STATUS] >= FINISHED or not self.recorder_alive
