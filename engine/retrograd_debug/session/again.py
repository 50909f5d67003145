"""From a log to the plan of its replay: where it begins, what was changed on the way, and where it has to come."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from retrograd_debug.log.api import Act, Log
from retrograd_debug.log.trace import is_checked
from retrograd_debug.session.api import Edit
from retrograd_debug.session.config import Change, Moment, ReplayOf
from retrograd_debug.session.launch import LaunchError, Plan
from retrograd_debug.session.recorded import ENTROPY, INPUT, as_bytes, environment_again
from retrograd_debug.session.settings import RunSettings
from retrograd_events import tr
from retrograd_events.events import (
    BackwardStarted,
    Edited,
    NodeFinished,
    NodeStarted,
    OpApplied,
    OptimizerStepStarted,
    OutputWritten,
    RunStarted,
    Seq,
)

_PLACES = (OpApplied, NodeStarted, BackwardStarted, OptimizerStepStarted)
"""What follows a place where a step can end, one event each."""

_EDIT = re.compile(r"(tensor|gradient|incoming) (\d+)\[([\d, -]*)\] = (\S+)")
_AROUND = 512
"""Events around an act among which those that it made are looked for."""


def moment_of(log: Log, seq: Seq, before: bool = False) -> Moment:
    """Where a replay stands as the run stood right after event ``seq`` (``before``: where it was about to go on).
    ``LaunchError`` when the log does not say."""
    iteration = log.iteration_at(seq)
    if iteration is None:
        raise LaunchError(tr("Event {seq} lies before the first iteration; nothing has run there.", seq=seq))
    found = log.events(iteration.first, seq)
    events = [each for each in found if is_checked(each)]
    last = events[-1] if events else None
    # what was printed since was printed by the lines between this op and the next
    before = before or any(isinstance(each, OutputWritten) for each in found[-8:] if last and each.seq > last.seq)
    thread = last.thread if last is not None else 0
    reaches = sum(each.thread == thread and isinstance(each, _PLACES) for each in events)
    place = "before"
    if isinstance(last, (NodeStarted, OptimizerStepStarted)):
        reaches -= 1
    elif isinstance(last, OpApplied) and not before:
        place = "applied"
    elif isinstance(last, NodeFinished) and not before:
        place = "ran"
    return Moment(thread, iteration.index, reaches, place)


def changes_of(log: Log, until: Seq) -> list[Change]:
    """What the person changed up to event ``until``, in order."""
    acts = [act for act in log.acts() if act.kind in ("edit", "evaluation", "set") and act.after <= until]
    found = []
    for at, act in enumerate(acts):
        following = acts[at + 1].after if at + 1 < len(acts) else until
        if act.kind == "edit":
            edited = _newest_edit(log, act)
            change = _edit_again(act, edited) if edited is not None else None
        else:
            edited = next(_run_edits(log, act, following), None)
            change = Change(Moment(0, 0, 0, ""), None, act.text, act.kind == "set")
        # what an expression changed may not have been seen: it runs again in any case
        seq = edited.seq - 1 if edited is not None else act.after
        if change is not None and log.iteration_at(Seq(seq)) is not None:
            moment = moment_of(log, Seq(seq), before=True)
            found.append(Change(moment, change.edit, change.text, change.sets))
    return found


def _newest_edit(log: Log, act: Act) -> Edited | None:
    """The event of an edit, which comes before its act."""
    for event in reversed(log.events(Seq(max(1, act.after - _AROUND)), act.after)):
        if isinstance(event, Edited) and event.target != "expression":
            return event
    return None


def _run_edits(log: Log, act: Act, following: Seq) -> Iterator[Edited]:
    """What an expression changed, which comes after its act."""
    for event in log.events(Seq(act.after + 1), Seq(min(act.after + _AROUND, following))):
        if isinstance(event, Edited) and event.target == "expression" and event.text == act.text:
            yield event


def _edit_again(act: Act, event: Edited) -> Change | None:
    found = _EDIT.fullmatch(act.text)
    if found is None:
        return None
    target, tensor, index, value = found.groups()
    numbers = [int(each) for each in index.split(",") if each.strip()]
    edit = Edit(target, type(event.before.id)(int(tensor)), numbers, float(value), event.slot)
    return Change(Moment(0, 0, 0, ""), edit)


def replay_plan(
    log: Log, to: Seq | None, record: Path, folder: Path, new: Sequence[str] = (), hold: bool = True
) -> Plan:
    """The plan of a replay that is recorded into ``record`` and writes into ``folder``; ``to``: where it has to come
    (None: to its end), ``new``: what is changed there, ``hold``: whether it is held there. ``LaunchError``."""
    run = log.run
    if run is None or not run.script:
        raise LaunchError(tr("This log does not say which script was run."))
    if not Path(run.script).exists() and log.source(run.script) is None:
        raise LaunchError(tr("There is no file {path}, and the log does not hold its text.", path=run.script))
    if not os.path.isdir(run.cwd):
        raise LaunchError(tr("The folder that the script ran in is gone: {path}.", path=run.cwd))
    interpreter = run.environment.get("interpreter", "")
    if interpreter and not Path(interpreter).exists():
        raise LaunchError(tr("The script's interpreter is gone: {path}.", path=interpreter))
    until = log.head if to is None else to
    acts = log.acts()
    again = ReplayOf(
        folder=str(folder),
        script=run.argv[0] if run.argv else run.script,
        goal=None if to is None else moment_of(log, to),
        hold=hold,
        changes=changes_of(log, until),
        new=list(new),
        random={name: text for name, text in run.environment.items() if name.startswith("random.")},
        entropy=[as_bytes(act.text) for act in acts if act.kind == ENTROPY],
        stdin=[as_bytes(act.text) for act in acts if act.kind == INPUT],
        sources=_changed_sources(log, run),
        parent="" if hold else str(log.path.resolve()),
        seq=until,
    )
    settings = RunSettings(
        interpreter, run.argv[1:], run.cwd, {}, run.value_policy, run.environment.get("engine.given", "")
    )
    return Plan(
        script=Path(run.script),
        log=record,
        settings=settings,
        hold_on_exception=hold,
        hold_at_end=hold,
        replay=again,
        environment=environment_again(run.environment),
    )


def _changed_sources(log: Log, run: RunStarted) -> dict[str, str]:
    """The recorded text of each file of the script's that has changed since."""
    files = {os.path.realpath(run.script), *(site.file for site in log.sites.values())}
    found = {}
    for file in files:
        text = log.source(file) or (log.source(run.script) if file == os.path.realpath(run.script) else None)
        if text is None:
            continue
        try:
            same = Path(file).read_bytes().decode("utf-8", "replace") == text
        except OSError:
            same = False
        if not same:
            found[file] = text
    return found
