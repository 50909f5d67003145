"""What the status line says of a snapshot, in words. No Qt, no widgets: a function of what is known."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from retrograd_debug.format import byte_size, count
from retrograd_debug.session.api import Hold, Phase, Snapshot
from retrograd_events.events import AnyEvent, NodeFinished, NodeStarted, OpApplied, RunEnded, Seq
from retrograd_events.text import tr, trn

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
    """The line for ``snapshot``."""
    if snapshot is None:
        return StatusText("", "", tr("No run open"))
    facts = _facts(snapshot, moment)
    if not snapshot.live:
        return StatusText("looking-back", tr("Looking back"), _looking_back(snapshot), _way(snapshot, moment), facts)
    kind, pill, sentence = _live(snapshot, moment)
    return StatusText(kind, pill, sentence, "", facts)


def _live(snapshot: Snapshot, moment: Moment) -> tuple[str, str, str]:
    running = snapshot.phase in (Phase.STARTING, Phase.RUNNING)
    if running and moment.stopping:
        return "stopped", tr("Stopping"), moment.stopping
    if running and moment.input_wanted:
        return "input", tr("Input"), tr("the script waits for input")
    match snapshot.phase:
        case Phase.STARTING:
            sentence = snapshot.message or tr("starting the script")
            if moment.in_phase >= 1:
                sentence = tr("{what}, {seconds} s", what=sentence, seconds=int(moment.in_phase))
            return "starting", tr("Starting"), sentence
        case Phase.RUNNING:
            if moment.quiet >= BUSY_AFTER:
                return "busy", tr("Busy"), _busy(snapshot, moment)
            return "running", tr("Running"), _running(snapshot)
        case Phase.HELD:
            return _held(snapshot)
        case Phase.ENDED:
            return _ended(snapshot)
        case Phase.LOST:
            return "lost", tr("Lost"), snapshot.message or tr("the script's process is gone; its log can be read")


def _held(snapshot: Snapshot) -> tuple[str, str, str]:
    hold = snapshot.hold
    if hold is None:
        return "held", tr("Held"), tr("the script is held")
    if hold.kind == "exception":
        return "error", tr("Error"), _exception(hold)
    if hold.kind == "end":
        return "finished", tr("Finished"), tr("the script is at its end, values still readable")
    return "held", tr("Held"), _where(hold)


def _exception(hold: Hold) -> str:
    what = hold.message.splitlines()[0] if hold.message else hold.name
    if hold.line:
        return tr("{what} at line {line}, values still readable", what=what, line=hold.line)
    return tr("{what}, values still readable", what=what)


def _where(hold: Hold) -> str:
    """``in backward of iteration 3, before AddmmBackward0, line 21``"""
    parts = []
    phase = _PHASES().get(hold.phase)
    if phase:
        parts.append(tr("in {phase} of iteration {index}", phase=phase, index=hold.iteration))
    if hold.kind in ("op", "node", "optimizer") and hold.name:
        parts.append(tr("before {name}", name=hold.name))
    elif hold.kind == "backward":
        parts.append(tr("before backward starts"))
    elif hold.kind == "pause":
        parts.append(tr("paused between operations"))
    if hold.line:
        before = hold.kind == "line" or not parts
        parts.append(tr("before line {line}", line=hold.line) if before else tr("line {line}", line=hold.line))
    return ", ".join(parts) or tr("before the first operation")


def _PHASES() -> dict[str, str]:
    return {"forward": tr("forward"), "backward": tr("backward"), "step": tr("the optimizer's step")}


def _running(snapshot: Snapshot) -> str:
    phase = _PHASES().get(snapshot.state.phase)
    where = (
        tr("{phase} of iteration {index}", phase=phase, index=snapshot.state.iteration)
        if phase
        else tr("before the first iteration")
    )
    if snapshot.rate < 1:
        return where
    rate = trn("{count} op a second", "{count} ops a second", round(snapshot.rate))
    return tr("{where}, {rate}", where=where, rate=rate)


def _busy(snapshot: Snapshot, moment: Moment) -> str:
    if snapshot.hold is not None and snapshot.hold.line:
        return tr(
            "no operation for {seconds} s, at line {line}", seconds=int(moment.quiet), line=snapshot.hold.line
        )  # fmt: skip
    return tr("no operation for {seconds} s", seconds=int(moment.quiet))


def _ended(snapshot: Snapshot) -> tuple[str, str, str]:
    ended = snapshot.log.ended if snapshot.log is not None else None
    if ended is None:
        if snapshot.log is not None and snapshot.log.damage:
            return "lost", tr("Incomplete"), snapshot.message or snapshot.log.damage
        return "stopped", tr("Recorded"), snapshot.message or _iterations(snapshot)
    return _ended_by(snapshot, ended)


def _ended_by(snapshot: Snapshot, ended: RunEnded) -> tuple[str, str, str]:
    message = snapshot.message or ended.message
    match ended.reason:
        case "finished":
            words = tr("{what}, exit code {code}", what=_iterations(snapshot), code=ended.exit_code)
            return "finished", tr("Finished"), words
        case "exit":
            kind = "finished" if ended.exit_code == 0 else "error"
            words = tr("{what}, exit code {code}", what=_iterations(snapshot), code=ended.exit_code)
            return kind, tr("Finished") if ended.exit_code == 0 else tr("Exited"), words
        case "exception":
            return "error", tr("Error"), message or tr("an exception ended the script")
        case "stopped":
            return "stopped", tr("Stopped"), message or tr("stopped by you")
        case _:
            return "lost", tr("Lost"), message or tr("the script's process is gone; its log can be read")


def _iterations(snapshot: Snapshot) -> str:
    number = len(snapshot.log.iterations) if snapshot.log is not None else 0
    return trn("{count} iteration", "{count} iterations", number)


def _looking_back(snapshot: Snapshot) -> str:
    """``at iteration 20 of 39, in backward, after AddmmBackward0, line 38``"""
    state = snapshot.state
    index = snapshot.iteration.index if snapshot.iteration is not None else state.iteration
    ended = snapshot.log is not None and snapshot.log.ended is not None
    if ended and snapshot.log is not None:
        place = tr("at iteration {index} of {count}", index=index, count=len(snapshot.log.iterations))
    else:
        place = tr("at iteration {index}", index=index)
    parts = [place]
    phase = _PHASES().get(state.phase)
    if phase:
        parts.append(tr("in {phase}", phase=phase))
    event = event_at(snapshot)
    name, line = _name_and_line(snapshot, event)
    if name:
        parts.append(tr("after {name}", name=name))
    if line:
        parts.append(tr("line {line}", line=line))
    return ", ".join(parts)


def event_at(snapshot: Snapshot) -> AnyEvent | None:
    """The event at the cursor, or the last one before it in its iteration."""
    index = bisect_right(snapshot.iteration_events, snapshot.cursor, key=lambda event: event.seq)
    return snapshot.iteration_events[index - 1] if index else None


def _name_and_line(snapshot: Snapshot, event: AnyEvent | None) -> tuple[str, int]:
    log = snapshot.log
    name = event.name if isinstance(event, (OpApplied, NodeStarted)) else ""
    if isinstance(event, NodeFinished):
        node = snapshot.state.nodes.get(event.node)
        name = node.name if node is not None else ""
    site = getattr(event, "site", None)
    if site is None and snapshot.state.backwards:
        site = snapshot.state.backwards[-1].site
    known = log.sites.get(site) if log is not None and site is not None else None
    return name, known.line if known is not None else 0


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
