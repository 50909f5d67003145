"""Where we are, in words: the pill and the sentence of the status line."""

from __future__ import annotations

from retrograd_debug.session.api import Hold, Phase, Snapshot, Verb
from retrograd_events import tr, trn
from retrograd_events.events import (
    BackwardEnded,
    BackwardStarted,
    GradientsZeroed,
    NodeStarted,
    OpApplied,
    OptimizerStepStarted,
    ScopeEntered,
    SiteId,
)


def status(snapshot: Snapshot) -> tuple[str, str]:
    """(pill, sentence without full stop)."""
    if snapshot.log is not None and not snapshot.live:
        return tr("Looking back"), _looking_back(snapshot)
    match snapshot.phase:
        case Phase.STARTING:
            return tr("Starting"), snapshot.message or tr("starting the script")
        case Phase.RUNNING:
            return tr("Running"), _running(snapshot)
        case Phase.HELD:
            return _held(snapshot)
        case Phase.ENDED:
            return _ended(snapshot)
        case Phase.LOST:
            if snapshot.log is None:
                return tr("Error"), snapshot.message
            return tr("Lost"), snapshot.message or tr("the script's process ended without a word")


def _held(snapshot: Snapshot) -> tuple[str, str]:
    hold = snapshot.hold
    if hold is None:
        return tr("Held"), snapshot.message
    if hold.kind == "exception":
        name = hold.message.split(":", 1)[0] or tr("an exception")
        return tr("Error"), tr("{name} at line {line}, values still readable", name=name, line=hold.line)
    sentence = _where_held(hold)
    if hold.why == "breakpoint" and hold.message:
        sentence = tr("{sentence}: {message}", sentence=sentence, message=hold.message)
    if hold.others:
        waiting = trn("{count} other thread waits", "{count} other threads wait", len(hold.others))
        sentence = tr("{sentence}; {waiting}", sentence=sentence, waiting=waiting)
    return tr("Held"), sentence


def _where_held(hold: Hold) -> str:
    number = hold.iteration
    line = hold.line
    if hold.kind == "end":
        return tr("at the end of the script, values still readable")
    if hold.kind in ("line", "pause"):
        if hold.name:
            return tr("after {name} of iteration {number}, line {line}", name=hold.name, number=number, line=line)
        where = _phase_words(hold.phase, number)
        if hold.kind == "line":
            return tr("{where}, before line {line}", where=where, line=line)
        return tr("{where}, line {line}", where=where, line=line)
    if hold.kind == "backward":
        return tr("before backward of iteration {number}, line {line}", number=number, line=line)
    if hold.kind == "optimizer":
        name = hold.name
        return tr("before the {name} step of iteration {number}, line {line}", name=name, number=number, line=line)
    where, name = _phase_words(hold.phase, number), hold.name
    match hold.kind:
        case "after":
            return tr("{where}, after {name}, line {line}", where=where, name=name, line=line)
        case "scope":
            return tr("{where}, entering {name}, line {line}", where=where, name=name, line=line)
        case "scope-end":
            return tr("{where}, leaving {name}, line {line}", where=where, name=name, line=line)
        case "raised":
            return tr("{where}, {name} has failed, line {line}", where=where, name=name, line=line)
        case _:
            return tr("{where}, before {name}, line {line}", where=where, name=name, line=line)


def _phase_words(phase: str, number: int) -> str:
    if phase == "backward":
        return tr("in backward of iteration {number}", number=number)
    if phase == "step":
        return tr("in the optimizer step of iteration {number}", number=number)
    if phase == "setup":
        return tr("in setup")
    return tr("in forward of iteration {number}", number=number)


def _running(snapshot: Snapshot) -> str:
    if snapshot.message:
        return snapshot.message
    state = snapshot.state
    phases = {
        "backward": tr("backward of iteration {number}", number=state.iteration),
        "step": tr("optimizer step of iteration {number}", number=state.iteration),
        "setup": tr("setup"),
    }
    where = phases.get(state.phase) or tr("forward of iteration {number}", number=state.iteration)
    if snapshot.rate < 1:
        return where
    operations = trn("{count} op a second", "{count} ops a second", round(snapshot.rate))
    return tr("{where}, {operations}", where=where, operations=operations)


def _ended(snapshot: Snapshot) -> tuple[str, str]:
    log = snapshot.log
    ended = log.ended if log is not None else None
    live = Verb.RESTART in snapshot.verbs
    if not live and log is not None and log.damage:
        return tr("Recorded"), log.damage
    reason = ended.reason if ended is not None else ""
    if reason == "exception":
        return tr("Error"), snapshot.message or (ended.message if ended is not None else "")
    if reason == "stopped":
        return tr("Stopped"), snapshot.message or tr("stopped by you")
    if reason == "lost":
        return tr("Lost"), snapshot.message or (ended.message if ended is not None else "")
    if live and snapshot.message:
        return tr("Finished"), snapshot.message
    count = trn("{count} iteration", "{count} iterations", len(log.iterations) if log is not None else 0)
    if ended is None:
        return tr("Recorded"), count
    return tr("Finished"), tr("{count}, exit code {code}", count=count, code=ended.exit_code)


def _looking_back(snapshot: Snapshot) -> str:
    iteration = snapshot.iteration
    number = iteration.index if iteration is not None else snapshot.state.iteration
    log = snapshot.log
    over = snapshot.phase in (Phase.ENDED, Phase.LOST)
    if over and log is not None:
        # Numbers count from 0, "of N" says how many there are.
        where = tr("at iteration {number} of {count}", number=number, count=len(log.iterations))
    else:
        where = tr("at iteration {number}", number=number)
    what, site = _at_cursor(snapshot)
    found = log.sites.get(site) if log is not None else None
    if what:
        where = tr("{where}, {what}", where=where, what=what)
    if found is not None:
        where = tr("{where}, line {line}", where=where, line=found.line)
    return where


def _at_cursor(snapshot: Snapshot) -> tuple[str, SiteId]:
    """What the cursor's event is, and its line."""
    event = next((each for each in snapshot.iteration_events if each.seq == snapshot.cursor), None)
    match event:
        case OpApplied(name=name, site=site):
            return tr("after {name}", name=name), site
        case BackwardStarted(site=site):
            return tr("start of backward"), site
        case NodeStarted(name=name, backward=backward):
            return tr("before {name}", name=name), _site_of_backward(snapshot, backward)
        case BackwardEnded(backward=backward):
            return tr("end of backward"), _site_of_backward(snapshot, backward)
        case OptimizerStepStarted(type=type, site=site):
            return tr("before the {name} step", name=type), site
        case GradientsZeroed(site=site):
            return tr("gradients cleared"), site
        case ScopeEntered(path=path, type=type, site=site):
            return tr("entering {name}", name=path or type), site
        case _:
            pass
    words = {"backward": tr("in backward"), "step": tr("in the optimizer step"), "setup": tr("setup")}
    return words.get(snapshot.state.phase, tr("forward")), SiteId(0)


def _site_of_backward(snapshot: Snapshot, backward: int) -> SiteId:
    for event in snapshot.iteration_events:
        if isinstance(event, BackwardStarted) and event.backward == backward:
            return event.site
    return SiteId(0)
