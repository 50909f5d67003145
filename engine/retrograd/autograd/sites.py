"""The user's source line behind a call, kept cheaply: a code object and an instruction, made a line only when asked."""

from __future__ import annotations

import itertools
import linecache
import os
import sys
from types import CodeType, FrameType

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENGINE_FILES = frozenset(
    os.path.join(folder, name) for folder, _, names in os.walk(_HERE) for name in names if name.endswith(".py")
)
"""The engine's own files: their frames are passed over when looking for the user's."""


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame from ``frame`` outwards that is not the engine's."""
    while frame is not None and frame.f_code.co_filename in ENGINE_FILES:
        frame = frame.f_back
    return frame


def here() -> tuple[CodeType | None, int]:
    """The user's place that the running engine function was called from."""
    frame = users_frame(sys._getframe(1))
    return (None, 0) if frame is None else (frame.f_code, frame.f_lasti)


def describe(code: CodeType | None, instruction: int) -> str:
    """``train.py:12, in step``, or "an unknown line"."""
    if code is None:
        return "an unknown line"
    return f"{code.co_filename}:{line_of(code, instruction)}, in {code.co_name}"


def expression(code: CodeType | None, instruction: int) -> str:
    """The part of the source line that an instruction belongs to, such as ``b.sqrt()``; "" where that is not known
    (before Python 3.11, or without the source)."""
    positions = getattr(code, "co_positions", None)
    if code is None or positions is None:
        return ""
    first, last, start, end = next(itertools.islice(positions(), instruction // 2, None))
    if first is None or first != last or start is None:
        return ""
    line = linecache.getline(code.co_filename, first).encode()
    return line[start:end].decode(errors="replace").strip()


def line_of(code: CodeType, instruction: int) -> int:
    """The source line of an instruction (as ``f_lasti`` counts them)."""
    for first, last, line in code.co_lines():
        if first <= instruction < last and line is not None:
            return line
    return code.co_firstlineno
