"""Runs the user's script as ``python script.py`` would, and says how it ended."""

from __future__ import annotations

import builtins
import os
import sys
import types
from dataclasses import dataclass
from pathlib import Path


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
    except SystemExit as error:
        return Outcome("exit", _exit_code(error), error)
    except KeyboardInterrupt as error:
        return Outcome("stopped", 130, error)
    except BaseException as error:  # noqa: BLE001  # whatever leaves the script is how it ended
        return Outcome("exception", 1, error)
    return Outcome("finished", 0)


def execute(code: types.CodeType, scope: dict[str, object]) -> None:
    """The frame below which nothing is the user's."""
    exec(code, scope)  # noqa: S102  # the user's own script is what we are here to run


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF if os.name == "posix" else error.code
    print(error.code, file=sys.stderr)
    return 1
