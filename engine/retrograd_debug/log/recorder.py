"""The recorder process: drains a ring into a log and finishes the log when the debuggee is gone.

Run as ``python -m retrograd_debug.log.recorder RING LOG``; started by ``retrograd_debug.log.launch.start_recorder``.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import msgspec

from retrograd_debug.log.ring import ACT, EVENT, EVENTS, FAILED, FINISHED, READY, ActRecord, Exit, RingError
from retrograd_debug.log.ring_reader import RingReader
from retrograd_debug.log.writer import LogWriter
from retrograd_events import tr
from retrograd_events.events import AnyEvent, RunEnded, Seq, ValueRecorded

_BUSY_FLUSH = 0.05
_IDLE_FLUSH = 0.01
_SLEEP_MIN, _SLEEP_MAX = 0.0002, 0.005
_LOOK_FOR_WRITER = 0.25
_NAPS = 16
"""Polls of a quiet ring between two looks at everything else."""
_EXIT_WORD = 0.5
"""Seconds that a launcher has, after the writer died, to say how."""


class Recorder:
    """Drains one ring into one log until the writer has closed it or is dead."""

    def __init__(self, ring: RingReader, log: LogWriter) -> None:
        self._ring = ring
        self._log = log
        self._decode = msgspec.msgpack.Decoder(AnyEvent).decode
        self._decode_all = msgspec.msgpack.Decoder(list[AnyEvent]).decode
        self._split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
        self._decode_act = msgspec.msgpack.Decoder(ActRecord).decode
        self._stopping = False
        self._skipped = 0

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Take what is in the ring, finish the log, and end (the handler of SIGTERM)."""
        self._stopping = True

    def run(self) -> None:
        """Record until there is nothing more to come."""
        ring, log = self._ring, self._log
        flushed = looked = time.monotonic()
        pause = _SLEEP_MIN
        while True:
            requested = ring.requested  # read before the frames: what it asks for was written before it
            frames = ring.read()
            for kind, data in frames:
                self._take(kind, data)
            now = time.monotonic()
            wanted = requested > ring.committed and (log.head >= requested or not ring.in_flight)
            if wanted or (log.dirty and now - flushed > (_BUSY_FLUSH if frames else _IDLE_FLUSH)):
                log.flush()
                ring.set_committed(max(log.head, requested if wanted else 0))
                flushed = now
            if frames:
                pause = _SLEEP_MIN
                continue
            if (ring.closed or self._stopping) and not ring.in_flight:
                break
            if now - looked > _LOOK_FOR_WRITER:
                if not ring.writer_alive and not ring.in_flight:
                    self._writer_died()
                    break
                looked = now
            for _ in range(_NAPS):
                time.sleep(pause)
                pause = min(pause * 1.3, _SLEEP_MAX)
                if log.dirty or self._stopping or not ring.quiet:
                    break
        self._finish()

    def _take(self, kind: int, data: bytes) -> None:
        try:
            if kind == EVENT:
                self._log.add(self._decode(data), data)
            elif kind == EVENTS:
                self._take_batch(data)
            elif kind == ACT:
                self._log.add_act(self._decode_act(data))
            else:
                size = int.from_bytes(data[:8], "little")
                event = self._decode(data[8 : 8 + size])
                if isinstance(event, ValueRecorded):
                    self._log.add_value(event, data[8 + size :])
        except msgspec.MsgspecError:
            # One event that can't be read must not cost the rest: its seq is missing, which readers show as a gap.
            self._skipped += 1

    def _take_batch(self, data: bytes) -> None:
        try:
            events = self._decode_all(data)
        except msgspec.MsgspecError:
            for raw in self._split(data):
                self._take(EVENT, bytes(raw))
        else:
            self._log.add_all(events, data)

    def _writer_died(self) -> None:
        """Wait a moment for the launcher's word on how, then end the log in the writer's place."""
        if self._log.ended:
            return
        deadline = time.monotonic() + _EXIT_WORD
        while self._ring.exit is None and time.monotonic() < deadline:
            time.sleep(_SLEEP_MAX)
        exit = self._ring.exit
        code, number, asked = exit or Exit(0, 0, False)
        self._end("stopped" if asked else "lost", code, number, _how_it_died(exit))

    def _end(self, reason: str, code: int, number: int, message: str) -> None:
        state = self._log.state
        event = RunEnded(Seq(self._log.head + 1), state.time, 0, reason, code, number, message)
        self._log.add(event, msgspec.msgpack.encode(event))

    def _finish(self) -> None:
        if not self._log.ended:
            self._end("stopped", 0, 0, tr("The recording was ended before the script."))
        self._log.finish()
        self._ring.set_committed(max(self._log.head, self._ring.requested))


def _how_it_died(exit: Exit | None) -> str:
    """The end of a process that did not say that it would, in words: ``exit`` is its code and signal where known."""
    if exit is None:
        return tr("The process is gone, and nobody saw how.")
    code, number, asked = exit
    if not number:
        return tr("The process ended at once with code {code}, as by os._exit.", code=code)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = tr("signal {number}", number=number)
    if asked:
        return tr("Stopped by you: the script did not end when asked, so {name} ended it.", name=name)
    return tr("The process was ended by {name}.", name=name)


def _reason(error: Exception) -> str:
    """What went wrong, without what Python adds to it."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.removesuffix(".")


def record(ring_path: Path, log_path: Path) -> int:
    """Record ``ring_path`` into ``log_path`` until its writer is done; the process's exit status."""
    try:
        ring = RingReader.open(ring_path)
    except RingError as error:
        print(error, file=sys.stderr)
        return 1
    ring.attach()
    status = 1
    try:
        log = LogWriter(log_path)
    except (OSError, sqlite3.Error) as error:
        ring.set_status(FAILED, tr("The log {path} can't be written: {reason}.", path=log_path, reason=_reason(error)))
    else:
        recorder = Recorder(ring, log)
        with contextlib.suppress(ValueError):  # only a main thread may set it
            signal.signal(signal.SIGTERM, recorder.stop)
        ring.set_status(READY)
        message = tr("The recorder ended by a fault of its own.")
        try:
            recorder.run()
            status = 0
        except (OSError, sqlite3.Error, RingError) as error:
            message = tr("The recording stopped: {reason}.", reason=_reason(error))
        finally:
            # Whatever happened, the writer must not wait for a recorder that is gone.
            ring.set_status(FAILED if status else FINISHED, message if status else "")
            log.close()
    ring.unmap()
    with contextlib.suppress(OSError):  # Windows keeps a file that its writer still has mapped
        ring_path.unlink()
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the recorder process."""
    parser = argparse.ArgumentParser(prog="retrograd_debug.log.recorder")
    parser.add_argument("ring", type=Path)
    parser.add_argument("log", type=Path)
    given = parser.parse_args(arguments)
    # Ctrl+C in the terminal is meant for the script; the recorder ends when the script has.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing here makes reference cycles, and collections cost a fifth of the time.
    gc.disable()
    return record(given.ring, given.log)


if __name__ == "__main__":
    sys.exit(main())
