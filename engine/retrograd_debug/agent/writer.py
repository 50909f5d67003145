"""Numbers events and writes them to the ring: the one place where ``seq`` is given."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, Union

import msgspec

from retrograd_debug.agent.threads import Threads
from retrograd_events.events import ValueRecorded

Bytes = Union[bytes, bytearray, memoryview]
VALUE_TAG = 28


class EventRing(Protocol):
    """What the writer needs of a ring."""

    def write(self, record: bytes) -> None:
        """Append an encoded event; waits while the ring is full."""
        ...

    def try_write_value(self, record: bytes, data: Bytes) -> bool:
        """Append a value, or nothing when it does not fit the bytes in flight."""
        ...

    def write_act(self, after: int, kind: str, text: str, result: str = "") -> None:
        """Append an act."""
        ...

    def request_commit(self, seq: int) -> None:
        """Ask for a commit up to ``seq``."""
        ...

    def wait_committed(self, seq: int, timeout: float) -> bool:
        """Wait until ``seq`` is committed."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class EventWriter:
    """Safe from any thread, and from finalizers that run while it writes: what they report waits its turn."""

    def __init__(self, ring: EventRing, threads: Threads) -> None:
        self.seq = 0
        self.started = time.perf_counter_ns()
        self._ring = ring
        self._threads = threads
        self._write = ring.write
        self._encode = msgspec.msgpack.Encoder().encode
        self._lock = threading.RLock()
        self._busy = False
        self._closed = False
        self._deferred: deque[tuple[int, tuple[object, ...]]] = deque()
        self.before: Callable[[], None] | None = None
        """Called once before the next event is numbered (buffered output goes first)."""

    def emit(self, tag: int, body: tuple[object, ...]) -> int:
        """Write ``(tag, seq, time, thread, *body)``; returns its seq (0: it waits, or nothing is recorded any more)."""
        if self.before is not None:
            self._run_before()
        thread = self._threads.current().number
        with self._lock:
            if self._busy or self._closed:
                if self._busy:
                    self._deferred.append((tag, body))
                return 0
            self._busy = True
            try:
                self.seq = seq = self.seq + 1
                self._write(self._encode((tag, seq, time.perf_counter_ns() - self.started, thread, *body)))
            finally:
                self._busy = False
        if self._deferred:
            self._drain()
        return seq

    def emit_value(
        self, tensor: int, version: int, kind: str, shape: tuple[int, ...], dtype: str, stride: int, data: Bytes
    ) -> bool:
        """Write a value; when it does not fit the bytes in flight, write that it was skipped and return False."""
        thread = self._threads.current().number
        with self._lock:
            if self._busy or self._closed:
                return False
            self._busy = True
            try:
                self.seq = seq = self.seq + 1
                now = time.perf_counter_ns() - self.started
                head = (VALUE_TAG, seq, now, thread, tensor, version)
                if self._ring.try_write_value(self._encode((*head, kind, shape, dtype, stride, "", b"")), data):
                    written = True
                else:
                    written = False
                    self._write(self._encode((*head, "skipped", shape, dtype, 1, "not kept: budget", b"")))
            finally:
                self._busy = False
        if self._deferred:
            self._drain()
        return written

    def emit_value_skipped(self, tensor: int, version: int, shape: tuple[int, ...], dtype: str, reason: str) -> None:
        """Write that a value was not kept, and why."""
        self.emit(VALUE_TAG, (tensor, version, "skipped", shape, dtype, 1, reason, b""))

    def act(self, kind: str, text: str, result: str = "") -> None:
        """Keep something that the person did, beside the events."""
        with self._lock:
            if not self._closed:
                self._ring.write_act(self.seq, kind, text, result)

    def commit(self, timeout: float = 5.0) -> bool:
        """Wait until everything written so far is in the log."""
        if self.before is not None:
            self._run_before()
        return self._closed or self._ring.wait_committed(self.seq, timeout)

    def hasten(self) -> None:
        """Ask for everything written so far to be committed soon, without waiting."""
        if not self._closed:
            self._ring.request_commit(self.seq)

    def close(self) -> None:
        """The last event is written."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._ring.close()

    def abandon(self) -> None:
        """In a forked child: write nothing any more, and leave the parent's ring alone."""
        self._lock = threading.RLock()
        self._busy = False
        self._closed = True
        self.before = None

    def _run_before(self) -> None:
        before, self.before = self.before, None
        if before is not None:
            before()

    def _drain(self) -> None:
        while self._deferred:
            try:
                tag, body = self._deferred.popleft()
            except IndexError:
                return
            self.emit(tag, body)


assert ValueRecorded.__struct_config__.tag == VALUE_TAG
