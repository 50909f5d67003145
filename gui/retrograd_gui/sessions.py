"""Opens files as sessions. Everything here may wait on disk or on processes: it runs beside the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from retrograd_debug.log.location import list_runs, summarise
from retrograd_debug.session.api import Breakpoint, Session
from retrograd_debug.session.live import LiveSession
from retrograd_debug.session.replay import ReplaySession
from retrograd_debug.session.settings import (
    RunSettings,
    ScriptMemory,
    change,
    default_interpreter,
    recall,
    remember_breakpoints,
)
from retrograd_gui.gallery.runs import RunCard, card_of
from retrograd_gui.opening import Opening, RunFile, ScriptFile, look_at
from retrograd_gui.settings import Pace


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, and what is kept with its script. ``is_script``: it runs, or ran, in this app."""

    session: Session
    path: Path
    script: str
    is_script: bool
    memory: ScriptMemory


def prepare(path: Path) -> Opening:
    """Look at ``path``; the grammar is only checked where this Python's is the one that counts."""
    chosen = recall(path).settings.interpreter
    return look_at(path, check_syntax=not chosen)


def open_session(file: ScriptFile | RunFile) -> Opened:
    """Start a script, held before its first operation, or open a log. Raises ``LogError`` with a sentence."""
    if isinstance(file, ScriptFile):
        script = str(file.path)
        memory = recall(script)
        return Opened(LiveSession(file.path), file.path, script, True, memory)
    session = ReplaySession(file.path)
    summary = summarise(file.path)
    script = summary.script if summary is not None else ""
    memory = recall(script) if script else ScriptMemory()
    return Opened(session, file.path, script, False, memory)


def keep_breakpoints(script: str, breakpoints: list[Breakpoint]) -> None:
    """Keep what was changed while looking at a recorded run; a live session does so itself."""
    remember_breakpoints(script, breakpoints)


def keep_run_settings(script: str, settings: RunSettings) -> None:
    """Keep how a script is run."""
    change(script, lambda before: replace(before, settings=settings))


def keep_pace(script: str, pace: Pace) -> None:
    """Keep the pace of Continue."""
    change(script, lambda before: replace(before, pace=pace.ops, iterations_per_second=pace.iterations))


def pace_of(memory: ScriptMemory) -> Pace:
    """The pace that is kept with a script."""
    return Pace(memory.pace, memory.iterations_per_second)


def run_settings(script: Path) -> tuple[RunSettings, str]:
    """How ``script`` is run, and the interpreter that is used where none is named."""
    return recall(script).settings, default_interpreter(script)


def recent_runs() -> list[RunCard]:
    """The runs in the person's folder, newest first."""
    return [card_of(summary) for summary in list_runs()]
