"""Line breakpoints: stop before a line runs, op or not.

From Python 3.12 by ``sys.monitoring``: every other line is asked about once and then left alone. Before that by a trace
function that exists only while such a breakpoint is set and only in frames of files that have one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Protocol

from retrograd_debug.agent.frames import Frames
from retrograd_debug.session.api import Breakpoint, BreakpointStatus
from retrograd_debug.session.lines import resolve_line

Reached = Callable[[int, FrameType], None]
"""(breakpoint, frame): the frame is about to run that breakpoint's line."""


class LineWatch(Protocol):
    """How lines are watched on this Python."""

    def update(self, lines: dict[str, dict[int, int]]) -> None:
        """Watch ``lines``: file -> line -> breakpoint."""
        ...

    def join(self) -> None:
        """Let the calling thread, already running, be watched too."""
        ...

    def close(self) -> None:
        """Watch nothing any more."""
        ...


class BreakLines:
    """The line breakpoints of a run."""

    def __init__(self, frames: Frames, reached: Reached) -> None:
        self._watch: LineWatch = (
            MonitoredLines(frames, reached) if sys.version_info >= (3, 12) else TracedLines(frames, reached)
        )
        self._frames = frames

    def set(self, breakpoints: list[Breakpoint]) -> list[BreakpointStatus]:
        """Replace all; says where each one sits (its hits are counted elsewhere)."""
        lines: dict[str, dict[int, int]] = {}
        statuses = []
        for each in breakpoints:
            line, problem = (each.line, "")
            if each.kind == "line":
                line, problem = resolve_line(each.file, each.line)
                if not problem and each.enabled:
                    lines.setdefault(self._frames.path(each.file), {})[line] = each.id
            statuses.append(BreakpointStatus(each.id, line, 0, problem))
        self._watch.update(lines)
        return statuses

    def join(self) -> None:
        """Called by a thread that is held: from here on its running frames are watched too."""
        self._watch.join()

    def close(self) -> None:
        """Watch nothing any more."""
        self._watch.close()


class MonitoredLines:
    """Python 3.12 and later."""

    def __init__(self, frames: Frames, reached: Reached) -> None:
        self._frames = frames
        self._reached = reached
        self._lines: dict[str, dict[int, int]] = {}
        self._tool: int | None = None

    def update(self, lines: dict[str, dict[int, int]]) -> None:
        """Watch ``lines``."""
        self._lines = lines
        if lines and self._tool is None:
            self._take_tool()
        if self._tool is not None:
            monitoring = _monitoring()
            monitoring.set_events(self._tool, monitoring.events.LINE if lines else 0)
            monitoring.restart_events()

    def _take_tool(self) -> None:
        monitoring = _monitoring()
        for tool in (monitoring.DEBUGGER_ID, 4, 3):
            if monitoring.get_tool(tool) is None:
                monitoring.use_tool_id(tool, "retrograd")
                monitoring.register_callback(tool, monitoring.events.LINE, self._at)
                self._tool = tool
                return

    def _at(self, code: CodeType, line: int) -> object:
        lines = self._lines.get(self._frames.path(code.co_filename))
        if lines is None:
            return _monitoring().DISABLE
        breakpoint = lines.get(line)
        if breakpoint is None:
            return _monitoring().DISABLE
        self._reached(breakpoint, sys._getframe(1))
        return None

    def join(self) -> None:
        """Every thread is watched already."""

    def close(self) -> None:
        """Give the tool back."""
        if self._tool is not None:
            monitoring = _monitoring()
            monitoring.set_events(self._tool, 0)
            monitoring.register_callback(self._tool, monitoring.events.LINE, None)
            monitoring.free_tool_id(self._tool)
            self._tool = None


def _monitoring() -> Any:  # not in the type stubs of the oldest Python that is supported
    return sys.monitoring  # type: ignore[attr-defined,unused-ignore]


class TracedLines:
    """Python before 3.12."""

    def __init__(self, frames: Frames, reached: Reached) -> None:
        self._frames = frames
        self._reached = reached
        self._lines: dict[str, dict[int, int]] = {}
        self._hooked = False

    def update(self, lines: dict[str, dict[int, int]]) -> None:
        """Watch ``lines``; threads that run already join at their next event."""
        self._lines = lines
        if lines and not self._hooked:
            threading.settrace(self._on_call)
            self._hooked = True
        elif not lines and self._hooked:
            threading.settrace(None)  # type: ignore[arg-type,unused-ignore]
            self._hooked = False

    def join(self) -> None:
        """Trace the calling thread while there are breakpoints, its running frames included."""
        ours = sys.gettrace() == self._on_call
        if not self._lines:
            if ours:
                sys.settrace(None)
            return
        if not ours:
            if sys.gettrace() is not None:
                return
            sys.settrace(self._on_call)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self._frames.path(frame.f_code.co_filename) in self._lines:
                frame.f_trace = self._on_line
            frame = frame.f_back

    def _on_call(self, frame: FrameType, event: str, argument: object) -> Any:
        if not self._lines:
            sys.settrace(None)
            return None
        if self._frames.path(frame.f_code.co_filename) in self._lines:
            return self._on_line
        return None

    def _on_line(self, frame: FrameType, event: str, argument: object) -> Any:
        lines = self._lines.get(self._frames.path(frame.f_code.co_filename))
        if lines is None:
            return None if self._lines else self._end()
        if event == "line":
            breakpoint = lines.get(frame.f_lineno)
            if breakpoint is not None:
                self._reached(breakpoint, frame)
        return self._on_line

    def _end(self) -> None:
        sys.settrace(None)

    def close(self) -> None:
        """Trace nothing any more (other threads stop at their next call)."""
        self.update({})
        if sys.gettrace() == self._on_call:
            sys.settrace(None)
