"""A recorded run that happens again in this process: from the same beginning, with the same from outside, in a world of
its own."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import io
import linecache
import os
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrograd_debug.agent.goals import Goal, Goals
from retrograd_debug.agent.guard import Guard
from retrograd_debug.agent.holding import Stop
from retrograd_debug.agent.overlay import Overlay
from retrograd_debug.session.config import Change, ReplayOf

if TYPE_CHECKING:
    from retrograd_debug.agent.agent import Agent


class Replaying:
    """``change(stop, change)`` makes a person's change again; ``arrived`` is called at the goal."""

    def __init__(
        self, plan: ReplayOf, agent: Agent, change: Callable[[Stop, Change], None], arrived: Callable[[], None]
    ) -> None:
        self._plan = plan
        self._agent = agent
        self._change = change
        self._arrived = arrived

    def install(self, ours: Callable[[], bool]) -> None:
        """Everything but the streams. The script has not run yet."""
        plan, agent = self._plan, self._agent
        sys.dont_write_bytecode = True
        agent.gate.set_goals(Goals(self._goals()))
        if plan.sources:
            for file, text in plan.sources.items():
                linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
            sys.meta_path.insert(0, _RecordedSources(plan.sources))
        overlay = Overlay(Path(plan.folder))
        guard = Guard(overlay, agent.frames, ours, agent.writer.act)
        overlay.install()
        guard.install()

    def _goals(self) -> list[Goal]:
        plan = self._plan
        goals = [Goal(each.moment, self._making(each)) for each in plan.changes]
        if plan.goal is not None:
            goals += [Goal(plan.goal, self._making(Change(plan.goal, None, text, sets=True))) for text in plan.new]
            goals.append(Goal(plan.goal, lambda _stop: self._arrived(), plan.hold))
        return goals

    def _making(self, change: Change) -> Callable[[Stop], None]:
        return lambda stop: self._change(stop, change)


class GivenInput(io.RawIOBase):
    """Standard input as it was recorded, piece by piece; then its end."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)

    def readable(self) -> bool:
        """It is read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next piece, as far as it fits."""
        if not self._pieces:
            return 0
        piece = self._pieces.pop(0)
        if len(piece) > len(buffer):
            self._pieces.insert(0, piece[len(buffer) :])
            piece = piece[: len(buffer)]
        buffer[: len(piece)] = piece
        return len(piece)


class _RecordedSources(importlib.abc.MetaPathFinder):
    """Loads the script's own modules as they were when it was recorded."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The usual spec, with the recorded text where the file has changed since."""
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.origin is None or os.path.realpath(spec.origin) not in self._sources:
            return None
        spec.loader = _RecordedLoader(name, spec.origin, self._sources[os.path.realpath(spec.origin)])
        return spec


class _RecordedLoader(importlib.machinery.SourceFileLoader):
    """A module from text."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> types.CodeType:
        """Compiled from the text, never from a cache."""
        return compile(self._text, self.path, "exec", dont_inherit=True)
