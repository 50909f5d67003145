"""The ring: a memory-mapped file between the debuggee, which appends, and the recorder, which drains.

A header page of 64-bit words, then a data region. A frame is one word (length << 8 | kind) and its bytes, padded to 8;
frames never straddle the end of the region (a PAD frame fills it), records larger than a quarter of it travel in parts.
``head`` and ``tail`` count bytes for ever, so ``head - tail`` is what is in flight. The writer stores a frame before it
moves ``head``: what a killed writer left behind is whole frames.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import platform
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TypeVar, Union

import msgspec

from retrograd_debug.platform import process_alive, process_stamp
from retrograd_events import tr

Bytes = Union[bytes, bytearray, memoryview]

EVENT, VALUE, ACT, PART, PAD, EVENTS = 1, 2, 3, 4, 5, 6

STARTING, READY, FINISHED, FAILED = 0, 1, 2, 3

IN_FLIGHT = 64 << 20
DEFAULT_SIZE = 80 << 20

_HEADER = 4096
_MAGIC = int.from_bytes(b"RTRDRING", "little")
_LAYOUT = 1
(
    _W_MAGIC, _W_LAYOUT, _W_CAPACITY, _W_CREATOR, _W_CREATOR_STAMP, _W_WRITER, _W_WRITER_STAMP, _W_CLOSED,
    _W_REQUESTED, _W_COMMITTED, _W_RECORDER, _W_RECORDER_STAMP, _W_STATUS, _W_EXIT_KNOWN, _W_EXIT_CODE, _W_EXIT_SIGNAL,
) = range(16)  # fmt: skip
# head and tail each have a cache line of their own: two processes write them.
_W_HEAD, _W_TAIL, _W_MESSAGE = 32, 48, 127
_MESSAGE_AT, _MESSAGE_SIZE = 1024, 2048

_ORDERED_STORES = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")

R = TypeVar("R", bound="Ring")


class RingError(Exception):
    """The ring can't be used; the message is a sentence for a person."""


class ActRecord(msgspec.Struct, frozen=True, array_like=True):
    """An act as it travels through the ring: after event ``after``, at Unix time ``time``."""

    after: int
    time: float
    kind: str
    text: str
    result: str


class Ring:
    """What both ends, and whoever started them, see of a ring."""

    def __init__(self, path: Path) -> None:
        """Map an existing ring; ``RingError`` when ``path`` is none."""
        self.path = path
        try:
            with path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), 0)
        except (OSError, ValueError) as error:
            raise RingError(tr("The ring {path} can't be opened: {error}", path=path, error=error)) from error
        size = len(self._map)
        self._words = memoryview(self._map).cast("Q") if size % 8 == 0 else memoryview(bytes(_HEADER)).cast("Q")
        if (
            size <= _HEADER
            or self._words[_W_MAGIC] != _MAGIC
            or self._words[_W_LAYOUT] != _LAYOUT
            or self._words[_W_CAPACITY] != size - _HEADER
        ):
            self.unmap()
            raise RingError(tr("{path} is no ring of this version.", path=path))
        self._capacity = self._words[_W_CAPACITY]
        self._end = _HEADER + self._capacity

    @classmethod
    def open(cls: type[R], path: str | os.PathLike[str]) -> R:
        """Map an existing ring."""
        return cls(Path(path))

    @property
    def in_flight(self) -> int:
        """Bytes written and not yet drained."""
        return self._words[_W_HEAD] - self._words[_W_TAIL]

    @property
    def closed(self) -> bool:
        """The writer said that nothing more will come."""
        return self._words[_W_CLOSED] != 0

    @property
    def requested(self) -> int:
        """The newest event that someone waits to see committed."""
        return self._words[_W_REQUESTED]

    @property
    def committed(self) -> int:
        """The newest event known to be in the log."""
        return self._words[_W_COMMITTED]

    @property
    def writer_pid(self) -> int:
        """The process that appends (0: none has come yet)."""
        return self._words[_W_WRITER]

    @property
    def creator_alive(self) -> bool:
        """Whether the process that made the ring still runs."""
        return process_alive(self._words[_W_CREATOR], self._words[_W_CREATOR_STAMP])

    @property
    def writer_alive(self) -> bool:
        """Whether the writer, or before it came the process that made the ring, still runs."""
        if self._words[_W_WRITER]:
            return process_alive(self._words[_W_WRITER], self._words[_W_WRITER_STAMP])
        return self.creator_alive

    @property
    def recorder_status(self) -> int:
        """STARTING, READY, FINISHED or FAILED (then ``recorder_message`` says why)."""
        return self._words[_W_STATUS]

    @property
    def recorder_alive(self) -> bool:
        """Whether a recorder has come and still runs."""
        return process_alive(self._words[_W_RECORDER], self._words[_W_RECORDER_STAMP])

    @property
    def recorder_message(self) -> str:
        """Why the recorder failed, as a sentence ("" when it didn't)."""
        size = min(self._words[_W_MESSAGE], _MESSAGE_SIZE)
        return self._map[_MESSAGE_AT : _MESSAGE_AT + size].decode("utf-8", "replace")

    @property
    def exit(self) -> tuple[int, int] | None:
        """What ``report_exit`` said: (exit code, signal)."""
        if not self._words[_W_EXIT_KNOWN]:
            return None
        return self._words[_W_EXIT_CODE], self._words[_W_EXIT_SIGNAL]

    def report_exit(self, returncode: int) -> None:
        """Tell the recorder how the writer's process ended, as ``Popen.returncode`` has it (negative: a signal)."""
        self._words[_W_EXIT_CODE] = returncode if returncode >= 0 else 128 - returncode
        self._words[_W_EXIT_SIGNAL] = max(0, -returncode)
        self._words[_W_EXIT_KNOWN] = 1

    def request_commit(self, seq: int) -> None:
        """Ask the recorder to commit everything up to event ``seq`` at once."""
        if seq > self._words[_W_REQUESTED]:
            self._words[_W_REQUESTED] = seq

    def wait_committed(self, seq: int, timeout: float) -> bool:
        """Ask for and wait until event ``seq`` is committed; False after ``timeout`` seconds or if nobody records."""
        self.request_commit(seq)
        deadline = time.monotonic() + timeout
        check = time.monotonic() + 0.25
        while self._words[_W_COMMITTED] < seq:
            now = time.monotonic()
            if now >= deadline or self._words[_W_STATUS] >= FINISHED:
                return self._words[_W_COMMITTED] >= seq
            if now >= check:
                if self._words[_W_STATUS] == READY and not self.recorder_alive:
                    return self._words[_W_COMMITTED] >= seq
                check = now + 0.25
            time.sleep(0.0002)
        return True

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the recorder has opened the log; False after ``timeout`` seconds or when it failed."""
        deadline = time.monotonic() + timeout
        while self._words[_W_STATUS] == STARTING and time.monotonic() < deadline:
            time.sleep(0.001)
        return self._words[_W_STATUS] in (READY, FINISHED)

    def mark_closed(self) -> None:
        """Say that nothing more will come (the launcher's way when the writer never came)."""
        self._words[_W_CLOSED] = 1

    def unmap(self) -> None:
        """Let go of the memory; the ring itself stays."""
        if hasattr(self, "_words"):
            self._words.release()
        self._map.close()

    def __enter__(self: R) -> R:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unmap()


def create_ring(path: str | os.PathLike[str], size: int = DEFAULT_SIZE) -> Path:
    """Make an empty ring of ``size`` data bytes for a writer that comes later (``RingWriter.open``).

    The space is reserved at once, so that a full disk is an error here and not a crash in the middle of a run.
    """
    path = Path(path)
    capacity = max(size, 64) & -8
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, _HEADER + capacity)
            else:
                os.ftruncate(descriptor, _HEADER + capacity)
            with mmap.mmap(descriptor, _HEADER + capacity) as area, memoryview(area).cast("Q") as words:
                words[_W_LAYOUT] = _LAYOUT
                words[_W_CAPACITY] = capacity
                words[_W_CREATOR] = os.getpid()
                words[_W_CREATOR_STAMP] = process_stamp(os.getpid())
                words[_W_MAGIC] = _MAGIC
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RingError(tr("No ring could be made at {path}: {error}", path=path, error=error)) from error
    return path


def sweep_rings(folder: Path) -> list[Path]:
    """Remove the rings in ``folder`` whose every process is gone (all killed at once); what was removed."""
    removed: list[Path] = []
    for path in folder.glob("retrograd-*.ring"):
        try:
            with Ring.open(path) as ring:
                abandoned = not (ring.creator_alive or ring.writer_alive or ring.recorder_alive)
        except RingError:
            continue  # someone else's, or just being made
        if abandoned:
            with contextlib.suppress(OSError):
                path.unlink()
                removed.append(path)
    return removed


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
        head = self._words[_W_HEAD]
        self._at = _HEADER + head % self._capacity
        self._base = head - self._at
        self._stop = 0
        self._piece = self._capacity // 4 - 16 & -8
        self._value_room = min(IN_FLIGHT, self._capacity * 4 // 5)
        self._words[_W_WRITER_STAMP] = process_stamp(os.getpid())
        self._words[_W_WRITER] = os.getpid()

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
        self._words[_W_HEAD] = self._base + following

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
        self._words[_W_HEAD] = self._base + following

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
        return not self.lost and self._base + self._at + size + 16 - self._words[_W_TAIL] <= self._value_room

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
        self._words[_W_HEAD] = self._base + self._at
        return True

    def _reserve(self, step: int) -> bool:
        """Move to where ``step`` bytes fit in one piece, waiting for the recorder if need be; False: it is gone."""
        words = self._words
        give_up = 0.0
        while not self.lost:
            head = self._base + self._at
            free = self._capacity - (head - words[_W_TAIL])
            to_end = self._end - self._at
            if step <= to_end:
                if step <= free:
                    self._stop = self._at + min(free, to_end)
                    return True
            elif to_end + step <= free:
                if to_end:
                    words[self._at >> 3] = to_end - 8 << 8 | PAD
                self._at = _HEADER
                self._base += self._capacity
                words[_W_HEAD] = self._base + self._at
                continue
            now = time.monotonic()
            if now >= give_up > 0.0 and self._nobody_drains():
                break
            if now >= give_up:
                # A recorder that is still starting gets ten seconds; one that runs is looked at four times a second.
                give_up = now + (0.25 if words[_W_RECORDER] else 10.0)
            time.sleep(0.0002)
        self.lost = True
        self._stop = 0
        return False

    def _nobody_drains(self) -> bool:
        return self._words[_W_STATUS] >= FINISHED or not self.recorder_alive


class RingReader(Ring):
    """The recorder's end."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._parts: list[bytes] = []
        self._tail = self._words[_W_TAIL]

    def attach(self) -> None:
        """Say that this process drains the ring."""
        self._words[_W_RECORDER_STAMP] = process_stamp(os.getpid())
        self._words[_W_RECORDER] = os.getpid()

    @property
    def quiet(self) -> bool:
        """Nothing was written, asked for or closed since the last look."""
        words = self._words
        return words[_W_HEAD] == self._tail and words[_W_REQUESTED] <= words[_W_COMMITTED] and not words[_W_CLOSED]

    def set_status(self, status: int, message: str = "") -> None:
        """Say how the recording stands; ``message`` is a sentence."""
        data = message.encode()[:_MESSAGE_SIZE]
        self._map[_MESSAGE_AT : _MESSAGE_AT + len(data)] = data
        self._words[_W_MESSAGE] = len(data)
        self._words[_W_STATUS] = status

    def set_committed(self, seq: int) -> None:
        """Say that the log holds everything up to event ``seq``."""
        self._words[_W_COMMITTED] = seq

    def read(self, limit: int = 1 << 20) -> list[tuple[int, bytes]]:
        """Take whole frames of together at least ``limit`` bytes, or all there are: (kind, bytes).

        ``RingError`` when what lies there can't have been written by a ring writer.
        """
        words, area, capacity = self._words, self._map, self._capacity
        head = words[_W_HEAD]
        if not _ORDERED_STORES:
            # Elsewhere than on x86 the head may become visible before the frame; a system call later both are.
            time.sleep(0)
        tail = self._tail
        stop = min(head, tail + limit)
        frames: list[tuple[int, bytes]] = []
        while tail < stop:
            at = _HEADER + tail % capacity
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
        words[_W_TAIL] = tail
        return frames
