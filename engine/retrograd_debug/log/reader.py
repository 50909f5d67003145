"""Reads a log file, also while it is being written, and also when it is damaged."""

from __future__ import annotations

import sqlite3
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, Union

import msgspec

from retrograd_debug.log import schema
from retrograd_debug.log.api import Act, Iteration, LogError, Value
from retrograd_debug.log.arrays import from_bytes
from retrograd_debug.log.opening import is_alive, open_settled, tidy
from retrograd_debug.log.reduce import reduce_all
from retrograd_debug.log.state import State
from retrograd_events import tr
from retrograd_events.events import (
    AnyEvent,
    RunEnded,
    RunStarted,
    ScalarLogged,
    Seq,
    SiteDefined,
    SiteId,
    TensorId,
)

_CACHED_CHUNKS = 48
_CACHED_STATES = 4

_UNREADABLE = (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError)
"""What reading a damaged file raises: nothing in it is believed before its type is checked."""

_HEAD = "SELECT last FROM chunk ORDER BY first DESC LIMIT 1"
_ITERATIONS = "SELECT idx, first, last, started, ops, loss FROM iteration WHERE idx >= ? ORDER BY idx"
_SCALARS = "SELECT seq, time, thread, name, site, value, tensor FROM scalar WHERE seq > ? ORDER BY seq"
_SITES = "SELECT id, seq, time, thread, file, line, function, text, depth, direct FROM site WHERE seq > ? ORDER BY seq"
_CHUNKS = (
    "SELECT first, last FROM chunk WHERE first <= ? AND first >="
    " coalesce((SELECT first FROM chunk WHERE first <= ? ORDER BY first DESC LIMIT 1), 0) ORDER BY first"
)
_KEYFRAME = "SELECT seq, packing, data FROM keyframe WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
_VALUE = (
    "SELECT value.kind, shape, dtype, stride, reason, data FROM value"
    " LEFT JOIN content ON content.hash = value.hash WHERE tensor = ? AND version = ?"
    " ORDER BY value.kind = 'all' DESC, value.kind = 'sample' DESC, seq DESC LIMIT 1"
)
_DIGESTS = "SELECT kind, stride, hash FROM value WHERE tensor = ? AND version = ? AND hash IS NOT NULL"
_SOURCE = "SELECT text FROM source WHERE file = ?"
_ACTS = "SELECT after, time, kind, text, result FROM act ORDER BY id"

Row = TypeVar("Row")


class LogReader:
    """A log, as ``retrograd_debug.log.api.Log`` has it. Any number of readers may look at one log."""

    def __init__(self, path: str | Path) -> None:
        """Open ``path``; ``LogError`` with a sentence when it is no log, or one of a newer version."""
        self._path = Path(path)
        self._lock = threading.RLock()
        self._decode = msgspec.msgpack.Decoder(list[AnyEvent])
        self._decode_state = msgspec.msgpack.Decoder(State)
        self._encode_state = msgspec.msgpack.Encoder()
        self._chunks: OrderedDict[tuple[int, int], list[AnyEvent]] = OrderedDict()
        self._states: OrderedDict[Seq, State] = OrderedDict()
        self._iterations: list[Iteration] = []
        self._firsts: list[int] = []
        self._scalars: list[ScalarLogged] = []
        self._sites: dict[SiteId, SiteDefined] = {}
        self._newest_site = 0
        self._head = Seq(0)
        self._run: RunStarted | None = None
        self._ended: RunEnded | None = None
        self._damage = ""
        self._seen_version = -1
        marks, self._db, salvaging = open_settled(self._path)
        self._missing_wal = marks.missing_wal
        try:
            self.refresh()
            if salvaging:
                self._damage = self._cut_off()
        except LogError:
            self._db.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def head(self) -> Seq:
        """The newest committed event as of the last ``refresh``."""
        return self._head

    @property
    def run(self) -> RunStarted | None:
        """The first event, once there."""
        return self._run

    @property
    def ended(self) -> RunEnded | None:
        """The last event, once there."""
        return self._ended

    @property
    def damage(self) -> str:
        """A sentence when the log is incomplete, else ""."""
        return self._damage

    @property
    def iterations(self) -> Sequence[Iteration]:
        """All iterations in order."""
        return self._iterations

    @property
    def scalars(self) -> Sequence[ScalarLogged]:
        """All scalars in order."""
        return self._scalars

    @property
    def sites(self) -> dict[SiteId, SiteDefined]:
        """All sites."""
        return self._sites

    def refresh(self) -> bool:
        """Look for newly committed events; True when the head moved."""
        with self._lock:
            before = self._head
            try:
                version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
                if version == self._seen_version:
                    self._look_at_recorder()
                    return False
                self._db.execute("BEGIN")
                try:
                    self._load()
                finally:
                    # SQLite may have ended a read that failed by itself.
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                self._seen_version = version
            except _UNREADABLE as error:
                if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                    return False
                self._damage = self._cut_off()
            self._look_at_recorder()
            return self._head != before

    def iteration_at(self, seq: Seq) -> Iteration | None:
        """The iteration that ``seq`` lies in; None before the first."""
        iterations = self._iterations
        at = bisect_right(self._firsts, seq) - 1
        return iterations[at] if 0 <= at < len(iterations) else None

    def events(self, first: Seq, last: Seq) -> list[AnyEvent]:
        """Events first..last inclusive, those that exist, in order."""
        found: list[AnyEvent] = []
        with self._lock:
            for chunk in self._chunks_between(first, min(last, self._head)):
                if chunk and chunk[0].seq >= first and chunk[-1].seq <= last:
                    found.extend(chunk)
                else:
                    found.extend(event for event in chunk if first <= event.seq <= last)
        return found

    def state_at(self, seq: Seq) -> State:
        """The state after ``seq`` (the head's, when that is earlier): a private copy."""
        with self._lock:
            seq = Seq(max(0, min(seq, self._head)))
            base = self._nearest_state(seq)
            reduce_all(base, self.events(Seq(base.seq + 1), seq))
            self._states[base.seq] = base
            self._states.move_to_end(base.seq)
            while len(self._states) > _CACHED_STATES:
                self._states.popitem(last=False)
            return self._decode_state.decode(self._encode_state.encode(base))

    def value(self, tensor: TensorId, version: int) -> Value | None:
        """What was recorded of a tensor at a version, the fullest and newest if there are several."""
        with self._lock:
            try:
                rows = self._query(_VALUE, tuple[str, str, str, int, str, Union[bytes, None]], tensor, version)
            except _UNREADABLE:
                return None
        if not rows:
            return None
        kind, shape_text, dtype, stride, reason, data = rows[0]
        try:
            shape = tuple(int(size) for size in shape_text.split(",") if size)
        except ValueError:
            return None
        array = None if data is None else from_bytes(data, dtype, shape if kind == "all" else None)
        if array is None and kind != "skipped":
            kind, reason = "skipped", reason or tr("The recorded contents can't be read.")
        return Value(tensor, version, kind, shape, dtype, stride, reason, array)

    def digests(self, tensor: TensorId, version: int) -> set[tuple[str, int, bytes]]:
        """Kind, stride and content hash of all that was recorded of a tensor at a version."""
        with self._lock:
            try:
                return set(self._query(_DIGESTS, tuple[str, int, bytes], tensor, version))
            except _UNREADABLE:
                return set()

    def source(self, file: str) -> str | None:
        """The text of a source file as it was when the run started."""
        with self._lock:
            try:
                return next((text for (text,) in self._query(_SOURCE, tuple[str], file)), None)
            except _UNREADABLE:
                return None

    def acts(self) -> Sequence[Act]:
        """What the person did, in order."""
        with self._lock:
            try:
                rows = self._query(_ACTS, tuple[int, float, str, str, str])
            except _UNREADABLE:
                return []
        return [Act(Seq(after), time, kind, text, result) for after, time, kind, text, result in rows]

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()
            if self._ended is not None and not self._damage:
                # The recorder could not fold the -wal file in while this reader had the log open.
                tidy(self._path)

    # --- loading

    def _load(self) -> None:
        for (last,) in self._query(_HEAD, tuple[int]):
            self._head = Seq(last)
        known = self._iterations[-1].index if self._iterations else -1
        rows = self._query(_ITERATIONS, tuple[int, int, int, int, int, Union[float, None]], known)
        if rows and self._iterations and rows[0][0] == known:
            self._iterations.pop()
            self._firsts.pop()
        for idx, first, last, started, ops, loss in rows:
            self._iterations.append(Iteration(idx, Seq(first), Seq(last), started, ops, loss))
            self._firsts.append(first)
        since = self._scalars[-1].seq if self._scalars else 0
        scalars = self._query(_SCALARS, tuple[int, int, int, str, int, Union[float, None], int], since)
        for seq, at, thread, name, site, value, tensor in scalars:
            number = float("nan") if value is None else value
            self._scalars.append(ScalarLogged(Seq(seq), at, thread, name, SiteId(site), number, TensorId(tensor)))
        sites = self._query(_SITES, tuple[int, int, int, int, str, int, str, str, int, int], self._newest_site)
        for id, seq, at, thread, file, line, function, text, depth, direct in sites:
            self._sites[SiteId(id)] = SiteDefined(
                Seq(seq), at, thread, SiteId(id), file, line, function, text, depth, bool(direct)
            )
            self._newest_site = seq
        self._load_ends()

    def _load_ends(self) -> None:
        if self._run is None:
            for event in self._first_events():
                if isinstance(event, RunStarted):
                    self._run = event
                break
        if self._ended is None and self._head:
            newest = self.events(self._head, self._head)
            if newest and isinstance(newest[-1], RunEnded):
                self._ended = newest[-1]

    def _first_events(self) -> list[AnyEvent]:
        for first, last in self._query("SELECT first, last FROM chunk ORDER BY first LIMIT 1", tuple[int, int]):
            return self._chunk(first, last)
        return []

    def _look_at_recorder(self) -> None:
        """A log that nobody finished and nobody writes any more is incomplete, and says so."""
        if self._damage or self._ended is not None:
            return
        if self._missing_wal:
            self._damage = tr(
                "This log was copied without its -wal file while it was being written. It goes as far as event {head}.",
                head=f"{self._head:,}",
            )
        elif not is_alive(self._db):
            self._damage = tr(
                "The recording of this run broke off. The log goes as far as event {head}.", head=f"{self._head:,}"
            )

    def _cut_off(self) -> str:
        return tr("This log is damaged. It can be read as far as event {head}.", head=f"{self._head:,}")

    # --- chunks and states

    def _chunks_between(self, first: int, last: int) -> list[list[AnyEvent]]:
        if last < first:
            return []
        try:
            rows = self._query(_CHUNKS, tuple[int, int], last, first)
        except _UNREADABLE:
            self._damage = self._damage or self._cut_off()
            return []
        return [self._chunk(*row) for row in rows if row[1] >= first]

    def _chunk(self, first: int, last: int) -> list[AnyEvent]:
        known = self._chunks.get((first, last))
        if known is not None:
            self._chunks.move_to_end((first, last))
            return known
        try:
            rows = self._query("SELECT packing, data FROM chunk WHERE first = ?", tuple[int, bytes], first)
            events = [event for row in rows for event in self._decode.decode(schema.unpack(*row))]
        except _UNREADABLE:
            self._damage = self._damage or self._cut_off()
            return []
        self._chunks[first, last] = events
        while len(self._chunks) > _CACHED_CHUNKS:
            self._chunks.popitem(last=False)
        return events

    def _nearest_state(self, seq: Seq) -> State:
        """The newest state at or before ``seq`` that costs least to reach: one kept from before, or a keyframe."""
        kept = max((at for at in self._states if at <= seq), default=Seq(0))
        try:
            for at, packing, data in self._query(_KEYFRAME, tuple[int, int, bytes], seq):
                if at > kept:
                    return self._decode_state.decode(schema.unpack(packing, data))
        except _UNREADABLE:
            self._damage = self._damage or self._cut_off()
        return self._states.pop(kept) if kept else State()

    def _query(self, query: str, row: type[Row], *parameters: object) -> list[Row]:
        """The rows of ``query``, each checked to be a ``row``; one of ``_UNREADABLE`` when they aren't."""
        return [msgspec.convert(found, row) for found in self._db.execute(query, parameters)]


def open_log(path: str | Path) -> LogReader:
    """Open a recorded run; ``LogError`` with a sentence for a person when that can't be done."""
    return LogReader(path)


__all__ = ["LogError", "LogReader", "open_log"]
