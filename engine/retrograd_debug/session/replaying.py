"""A recorded run that happens again in a process of its own, up to a moment of it; and branches, which go on there.

``with Replay("run.retro", to=812) as replay:`` is held at that moment: its tensors can be read, expressions evaluated,
and it can be stepped on. Every event of it is checked against the log.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from retrograd_debug.log.api import Act, Log, LogError, Value
from retrograd_debug.log.describe import describe
from retrograd_debug.log.reader import LogReader, open_log
from retrograd_debug.log.trace import Comparison, Step, Trail
from retrograd_debug.session import api
from retrograd_debug.session.again import replay_plan
from retrograd_debug.session.api import Evaluated, FetchValue, Hold, Notice, Phase, ValueFetched
from retrograd_debug.session.live import LiveSession
from retrograd_debug.session.recorded import ARRIVED, REFUSED, SUSPECT, UNDONE
from retrograd_events import tr, trn
from retrograd_events.events import OpApplied, OutputWritten, Seq, TensorId, ValueRecorded

_LOOK = 0.05
"""Seconds between two looks at how far a replay has come."""


class ReplayError(Exception):
    """The replay did not come where it had to; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay has shown so far. ``events`` and ``values`` were equal; ``difference`` is the first that was not,
    in words ("": none). ``refused``: what the script wanted of the world; ``suspects``: what may make it another each
    time; ``undone``: changes that could not be made; ``problem``: why there is no replay at all ("": there is one)."""

    problem: str
    events: int
    values: int
    iteration: int
    hashes: dict[int, str]
    difference: str
    refused: list[str]
    suspects: list[str]
    undone: list[str]

    @property
    def equal(self) -> bool:
        """Whether it is the recorded run, as far as it went."""
        return not (self.problem or self.difference or self.undone)

    def verdict(self) -> str:
        """All of it in a sentence or more."""
        if self.problem:
            return self.problem
        if not self.difference:
            events = trn("{count} event", "{count} events", self.events)
            values = trn("{count} recorded value", "{count} recorded values", self.values)
            sentences = [tr("Equal bit for bit to the recorded run: {events}, {values}.", events=events, values=values)]
        else:
            sentences = [self.difference]
            if self.suspects:
                sentences.append(
                    tr("The script is not the same each time it runs: {suspects}.", suspects="; ".join(self.suspects))
                )
            elif not self.refused:
                sentences.append(
                    tr("Nothing that the debugger watches (clock, threads, network, processes) explains it; a file that"
                       " it reads or a library may have changed, or the order of a set of objects.")
                )  # fmt: skip
        sentences += [tr("Refused: {what}.", what=each) for each in self.refused]
        sentences += [tr("Could not be changed: {what}.", what=each) for each in self.undone]
        return " ".join(sentences)


class Replay:
    """One replay. Blocks where it waits; call it from a worker, never from a GUI thread."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        to: int | None = None,
        new: Sequence[str] = (),
        branch: str | os.PathLike[str] | None = None,
        echo: Callable[[str, str], None] | None = None,
    ) -> None:
        """Start the replay of the log ``path``. ``to``: the event after which it is held (None: run to the end).
        ``branch``: make the changes ``new`` there and go on, recorded into this new file; what the script writes goes
        to a folder beside it. ``echo(stream, text)`` hears what a branch prints. ``LogError``, ``LaunchError``."""
        self.log = open_log(Path(path))
        self._folder = Path(tempfile.mkdtemp(prefix="retrograd-replay-"))
        self._echo = echo
        self._branches = branch is not None
        self._record = Path(branch) if branch is not None else self._folder / "replay.retro"
        self.files = self._record.with_suffix(".files") if self._branches else self._folder / "files"
        """Where what the script writes lies."""
        self._replayed: LogReader | None = None
        self._comparison: Comparison | None = None
        self._printed = Seq(0)
        self._answers: dict[int, Notice] = {}
        self._news = threading.Condition()
        self._request = 0
        until = None if to is None else Seq(to)
        self.to = until
        try:
            plan = replay_plan(self.log, until, self._record, self.files, new, hold=not self._branches)
        except BaseException:
            self.close()
            raise
        self.session = LiveSession(Path(plan.script), plan=plan)
        self.session.subscribe(self._hear)

    def __enter__(self) -> Replay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; forget what it wrote unless it is a branch."""
        if hasattr(self, "session"):
            self.session.close()
        if self._replayed is not None:
            self._replayed.close()
            self._replayed = None
        self.log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _hear(self, notice: Notice) -> None:
        with self._news:
            if isinstance(notice, (Evaluated, ValueFetched)):
                self._answers[notice.request] = notice
            self._news.notify_all()

    # --- coming there

    def wait(
        self, cancelled: Callable[[], bool] = lambda: False, progress: Callable[[int], None] | None = None
    ) -> Report:
        """Wait until it is held at its moment, or has ended, or differs (then it is held as soon as it can be).
        ``progress`` is told the iteration; ``cancelled`` ends the wait. What was found."""
        asked = False
        while True:
            self._advance()
            snapshot = self.session.snapshot()
            if progress is not None:
                progress(snapshot.state.iteration)
            over = snapshot.phase in (Phase.ENDED, Phase.LOST)
            held = snapshot.phase is Phase.HELD and snapshot.hold is not None
            if over or held or cancelled():
                self._advance()
                ended = over or (snapshot.hold is not None and snapshot.hold.kind in ("end", "exception"))
                if ended and not self._branches and self._comparison is not None:
                    self._comparison.finish()
                self._echo_output()
                return self.report()
            if self._differs and not asked:
                asked = True
                self.session.do(api.Stop() if self._branches else api.Pause())
            self._echo_output()
            with self._news:
                self._news.wait(_LOOK)

    @property
    def hold(self) -> Hold | None:
        """Where it stands (None: it runs, or has ended)."""
        snapshot = self.session.snapshot()
        return snapshot.hold if snapshot.phase is Phase.HELD else None

    @property
    def _differs(self) -> bool:
        return self._comparison is not None and self._comparison.difference is not None

    def _advance(self) -> None:
        """Compare what has come by now."""
        if self._replayed is None:
            if self.session.snapshot().log is None:
                return
            try:
                self._replayed = open_log(self._record)
            except LogError:
                return
            self._comparison = Comparison(
                Trail(self.log, self.to if self._branches else None), Trail(self._replayed), self._same_value
            )
        self._replayed.refresh()
        if self._comparison is not None:
            self._comparison.advance()

    def _same_value(self, event: ValueRecorded) -> bool | None:
        """Whether a value is the recorded one, where the same part of it was recorded."""
        recorded = self.log.digests(event.tensor, event.version)
        now = self._replayed.digests(event.tensor, event.version) if self._replayed is not None else set()
        marks = {each[:2] for each in recorded}
        now = {each for each in now if each[:2] in marks}
        if self._branches and self._comparison is not None and self._comparison.left.at == self.to:
            return None
        return bool(recorded & now) if now else None

    def _echo_output(self) -> None:
        """Pass on what a branch prints after its parting."""
        log = self._replayed
        if self._echo is None or log is None:
            return
        if not self._printed:
            arrived = next((act for act in log.acts() if act.kind == ARRIVED), None)
            if arrived is None:
                return
            self._printed = arrived.after
        for event in log.events(Seq(self._printed + 1), log.head):
            if isinstance(event, OutputWritten):
                self._echo(event.stream, event.text)
        self._printed = max(self._printed, log.head)

    def report(self) -> Report:
        """What was found so far."""
        comparison, log = self._comparison, self._replayed
        acts: Sequence[Act] = log.acts() if log is not None else ()
        told: dict[str, list[str]] = {REFUSED: [], SUSPECT: []}
        for act in acts:
            if act.kind in told:
                told[act.kind].append(act.text)
        snapshot = self.session.snapshot()
        return Report(
            problem=snapshot.message if snapshot.phase is Phase.LOST else "",
            events=comparison.events if comparison is not None else 0,
            values=comparison.values if comparison is not None else 0,
            iteration=snapshot.state.iteration,
            hashes={thread: each.text() for thread, each in comparison.rolling.items()} if comparison else {},
            difference=_difference(comparison, self.log, log) if comparison is not None and log is not None else "",
            refused=told[REFUSED],
            suspects=told[SUSPECT],
            undone=[f"{act.text}: {act.result}" for act in acts if act.kind == UNDONE],
        )

    # --- while it is held

    def evaluate(self, text: str, timeout: float = 60.0) -> str:
        """Evaluate an expression in the script's innermost frame: what it printed and its value's repr.
        ``ReplayError`` with the error it raised."""
        request = self._next()
        self.session.do(api.Evaluate(request, text))
        answer = self._answer(request, timeout)
        if not isinstance(answer, Evaluated):
            raise ReplayError(tr("No answer came."))
        if answer.error:
            raise ReplayError(answer.error)
        return answer.text

    def value(self, tensor: int, version: int = -1, timeout: float = 60.0) -> Value:
        """The contents of a tensor at this moment. ``ReplayError`` when it is not alive."""
        request = self._next()
        self.session.do(FetchValue("replay", request, TensorId(tensor), version))
        answer = self._answer(request, timeout)
        if not isinstance(answer, ValueFetched) or answer.value is None:
            raise ReplayError(answer.reason if isinstance(answer, ValueFetched) else tr("No answer came."))
        return answer.value

    def step(self, kind: api.StepKind, timeout: float = 60.0) -> Hold | None:
        """Go on as far as ``kind`` says; where it stands then."""
        before = self.hold
        self.session.do(api.Step(kind))
        end = time.monotonic() + timeout
        with self._news:
            while time.monotonic() < end:
                snapshot = self.session.snapshot()
                if snapshot.phase in (Phase.ENDED, Phase.LOST):
                    return None
                if snapshot.phase is Phase.HELD and snapshot.hold is not before:
                    return snapshot.hold
                self._news.wait(_LOOK)
        raise ReplayError(tr("No answer came."))

    def _next(self) -> int:
        self._request += 1
        return self._request

    def _answer(self, request: int, timeout: float) -> Notice | None:
        end = time.monotonic() + timeout
        with self._news:
            while request not in self._answers and time.monotonic() < end:
                self._news.wait(_LOOK)
            return self._answers.pop(request, None)


def _difference(comparison: Comparison, recorded: Log, replayed: Log) -> str:
    if comparison.difference is None:
        return ""
    left, right = comparison.difference
    if left is not None and left is right and isinstance(left.event, ValueRecorded):
        return _value_difference(left.event, comparison.last, recorded, replayed)
    there = describe(left.event, recorded.sites) if left is not None else tr("nothing more")
    here = describe(right.event, replayed.sites) if right is not None else tr("nothing more")
    seq = left.event.seq if left is not None else recorded.head
    return tr(
        "The replay is not the recorded run: event {seq} was {there}; now it is {here}.",
        seq=seq, there=there, here=here.rstrip("."),
    )  # fmt: skip


def _value_difference(event: ValueRecorded, last: Step | None, recorded: Log, replayed: Log) -> str:
    """The first element that differs, and the op that it came from."""
    where = describe(last.event, replayed.sites) if last is not None else ""
    if last is not None and isinstance(last.event, OpApplied) and last.event.site in replayed.sites:
        site = replayed.sites[last.event.site]
        where = tr(
            "{op} in line {line} of {file}", op=last.event.name, line=site.line, file=os.path.basename(site.file)
        )
    then, now = recorded.value(event.tensor, event.version), replayed.value(event.tensor, event.version)
    name = f"#{event.tensor}v{event.version}"
    if then is None or now is None or then.array is None or now.array is None or then.array.shape != now.array.shape:
        return tr(
            "The replay is not the recorded run: after {where} the contents of {name} differ.", where=where, name=name
        )
    same = np.asarray((then.array == now.array) | ((then.array != then.array) & (now.array != now.array)))
    at = tuple(int(each) for each in np.argwhere(~same)[0]) if not same.all() else ()
    return tr(
        "The replay is not the recorded run: after {where} element {index} of {name} was {then} and is now {now}.",
        where=where, index=list(at), name=name, then=then.array[at], now=now.array[at],
    )  # fmt: skip
