"""What the status line says of a snapshot, in words. No Qt, no widgets: a function of what is known."""

from __future__ import annotations

from dataclasses import dataclass

from retrograd_debug.format import byte_size, count
from retrograd_debug.session.api import Phase, Snapshot
from retrograd_debug.session.status import status
from retrograd_events.events import Seq
from retrograd_events.text import tr

BUSY_AFTER = 5.0
"""Seconds without an event after which a running script is called busy."""


@dataclass(frozen=True, slots=True)
class StatusText:
    """What the line says. ``kind`` is a key of the line's pills. ``way`` is the button that leads back to the script's
    place ("" when there is none); ``facts`` stand on the right."""

    kind: str
    pill: str
    sentence: str
    way: str = ""
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """What the snapshot does not say: seconds since the phase began and since the head last moved, whether the script
    waits for input, the last step of stopping in words, the log's size, the hold at which the person left the head,
    and whether a script (rather than a recorded run) is open."""

    in_phase: float = 0.0
    quiet: float = 0.0
    input_wanted: bool = False
    stopping: str = ""
    log_bytes: int = 0
    left_at: Seq | None = None
    is_script: bool = True


def status_text(snapshot: Snapshot | None, moment: Moment = Moment()) -> StatusText:
    """The line for ``snapshot``: what the session says of it, and what only the moment knows."""
    if snapshot is None:
        return StatusText("", "", tr("No run open"))
    facts = _facts(snapshot, moment)
    pill, sentence = status(snapshot)
    if not snapshot.live:
        return StatusText("looking-back", pill, sentence, _way(snapshot, moment), facts)
    kind = _kind(snapshot)
    if kind == "error" and snapshot.log is not None and snapshot.log.ended is not None:
        pill = tr("Exited") if snapshot.log.ended.reason == "exit" else pill
    if snapshot.phase in (Phase.STARTING, Phase.RUNNING):
        kind, pill, sentence = _going(snapshot, moment, kind, pill, sentence)
    return StatusText(kind, pill, sentence, "", facts)


def _going(snapshot: Snapshot, moment: Moment, kind: str, pill: str, sentence: str) -> tuple[str, str, str]:
    if moment.stopping:
        return "stopped", tr("Stopping"), moment.stopping
    if moment.input_wanted:
        return "input", tr("Input"), tr("the script waits for input")
    if snapshot.phase is Phase.STARTING:
        if moment.in_phase >= 1:
            sentence = tr("{what}, {seconds} s", what=sentence, seconds=int(moment.in_phase))
    elif moment.quiet >= BUSY_AFTER:
        return "busy", tr("Busy"), _busy(snapshot, moment)
    return kind, pill, sentence


def _busy(snapshot: Snapshot, moment: Moment) -> str:
    seconds = int(moment.quiet)
    if snapshot.hold is not None and snapshot.hold.line:
        return tr("no operation for {seconds} s, at line {line}", seconds=seconds, line=snapshot.hold.line)
    return tr("no operation for {seconds} s", seconds=seconds)


def _kind(snapshot: Snapshot) -> str:
    """The look of the pill."""
    match snapshot.phase:
        case Phase.STARTING:
            return "starting"
        case Phase.RUNNING:
            return "running"
        case Phase.HELD:
            kinds = {"exception": "error", "end": "finished"}
            return kinds.get(snapshot.hold.kind, "held") if snapshot.hold is not None else "held"
        case Phase.ENDED:
            return _kind_of_end(snapshot)
        case Phase.LOST:
            return "lost"


def _kind_of_end(snapshot: Snapshot) -> str:
    ended = snapshot.log.ended if snapshot.log is not None else None
    if ended is None:
        return "lost" if snapshot.log is not None and snapshot.log.damage else "stopped"
    if ended.reason == "exit":
        return "finished" if ended.exit_code == 0 else "error"
    kinds = {"finished": "finished", "exception": "error", "stopped": "stopped"}
    return kinds.get(ended.reason, "lost")


def _way(snapshot: Snapshot, moment: Moment) -> str:
    hold = snapshot.hold
    if snapshot.phase is Phase.HELD and hold is not None and moment.left_at is not None and hold.seq != moment.left_at:
        # the script stopped elsewhere meanwhile: that never moves the person
        return tr("The script is held elsewhere: go there")
    return tr("Return to the head")


def _facts(snapshot: Snapshot, moment: Moment) -> tuple[str, ...]:
    facts = [_view(snapshot, moment)]
    run = snapshot.log.run if snapshot.log is not None else None
    if run is not None:
        facts.append(_recording(snapshot, run.value_policy, moment))
    devices = sorted({info.meta.device for info in snapshot.state.tensors.values()})
    if devices:
        facts.append(", ".join(devices))
    facts.append(tr("event {number}", number=count(snapshot.cursor)))
    return tuple(facts)


def _view(snapshot: Snapshot, moment: Moment) -> str:
    if not moment.is_script:
        return tr("recorded run")
    if snapshot.live:
        return tr("live, at the head")
    if snapshot.hold is not None and snapshot.phase is Phase.HELD:
        return tr("script held at iteration {index}", index=snapshot.hold.iteration)
    if snapshot.phase is Phase.RUNNING:
        return tr("the script runs on")
    return tr("the script has ended")


def _recording(snapshot: Snapshot, policy: str, moment: Moment) -> str:
    names = {"all": tr("all values"), "sample": tr("samples of values"), "none": tr("no values")}
    what = names.get(policy, policy)
    going = snapshot.phase in (Phase.STARTING, Phase.RUNNING, Phase.HELD)
    verb = tr("recording {what}", what=what) if going else tr("recorded {what}", what=what)
    return f"{verb}, {byte_size(moment.log_bytes)}" if moment.log_bytes else verb
