"""Where recorded runs lie, what is there, and how much of it may stay."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from retrograd_debug.home import data_folder
from retrograd_debug.log import schema
from retrograd_debug.log.api import LogError
from retrograd_debug.log.opening import check_file, is_alive, open_database
from retrograd_events.events import AnyEvent, RunEnded, RunStarted

BUDGET = 10 << 30
"""Bytes that all recorded runs in the user's folder may take together."""

SPARK = 64
"""How many losses a summary holds at most, spread over the whole run."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A recorded run as the gallery shows it. ``started`` is Unix time (0: unknown). ``ended``: the reason (finished,
    exception, exit, stopped, lost), "running" while it is being recorded, "broken" when its recording broke off.
    ``problem`` is a sentence when the file can't be opened ("" when it can)."""

    path: Path
    size: int
    modified: float
    script: str = ""
    started: float = 0.0
    iterations: int = 0
    ended: str = ""
    losses: tuple[float, ...] = ()
    problem: str = ""


def runs_folder() -> Path:
    """Where new runs are recorded."""
    return data_folder() / "runs"


def new_log(script: str | Path, folder: Path | None = None) -> Path:
    """A path for a new run of ``script`` that no file has yet; its folder is made, and old runs there make room."""
    folder = runs_folder() if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    keep_within(BUDGET, folder)
    stem = f"{Path(script).stem or 'run'}-{time.strftime('%Y%m%d-%H%M%S')}"
    path = folder / f"{stem}{schema.SUFFIX}"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{schema.SUFFIX}"
    return path


def list_runs(folder: Path | None = None) -> list[RunSummary]:
    """All recorded runs in ``folder``, newest first. Reads the disk: call it from a worker."""
    folder = runs_folder() if folder is None else folder
    found = [summary for path in _logs_in(folder) if (summary := summarise(path)) is not None]
    return sorted(found, key=lambda run: (run.started or run.modified, run.path.name), reverse=True)


def summarise(path: Path) -> RunSummary | None:
    """What the gallery shows of one run; None when the file is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    summary = RunSummary(path, size_of(path), status.st_mtime)
    try:
        database, _ = open_database(path, check_file(path))
    except LogError as error:
        return replace(summary, problem=str(error))
    with contextlib.closing(database):
        try:
            return _read_summary(summary, database)
        except (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError):
            return replace(summary, ended="broken")


def size_of(path: Path) -> int:
    """Bytes that a log takes, its -wal and -shm files included."""
    total = 0
    for part in _parts(path):
        with contextlib.suppress(OSError):
            total += part.stat().st_size
    return total


def delete_run(path: Path) -> None:
    """Delete a log and its companions; ``OSError`` when it can't be (Windows, while it is open)."""
    main, *others = _parts(path)
    main.unlink(missing_ok=True)
    for part in others:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def keep_within(budget: int = BUDGET, folder: Path | None = None) -> list[Path]:
    """Delete the oldest finished runs in ``folder`` until all together fit ``budget`` bytes; what was deleted.

    The newest run, and runs that are still being recorded, stay whatever they take.
    """
    folder = runs_folder() if folder is None else folder
    aged = sorted((_modified(path), path) for path in _logs_in(folder))
    sizes = {path: size_of(path) for _, path in aged}
    total = sum(sizes.values())
    deleted: list[Path] = []
    for _, path in aged[:-1]:
        if total <= budget:
            break
        if _being_written(path):
            continue
        with contextlib.suppress(OSError):
            delete_run(path)
            total -= sizes[path]
            deleted.append(path)
    return deleted


def _logs_in(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.iterdir() if path.suffix == schema.SUFFIX and path.is_file())
    except OSError:
        return


def _parts(path: Path) -> tuple[Path, Path, Path]:
    return path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _modified(path: Path) -> float:
    return max((part.stat().st_mtime for part in _parts(path) if part.exists()), default=0.0)


def _being_written(path: Path) -> bool:
    try:
        database, _ = open_database(path, check_file(path))
    except LogError:
        return False
    with contextlib.closing(database):
        return is_alive(database)


def _read_summary(summary: RunSummary, database: sqlite3.Connection) -> RunSummary:
    decoder = msgspec.msgpack.Decoder(list[AnyEvent])
    ends: list[AnyEvent] = []
    for order in ("ASC", "DESC"):
        row = database.execute(f"SELECT packing, data FROM chunk ORDER BY first {order} LIMIT 1").fetchone()
        if row is not None:
            events = decoder.decode(schema.unpack(*row))
            ends.append(events[0 if order == "ASC" else -1])
    run = ends[0] if ends and isinstance(ends[0], RunStarted) else None
    last = ends[-1] if ends else None
    ended = last.reason if isinstance(last, RunEnded) else "running" if is_alive(database) else "broken"
    (iterations,) = database.execute("SELECT count(*) FROM iteration").fetchone()
    # Every n-th loss: as many as a small curve can show.
    losses = database.execute(
        "SELECT loss FROM iteration WHERE idx % max(1, ? / ?) = 0 AND loss IS NOT NULL ORDER BY idx",
        (iterations, SPARK),
    ).fetchall()
    return replace(
        summary,
        script=run.script if run else "",
        started=run.started_at if run else 0.0,
        iterations=iterations,
        ended=ended,
        losses=tuple(loss for (loss,) in losses),
    )
