"""Opens log files: what a file is, whether it may be read, and how a damaged one is read all the same."""

from __future__ import annotations

import contextlib
import platform
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from retrograd_debug.log import schema
from retrograd_debug.log.api import LogError
from retrograd_debug.platform import process_alive
from retrograd_events import tr
from retrograd_events.events import FORMAT_VERSION

_SQLITE = b"SQLite format 3\0"
_HEADER = 100
_GRACE, _PATIENCE = 0.3, 10


@dataclass(frozen=True, slots=True)
class Marks:
    """What a file's first bytes and its neighbours tell. ``cut_off``: it is shorter than it says itself."""

    cut_off: bool
    wal_mode: bool
    missing_wal: bool


def check_file(path: Path) -> Marks:
    """Look at ``path`` without SQLite; ``LogError`` when it is no log, or one that this app does not read."""
    name = path.name or str(path)
    try:
        if path.is_dir():
            raise LogError(tr("{name} is a folder, not a recorded run.", name=name))
        with path.open("rb") as file:
            header = file.read(_HEADER)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise LogError(tr("There is no file {path}.", path=path)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise LogError(tr("{name} can't be read: {reason}.", name=name, reason=reason)) from error
    if not header:
        raise LogError(tr("{name} is empty.", name=name))
    if len(header) < _HEADER and _SQLITE.startswith(header[:16]):
        raise LogError(tr("{name} is cut off before its first event; nothing of it can be read.", name=name))
    version, application = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    if header[:16] != _SQLITE or application != schema.APPLICATION_ID:
        raise LogError(tr("{name} is not a recorded run of Retrograd.", name=name))
    if version < schema.OLDEST_VERSION:
        raise LogError(
            tr(
                "This log was written by version {theirs}, older than {oldest}, the oldest this app reads.",
                theirs=version,
                oldest=schema.OLDEST_VERSION,
            )
        )
    if version > FORMAT_VERSION:
        raise LogError(
            tr(
                "This log was written by version {theirs}; this app reads up to {ours}. Update to open it.",
                theirs=version,
                ours=FORMAT_VERSION,
            )
        )
    wal_mode = header[18] == 2
    wal = path.with_name(path.name + "-wal")
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    missing_wal = wal_mode and not wal.exists()
    # While a log is being written, SQLite itself sorts out what of it lies in which file.
    cut_off = (missing_wal or not wal_mode) and size < pages * (65536 if page == 1 else page)
    return Marks(cut_off, wal_mode, missing_wal)


def open_settled(path: Path) -> tuple[Marks, sqlite3.Connection, bool]:
    """As ``check_file`` and ``open_database``; a log whose recorder is just creating it is waited for."""
    for _ in range(_PATIENCE):
        marks = check_file(path)
        database, salvaging = open_database(path, marks)
        if not marks.missing_wal or not is_alive(database):
            return marks, database, salvaging
        database.close()
        time.sleep(_GRACE / _PATIENCE)
    marks = check_file(path)
    return marks, *open_database(path, marks)


def open_database(path: Path, marks: Marks) -> tuple[sqlite3.Connection, bool]:
    """A read-only connection, and whether the file is damaged and what is lost must be stepped around."""
    attempts = [("ro", False)]
    if not marks.wal_mode or marks.missing_wal:
        # Nobody writes a file without its WAL, so that it may be read where the folder can't be written to.
        attempts = [("ro&immutable=1", False)]
    if marks.cut_off:
        attempts.clear()
    attempts.append(("ro&immutable=1", True))
    for mode, salvage in attempts:
        database = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=2.0,
        )
        try:
            if salvage:
                # SQLite opens a file that is shorter than it should be only for who may write its schema.
                database.execute("PRAGMA writable_schema = ON")
            database.execute("PRAGMA query_only = ON")
            database.execute("SELECT value FROM meta").fetchall()
            database.execute("SELECT first FROM chunk LIMIT 1").fetchall()
        except (sqlite3.DatabaseError, ValueError):
            database.close()
            continue
        return database, salvage
    raise LogError(tr("{name} is damaged from its start; nothing of it can be read.", name=path.name))


def tidy(path: Path) -> None:
    """Fold the companion files of a finished log into it, where nobody has it open; else leave everything as it is."""
    if not path.with_name(path.name + "-wal").exists():
        return
    with contextlib.suppress(sqlite3.DatabaseError):
        database = sqlite3.connect(path, isolation_level=None, timeout=0.0)
        with contextlib.closing(database):
            state = database.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
            if state == ("closed",):
                database.execute("PRAGMA journal_mode = DELETE").fetchall()


def is_alive(database: sqlite3.Connection) -> bool:
    """Whether the recorder that writes this log can still be at work."""
    try:
        rows = database.execute("SELECT key, value FROM meta").fetchall()
        marks = dict(msgspec.convert(rows, list[tuple[str, str]]))
    except (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError):
        return False
    if marks.get("state") == "closed":
        return False
    if marks.get("host") != platform.node():
        return True
    try:
        return process_alive(int(marks.get("recorder", "0")))
    except ValueError:
        return False
