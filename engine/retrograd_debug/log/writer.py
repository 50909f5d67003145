"""Writes a log: decoded events in, SQLite out. Used by the recorder process only (and by tests in its place)."""

from __future__ import annotations

import contextlib
import math
import os
import platform
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec

from retrograd_debug.log import retention, schema
from retrograd_debug.log.reduce import reduce_all
from retrograd_debug.log.ring import ActRecord
from retrograd_debug.log.state import State
from retrograd_events.events import (
    FORMAT_VERSION,
    AnyEvent,
    IterationStarted,
    RunEnded,
    RunStarted,
    ScalarLogged,
    ScopeEntered,
    Seq,
    SiteDefined,
    ValueRecorded,
)

_SOURCE_LIMIT = 4 << 20
_PENDING_BYTES = 16 << 20
_REWRITE_LIMIT = 1024
"""An open chunk with more events than this is sealed when flushed rather than written again with the next flush."""

_CHECKPOINT_PAGES = 4000


_APART = frozenset((IterationStarted, ValueRecorded))
"""Kinds that end a chunk or are not kept as they come."""


@dataclass(slots=True)
class _OpenIteration:
    index: int
    first: Seq
    started: int
    ops_before: int
    last: Seq = Seq(0)
    loss: float | None = None


class LogWriter:
    """One log being written. Not thread-safe: the recorder has one thread."""

    def __init__(self, path: Path, budget: int = retention.BUDGET) -> None:
        """Create the file, which may grow to ``budget`` bytes; ``sqlite3.Error`` or ``OSError`` when that can't be done
        (also when it exists)."""
        self.path = path
        self._budget = budget
        self._written = 0
        self.state = State()
        self.head = Seq(0)
        self.ended = False
        self.dirty = False
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None)
        self._create()
        self._encode = msgspec.msgpack.Encoder().encode
        self._split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
        self._raw: list[bytes] = []
        self._count = 0
        self._first = Seq(0)
        self._flushed = 0
        self._chunks = 0
        self._since_keyframe = 0
        self._bytes_since_keyframe = 0
        self._keyframe_bytes = 0
        self._chunk_rows: list[tuple[object, ...]] = []
        self._iteration_rows: list[tuple[object, ...]] = []
        self._iteration: _OpenIteration | None = None
        self._scopes: set[tuple[object, ...]] = set()
        self._sources: set[str] = set()
        self._contents: list[tuple[bytes, bytes]] = []
        self._values: list[tuple[object, ...]] = []
        self._scalars: list[tuple[object, ...]] = []
        self._pending = 0
        self._special: dict[type, Callable[..., bytes]] = {
            RunStarted: self._run_started,
            RunEnded: self._run_ended,
            IterationStarted: self._iteration_started,
            SiteDefined: self._site,
            ScopeEntered: self._scope,
            ScalarLogged: self._scalar,
            ValueRecorded: self._value,
        }

    def add(self, event: AnyEvent, raw: bytes) -> None:
        """Append ``event``, whose encoded form is ``raw``."""
        special = self._special.get(type(event))
        if special is not None:
            raw = special(event, raw)
        self._append([event], raw)
        if type(event) is IterationStarted and self._keyframe_due():
            self._keyframe()

    def add_all(self, events: list[AnyEvent], data: bytes) -> None:
        """Append ``events``, whose encoded form is the MessagePack array ``data``: as one piece where possible, which
        is what makes many small events cheap."""
        apart = [at for at, event in enumerate(events) if type(event) in _APART]
        if not apart:
            self._add_run(events, data[schema.array_header(data) :])
            return
        raw = self._split(data)
        start = 0
        for at in apart:
            self._add_run(events[start:at], b"".join(raw[start:at]))
            self.add(events[at], bytes(raw[at]))
            start = at + 1
        self._add_run(events[start:], b"".join(raw[start:]))

    def add_value(self, event: ValueRecorded, data: bytes) -> None:
        """Append a value whose bytes travelled beside its event."""
        self._keep(event, data)
        self._append([event], self._encode(event))

    def _add_run(self, events: list[AnyEvent], raw: bytes) -> None:
        if not events:
            return
        for event in events:
            special = self._special.get(type(event))
            if special is not None:
                special(event, b"")
        self._append(events, raw)

    def _append(self, events: list[AnyEvent], raw: bytes) -> None:
        count = len(events)
        if self._count + count > schema.CHUNK_EVENTS and self._count:
            self._seal()
        if not self._count:
            self._first = events[0].seq
        self._raw.append(raw)
        self._count += count
        self.head = events[-1].seq
        reduce_all(self.state, events)
        if self._count >= schema.CHUNK_EVENTS:
            self._seal()
        self.dirty = True

    def add_act(self, act: ActRecord) -> None:
        """Keep an act beside the events."""
        self._begin()
        self._db.execute(
            "INSERT INTO act (after, time, kind, text, result) VALUES (?, ?, ?, ?, ?)",
            (act.after, act.time, act.kind, act.text, act.result),
        )
        self.dirty = True

    def flush(self) -> None:
        """Commit everything added so far."""
        if not self.dirty:
            return
        if self._count > self._flushed:
            if self._count > _REWRITE_LIMIT:
                self._seal()
            else:
                self._write_chunk(schema.RAW, schema.join_events(self._count, self._raw))
                self._flushed = self._count
        if self._iteration is not None:
            self._iteration_rows.append(self._iteration_row(self._iteration))
        self._write_pending()
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        self.dirty = False
        if self._written > self._budget // 16:
            self._written = 0
            if retention.used_bytes(self._db) > self._budget:
                started = self._iteration.first if self._iteration is not None and self._iteration.index else 0
                # A run that never ends its first iteration keeps its newer half.
                retention.thin(self._db, self._budget, Seq(started or self.head // 2))

    def finish(self) -> None:
        """Commit, say in the file that it is whole, and leave one file where no reader stands in the way."""
        if self._raw:
            self._seal()
        self.dirty = True
        self._begin()
        self._db.execute("UPDATE meta SET value = 'closed' WHERE key = 'state'")
        self.flush()
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        # Where a reader has it open the log stays in WAL mode, which is as good.
        with contextlib.suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA journal_mode = DELETE").fetchall()
        self._db.close()

    def close(self) -> None:
        """Let go of the file as it is."""
        self._db.close()

    def _create(self) -> None:
        run = self._db.execute
        run(f"PRAGMA page_size = {schema.PAGE_SIZE}")
        run("PRAGMA auto_vacuum = INCREMENTAL")
        run(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        run(f"PRAGMA user_version = {FORMAT_VERSION}")
        self._db.executescript(schema.TABLES)
        marks = {"state": "open", "recorder": str(os.getpid()), "host": platform.node(), "format": str(FORMAT_VERSION)}
        self._db.executemany("INSERT INTO meta VALUES (?, ?)", marks.items())
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        # The -wal file comes with the first write: a log that is being written is never seen without one.
        run("INSERT OR REPLACE INTO meta VALUES ('wal', '1')")
        run(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        run("PRAGMA cache_size = -16384")

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN")

    def _write_chunk(self, packing: int, data: bytes) -> None:
        self._chunk_rows.append((self._first, self.head, self.state.iteration, self._count, packing, data))
        self._pending += len(data)

    def _seal(self) -> None:
        joined = schema.join_events(self._count, self._raw)
        self._write_chunk(*schema.pack(joined))
        self._since_keyframe += self._count
        self._bytes_since_keyframe += len(joined)
        self._raw.clear()
        self._count = self._flushed = 0
        self._chunks += 1
        if self._chunks >= schema.CHUNKS_PER_KEYFRAME:
            self._keyframe()
        if self._pending > _PENDING_BYTES:
            self._write_pending()

    def _keyframe_due(self) -> bool:
        """Whether an iteration's start gets a keyframe (``schema.KEYFRAME_SHARE`` says why not every one)."""
        return (
            self._since_keyframe >= schema.EVENTS_PER_KEYFRAME
            and self._bytes_since_keyframe >= schema.KEYFRAME_SHARE * self._keyframe_bytes
        )

    def _keyframe(self) -> None:
        encoded = self._encode(self.state)
        self._begin()
        self._db.execute("INSERT OR REPLACE INTO keyframe VALUES (?, ?, ?)", (self.head, *schema.pack(encoded)))
        self._chunks = 0
        self._since_keyframe = self._bytes_since_keyframe = 0
        self._keyframe_bytes = len(encoded)

    def _run_started(self, event: RunStarted, raw: bytes) -> bytes:
        self._begin()
        self._db.executemany("INSERT OR REPLACE INTO environment VALUES (?, ?)", event.environment.items())
        self._source(event.script if os.path.isabs(event.script) else os.path.join(event.cwd, event.script))
        return raw

    def _run_ended(self, event: RunEnded, raw: bytes) -> bytes:
        self.ended = True
        if self._iteration is not None:
            self._iteration.last = event.seq
        return raw

    def _iteration_started(self, event: IterationStarted, raw: bytes) -> bytes:
        if self._raw:
            self._seal()
        if self._iteration is not None:
            self._iteration.last = self.head
            self._iteration_rows.append(self._iteration_row(self._iteration))
        self._iteration = _OpenIteration(event.index, event.seq, event.time, self.state.ops)
        return raw

    def _iteration_row(self, row: _OpenIteration) -> tuple[object, ...]:
        return row.index, row.first, row.last, row.started, self.state.ops - row.ops_before, row.loss

    def _site(self, event: SiteDefined, raw: bytes) -> bytes:
        self._begin()
        row = (
            event.site, event.seq, event.time, event.thread, event.file, event.line, event.function, event.text,
            event.depth, event.direct,
        )  # fmt: skip
        self._db.execute("INSERT OR IGNORE INTO site VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._source(event.file)
        return raw

    def _source(self, file: str) -> None:
        """Keep the text of ``file`` as it is now, when it is there and of a source file's size."""
        if file in self._sources:
            return
        self._sources.add(file)
        try:
            if os.path.getsize(file) > _SOURCE_LIMIT:
                return
            text = Path(file).read_bytes().decode("utf-8", "replace")
        except (OSError, ValueError):
            return
        self._begin()
        self._db.execute("INSERT OR IGNORE INTO source VALUES (?, ?)", (file, text))

    def _scope(self, event: ScopeEntered, raw: bytes) -> bytes:
        key = (event.kind, event.path, event.type, event.detail, event.instance)
        if key not in self._scopes:
            self._scopes.add(key)
            self._begin()
            self._db.execute("INSERT OR IGNORE INTO scope VALUES (?, ?, ?, ?, ?, ?, ?)", (event.seq, *key, event.site))
        return raw

    def _scalar(self, event: ScalarLogged, raw: bytes) -> bytes:
        value = None if math.isnan(event.value) else event.value
        self._scalars.append((event.seq, event.time, event.thread, event.name, event.site, value, event.tensor))
        if event.name == "loss" and self._iteration is not None and self._iteration.loss is None:
            self._iteration.loss = value
        return raw

    def _value(self, event: ValueRecorded, raw: bytes) -> bytes:
        self._keep(event, event.data)
        return self._encode(msgspec.structs.replace(event, data=b"")) if event.data else raw

    def _keep(self, event: ValueRecorded, data: bytes) -> None:
        digest = None
        if event.kind != "skipped":
            digest = blake2b(data, digest_size=16).digest()
            self._contents.append((digest, data))
            self._pending += len(data)
        shape = ",".join(map(str, event.shape))
        self._values.append(
            (event.seq, event.tensor, event.version, event.kind, shape, event.dtype, event.stride, event.reason, digest)
        )

    def _write_pending(self) -> None:
        self._begin()
        self._db.executemany("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?, ?)", self._chunk_rows)
        self._db.executemany("INSERT OR REPLACE INTO iteration VALUES (?, ?, ?, ?, ?, ?)", self._iteration_rows)
        if self._contents:
            self._db.executemany(
                "INSERT INTO content (hash, count, data) VALUES (?, 1, ?)"
                " ON CONFLICT (hash) DO UPDATE SET count = count + 1",
                self._contents,
            )
        if self._values:
            self._db.executemany("INSERT OR REPLACE INTO value VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._values)
        if self._scalars:
            self._db.executemany("INSERT OR REPLACE INTO scalar VALUES (?, ?, ?, ?, ?, ?, ?)", self._scalars)
        self._chunk_rows.clear()
        self._iteration_rows.clear()
        self._contents.clear()
        self._values.clear()
        self._scalars.clear()
        self._written += self._pending
        self._pending = 0
