"""Numbers events and writes them to the ring: the one place where ``seq`` is given.

An event waits, as a plain list of numbers and strings, until some are there or a millisecond has passed; then they are
numbered, encoded and written together, at a third of what each alone would cost. Whoever needs them in the log now (a
hold, a value, a large allocation, the end) flushes first; a thread flushes what the script leaves lying.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, Union

import msgspec

from retrograd_debug.agent.threads import Threads
from retrograd_events.events import ValueRecorded

Bytes = Union[bytes, bytearray, memoryview]
VALUE_TAG = 28

BATCH = 32
"""Events that are written together at most."""

WAIT = 1_000_000
"""Nanoseconds that an event waits at most while more come."""

IDLE_FLUSH = 0.05
"""Seconds between two looks at what the script left lying."""

Event = list[object]
"""``[tag, 0, time, thread, ...]`` in the order of the event's fields; the 0 becomes its seq."""


class EventRing(Protocol):
    """What the writer needs of a ring."""

    def write_batch(self, records: bytes) -> None:
        """Append events, encoded as one array; waits while the ring is full."""
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
    """Safe from any thread, and from finalizers that run while it writes: what they add is written in its turn.

    ``pending`` is open to the hot path, which appends to it and calls ``flush`` when it holds ``BATCH`` events or
    ``due`` (of ``perf_counter_ns``) has come.
    """

    def __init__(self, ring: EventRing, threads: Threads) -> None:
        self.started = time.perf_counter_ns()
        self.pending: list[Event] = []
        self.due = self.started
        self.before: Callable[[], None] | None = None
        """Called once before the next event is added (buffered output goes first)."""
        self._seq = 0
        self._ring = ring
        self._threads = threads
        self._encode = msgspec.msgpack.Encoder().encode
        self._lock = threading.Lock()
        self._owner = 0
        self._closed = False

    @property
    def seq(self) -> int:
        """The newest event's number."""
        self.flush()
        return self._seq

    def emit(self, tag: int, body: tuple[object, ...]) -> None:
        """Add the event ``(tag, seq, time, thread, *body)``."""
        if self.before is not None:
            self.run_before()
        pending = self.pending
        now = time.perf_counter_ns()
        pending.append([tag, 0, now - self.started, self._threads.current().number, *body])
        if len(pending) >= BATCH or now > self.due:
            self.flush()

    def run_before(self) -> None:
        """Let what waits for the next event go first."""
        before, self.before = self.before, None
        if before is not None:
            before()

    def flush(self) -> None:
        """Number and write what waits. In a finalizer that runs while its own thread writes: left to that thread."""
        me = threading.get_ident()
        if self._owner == me:
            return
        with self._lock:
            self._owner = me
            try:
                self._write_pending()
            finally:
                self._owner = 0

    def _write_pending(self) -> None:
        pending = self.pending
        while pending:
            batch = pending[:]
            del pending[: len(batch)]
            if self._closed:
                return
            seq = self._seq
            for event in batch:
                seq += 1
                event[1] = seq
            self._seq = seq
            self._ring.write_batch(self._encode(batch))
        self.due = time.perf_counter_ns() + WAIT

    def emit_value(
        self, tensor: int, version: int, kind: str, shape: tuple[int, ...], dtype: str, stride: int, data: Bytes
    ) -> bool:
        """Write a value; when it does not fit the bytes in flight, write that it was skipped and return False."""
        thread = self._threads.current().number
        me = threading.get_ident()
        if self._owner == me:
            return False
        with self._lock:
            self._owner = me
            try:
                self._write_pending()
                if self._closed:
                    return False
                now = time.perf_counter_ns() - self.started
                head = (VALUE_TAG, self._seq + 1, now, thread, tensor, version)
                if self._ring.try_write_value(self._encode((*head, kind, shape, dtype, stride, "", b"")), data):
                    self._seq += 1
                    return True
            finally:
                self._owner = 0
        self.emit_value_skipped(tensor, version, shape, dtype, "not kept: budget")
        return False

    def emit_value_skipped(self, tensor: int, version: int, shape: tuple[int, ...], dtype: str, reason: str) -> None:
        """Write that a value was not kept, and why."""
        self.emit(VALUE_TAG, (tensor, version, "skipped", shape, dtype, 1, reason, b""))

    def act(self, kind: str, text: str, result: str = "") -> None:
        """Keep something that the person did, beside the events."""
        self.flush()
        with self._lock:
            if not self._closed:
                self._ring.write_act(self._seq, kind, text, result)

    def commit(self, timeout: float = 5.0) -> bool:
        """Wait until everything written so far is in the log."""
        if self.before is not None:
            self.run_before()
        self.flush()
        return self._closed or self._ring.wait_committed(self._seq, timeout)

    def hasten(self) -> None:
        """Ask for everything written so far to be committed soon, without waiting."""
        self.flush()
        if not self._closed:
            self._ring.request_commit(self._seq)

    def close(self) -> None:
        """The last event is written."""
        self.flush()
        with self._lock:
            if not self._closed:
                self._closed = True
                self._ring.close()

    def abandon(self) -> None:
        """In a forked child: write nothing any more, and leave the parent's ring alone."""
        self._lock = threading.Lock()
        self._owner = 0
        self._closed = True
        self.before = None
        self.pending.clear()


class Flusher:
    """A thread that writes what the script left lying: events that wait for more, output that waits for a line."""

    def __init__(self, *actions: Callable[[], None]) -> None:
        self._actions = actions
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retrograd-flush", daemon=True)

    def start(self) -> None:
        """From here on."""
        self._thread.start()

    def stop(self) -> None:
        """No more, and wait for the thread's end."""
        self._closing.set()
        if self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _run(self) -> None:
        while not self._closing.wait(IDLE_FLUSH):
            for action in self._actions:
                action()


assert ValueRecorded.__struct_config__.tag == VALUE_TAG
