"""Reading logs: the same state however one gets there, and a sentence for whatever can't be read."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fixtures.synthetic import events, write_log_directly
from retrograd_debug.log import schema
from retrograd_debug.log.api import LogError
from retrograd_debug.log.arrays import from_bytes
from retrograd_debug.log.reader import LogReader
from retrograd_debug.log.reduce import reduce
from retrograd_debug.log.state import State
from retrograd_debug.log.writer import LogWriter
from retrograd_events.events import FORMAT_VERSION, AnyEvent, Seq

encode = msgspec.msgpack.Encoder().encode


def replayed(stream: list[AnyEvent]) -> dict[int, State]:
    """The state after each event, replayed from the beginning."""
    state, states = State(), {}
    for event in stream:
        reduce(state, event)
        states[event.seq] = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
    return states


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "CHUNK_EVENTS", 16)
    monkeypatch.setattr(schema, "CHUNKS_PER_KEYFRAME", 2)
    monkeypatch.setattr(schema, "EVENTS_PER_KEYFRAME", 40)
    monkeypatch.setattr(schema, "KEYFRAME_SHARE", 0)


@pytest.mark.usefixtures("small_chunks")
def test_the_state_is_the_same_however_one_gets_there(tmp_path: Path) -> None:
    stream = events(20)
    reader = LogReader(write_log_directly(tmp_path / "run.retro", stream))
    expected = replayed(stream)
    order = [event.seq for event in stream]
    assert [reader.state_at(Seq(seq)) for seq in order] == [expected[seq] for seq in order]
    random.Random(0).shuffle(order)
    for seq in order:
        assert reader.state_at(Seq(seq)) == expected[seq]
    assert reader.state_at(Seq(0)) == State()
    assert reader.state_at(Seq(10**9)) == expected[stream[-1].seq]
    reader.close()


def test_a_state_is_the_callers_own(tmp_path: Path) -> None:
    reader = LogReader(write_log_directly(tmp_path / "run.retro", events(2)))
    mine = reader.state_at(Seq(30))
    mine.tensors.clear()
    mine.scopes[0] = []
    assert reader.state_at(Seq(30)).tensors
    assert reader.state_at(Seq(31)).tensors
    reader.close()


@pytest.mark.usefixtures("small_chunks")
def test_any_range_of_events(tmp_path: Path) -> None:
    stream = events(5)
    reader = LogReader(write_log_directly(tmp_path / "run.retro", stream))
    found = reader.events(Seq(1), reader.head)
    choose = random.Random(1)
    for _ in range(100):
        first, last = choose.randint(-3, len(stream) + 3), choose.randint(-3, len(stream) + 3)
        assert reader.events(Seq(first), Seq(last)) == [each for each in found if first <= each.seq <= last]
    reader.close()


def test_which_iteration_an_event_lies_in(tmp_path: Path) -> None:
    reader = LogReader(write_log_directly(tmp_path / "run.retro", events(4)))
    assert reader.iteration_at(Seq(1)) is None
    for row in reader.iterations:
        for seq in (row.first, row.last):
            inside = reader.iteration_at(seq)
            assert inside is not None
            assert inside.index == row.index
    reader.close()


def test_missing_numbers_are_legal(tmp_path: Path) -> None:
    stream = [event for event in events(3) if not 30 <= event.seq < 60]
    reader = LogReader(write_log_directly(tmp_path / "run.retro", stream))
    assert [each.seq for each in reader.events(Seq(25), Seq(65))] == [*range(25, 30), *range(60, 66)]
    assert reader.state_at(Seq(45)) == replayed(stream)[29]
    reader.close()


# --- files that are no whole logs


def read_everything(path: Path) -> LogReader:
    """Do with a log whatever can be done; only LogError may come of it."""
    reader = LogReader(path)
    try:
        for event in reader.events(Seq(1), reader.head):
            if event.seq % 7 == 0:
                reader.state_at(event.seq)
        for tensor in range(1, 40):
            reader.value(tensor, 0)  # type: ignore[arg-type]
        reader.acts()
        reader.source("linear_regression.py")
        reader.refresh()
    finally:
        reader.close()
    return reader


def test_a_log_cut_off_anywhere_opens_as_far_as_it_goes(tmp_path: Path) -> None:
    stream = events(60)
    whole = write_log_directly(tmp_path / "run.retro", stream).read_bytes()
    complete = LogReader(tmp_path / "run.retro")
    expected = complete.events(Seq(1), complete.head)
    complete.close()
    opened, longest, refusals = 0, 0, []
    cut = tmp_path / "cut.retro"
    for size in [*range(0, len(whole), 4999), len(whole) - 1, len(whole) - 8192]:
        cut.write_bytes(whole[:size])
        try:
            reader = read_everything(cut)
        except LogError as error:
            refusals.append(str(error))
            continue
        opened += 1
        assert reader.damage
        again = LogReader(cut)
        found = again.events(Seq(1), again.head)
        assert found == expected[: len(found)]
        assert f"as far as event {again.head:,}." in again.damage
        longest = max(longest, len(found))
        again.close()
    assert opened > 10
    assert all(sentence.endswith(".") for sentence in refusals)
    assert longest > len(expected) / 2


def test_a_scribbled_over_log_never_ends_in_a_traceback(tmp_path: Path) -> None:
    whole = write_log_directly(tmp_path / "run.retro", events(25)).read_bytes()
    bad = tmp_path / "bad.retro"
    choose = random.Random(2)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(choose.choice((1, 20, 400))):
            data[choose.randrange(100, len(data))] = choose.randrange(256)
        bad.write_bytes(data)
        with contextlib.suppress(LogError):
            read_everything(bad)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"SQLite form", "cut off"),
        (b"PK\x03\x04" + b"x" * 500, "is not a recorded run"),
        (b"SQLite format 3\0" + b"\0" * 5000, "is not a recorded run"),
    ],
)
def test_a_file_that_is_no_log_is_said_to_be_none(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "thing.retro"
    path.write_bytes(content)
    with pytest.raises(LogError, match=sentence):
        LogReader(path)
    assert path.read_bytes() == content


def test_a_missing_file_and_a_folder_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="There is no file"):
        LogReader(tmp_path / "none.retro")
    with pytest.raises(LogError, match="is a folder"):
        LogReader(tmp_path)


def test_another_programs_database_is_no_log(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "other.db")
    database.execute("CREATE TABLE chunk (first INTEGER)")
    database.close()
    with pytest.raises(LogError, match="is not a recorded run"):
        LogReader(tmp_path / "other.db")


def test_a_newer_log_is_refused_by_its_version(tmp_path: Path) -> None:
    path = write_log_directly(tmp_path / "run.retro", events(1))
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {FORMAT_VERSION + 2}")
    database.close()
    sentence = (
        f"This log was written by version {FORMAT_VERSION + 2}; this app reads up to {FORMAT_VERSION}."
        " Update to open it."
    )
    with pytest.raises(LogError) as caught:
        LogReader(path)
    assert str(caught.value) == sentence


def test_a_log_copied_without_its_wal_says_so(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "run.retro")
    stream = events(30, ended=False)
    for event in stream:
        writer.add(event, encode(event))
        if event.seq == 500:
            writer.flush()
            writer._db.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
    writer.flush()
    shutil.copy(tmp_path / "run.retro", tmp_path / "copy.retro")
    copy = LogReader(tmp_path / "copy.retro")
    assert "without its -wal file" in copy.damage
    assert "500" in copy.damage
    assert copy.head == 500
    assert copy.state_at(Seq(500)) == replayed(stream)[500]
    copy.close()
    original = LogReader(tmp_path / "run.retro")
    assert original.head == len(stream)
    assert original.damage == ""
    original.close()
    writer.finish()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_log_in_a_folder_that_cannot_be_written_opens(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    write_log_directly(folder / "run.retro", events(2))
    folder.chmod(0o500)
    try:
        reader = LogReader(folder / "run.retro")
        assert reader.ended is not None
        reader.close()
    finally:
        folder.chmod(0o700)


def test_reading_leaves_a_finished_log_as_it_was(tmp_path: Path) -> None:
    path = write_log_directly(tmp_path / "run.retro", events(3))
    before = path.read_bytes()
    read_everything(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["run.retro"]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64", "complex64"])
def test_arrays_of_every_recorded_type(dtype: str) -> None:
    array = np.arange(6).astype(dtype).reshape(2, 3)
    found = from_bytes(array.tobytes(), dtype, (2, 3))
    assert found is not None
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
    assert from_bytes(array.tobytes(), dtype, (7, 3)) is None
    assert from_bytes(array.tobytes(), "object", (2, 3)) is None


def test_bfloat16_is_widened_exactly() -> None:
    exact = np.array([1.0, -2.5, 3.140625, 0.0], np.float32)
    halves = (exact.view(np.uint32) >> 16).astype(np.uint16)
    found = from_bytes(halves.tobytes(), "bfloat16", (4,))
    assert found is not None
    assert np.array_equal(found, exact)
