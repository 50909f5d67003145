"""Sites: the user's lines that issue something, each defined once."""

from __future__ import annotations

import sys
from types import CodeType, FrameType

from retrograd_debug.agent.frames import INTERNAL, USER, Frames, line_text
from retrograd_debug.agent.writer import EventWriter

SITE_DEFINED = 3


class Sites:
    """Finds the site of a call by the code and instruction of its user frame; a hit costs one dictionary look-up."""

    def __init__(self, frames: Frames, writer: EventWriter) -> None:
        self._frames = frames
        self._writer = writer
        self.by_place: dict[tuple[int, int], int] = {}
        self._through_library: dict[tuple[int, int], int] = {}
        self._by_line: dict[tuple[str, int, str, bool], int] = {}
        self._kept: dict[int, CodeType] = {}

    def here(self, skip: int) -> int:
        """The site of the caller's caller's … (``skip`` frames up) innermost user frame; 0 when there is none."""
        return self.of(sys._getframe(skip + 1))

    def of(self, frame: FrameType | None) -> int:
        """The site of the innermost user frame at or above ``frame``."""
        skipped = self._frames.internal
        places = self.by_place
        top = frame
        while frame is not None:
            code = frame.f_code
            key = id(code)
            if key not in skipped:
                known = places.get((key, frame.f_lasti))
                if known is not None:
                    return known
                kind = self._frames.kind(code)
                if kind == USER:
                    return self._define(frame, places)
                if kind != INTERNAL:
                    places = self._through_library
            frame = frame.f_back
        library = self._frames.innermost_user(top)
        return self._define(library, self._through_library) if library is not None else 0

    def at(self, file: str, line: int, function: str, depth: int = 0, direct: bool = True) -> int:
        """The site of a known line."""
        key = (file, line, function, direct)
        site = self._by_line.get(key)
        if site is None:
            site = self._by_line[key] = len(self._by_line) + 1
            self._writer.emit(SITE_DEFINED, (site, file, line, function, line_text(file, line), depth, direct))
        return site

    def _define(self, frame: FrameType, places: dict[tuple[int, int], int]) -> int:
        code = frame.f_code
        line = frame.f_lineno or code.co_firstlineno
        file = self._frames.path(code.co_filename)
        site = self.at(file, line, code.co_name, self._frames.user_depth(frame), places is self.by_place)
        if self._frames.kind(code) == USER:
            self._kept[id(code)] = code
            places[id(code), frame.f_lasti] = site
        return site
