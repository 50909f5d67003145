"""Looks at a file that is to be opened and says in words why it can't be, before anything is started. No Qt."""

from __future__ import annotations

import ast
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path

from retrograd_events.text import tr

SQLITE_HEADER = b"SQLite format 3\x00"
RUN_SUFFIX = ".retro"
LARGEST_SCRIPT = 8_000_000


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script that can be started."""

    path: Path


@dataclass(frozen=True, slots=True)
class RunFile:
    """A recorded run; whether it is intact its reader says."""

    path: Path


@dataclass(frozen=True, slots=True)
class Refused:
    """Why ``path`` can't be opened. A syntax error also has the source and its line (from 1) and column (from 1)."""

    path: Path
    text: str
    source: str = ""
    line: int = 0
    column: int = 0


Opening = ScriptFile | RunFile | Refused


def look_at(path: Path, check_syntax: bool = True) -> Opening:
    """What ``path`` is. Reads the file: call it from a worker. ``check_syntax`` is off for a script that another
    interpreter runs, whose grammar may be another."""
    path = Path(path).absolute()
    try:
        if path.is_dir():
            return Refused(path, tr("{path} is a folder. Open a script (.py) or a run (.retro) in it.", path=path))
        if _is_run(path):
            return RunFile(path)
        with path.open("rb") as file:
            data = file.read(LARGEST_SCRIPT + 1)
    except FileNotFoundError:
        return Refused(path, tr("There is no file {path}. Was it moved or renamed?", path=path))
    except PermissionError:
        return Refused(path, tr("{path} can't be read: you have no permission for it.", path=path))
    except OSError as error:
        return Refused(path, tr("{path} can't be read: {reason}.", path=path, reason=error.strerror or str(error)))
    if b"\x00" in data or len(data) > LARGEST_SCRIPT:
        return Refused(path, tr("{name} is not a Python script: it holds binary data.", name=path.name))
    return _script(path, data, check_syntax)


def _is_run(path: Path) -> bool:
    if path.suffix == RUN_SUFFIX:
        path.stat()
        return True
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def _script(path: Path, data: bytes, check_syntax: bool) -> Opening:
    try:
        encoding, _ = tokenize.detect_encoding(iter(data.splitlines(keepends=True)).__next__)
        source = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        text = tr("{name} is not a Python script: its text can't be decoded ({reason}).", name=path.name, reason=error)
        return Refused(path, text)
    if not check_syntax:
        return ScriptFile(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source, filename=str(path))
    except SyntaxError as error:
        return _syntax_error(path, source, error)
    except (ValueError, RecursionError, MemoryError) as error:
        return Refused(path, tr("{name} is not a Python script: {reason}.", name=path.name, reason=error))
    return ScriptFile(path)


def _syntax_error(path: Path, source: str, error: SyntaxError) -> Refused:
    if path.suffix.lower() not in (".py", ".pyw", ""):
        text = tr("{name} is not a Python script. Open a script (.py) or a run (.retro).", name=path.name)
        return Refused(path, text)
    line = error.lineno or 1
    text = tr("{name} can't start: {reason}, at line {line}.", name=path.name, reason=error.msg, line=line)
    return Refused(path, text, source, line, error.offset or 1)
