"""What the console shows: the script's output, what was evaluated, and what the input line means now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrograd_debug import format as fmt
from retrograd_debug.session.api import Evaluate, Evaluated, FeedInput, Noted, Phase, Snapshot, Verb
from retrograd_events.events import AnyEvent, OutputWritten, Seq, WarningIssued
from retrograd_events.text import tr

MOST_LINES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. ``kind``: stdout, stderr, warning, expression, result, error, stdin or note. ``seq`` is the event that
    it came with (0: none)."""

    kind: str
    text: str
    seq: Seq


@dataclass(frozen=True, slots=True)
class InputState:
    """What the input line does: ``mode`` is expression, stdin or off; ``hint`` says it in words."""

    mode: str
    hint: str


class ConsoleModel:
    """Keeps the newest ``MOST_LINES`` lines; ``take`` hands out those that are new since it was last called.
    ``history`` are the expressions of the run before, to be recalled."""

    def __init__(self, most_lines: int = MOST_LINES, history: Sequence[str] = ()) -> None:
        self.entries: deque[Entry] = deque(maxlen=most_lines)
        self.dropped = 0
        self.input = InputState("off", tr("No run open"))
        self.history: list[str] = list(history)
        self.cursor = Seq(0)
        self.live = True
        self._new: list[Entry] = []
        self._open: dict[str, tuple[str, Seq]] = {}
        self._requests: dict[int, str] = {}
        self._next_request = 1
        self._wanted = False
        self._snapshot: Snapshot | None = None

    def take(self) -> list[Entry]:
        """The entries added since the last call."""
        new, self._new = self._new, []
        return new

    def _add(self, entry: Entry) -> None:
        if len(self.entries) == self.entries.maxlen:
            self.dropped += 1
        self.entries.append(entry)
        self._new.append(entry)

    def append_events(self, events: Iterable[AnyEvent]) -> None:
        """Take over the output in ``events``: whole lines at once, the rest of a line when it comes."""
        for event in events:
            if isinstance(event, OutputWritten):
                self._append_text(event.stream, event.text, event.seq)
            elif isinstance(event, WarningIssued):
                self._add(Entry("warning", f"{event.category}: {event.message}", event.seq))

    def _append_text(self, stream: str, text: str, seq: Seq) -> None:
        pending, first = self._open.pop(stream, ("", seq))
        *lines, rest = (pending + text).split("\n")
        for line in lines:
            self._add(
                Entry(stream, line.rpartition("\r")[2] if "\r" in line.rstrip("\r") else line.rstrip("\r"), first)
            )
            first = seq
        if rest:
            self._open[stream] = (rest, first)

    @property
    def unfinished(self) -> str:
        """A line that the script began and has not ended (a prompt)."""
        return "".join(text for text, _ in self._open.values())

    def update(self, snapshot: Snapshot) -> None:
        """Take over a snapshot."""
        self._snapshot = snapshot
        self.cursor, self.live = snapshot.cursor, snapshot.live
        if snapshot.phase in (Phase.ENDED, Phase.LOST):
            self._wanted = False
            self.flush()
        self._decide()

    def flush(self) -> None:
        """Show the lines that will not be ended any more."""
        for stream, (text, seq) in list(self._open.items()):
            self._add(Entry(stream, text, seq))
        self._open.clear()

    def set_input_wanted(self, wanted: bool) -> None:
        """The script began or ceased to wait for a line on its stdin."""
        self._wanted = wanted
        self._decide()

    def _decide(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            self.input = InputState("off", tr("No run open"))
        elif self._wanted and Verb.FEED_INPUT in snapshot.verbs:
            self.input = InputState("stdin", tr("The script waits for input"))
        elif Verb.EVALUATE in snapshot.verbs and snapshot.live:
            self.input = InputState("expression", self._frame_hint(snapshot))
        else:
            self.input = InputState("off", _why_off(snapshot))

    def _frame_hint(self, snapshot: Snapshot) -> str:
        hold = snapshot.hold
        if hold is None or not hold.line:
            return tr("Expression in the script's frame")
        if hold.function and not hold.function.startswith("<"):
            return tr("Expression in {function}, line {line}", function=hold.function, line=hold.line)
        return tr("Expression in the frame of line {line}", line=hold.line)

    def submit(self, text: str) -> Evaluate | FeedInput | None:
        """What Enter does with ``text``; None when nothing."""
        if self.input.mode == "stdin":
            self._append_text("stdin", self._open_prompt() + text + "\n", self.cursor)
            self._wanted = False
            self._decide()
            return FeedInput(text + "\n")
        if self.input.mode != "expression" or not text.strip():
            return None
        if not self.history or self.history[-1] != text:
            self.history.append(text)
        self._add(Entry("expression", text, self.cursor))
        request = self._next_request
        self._next_request += 1
        self._requests[request] = text
        return Evaluate(request, text)

    def _open_prompt(self) -> str:
        pending = self._open.pop("stdout", None)
        return pending[0] if pending is not None else ""

    def end_input(self) -> FeedInput | None:
        """Close the script's stdin (Ctrl+D); None when it does not wait for input."""
        return FeedInput("", end=True) if self.input.mode == "stdin" else None

    @property
    def evaluating(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._requests)

    def answer(self, notice: Evaluated) -> None:
        """The session answered an expression."""
        if self._requests.pop(notice.request, None) is None:
            return
        for line in notice.text.splitlines():
            self._add(Entry("result", line, self.cursor))
        for line in notice.error.splitlines():
            self._add(Entry("error", line, self.cursor))

    def note(self, notice: Noted) -> None:
        """A breakpoint wrote its message."""
        for line in notice.text.splitlines():
            self._add(Entry("note", line, self.cursor))


def _why_off(snapshot: Snapshot) -> str:
    if snapshot.phase in (Phase.ENDED, Phase.LOST):
        return tr("The run has ended: no frame is left")
    if not snapshot.live:
        return tr("Off while looking back: return to the head")
    if snapshot.phase is Phase.STARTING:
        return tr("The script is starting")
    return tr("Needs a held script: F6 pauses it")


def ended_note(lines: int) -> str:
    """What stands at the top when older lines were let go."""
    return tr("{count} earlier lines are in the log only", count=fmt.count(lines))
