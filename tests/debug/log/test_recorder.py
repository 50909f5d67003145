"""The recorder process: what it keeps, and what it does when one of the processes dies."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fixtures.synthetic import SCRIPT, SyntheticRun, events, write_events, write_log, write_log_directly
from retrograd_debug.log import schema
from retrograd_debug.log.launch import RecorderProcess, start_recorder
from retrograd_debug.log.reader import LogReader
from retrograd_debug.log.reduce import reduce
from retrograd_debug.log.ring import RingError
from retrograd_debug.log.ring_writer import RingWriter
from retrograd_debug.log.state import State
from retrograd_debug.log.writer import LogWriter
from retrograd_debug.platform import process_alive, process_stamp
from retrograd_events.events import AnyEvent, Gap, RunEnded, Seq, TensorId, ValueRecorded

encode = msgspec.msgpack.Encoder().encode

FLOOD = """
import sys
from retrograd_debug.log.ring_writer import RingWriter
import msgspec
encode = msgspec.msgpack.Encoder().encode
writer = RingWriter.open(sys.argv[1])
writer.write(encode((6, 1, 0, 0, 0)))
seq = 1
while True:
    seq += 1
    writer.write(encode((24, seq, seq, 0, "stdout", "line %d" % seq)))
    if seq == 20000:
        print("going", flush=True)
"""


def without_data(stream: list[AnyEvent]) -> list[AnyEvent]:
    return [msgspec.structs.replace(each, data=b"") if isinstance(each, ValueRecorded) else each for each in stream]


def start(tmp_path: Path) -> tuple[RingWriter, RecorderProcess, Path]:
    writer = RingWriter.create(tmp_path / "ring", 4 << 20)
    recorder = start_recorder(tmp_path / "ring", tmp_path / "run.retro")
    recorder.wait_ready()
    return writer, recorder, tmp_path / "run.retro"


def finish(writer: RingWriter, recorder: RecorderProcess) -> None:
    writer.close()
    assert recorder.wait(30) == 0
    recorder.close()


def test_a_log_holds_every_event_as_it_was_written(tmp_path: Path) -> None:
    path = write_log(tmp_path / "run.retro", 30)
    reader = LogReader(path)
    stream = list(SyntheticRun("linear_regression.py", str(tmp_path)).events(30))
    assert reader.events(Seq(1), reader.head) == without_data(stream)
    assert reader.damage == ""
    assert reader.run == stream[0]
    assert reader.ended == stream[-1]
    assert [each.index for each in reader.iterations] == list(range(30))
    assert [each.ops for each in reader.iterations[1:]] == [5] * 29
    assert [each.loss for each in reader.iterations] == [each.value for each in reader.scalars]
    assert reader.source(str(tmp_path / "linear_regression.py")) == SCRIPT
    assert reader.sites[reader.scalars[0].site].text == "loss = loss_fn(pred, y)"
    reader.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["linear_regression.py", "run.retro"]


def test_values_come_back_as_the_arrays_they_were(tmp_path: Path) -> None:
    stream = events(2)
    write_events(tmp_path / "run.retro", stream)
    reader = LogReader(tmp_path / "run.retro")
    values = [each for each in stream if isinstance(each, ValueRecorded)]
    for value in values:
        found = reader.value(value.tensor, value.version)
        assert found is not None
        assert found.array is not None
        assert found.array.shape == value.shape
        assert found.array.tobytes() == value.data
    assert reader.value(TensorId(10**6), 0) is None
    reader.close()


def test_no_chunk_spans_two_iterations(tmp_path: Path) -> None:
    path = write_log(tmp_path / "run.retro", 12)
    reader = LogReader(path)
    database = sqlite3.connect(path)
    for first, last, iteration in database.execute(
        "SELECT first, last, iteration FROM chunk ORDER BY first LIMIT -1 OFFSET 1"
    ):
        for seq in (first, last):
            inside = reader.iteration_at(Seq(seq))
            assert inside is not None
            assert inside.index == iteration
    database.close()
    reader.close()


def test_equal_values_are_kept_once(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    data = np.arange(1000, dtype=np.float32).tobytes()
    for seq in range(1, 51):
        event = ValueRecorded(Seq(seq), 0, 0, TensorId(seq), 0, "all", (1000,), "float32", 1, "", b"")
        writer.write_value(encode(event), data)
    finish(writer, recorder)
    database = sqlite3.connect(path)
    assert database.execute("SELECT count, length(data) FROM content").fetchall() == [(50, 4000)]
    database.close()


def test_a_value_of_many_megabytes_passes_a_small_ring(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    array = np.random.default_rng(0).standard_normal(3_000_000)
    event = ValueRecorded(Seq(1), 0, 0, TensorId(5), 2, "all", array.shape, "float64", 1, "", b"")
    writer.write_value(encode(event), memoryview(array).cast("B"))
    writer.write(encode(msgspec.structs.replace(event, seq=2, tensor=6, data=array.tobytes())))
    finish(writer, recorder)
    reader = LogReader(path)
    for tensor in (5, 6):
        found = reader.value(TensorId(tensor), 2)
        assert found is not None
        assert found.array is not None
        assert np.array_equal(found.array, array)
    assert [each.data for each in reader.events(Seq(1), Seq(2)) if isinstance(each, ValueRecorded)] == [b"", b""]
    reader.close()


def test_what_was_skipped_says_why(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    event = ValueRecorded(Seq(1), 0, 0, TensorId(5), 0, "skipped", (3,), "float32", 1, "not kept: budget", b"")
    writer.write(encode(event))
    finish(writer, recorder)
    reader = LogReader(path)
    found = reader.value(TensorId(5), 0)
    assert found is not None
    assert (found.kind, found.reason, found.array) == ("skipped", "not kept: budget", None)
    reader.close()


def test_before_a_hold_everything_is_in_the_log(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    stream = events(5)
    reader: LogReader | None = None
    for event in stream:
        writer.write(encode(event))
        if event.seq % 37 == 0:
            writer.write_act(event.seq, "hold", "step")
            assert writer.wait_committed(event.seq, 10)
            if reader is None:
                reader = LogReader(path)
            reader.refresh()
            assert reader.head >= event.seq
            assert reader.damage == ""
    finish(writer, recorder)
    assert reader is not None
    assert [act.after for act in reader.acts()] == [seq for seq in range(1, len(stream) + 1) if seq % 37 == 0]
    reader.close()


def test_readers_follow_a_run_while_it_is_recorded(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    stream = events(400)
    first, second = LogReader(path), LogReader(path)
    seen = 0
    for event in stream:
        writer.write(encode(event))
        if event.seq % 500 == 0:
            first.refresh()
            assert first.head >= seen
            seen = first.head
            found = first.events(Seq(1), first.head)
            assert [each.seq for each in found] == list(range(1, seen + 1))
            assert first.state_at(first.head).seq == seen
    finish(writer, recorder)
    for reader in (first, second):
        reader.refresh()
        assert reader.events(Seq(1), reader.head) == without_data(stream)
        assert reader.ended is not None
        assert reader.damage == ""
        reader.close()
    again = LogReader(path)
    assert again.ended is not None
    assert again.damage == ""
    again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_debuggee_leaves_a_whole_log(tmp_path: Path) -> None:
    from retrograd_debug.log.ring import create_ring

    ring = create_ring(tmp_path / "ring", 1 << 20)
    recorder = start_recorder(ring, tmp_path / "run.retro")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", FLOOD, str(ring)], stdout=subprocess.PIPE, env=environment
    ) as debuggee:
        assert debuggee.stdout is not None
        assert debuggee.stdout.readline() == b"going\n"
        debuggee.send_signal(signal.SIGKILL)
        recorder._ring.report_exit(debuggee.wait())
    assert recorder.wait(30) == 0
    recorder.close()
    reader = LogReader(tmp_path / "run.retro")
    found = reader.events(Seq(1), reader.head)
    assert len(found) > 20000
    assert [each.seq for each in found] == list(range(1, len(found) + 1))
    ended = found[-1]
    assert isinstance(ended, RunEnded)
    assert (ended.reason, ended.signal, ended.exit_code) == ("lost", 9, 137)
    assert "SIGKILL" in ended.message
    assert reader.damage == ""
    reader.close()
    assert not ring.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_recorder_is_noticed_by_writer_and_reader(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    stream = events(3, ended=False)
    for event in stream:
        writer.write(encode(event))
    assert writer.wait_committed(stream[-1].seq - 5, 10)
    os.kill(recorder.pid, signal.SIGKILL)
    recorder.wait(10)
    began = time.monotonic()
    assert not writer.wait_committed(10**6, 20)
    assert time.monotonic() - began < 15
    reader = LogReader(path)
    assert "broke off" in reader.damage
    assert reader.head >= stream[-1].seq - 5
    reader.close()
    while not writer.lost:
        writer.write(b"x" * 100_000)
    writer.close()
    recorder.close()
    assert not (tmp_path / "ring").exists()


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.retro").write_text("mine")
    writer = RingWriter.create(tmp_path / "ring", 1 << 16)
    recorder = start_recorder(tmp_path / "ring", tmp_path / "run.retro")
    with pytest.raises(RingError, match=r"can't be written: [^\[]*\.$"):
        recorder.wait_ready()
    assert recorder.wait(10) == 1
    recorder.close()
    writer.close()
    assert (tmp_path / "run.retro").read_text() == "mine"


def test_an_event_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    stream = events(1)
    for event in stream:
        writer.write(b"\xc1 no event" if event.seq == 12 else encode(event))
    finish(writer, recorder)
    reader = LogReader(path)
    assert reader.events(Seq(1), reader.head) == without_data([each for each in stream if each.seq != 12])
    reader.close()


def test_a_recorder_whose_writer_never_comes_ends_when_told(tmp_path: Path) -> None:
    from retrograd_debug.log.ring import create_ring

    recorder = start_recorder(create_ring(tmp_path / "ring", 1 << 16), tmp_path / "run.retro")
    recorder.wait_ready()
    assert recorder.stop() == 0
    recorder.close()


def test_a_process_is_alive_until_it_ends_even_unreaped() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        stamp = process_stamp(child.pid)
        assert process_alive(child.pid, stamp)
        assert not process_alive(child.pid, stamp + 1)
        assert child.stdin is not None
        child.stdin.close()
        deadline = time.monotonic() + 10
        while process_alive(child.pid, stamp) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not process_alive(child.pid, stamp)
    assert not process_alive(0)


def test_a_budget_thins_old_values_then_old_events_but_no_scalars(tmp_path: Path) -> None:
    stream = events(3000)
    writer = LogWriter(tmp_path / "run.retro", budget=1 << 20)
    sizes = []
    for event in stream:
        writer.add(event, encode(event))
        if event.seq % 200 == 0:
            writer.flush()
            sizes.append((tmp_path / "run.retro").stat().st_size)
    writer.finish()
    reader = LogReader(tmp_path / "run.retro")
    assert max(sizes) < 3 << 20
    assert len(reader.scalars) == len(reader.iterations) == 3000
    assert reader.damage == ""
    assert reader.run is not None
    assert reader.ended is not None
    found = reader.events(Seq(1), reader.head)
    gaps = [event for event in found if isinstance(event, Gap)]
    assert [gap.reason for gap in gaps] == ["not kept: budget"]
    after = [event for event in found if event.seq > gaps[0].last]
    assert after == without_data(stream[gaps[0].last :])
    newest = [event for event in stream if isinstance(event, ValueRecorded)][-1]
    value = reader.value(newest.tensor, newest.version)
    assert value is not None
    assert value.array is not None
    old = next(event for event in after if isinstance(event, ValueRecorded))
    value = reader.value(old.tensor, old.version)
    assert value is not None
    assert (value.kind, value.reason) == ("skipped", "not kept: budget")
    state = State()
    for event in stream:
        reduce(state, event)
    assert reader.state_at(reader.head) == state
    reader.close()


@pytest.mark.parametrize("size", [1, 7, 15, 16, 32, 70000])
def test_events_in_batches_make_the_same_log_as_one_by_one(tmp_path: Path, size: int) -> None:
    stream = events(80)
    one_by_one = LogReader(write_log_directly(tmp_path / "single.retro", stream))
    writer, recorder, path = start(tmp_path)
    for at in range(0, len(stream), size):
        writer.write_batch(encode(stream[at : at + size]))
    finish(writer, recorder)
    batched = LogReader(path)
    assert batched.events(Seq(1), batched.head) == one_by_one.events(Seq(1), one_by_one.head)
    assert batched.iterations == one_by_one.iterations
    assert batched.scalars == one_by_one.scalars
    assert batched.sites == one_by_one.sites
    for seq in range(1, batched.head, 97):
        assert batched.state_at(Seq(seq)) == one_by_one.state_at(Seq(seq))
    database = sqlite3.connect(path)
    assert database.execute("SELECT max(events) FROM chunk").fetchone()[0] <= schema.CHUNK_EVENTS
    database.close()
    batched.close()
    one_by_one.close()


def test_a_bad_event_in_a_batch_costs_only_itself(tmp_path: Path) -> None:
    writer, recorder, path = start(tmp_path)
    stream = events(1)
    mixed = [msgspec.Raw(encode((99, 7))) if each.seq == 12 else each for each in stream]
    writer.write_batch(encode(mixed))
    finish(writer, recorder)
    reader = LogReader(path)
    assert reader.events(Seq(1), reader.head) == without_data([each for each in stream if each.seq != 12])
    reader.close()
