"""What is kept for each script: its run settings and its breakpoints, in one JSON file of the user's."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from retrograd_debug.home import config_folder
from retrograd_debug.session.api import Breakpoint

_writing = threading.Lock()


class RunSettings(msgspec.Struct, frozen=True):
    """How a script is run. Empty strings and lists mean the default: the interpreter of the environment that is active
    or lies beside the script (else the app's own), no arguments, the current folder, nothing added to the
    environment. ``engine``: "retrograd" gives the script our engine where it imports ``torch``; empty leaves the choice
    to what it imports."""

    interpreter: str = ""
    args: list[str] = []
    cwd: str = ""
    environment: dict[str, str] = {}
    values: str = "all"
    engine: str = ""


class ScriptMemory(msgspec.Struct, frozen=True):
    """What one script is remembered by."""

    settings: RunSettings = RunSettings()
    breakpoints: list[Breakpoint] = []
    pace: float = 0.0
    iterations_per_second: float = 0.0


def memory_file() -> Path:
    """Where it is kept."""
    return config_folder() / "scripts.json"


def recall(script: str | Path) -> ScriptMemory:
    """What is remembered of ``script`` (defaults when nothing is, or when the file can't be read)."""
    return _read(memory_file()).get(_key(script), ScriptMemory())


def remember(script: str | Path, memory: ScriptMemory) -> None:
    """Keep ``memory`` for ``script``; the file is replaced as a whole, so a crash leaves the old one."""
    change(script, lambda _before: memory)


def remember_breakpoints(script: str | Path, breakpoints: list[Breakpoint]) -> None:
    """Keep the breakpoints of ``script`` and leave the rest as it is."""
    change(script, lambda before: msgspec.structs.replace(before, breakpoints=breakpoints))


def change(script: str | Path, alter: Callable[[ScriptMemory], ScriptMemory]) -> None:
    """Keep what ``alter`` makes of what is remembered of ``script``; changes from several threads don't undo each
    other."""
    path = memory_file()
    with _writing:
        everything = _read(path)
        everything[_key(script)] = alter(everything.get(_key(script), ScriptMemory()))
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(everything)))
        os.replace(name, path)


def _key(script: str | Path) -> str:
    return str(Path(script).resolve())


def _read(path: Path) -> dict[str, ScriptMemory]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, ScriptMemory])
    except (OSError, msgspec.MsgspecError):
        return {}


def default_interpreter(script: str | Path, environment: dict[str, str] | None = None) -> str:
    """The interpreter of the active environment, of one beside the script or above it, else the app's own."""
    environment = dict(os.environ) if environment is None else environment
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if (root := environment.get(variable)) and (found := _python_in(Path(root))):
            return found
    folder = Path(script).resolve().parent
    for each in (folder, *folder.parents):
        for name in (".venv", "venv", "env"):
            if (each / name / "pyvenv.cfg").exists() and (found := _python_in(each / name)):
                return found
        if (each / "pyproject.toml").exists() or (each / ".git").exists():
            break
    return sys.executable


def _python_in(root: Path) -> str:
    for relative in ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe"):
        if (root / relative).is_file():
            return str(root / relative)
    return ""
