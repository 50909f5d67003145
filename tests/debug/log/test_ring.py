"""The ring gives back what was put in, whatever wraps, waits or dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrograd_debug.log.ring import (
    ACT,
    EVENT,
    VALUE,
    ActRecord,
    RingError,
    create_ring,
    sweep_rings,
)
from retrograd_debug.log.ring_reader import RingReader
from retrograd_debug.log.ring_writer import RingWriter


def drain(reader: RingReader, into: list[tuple[int, bytes]]) -> None:
    while not (reader.closed and not reader.in_flight):
        into.extend(reader.read())


@settings(max_examples=60, deadline=None)
@given(
    capacity=st.integers(128, 2048),
    records=st.lists(st.binary(max_size=6000) | st.binary(max_size=40), max_size=40),
)
def test_everything_written_comes_out_in_order(
    tmp_path_factory: pytest.TempPathFactory, capacity: int, records: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("ring") / "ring"
    writer = RingWriter.create(path, capacity)
    reader = RingReader.open(path)
    reader.attach()
    found: list[tuple[int, bytes]] = []
    thread = threading.Thread(target=drain, args=(reader, found))
    thread.start()
    for record in records:
        writer.write(record)
    writer.close()
    thread.join()
    reader.unmap()
    assert found == [(EVENT, record) for record in records]


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(st.binary(max_size=100), min_size=1, max_size=60),
    limits=st.lists(st.integers(1, 500), min_size=60, max_size=60),
)
def test_reading_a_little_at_a_time_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], limits: list[int]
) -> None:
    path = tmp_path_factory.mktemp("ring") / "ring"
    writer = RingWriter.create(path, 512)
    reader = RingReader.open(path)
    reader.attach()
    found: list[bytes] = []
    for record, limit in zip(records, limits, strict=False):
        writer.write(record)
        found.extend(data for _, data in reader.read(limit))
        while reader.in_flight > 256:
            found.extend(data for _, data in reader.read(limit))
    found.extend(data for _, data in reader.read())
    assert found == records
    writer.close()
    reader.unmap()


def test_values_are_turned_away_before_events_have_to_wait(tmp_path: Path) -> None:
    with RingWriter.create(tmp_path / "ring", 1 << 16) as writer, RingReader.open(tmp_path / "ring") as reader:
        reader.attach()
        accepted = 0
        while writer.try_write_value(b"header", b"v" * 1000):
            accepted += 1
        assert accepted > 40
        before = writer.in_flight
        assert not writer.try_write(b"v" * 1000)
        assert writer.in_flight == before
        writer.write(b"event")
        kinds = [kind for kind, _ in reader.read()]
        assert kinds == [VALUE] * accepted + [EVENT]
        assert writer.try_write_value(b"header", b"v" * 1000)


def test_a_value_larger_than_the_ring_is_turned_away_and_can_be_insisted_on(tmp_path: Path) -> None:
    writer = RingWriter.create(tmp_path / "ring", 1 << 16)
    reader = RingReader.open(tmp_path / "ring")
    reader.attach()
    data = bytes(range(256)) * 4096
    assert not writer.try_write_value(b"header", data)
    found: list[tuple[int, bytes]] = []
    thread = threading.Thread(target=drain, args=(reader, found))
    thread.start()
    writer.write_value(b"header", data)
    writer.close()
    thread.join()
    reader.unmap()
    assert found == [(VALUE, (6).to_bytes(8, "little") + b"header" + data)]


def test_acts_travel_beside_events(tmp_path: Path) -> None:
    import msgspec

    with RingWriter.create(tmp_path / "ring", 1024) as writer, RingReader.open(tmp_path / "ring") as reader:
        writer.write_act(7, "evaluation", "x.sum()", "tensor(3.)")
        ((kind, data),) = reader.read()
        act = msgspec.msgpack.decode(data, type=ActRecord)
        assert kind == ACT
        assert (act.after, act.kind, act.text, act.result) == (7, "evaluation", "x.sum()", "tensor(3.)")


def test_a_writer_takes_over_where_the_ring_stands(tmp_path: Path) -> None:
    path = create_ring(tmp_path / "ring", 256)
    with RingReader.open(path) as reader:
        found = []
        for number in range(40):
            with RingWriter.open(path) as writer:
                writer.write(b"%d" % number)
            found += [data for _, data in reader.read()]
    assert found == [b"%d" % number for number in range(40)]


def test_without_a_recorder_a_full_ring_lets_the_program_go_on(tmp_path: Path) -> None:
    with RingWriter.create(tmp_path / "ring", 256) as writer, RingReader.open(tmp_path / "ring") as reader:
        reader.attach()
        reader.set_status(3, "The disk is full.")
        for _ in range(100):
            writer.write(b"x" * 50)
        assert writer.lost
        assert not writer.try_write(b"x")
        assert writer.recorder_message == "The disk is full."


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\0" * 8192, b"x" * 8192])
def test_what_is_no_ring_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ring"
    path.write_bytes(content)
    with pytest.raises(RingError, match=r"."):
        RingReader.open(path)


def test_a_missing_ring_and_a_missing_folder_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(RingError, match="can't be opened"):
        RingReader.open(tmp_path / "none")
    with pytest.raises(RingError, match="No ring could be made"):
        RingWriter.create(tmp_path / "none" / "ring")


def test_a_scribbled_over_ring_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    with RingWriter.create(path, 1024) as writer, RingReader.open(path) as reader:
        writer.write(b"event")
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 8)
        with pytest.raises(RingError, match="damaged"):
            reader.read()


def test_how_the_program_ended_reaches_the_recorder(tmp_path: Path) -> None:
    with RingWriter.create(tmp_path / "ring", 1024) as writer, RingReader.open(tmp_path / "ring") as reader:
        assert reader.exit is None
        writer.report_exit(-9)
        assert reader.exit == (137, 9, False)
        writer.report_exit(3, asked=True)
        assert reader.exit == (3, 0, True)


def test_rings_that_everyone_left_are_swept_away(tmp_path: Path) -> None:
    left = str(tmp_path / "retrograd-a.ring")
    code = f"from retrograd_debug.log.ring_writer import RingWriter; RingWriter.create({left!r}, 512)"
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=True
    )
    (tmp_path / "retrograd-b.ring").write_text("someone else's")
    with RingWriter.create(tmp_path / "retrograd-c.ring", 512):
        assert sweep_rings(tmp_path) == [tmp_path / "retrograd-a.ring"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["retrograd-b.ring", "retrograd-c.ring"]
