"""Events a second from debuggee to log: ``python tests/benchmarks/bench_log.py [--events N]``.

One process writes encoded op events to a ring as fast as it can; the recorder drains them into a log; the clock stops
when the log is finished. The peer in the same run is SQLite taking one row an event (in one transaction), what a log
without chunks would cost.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests")]

from fixtures.synthetic import SyntheticRun  # noqa: E402
from retrograd_debug.log.launch import start_recorder  # noqa: E402
from retrograd_debug.log.reader import LogReader  # noqa: E402
from retrograd_debug.log.ring_writer import RingWriter  # noqa: E402
from retrograd_debug.platform import ring_folder  # noqa: E402
from retrograd_events.events import ValueRecorded  # noqa: E402

GOAL = 200_000
BATCH = 32
"""Events in one ring frame, as the agent writes them."""


def stream(count: int) -> list[bytes]:
    """About ``count`` encoded events of a training run with ``values="none"``, in iterations of about 30 events."""
    encode = msgspec.msgpack.Encoder().encode
    records: list[bytes] = []
    for event in SyntheticRun().events(count // 28):
        if not isinstance(event, ValueRecorded):
            records.append(encode(event))
            if len(records) >= count:
                break
    return records


def small_ops(count: int, per_iteration: int = 1000) -> list[bytes]:
    """``count`` encoded op events, in iterations of ``per_iteration``."""
    encode = msgspec.msgpack.Encoder().encode
    records: list[bytes] = []
    for seq in range(1, count + 1):
        if seq % per_iteration == 1:
            records.append(encode((6, seq, seq * 1000, 0, seq // per_iteration)))
            continue
        output = (seq, 0, (8, 8), "float32", "cpu", True)
        body: tuple[object, ...] = (
            "mul",
            3,
            2,
            [(seq - 1, 0), (1, 0)],
            [output],
            {},
            0,
            900,
            seq,
            "MulBackward0",
            [seq - 1, 1],
            0,
        )
        records.append(encode((10, seq, seq * 1000, 0, *body)))
    return records


def from_ring_to_log(records: list[bytes], folder: Path) -> tuple[float, float, float, int]:
    """Seconds that the writing took, until the log was finished, of recorder CPU (0: unknown); the log's bytes."""
    ring_path = ring_folder(80 << 20) / f"bench-{os.getpid()}.ring"
    log_path = folder / "bench.retro"
    writer = RingWriter.create(ring_path)
    recorder = start_recorder(ring_path, log_path)
    recorder.wait_ready()
    encode = msgspec.msgpack.Encoder().encode
    batches = [encode([msgspec.Raw(each) for each in records[at : at + BATCH]]) for at in range(0, len(records), BATCH)]
    write = writer.write_batch
    before = os.times()
    start = time.perf_counter()
    for batch in batches:
        write(batch)
    written = time.perf_counter() - start
    writer.close()
    recorder.wait()
    finished = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    recorder.close()
    reader = LogReader(log_path)
    held = sum(len(reader.events(each.first, each.last or reader.head)) for each in reader.iterations)
    reader.close()
    size = log_path.stat().st_size
    log_path.unlink()
    if held < len(records) * 0.99:
        raise SystemExit(f"only {held:,} of {len(records):,} events are in the log")
    return written, finished, cpu, size


def one_row_an_event(records: list[bytes], folder: Path) -> float:
    """Seconds that SQLite takes for a row an event."""
    path = folder / "rows.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, data BLOB)")
    start = time.perf_counter()
    database.execute("BEGIN")
    database.executemany("INSERT INTO event VALUES (?, ?)", enumerate(records))
    database.execute("COMMIT")
    seconds = time.perf_counter() - start
    database.close()
    path.unlink()
    return seconds


def main() -> int:
    """Run and print; the exit status is 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000)
    count = parser.parse_args().events
    best = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, records in (("op events", small_ops(count)), ("training run", stream(count))):
            bytes_each = sum(map(len, records)) / len(records)
            written, finished, cpu, size = from_ring_to_log(records, folder)
            rows = one_row_an_event(records, folder)
            rate = len(records) / finished
            best = max(best, rate)
            per_event = written / len(records) * 1e6
            print(
                f"{title}: {len(records):,} events of {bytes_each:.0f} bytes; debuggee {per_event:.2f}"
                f" µs an event; {rate:,.0f} events a second to the finished log ({size / len(records):.0f} bytes each),"
                f" recorder {cpu / len(records) * 1e6:.2f} µs of CPU an event;"
                f" ratio to one row an event {finished / rows:.2f}"
            )
    print(f"goal: {GOAL:,} events a second, {'met' if best >= GOAL else 'missed'}")
    return 0 if best >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
