"""What the breakpoint list shows, and the changes that a person makes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from msgspec.structs import replace

from retrograd_debug.session.api import Breakpoint, BreakpointStatus
from retrograd_events.text import tr, trn


@dataclass(frozen=True, slots=True)
class Row:
    """One breakpoint in words. ``state``: on, off or unreachable. ``detail`` is the line's text, or the problem."""

    breakpoint: Breakpoint
    state: str
    title: str
    detail: str
    hits: str
    tip: str


class BreakpointsModel:
    """``line_text`` gives the text of a file's line ("" when it is not known)."""

    def __init__(self, line_text: Callable[[str, int], str]) -> None:
        self._line_text = line_text
        self.rows: list[Row] = []

    def update(self, breakpoints: Sequence[Breakpoint], statuses: Mapping[int, BreakpointStatus]) -> None:
        """Take over the breakpoints and what the session says of them."""
        files = {breakpoint.file for breakpoint in breakpoints if breakpoint.kind == "line"}
        self.rows = [self._row(b, statuses.get(b.id), several=len(files) > 1) for b in breakpoints]

    def _row(self, breakpoint: Breakpoint, status: BreakpointStatus | None, several: bool) -> Row:
        problem = status.problem if status is not None else ""
        state = "unreachable" if problem else ("on" if breakpoint.enabled else "off")
        hits = trn("{count} hit", "{count} hits", status.hits if status is not None else 0)
        if not breakpoint.enabled:
            hits = tr("off")
        if breakpoint.kind == "op":
            title = tr("before {op}", op=breakpoint.op)
            return Row(
                breakpoint, state, title, problem, hits, problem or tr("Stops before every {op}", op=breakpoint.op)
            )
        line = status.line if status is not None and status.line else breakpoint.line
        name = PurePath(breakpoint.file).name
        title = tr("{file} line {line}", file=name, line=line) if several else tr("line {line}", line=line)
        text = self._line_text(breakpoint.file, line).strip()
        tip = tr("{file}, line {line}", file=breakpoint.file, line=line)
        return Row(breakpoint, state, title, problem or text, hits, f"{tip}\n{problem}" if problem else tip)

    def with_enabled(self, index: int, enabled: bool) -> list[Breakpoint]:
        """The breakpoints with one switched on or off."""
        result = [row.breakpoint for row in self.rows]
        result[index] = replace(result[index], enabled=enabled)
        return result

    def without(self, indexes: Sequence[int]) -> list[Breakpoint]:
        """The breakpoints with some removed."""
        return [row.breakpoint for index, row in enumerate(self.rows) if index not in indexes]

    def with_op(self, name: str) -> list[Breakpoint]:
        """The breakpoints and one before every op or node called ``name``; unchanged when there is one."""
        result = [row.breakpoint for row in self.rows]
        if name and not any(b.kind == "op" and b.op == name for b in result):
            result.append(Breakpoint(id=0, kind="op", op=name))
        return result
