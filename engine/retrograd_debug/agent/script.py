"""Runs the user's script as ``python script.py`` would, and says how it ended."""

from __future__ import annotations

import builtins
import os
import sys
import types
from dataclasses import dataclass
from pathlib import Path

INTERRUPTED = 130
"""Exit code of a script that Ctrl+C or a stop ended, as a shell has it."""


@dataclass(slots=True)
class Outcome:
    """How a script ended: ``reason`` finished, exit, exception or stopped; ``error`` is what ended it."""

    reason: str
    exit_code: int
    error: BaseException | None = None


def run(code: types.CodeType, script: str, args: list[str]) -> Outcome:
    """Run ``code`` as ``__main__`` with the script's arguments and its folder first on the path."""
    module = types.ModuleType("__main__")
    module.__file__ = script
    module.__dict__["__builtins__"] = builtins
    module.__dict__["__cached__"] = None
    sys.modules["__main__"] = module
    sys.argv = [script, *args]
    sys.path.insert(0, str(Path(script).resolve().parent))
    try:
        execute(code, module.__dict__)
    except BaseException as error:  # noqa: BLE001  # whatever leaves the script is how it ended
        if isinstance(error, SystemExit) and not isinstance(error.code, (int, type(None))):
            print(error.code, file=sys.stderr)
        return outcome_of(error)
    return outcome_of(None)


def outcome_of(error: BaseException | None) -> Outcome:
    """What it means that ``error`` (None: nothing) ended the script."""
    if error is None:
        return Outcome("finished", 0)
    if isinstance(error, SystemExit):
        return Outcome("exit", _exit_code(error), error)
    if isinstance(error, KeyboardInterrupt):
        return Outcome("stopped", INTERRUPTED, error)
    return Outcome("exception", 1, error)


def execute(code: types.CodeType, scope: dict[str, object]) -> None:
    """The frame below which nothing is the user's."""
    exec(code, scope)  # noqa: S102  # the user's own script is what we are here to run


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF if os.name == "posix" else error.code
    return 1
