"""Which lines of a source file can be stopped at: those that compile to code."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType

from retrograd_debug.session.api import Breakpoint, BreakpointStatus
from retrograd_events import tr


def code_lines(source: bytes | str, file: str) -> list[int]:
    """The lines of ``source`` that hold code, in order. ``SyntaxError`` when it can't be compiled."""
    code = compile(source, file, "exec", dont_inherit=True)
    return sorted({line for each in _codes(code) for line in _lines(each)})


def resolve_line(file: str, line: int, source: str | None = None) -> tuple[int, str]:
    """Where a breakpoint on ``line`` really sits: that line or the next one with code; else a reason as a sentence.
    ``source`` is the file's text where it is known, else what the file holds now."""
    try:
        lines = code_lines(Path(file).read_bytes() if source is None else source, file)
    except OSError as error:
        return line, tr("{file} can't be read: {reason}", file=Path(file).name, reason=error.strerror or str(error))
    except (SyntaxError, ValueError) as error:
        return line, tr("{file} does not compile: {reason}", file=Path(file).name, reason=error)
    at = bisect_left(lines, line)
    if at == len(lines):
        return line, tr("no code on line {line} or after it", line=line)
    return lines[at], ""


def resolve(
    breakpoints: list[Breakpoint], source: Callable[[str], str | None] = lambda _: None
) -> list[BreakpointStatus]:
    """Where breakpoints sit while no script runs (no hits). ``source`` gives a file's text where it is known."""
    statuses = []
    for each in breakpoints:
        line, problem = resolve_line(each.file, each.line, source(each.file)) if each.kind == "line" else (0, "")
        statuses.append(BreakpointStatus(each.id, line, 0, problem))
    return statuses


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _lines(code: CodeType) -> Iterator[int]:
    # A def's own line belongs to the code around it (where the def statement runs), not to the function's prologue.
    for start, _, line in code.co_lines():
        if line is not None and line > 0 and (start > 0 or line != code.co_firstlineno or code.co_name == "<module>"):
            yield line
