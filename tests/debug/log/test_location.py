"""What the gallery is told of recorded runs, and what goes when there is too much."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from fixtures.synthetic import events, write_log_directly
from retrograd_debug.log.location import SPARK, delete_run, keep_within, list_runs, new_log, size_of, summarise
from retrograd_debug.log.reader import LogReader
from retrograd_debug.log.writer import LogWriter


def test_a_new_log_takes_no_other_ones_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_HOME", str(tmp_path))
    names = set()
    for _ in range(3):
        path = new_log("/home/ada/mlp_moons.py")
        path.touch()
        names.add(path.name)
    assert len(names) == 3
    assert all(name.startswith("mlp_moons-") and name.endswith(".retro") for name in names)
    assert tmp_path in new_log("x.py").parents


def test_a_summary_says_what_the_gallery_shows(tmp_path: Path) -> None:
    path = write_log_directly(tmp_path / "run.retro", events(200))
    run = summarise(path)
    assert run is not None
    assert (run.script, run.iterations, run.ended, run.problem) == ("linear_regression.py", 200, "finished", "")
    assert run.size == path.stat().st_size
    assert 2 <= len(run.losses) <= 2 * SPARK
    assert run.losses[0] > run.losses[-1]


def test_what_cannot_be_opened_is_listed_with_its_reason(tmp_path: Path) -> None:
    write_log_directly(tmp_path / "good.retro", events(2))
    (tmp_path / "bad.retro").write_text("no log")
    (tmp_path / "other.txt").write_text("not ours")
    runs = {run.path.name: run for run in list_runs(tmp_path)}
    assert set(runs) == {"good.retro", "bad.retro"}
    assert "is not a recorded run" in runs["bad.retro"].problem
    assert list_runs(tmp_path / "none") == []
    assert summarise(tmp_path / "none.retro") is None


def test_a_run_that_is_still_recorded_says_so(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "run.retro")
    for event in events(3, ended=False):
        writer.add(event, msgspec.msgpack.encode(event))
    writer.flush()
    run = summarise(tmp_path / "run.retro")
    assert run is not None
    assert (run.ended, run.iterations) == ("running", 3)
    assert run.size > (tmp_path / "run.retro").stat().st_size
    writer.finish()


def test_deleting_takes_companions_along(tmp_path: Path) -> None:
    path = write_log_directly(tmp_path / "run.retro", events(1))
    path.with_name("run.retro-wal").touch()
    delete_run(path)
    delete_run(path)
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_runs_go_first_and_the_newest_stays(tmp_path: Path) -> None:
    paths = [write_log_directly(tmp_path / f"run{number}.retro", events(5)) for number in range(4)]
    for age, path in enumerate(reversed(paths)):
        os.utime(path, (10**9 - age, 10**9 - age))
    each = size_of(paths[0])
    assert keep_within(10 * each, tmp_path) == []
    assert keep_within(2 * each, tmp_path) == paths[:2]
    assert keep_within(0, tmp_path) == [paths[2]]
    assert [run.path for run in list_runs(tmp_path)] == [paths[3]]


def test_a_log_finished_under_a_readers_eyes_becomes_one_file_when_it_looks_away(tmp_path: Path) -> None:
    path = tmp_path / "run.retro"
    writer = LogWriter(path)
    reader = LogReader(path)
    for event in events(3):
        writer.add(event, msgspec.msgpack.encode(event))
    writer.finish()
    reader.refresh()
    assert reader.ended is not None
    reader.close()
    assert [each.name for each in tmp_path.iterdir()] == ["run.retro"]
    again = LogReader(path)
    assert again.damage == ""
    assert again.ended is not None
    again.close()
