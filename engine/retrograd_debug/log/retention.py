"""Keeps a log within its budget: old iterations lose their recorded values first, then their events; scalars stay."""

from __future__ import annotations

import sqlite3

import msgspec

from retrograd_debug.log import schema
from retrograd_events.events import Gap, Seq

BUDGET = 2 << 30
"""Bytes that one log may take."""

REASON = "not kept: budget"

_SHARE = 0.75
"""Thinning goes on until this share of the budget is used, so that it does not begin again at once."""

_SLICES = 8


def used_bytes(database: sqlite3.Connection) -> int:
    """Bytes that the log's content takes, free pages not counted."""
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    return int(pages - free) * schema.PAGE_SIZE


def thin(database: sqlite3.Connection, budget: int, before: Seq) -> None:
    """Thin what happened before event ``before``, oldest first, until the log fits; give the space back to the disk.

    Call it outside a transaction.
    """
    goal = int(budget * _SHARE)
    for forget in (_forget_values, _forget_events):
        while used_bytes(database) > goal:
            database.execute("BEGIN")
            done = forget(database, before)
            database.execute("COMMIT")
            if done:
                break
    database.execute("PRAGMA incremental_vacuum").fetchall()


def _forget_values(database: sqlite3.Connection, before: Seq) -> bool:
    """Forget the contents of the oldest values; True when none is left before ``before``."""
    (count,) = database.execute("SELECT count(*) FROM value WHERE hash IS NOT NULL AND seq < ?", (before,)).fetchone()
    rows = database.execute(
        "SELECT seq, hash FROM value WHERE hash IS NOT NULL AND seq < ? ORDER BY seq LIMIT ?",
        (before, count // _SLICES + 1),
    ).fetchall()
    database.executemany("UPDATE content SET count = count - 1 WHERE hash = ?", [(hash,) for _, hash in rows])
    database.execute("DELETE FROM content WHERE count <= 0")
    database.executemany(
        "UPDATE value SET kind = 'skipped', reason = ?, hash = NULL WHERE seq = ?", [(REASON, seq) for seq, _ in rows]
    )
    return not rows


def _forget_events(database: sqlite3.Connection, before: Seq) -> bool:
    """Put one gap where the oldest chunks are; True when none is left before ``before``.

    The first chunk says what run this is and stays.
    """
    (first,) = database.execute("SELECT min(first) FROM chunk").fetchone()
    (count,) = database.execute("SELECT count(*) FROM chunk WHERE first > ? AND last < ?", (first, before)).fetchone()
    rows = database.execute(
        "SELECT first, last, iteration FROM chunk WHERE first > ? AND last < ? ORDER BY first LIMIT ?",
        (first, before, count // _SLICES + 2),  # at least the gap that is there and one chunk more
    ).fetchall()
    if len(rows) < 2:
        return True
    start, end, iteration = rows[0][0], rows[-1][1], rows[-1][2]
    gap = msgspec.msgpack.encode(Gap(Seq(start), 0, 0, Seq(end), REASON))
    database.execute("DELETE FROM chunk WHERE first BETWEEN ? AND ?", (start, end))
    database.execute("DELETE FROM keyframe WHERE seq BETWEEN ? AND ?", (start, end))
    database.execute("DELETE FROM value WHERE seq BETWEEN ? AND ? AND hash IS NULL", (start, end))
    database.execute(
        "INSERT INTO chunk VALUES (?, ?, ?, 1, ?, ?)", (start, end, iteration, schema.RAW, schema.join_events(1, [gap]))
    )
    return False
