"""Where breakpoints are hit in a recorded log."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from retrograd_debug.log.api import Log
from retrograd_debug.session.api import Breakpoint
from retrograd_debug.session.lines import resolve_line
from retrograd_events.events import (
    AnyEvent,
    BackwardStarted,
    ConstructionStarted,
    GradientsZeroed,
    NodeStarted,
    OpApplied,
    OptimizerStepStarted,
    ScopeEntered,
    Seq,
    SiteId,
)


class Hits:
    """The hits of those of ``breakpoints`` that are enabled. False when there are none of them."""

    def __init__(self, log: Log, breakpoints: Sequence[Breakpoint]) -> None:
        self._sites = log.sites
        self._names: set[str] = set()
        self._lines: set[tuple[str, int]] = set()
        for each in breakpoints:
            if each.enabled and each.kind == "op":
                self._names.add(each.op)
            elif each.enabled:
                file = os.path.realpath(each.file)
                line, _ = resolve_line(file, each.line, log.source(file))
                self._lines.add((file, line))

    def __bool__(self) -> bool:
        return bool(self._names or self._lines)

    def among(self, events: Iterable[AnyEvent]) -> Iterator[Seq]:
        """Where ``events``, those of an iteration, hit one of them.

        A line is hit where it begins, not with each thing that it does. It goes on after the lines of what it calls,
        which lie deeper on the stack.
        """
        if not self:
            return
        running: dict[int, dict[int, tuple[str, int]]] = {}
        for event in events:
            name, site = _says(event)
            if name in self._names:
                yield event.seq
            where = self._sites.get(site) if self._lines and site else None
            if where is None:
                continue
            lines = running.setdefault(event.thread, {})
            for depth in [depth for depth in lines if depth > where.depth]:
                del lines[depth]
            here = (where.file, where.line)
            if here in self._lines and lines.get(where.depth) != here:
                yield event.seq
            lines[where.depth] = here


def _says(event: AnyEvent) -> tuple[str, SiteId]:
    """What an op breakpoint may name of ``event``, and its line."""
    match event:
        case OpApplied(name=name, site=site):
            return name, site
        case NodeStarted(name=name):
            return name, SiteId(0)
        case BackwardStarted(site=site):
            return "backward", site
        case OptimizerStepStarted(type=type, site=site):
            return type, site
        case ScopeEntered(site=site) | GradientsZeroed(site=site) | ConstructionStarted(site=site):
            return "", site
        case _:
            return "", SiteId(0)
