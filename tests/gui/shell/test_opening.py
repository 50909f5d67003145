"""What can't be opened is said in words, before anything is started."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from retrograd_gui.opening import Refused, RunFile, ScriptFile, look_at


def refused(path: Path) -> Refused:
    found = look_at(path)
    assert isinstance(found, Refused)
    return found


def test_a_script_and_a_run_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("print(1)\n")
    assert look_at(script) == ScriptFile(script)
    named = tmp_path / "old.retro"
    unnamed = tmp_path / "old.bak"
    for path in (named, unnamed):
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE t (a)")
        database.close()
        assert look_at(path) == RunFile(path)


def test_a_script_needs_no_suffix(tmp_path: Path) -> None:
    script = tmp_path / "train"
    script.write_text("#!/usr/bin/env python\nprint(1)\n")
    assert isinstance(look_at(script), ScriptFile)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "gone.py") in refused(tmp_path / "gone.py").text
    assert str(tmp_path / "gone.retro") in refused(tmp_path / "gone.retro").text


def test_a_folder_is_called_one(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path).text


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "secret.py"
    path.write_text("1")
    path.chmod(0)
    assert "no permission" in refused(path).text


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00"),
        ("data.py", b"x = 1\n\x00"),
        ("latin.py", b"# coding: utf-8\nx = '\xe9'\n"),
        ("odd.py", b"# coding: no-such-coding\n"),
        ("notes.txt", b"Dear reader, this is no program.\n"),
    ],
)
def test_what_is_no_script_is_refused_by_name(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    found = refused(path)
    assert name in found.text
    assert "not a Python script" in found.text
    assert not found.source


def test_a_syntax_error_brings_its_line_and_the_source(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("import math\n\nfor i in range(3)\n    print(i)\n")
    found = refused(path)
    assert (found.line, found.column) == (3, 18)
    assert "line 3" in found.text
    assert found.source.startswith("import math")


def test_another_interpreters_grammar_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text("print 'hello'\n")
    assert isinstance(look_at(path, check_syntax=False), ScriptFile)
