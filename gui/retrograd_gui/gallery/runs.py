"""What a recent run's card says. No Qt."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from pathlib import Path

from retrograd_debug.format import byte_size
from retrograd_debug.log.location import RunSummary
from retrograd_events.text import tr, trn


@dataclass(frozen=True, slots=True)
class RunCard:
    """``kind`` is a key of the status line's pills, ``word`` what the pill says. ``size`` is in words."""

    path: Path
    title: str
    hint: str
    kind: str
    word: str
    losses: tuple[float, ...]
    size: str


def when(moment: float, now: float | None = None) -> str:
    """A moment (Unix seconds) as people say it: ``today 14:02``, ``yesterday 18:20``, ``12 May``."""
    then, today = time.localtime(moment), time.localtime(time.time() if now is None else now)
    clock = time.strftime("%H:%M", then)
    days = _day(today) - _day(then)
    if days == 0:
        return tr("today {clock}", clock=clock)
    if days == 1:
        return tr("yesterday {clock}", clock=clock)
    date = f"{then.tm_mday} {time.strftime('%b', then)}"
    return date if then.tm_year == today.tm_year else f"{date} {then.tm_year}"


def _day(moment: time.struct_time) -> int:
    return datetime.date(moment.tm_year, moment.tm_mon, moment.tm_mday).toordinal()


def card_of(run: RunSummary, now: float | None = None) -> RunCard:
    """The card of a recorded run."""
    kind, word = _verdict(run)
    moment = when(run.started or run.modified, now)
    if run.problem:
        hint = run.problem
    else:
        hint = tr("{when}, {what}", when=moment, what=trn("{count} iteration", "{count} iterations", run.iterations))
    title = Path(run.script).name or run.path.name
    return RunCard(run.path, title, hint, kind, word, run.losses, byte_size(run.size))


def _verdict(run: RunSummary) -> tuple[str, str]:
    if run.problem:
        return "lost", tr("unreadable")
    verdicts = {
        "finished": ("finished", tr("finished")),
        "exit": ("stopped", tr("exited")),
        "exception": ("error", tr("error")),
        "stopped": ("stopped", tr("stopped")),
        "lost": ("lost", tr("lost")),
        "running": ("running", tr("running")),
    }
    return verdicts.get(run.ended, ("lost", tr("broken off")))
