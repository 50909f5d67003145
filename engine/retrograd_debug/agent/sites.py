"""Sites: the user's lines that issue something, each defined once."""

from __future__ import annotations

import sys
from types import CodeType, FrameType

from retrograd_debug.agent.frames import USER, Frames, line_text
from retrograd_debug.agent.writer import EventWriter

SITE_DEFINED = 3


class Sites:
    """Finds the site of a call by the code and instruction of its user frame; a hit costs one dictionary look-up."""

    def __init__(self, frames: Frames, writer: EventWriter) -> None:
        self._frames = frames
        self._writer = writer
        self.by_place: dict[tuple[int, int], int] = {}
        self._by_line: dict[tuple[str, int, str], int] = {}
        self._kept: dict[int, CodeType] = {}

    def here(self, skip: int) -> int:
        """The site of the caller's caller's … (``skip`` frames up) innermost user frame; 0 when there is none."""
        return self.of(sys._getframe(skip + 1))

    def of(self, frame: FrameType | None) -> int:
        """The site of the innermost user frame at or above ``frame``."""
        skipped = self._frames.not_user
        top = frame
        while frame is not None:
            code = frame.f_code
            key = id(code)
            if key not in skipped:
                known = self.by_place.get((key, frame.f_lasti))
                if known is not None:
                    return known
                if self._frames.kind(code) == USER:
                    return self._define(frame)
            frame = frame.f_back
        library = self._frames.innermost_user(top)
        return self._define(library) if library is not None else 0

    def at(self, file: str, line: int, function: str) -> int:
        """The site of a known line."""
        key = (file, line, function)
        site = self._by_line.get(key)
        if site is None:
            site = self._by_line[key] = len(self._by_line) + 1
            self._writer.emit(SITE_DEFINED, (site, file, line, function, line_text(file, line)))
        return site

    def _define(self, frame: FrameType) -> int:
        code = frame.f_code
        line = frame.f_lineno or code.co_firstlineno
        site = self.at(self._frames.path(code.co_filename), line, code.co_name)
        if self._frames.kind(code) == USER:
            self._kept[id(code)] = code
            self.by_place[id(code), frame.f_lasti] = site
        return site
