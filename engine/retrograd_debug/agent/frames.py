"""Whose code is a frame: the engine's and ours, a library's, or the user's; and the stack as the user knows it."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import CodeType, FrameType, TracebackType

import retrograd_events
from retrograd_debug.session.api import Frame

INTERNAL, LIBRARY, USER = 0, 1, 2

_EVENTS_AT = Path(retrograd_events.__file__ or "").resolve().parent
_PACKAGES = tuple(
    str(_EVENTS_AT.parent / name) + os.sep for name in ("retrograd", "retrograd_events", "retrograd_debug")
)
_STDLIB = tuple(
    {str(Path(path)) + os.sep for key in ("stdlib", "platstdlib") if (path := sysconfig.get_paths().get(key))}
)
_SITE = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


class Frames:
    """Classifies code objects, each once. Keeps the code objects it has seen (so that their ids stay theirs)."""

    def __init__(self, script: str = "") -> None:
        """``script``: files in its folder are the user's, wherever that lies."""
        self._home = str(Path(script).resolve().parent) + os.sep if script else ""
        self._seen: dict[int, tuple[int, CodeType]] = {}
        self._paths: dict[str, str] = {}
        self.internal: set[int] = set()
        self.bottom: CodeType | None = None

    def kind(self, code: CodeType) -> int:
        """INTERNAL, LIBRARY or USER."""
        seen = self._seen.get(id(code))
        if seen is not None:
            return seen[0]
        kind = self._classify(code.co_filename)
        self._seen[id(code)] = (kind, code)
        if kind == INTERNAL:
            self.internal.add(id(code))
        return kind

    def _classify(self, name: str) -> int:
        if name.startswith("<"):
            return LIBRARY if name.startswith("<frozen") or name == "<string>" else USER
        path = self.path(name)
        if path.startswith(_PACKAGES):
            return INTERNAL
        if self._home and path.startswith(self._home):
            inside = os.sep + path[len(self._home) :]
            return LIBRARY if any(part in inside for part in _SITE) else USER
        if any(part in path for part in _SITE) or path.startswith(_STDLIB):
            return LIBRARY
        return USER

    def path(self, name: str) -> str:
        """The absolute path of a code object's file name (names in angle brackets stay as they are)."""
        known = self._paths.get(name)
        if known is None:
            known = name if name.startswith("<") else os.path.realpath(name)
            self._paths[name] = known
        return known

    def innermost_user(self, frame: FrameType | None) -> FrameType | None:
        """The innermost frame of the user's files, else the innermost of a library, else None."""
        library = None
        while frame is not None and frame.f_code is not self.bottom:
            kind = self.kind(frame.f_code)
            if kind == USER:
                return frame
            if kind == LIBRARY and library is None and not frame.f_code.co_filename.startswith("<"):
                library = frame
            frame = frame.f_back
        return library

    def issued_by_user(self, frame: FrameType | None) -> bool:
        """Whether the innermost frame that is not ours or the engine's lies in the user's files."""
        while frame is not None:
            kind = self.kind(frame.f_code)
            if kind != INTERNAL:
                return kind == USER
            frame = frame.f_back
        return False

    def stack(self, frame: FrameType | None) -> list[FrameType]:
        """Frames that are not ours, the engine's or the import system's, outermost first."""
        frames: list[FrameType] = []
        while frame is not None and frame.f_code is not self.bottom:
            if self._shown(frame.f_code):
                frames.append(frame)
            frame = frame.f_back
        frames.reverse()
        return frames

    def user_depth(self, frame: FrameType | None) -> int:
        """How many frames of the user's files are on the stack."""
        depth = 0
        while frame is not None and frame.f_code is not self.bottom:
            depth += self.kind(frame.f_code) == USER
            frame = frame.f_back
        return depth

    def where(self, frame: FrameType | None) -> tuple[str, int]:
        """File and line of the innermost frame of the user's files ("" and 0: there is none)."""
        user = self.innermost_user(frame)
        return (self.path(user.f_code.co_filename), line_of(user)) if user is not None else ("", 0)

    def of_traceback(self, trace: TracebackType | None) -> list[tuple[FrameType, int]]:
        """The frames of a traceback with their lines, as ``stack`` has them, from the user's first one on: what starts
        a thread is left out."""
        frames: list[tuple[FrameType, int]] = []
        first: int | None = None
        while trace is not None:
            code = trace.tb_frame.f_code
            if self._shown(code):
                if first is None and self.kind(code) == USER:
                    first = len(frames)
                frames.append((trace.tb_frame, trace.tb_lineno))
            trace = trace.tb_next
        return frames[first or 0 :]

    def _shown(self, code: CodeType) -> bool:
        return self.kind(code) != INTERNAL and not code.co_filename.startswith("<frozen")

    def describe(self, frames: Iterable[tuple[FrameType, int]]) -> list[Frame]:
        """Frames in words: file, line, function and the line's text."""
        return [
            Frame(path := self.path(frame.f_code.co_filename), line, frame.f_code.co_name, line_text(path, line))
            for frame, line in frames
        ]


def variable(name: str, frames: Sequence[FrameType]) -> object:
    """What the innermost of ``frames`` (innermost last) that knows ``name`` calls so. ``LookupError``: none does."""
    for frame in reversed(frames):
        for place in (frame.f_locals, frame.f_globals):
            if name in place:
                found: object = place[name]
                return found
    raise LookupError(name)


def line_text(file: str, line: int) -> str:
    """The text of a source line, without its indentation."""
    return linecache.getline(file, line).strip()


def line_of(frame: FrameType) -> int:
    """The line that a frame is at (its first line while it has none)."""
    return frame.f_lineno or frame.f_code.co_firstlineno


def thread_frame(ident: int) -> FrameType | None:
    """Where a thread is now."""
    return sys._current_frames().get(ident)
