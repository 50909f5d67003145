"""The script's standard streams: what it writes becomes events, and that it waits for input is told."""

from __future__ import annotations

import io
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO, cast

HOLD_BACK = 0.05
"""Seconds that a line may wait for more lines to share an event with."""

LARGEST = 8192
"""Characters after which buffered output becomes an event at once."""


class OutputBuffer:
    """Collects what is written, so that 100,000 lines are some hundred events."""

    def __init__(self, emit: Callable[[str, str], None], wake: Callable[[Callable[[], None]], None]) -> None:
        """``emit(stream, text)`` writes an event; ``wake(flush)`` has ``flush`` called before the next other event."""
        self._emit = emit
        self._wake = wake
        self._lock = threading.RLock()
        self._parts: list[tuple[str, str]] = []
        self._size = 0
        self._since = 0.0

    def add(self, stream: str, text: str) -> None:
        """Take some output."""
        with self._lock:
            if not self._parts:
                self._since = time.monotonic()
                self._wake(self.flush)
            self._parts.append((stream, text))
            self._size += len(text)
            if self._size >= LARGEST:
                self.flush()

    def flush_old(self) -> None:
        """Write what has waited long enough (called a few times a second)."""
        if self._parts and time.monotonic() - self._since >= HOLD_BACK:
            self.flush()

    def flush(self) -> None:
        """Write all of it, one event for each run of one stream."""
        with self._lock:
            parts, self._parts, self._size = self._parts, [], 0
            at = 0
            while at < len(parts):
                stream = parts[at][0]
                start = at
                while at < len(parts) and parts[at][0] == stream:
                    at += 1
                self._emit(stream, "".join(text for _, text in parts[start:at]))


class Tee:
    """A standard stream that also tells what is written; in everything else it is the original."""

    def __init__(self, original: TextIO, name: str, buffer: OutputBuffer) -> None:
        self._original = original
        self._stream = name
        self._output = buffer
        self._pid = os.getpid()
        self.muted = False
        """Whether the original hears nothing."""

    def write(self, text: str) -> int:
        """Write to the original; in a forked child nothing more."""
        count = len(text) if self.muted else self._original.write(text)
        if text and os.getpid() == self._pid:
            self._output.add(self._stream, text)
        return count

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """Leave the original open: the interpreter still needs it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._original)

    def __enter__(self) -> Tee:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()


class WatchedInput(io.FileIO):
    """Standard input that tells when the script waits for it, and what it got."""

    def __init__(self, descriptor: int, wanted: Callable[[bool], None], came: Callable[[bytes], None]) -> None:
        super().__init__(descriptor, "rb", closefd=False)
        self._wanted = wanted
        self._came = came
        self._pid = os.getpid()

    def readinto(self, buffer: Any) -> int | None:
        """Read, telling before and after if it has to wait."""
        if os.getpid() != self._pid:
            return super().readinto(buffer)
        ready = self._ready()
        if not ready:
            self._wanted(True)
        try:
            count = super().readinto(buffer)
        finally:
            if not ready:
                self._wanted(False)
        if count:
            self._came(bytes(memoryview(buffer)[:count]))
        return count

    def _ready(self) -> bool:
        try:
            return bool(select.select([self.fileno()], [], [], 0)[0])
        except (OSError, ValueError):
            return False


class Streams:
    """Puts the streams in place and takes them away again."""

    def __init__(
        self,
        output: OutputBuffer,
        wanted: Callable[[bool], None] | None,
        came: Callable[[bytes], None],
        given: io.RawIOBase | None = None,
    ) -> None:
        """``wanted`` is told about waiting for input, ``came`` of what came; without ``wanted`` a terminal is left
        alone. ``given`` takes the place of stdin."""
        self.output = output
        self._wanted = wanted
        self._came = came
        self._given = given
        self._before: tuple[TextIO, TextIO, TextIO] | None = None

    def install(self) -> None:
        """From here on output is recorded."""
        self._before = (sys.stdin, sys.stdout, sys.stderr)
        if sys.stdout is not None:
            sys.stdout = cast(TextIO, Tee(sys.stdout, "stdout", self.output))
        if sys.stderr is not None:
            sys.stderr = cast(TextIO, Tee(sys.stderr, "stderr", self.output))
        raw = self._given or self._watched()
        if raw is not None and sys.stdin is not None:
            sys.stdin = io.TextIOWrapper(io.BufferedReader(raw), encoding=sys.stdin.encoding, errors=sys.stdin.errors)

    def _watched(self) -> io.RawIOBase | None:
        if sys.stdin is None or (self._wanted is None and sys.stdin.isatty()):
            return None
        try:
            return WatchedInput(sys.stdin.fileno(), self._wanted or _ignored, self._came)
        except (OSError, ValueError):
            return None

    def mute(self, muted: bool) -> None:
        """Whether what is written is heard (it is recorded in any case)."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(cast(object, stream), Tee):
                cast(Tee, stream).muted = muted

    def remove(self) -> None:
        """Put the originals back where ours still are."""
        if self._before is None:
            return
        stdin, stdout, stderr = self._before
        self._before = None
        if isinstance(cast(object, sys.stdout), Tee):
            sys.stdout = stdout
        if isinstance(cast(object, sys.stderr), Tee):
            sys.stderr = stderr
        if sys.stdin is not None and sys.stdin is not stdin:
            sys.stdin = stdin
        self.output.flush()


def _ignored(wanted: bool) -> None:
    """Nobody is told that the script waits."""
