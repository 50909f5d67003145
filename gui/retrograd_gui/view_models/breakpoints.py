"""What the breakpoint list shows, and the changes that a person makes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from msgspec.structs import replace

from retrograd_debug.session.api import Breakpoint, BreakpointStatus
from retrograd_events.text import tr, trn
from retrograd_gui.view_models.breakpoint_kinds import KindForm, title_of


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
        spent = status is not None and status.spent
        state = "unreachable" if problem else ("on" if breakpoint.enabled and not spent else "off")
        hits = trn("{count} hit", "{count} hits", status.hits if status is not None else 0)
        if not breakpoint.enabled or spent:
            hits = tr("off") if not breakpoint.enabled else tr("done")
        extras = ", ".join(_extras(breakpoint))
        if breakpoint.kind != "line":
            title = title_of(breakpoint)
            tip = "\n".join(part for part in (tr("Stops {where}", where=title), extras, problem) if part)
            return Row(breakpoint, state, title, problem or extras, hits, tip)
        line = status.line if status is not None and status.line else breakpoint.line
        name = PurePath(breakpoint.file).name
        title = tr("{file} line {line}", file=name, line=line) if several else tr("line {line}", line=line)
        text = self._line_text(breakpoint.file, line).strip()
        tip = "\n".join(
            part for part in (tr("{file}, line {line}", file=breakpoint.file, line=line), extras, problem) if part
        )
        return Row(breakpoint, state, title, problem or extras or text, hits, tip)

    def with_enabled(self, index: int, enabled: bool) -> list[Breakpoint]:
        """The breakpoints with one switched on or off."""
        result = [row.breakpoint for row in self.rows]
        result[index] = replace(result[index], enabled=enabled)
        return result

    def without(self, indexes: Sequence[int]) -> list[Breakpoint]:
        """The breakpoints with some removed."""
        return [row.breakpoint for index, row in enumerate(self.rows) if index not in indexes]

    def with_new(self, form: KindForm, text: str) -> list[Breakpoint]:
        """The breakpoints and what ``form`` makes of ``text``; unchanged when that is there already.
        ``FormError`` with a sentence when it can make nothing of it."""
        result = [row.breakpoint for row in self.rows]
        made = form.make(text.strip())
        if all(replace(each, id=0, enabled=True) != made for each in result):
            result.append(made)
        return result

    def with_changed(self, changed: Breakpoint) -> list[Breakpoint]:
        """The breakpoints, one of them replaced by ``changed``."""
        return [changed if row.breakpoint.id == changed.id else row.breakpoint for row in self.rows]


def _extras(breakpoint: Breakpoint) -> Iterator[str]:
    if breakpoint.condition and breakpoint.kind != "expression":
        yield tr("if {condition}", condition=breakpoint.condition)
    if breakpoint.ignore:
        yield trn("skips {count} hit", "skips {count} hits", breakpoint.ignore)
    if breakpoint.log:
        yield tr("writes “{text}”", text=breakpoint.log)
    if breakpoint.once:
        yield tr("once")
