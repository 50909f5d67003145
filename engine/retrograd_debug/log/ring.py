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
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TypeVar, Union

import msgspec

from retrograd_debug.platform import process_alive, process_stamp
from retrograd_events import tr

Bytes = Union[bytes, bytearray, memoryview]

EVENT, VALUE, ACT, PART, PAD, EVENTS = 1, 2, 3, 4, 5, 6

STARTING, READY, FINISHED, FAILED = 0, 1, 2, 3

IN_FLIGHT = 64 << 20
DEFAULT_SIZE = 80 << 20

HEADER = 4096
_MAGIC = int.from_bytes(b"RTRDRING", "little")
_LAYOUT = 2
(
    W_MAGIC, W_LAYOUT, W_CAPACITY, W_CREATOR, W_CREATOR_STAMP, W_WRITER, W_WRITER_STAMP, W_CLOSED,
    W_REQUESTED, W_COMMITTED, W_RECORDER, W_RECORDER_STAMP, W_STATUS, W_EXIT_KNOWN, W_EXIT_CODE, W_EXIT_SIGNAL,
    W_EXIT_ASKED,
) = range(17)  # fmt: skip
# head and tail each have a cache line of their own: two processes write them.
W_HEAD, W_TAIL, W_MESSAGE = 32, 48, 127
MESSAGE_AT, MESSAGE_SIZE = 1024, 2048

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


class Exit(NamedTuple):
    """How the writer's process ended: its exit code, the signal (0: none) and whether a person had asked for it."""

    code: int
    signal: int
    asked: bool


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
        self._words = memoryview(self._map).cast("Q") if size % 8 == 0 else memoryview(bytes(HEADER)).cast("Q")
        if (
            size <= HEADER
            or self._words[W_MAGIC] != _MAGIC
            or self._words[W_LAYOUT] != _LAYOUT
            or self._words[W_CAPACITY] != size - HEADER
        ):
            self.unmap()
            raise RingError(tr("{path} is no ring of this version.", path=path))
        self._capacity = self._words[W_CAPACITY]
        self._end = HEADER + self._capacity

    @classmethod
    def open(cls: type[R], path: str | os.PathLike[str]) -> R:
        """Map an existing ring."""
        return cls(Path(path))

    @property
    def in_flight(self) -> int:
        """Bytes written and not yet drained."""
        return self._words[W_HEAD] - self._words[W_TAIL]

    @property
    def closed(self) -> bool:
        """The writer said that nothing more will come."""
        return self._words[W_CLOSED] != 0

    @property
    def requested(self) -> int:
        """The newest event that someone waits to see committed."""
        return self._words[W_REQUESTED]

    @property
    def committed(self) -> int:
        """The newest event known to be in the log."""
        return self._words[W_COMMITTED]

    @property
    def writer_pid(self) -> int:
        """The process that appends (0: none has come yet)."""
        return self._words[W_WRITER]

    @property
    def creator_alive(self) -> bool:
        """Whether the process that made the ring still runs."""
        return process_alive(self._words[W_CREATOR], self._words[W_CREATOR_STAMP])

    @property
    def writer_alive(self) -> bool:
        """Whether the writer, or before it came the process that made the ring, still runs."""
        if self._words[W_WRITER]:
            return process_alive(self._words[W_WRITER], self._words[W_WRITER_STAMP])
        return self.creator_alive

    @property
    def recorder_status(self) -> int:
        """STARTING, READY, FINISHED or FAILED (then ``recorder_message`` says why)."""
        return self._words[W_STATUS]

    @property
    def recorder_alive(self) -> bool:
        """Whether a recorder has come and still runs."""
        return process_alive(self._words[W_RECORDER], self._words[W_RECORDER_STAMP])

    @property
    def recorder_message(self) -> str:
        """Why the recorder failed, as a sentence ("" when it didn't)."""
        size = min(self._words[W_MESSAGE], MESSAGE_SIZE)
        return self._map[MESSAGE_AT : MESSAGE_AT + size].decode("utf-8", "replace")

    @property
    def exit(self) -> Exit | None:
        """What ``report_exit`` said (None: nothing yet)."""
        if not self._words[W_EXIT_KNOWN]:
            return None
        return Exit(self._words[W_EXIT_CODE], self._words[W_EXIT_SIGNAL], self._words[W_EXIT_ASKED] != 0)

    def report_exit(self, returncode: int, asked: bool = False) -> None:
        """Tell the recorder how the writer's process ended, as ``Popen.returncode`` has it (negative: a signal), and
        whether a person had asked for it."""
        self._words[W_EXIT_CODE] = returncode if returncode >= 0 else 128 - returncode
        self._words[W_EXIT_SIGNAL] = max(0, -returncode)
        self._words[W_EXIT_ASKED] = asked
        self._words[W_EXIT_KNOWN] = 1

    def request_commit(self, seq: int) -> None:
        """Ask the recorder to commit everything up to event ``seq`` at once."""
        if seq > self._words[W_REQUESTED]:
            self._words[W_REQUESTED] = seq

    def wait_committed(self, seq: int, timeout: float) -> bool:
        """Ask for and wait until event ``seq`` is committed; False after ``timeout`` seconds or if nobody records."""
        self.request_commit(seq)
        deadline = time.monotonic() + timeout
        check = time.monotonic() + 0.25
        while self._words[W_COMMITTED] < seq:
            now = time.monotonic()
            if now >= deadline or self._words[W_STATUS] >= FINISHED:
                return self._words[W_COMMITTED] >= seq
            if now >= check:
                if self._words[W_STATUS] == READY and not self.recorder_alive:
                    return self._words[W_COMMITTED] >= seq
                check = now + 0.25
            time.sleep(0.0002)
        return True

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the recorder has opened the log; False after ``timeout`` seconds or when it failed."""
        deadline = time.monotonic() + timeout
        while self._words[W_STATUS] == STARTING and time.monotonic() < deadline:
            time.sleep(0.001)
        return self._words[W_STATUS] in (READY, FINISHED)

    def mark_closed(self) -> None:
        """Say that nothing more will come (the launcher's way when the writer never came)."""
        self._words[W_CLOSED] = 1

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
                os.posix_fallocate(descriptor, 0, HEADER + capacity)
            else:
                os.ftruncate(descriptor, HEADER + capacity)
            with mmap.mmap(descriptor, HEADER + capacity) as area, memoryview(area).cast("Q") as words:
                words[W_LAYOUT] = _LAYOUT
                words[W_CAPACITY] = capacity
                words[W_CREATOR] = os.getpid()
                words[W_CREATOR_STAMP] = process_stamp(os.getpid())
                words[W_MAGIC] = _MAGIC
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
