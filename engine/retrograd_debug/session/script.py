"""Whether a file is a script that can be run at all, and else why not, in a sentence."""

from __future__ import annotations

import types
from pathlib import Path

from retrograd_events import tr


class ScriptError(Exception):
    """The script can't be run at all; the message is a sentence. ``line`` is where, for a syntax error (else 0)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def _read(script: str) -> bytes:
    path = Path(script)
    if not path.exists():
        raise ScriptError(tr("There is no file {path}.", path=script))
    if path.is_dir():
        raise ScriptError(tr("{path} is a directory, not a script.", path=script))
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ScriptError(tr("{path} can't be read: {reason}.", path=script, reason=error.strerror)) from error
    if b"\0" in source:
        raise ScriptError(tr("{name} is not a Python script (it holds binary data).", name=path.name))
    return source


def load(script: str, text: str | None = None) -> types.CodeType:
    """Compile the script (from ``text`` instead of its file, if given), or say in a sentence why that is impossible."""
    source = _read(script) if text is None else text.encode()
    name = Path(script).name
    try:
        return compile(source, script, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 0
        text = (error.text or "").strip()
        message = tr("Syntax error in {name}, line {line}: {reason}.", name=name, line=line, reason=error.msg)
        raise ScriptError(f"{message}\n    {text}" if text else message, line) from error
    except ValueError as error:
        raise ScriptError(tr("{name} is not a Python script: {reason}.", name=name, reason=error)) from error


def file_problem(script: str | Path) -> str:
    """Why ``script`` can't be read as a script, as a sentence ("" when it can; syntax is for its Python to judge)."""
    try:
        _read(str(script))
    except ScriptError as error:
        return str(error)
    return ""


def script_problem(script: str | Path) -> str:
    """Why ``script`` can't be run, as a sentence ("" when it can, as far as its text tells)."""
    try:
        load(str(script))
    except ScriptError as error:
        return str(error)
    return ""
