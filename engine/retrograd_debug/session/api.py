"""A debugging session: one typed interface with a phase and the set of verbs it can do now.

A live process, a log file and a fake for tests implement it; one contract test suite runs over all. Commands are
imperative and never block: ``do`` queues them, what comes of them arrives as notices and as new snapshots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Union

import msgspec
import numpy as np
from numpy.typing import NDArray

from retrograd_debug.log.api import Iteration, Log, Value
from retrograd_debug.log.state import State
from retrograd_events.events import AnyEvent, NodeId, Param, Ref, ScopeId, Seq, SiteId, TensorId


class Phase(Enum):
    """Where the session stands."""

    STARTING = "starting"
    RUNNING = "running"
    HELD = "held"
    ENDED = "ended"
    LOST = "lost"


class Verb(Enum):
    """What can be asked for; a session says which it can do now, and the user interface enables itself from it."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"
    RESTART = "restart"
    STEP = "step"
    STEP_BACK = "step-back"
    SEEK = "seek"
    EDIT = "edit"
    EVALUATE = "evaluate"
    FEED_INPUT = "feed-input"
    SET_BREAKPOINTS = "set-breakpoints"
    REPLAY = "replay"


class StepKind(Enum):
    """How far a step goes. ``NODE``: to the next backward node (also from forward: into backward). ``OVER``: to the
    next op of this scope or of one around it. ``LINE``: until the source line is another. ``TO_LINE``: until the step's
    line is about to run. ``RUN``: to the next breakpoint or the end."""

    OP = "op"
    INTO = "into"
    OVER = "over"
    OUT = "out"
    LINE = "line"
    TO_LINE = "to-line"
    NODE = "node"
    BACKWARD_START = "backward-start"
    BACKWARD_END = "backward-end"
    ITERATION = "iteration"
    RUN = "run"


class Frame(msgspec.Struct, frozen=True):
    """One frame of the held thread's stack, outermost first in ``Hold.stack``; ours and the engine's left out."""

    file: str
    line: int
    function: str
    text: str


class Hold(msgspec.Struct, frozen=True):
    """Where and why the debuggee stands: what is *about to* run. Not an event, so stepped and free runs have one log.

    ``kind``: op, node, backward (about to start), optimizer, line, pause (between events), after (``name`` has just
    run: an op, its outputs in ``inputs``, or a node), scope and scope-end (just entered, about to be left), raised
    (the op ``name`` has raised what the script may still catch), exception (it has ended the script, values
    readable), end (the script ended, values readable). ``why``: step, breakpoint, pause, start, exception, end.
    ``message``: what there is to say beside that.
    """

    kind: str
    why: str
    seq: Seq
    name: str = ""
    breakpoint: int = 0
    node: NodeId = NodeId(0)
    inputs: list[Ref] = []
    params: dict[str, Param] = {}
    grads: list[Union[Ref, None]] = []
    file: str = ""
    line: int = 0
    function: str = ""
    site: SiteId = SiteId(0)
    scope: ScopeId = ScopeId(0)
    thread: int = 0
    thread_name: str = ""
    stack: list[Frame] = []
    iteration: int = 0
    phase: str = "forward"
    message: str = ""
    others: list[str] = []


class Breakpoint(msgspec.Struct, frozen=True):
    """Something to stop at. What ``kind`` asks of the other fields (names may be patterns: ``*``, ``?``, ``[ab]``):

    line: before ``file``:``line`` runs. op: before an op, node or optimizer named ``op``, inside ``scope`` if
    given. scope: when the scope ``scope`` (path or type) is ``access`` entered or left. tensor: when the tensor
    ``tensor`` (a parameter's path or a variable's name) is ``access`` read or written. gradient: when the parameter
    ``tensor`` has its gradient. backward: at its ``access`` start or end. iteration: at the start of ``iteration``.
    nonfinite: after what makes the first NaN or infinity of finite numbers. optimizer: before a step of ``op``.
    exception: when an op raises ``op`` (an exception's class), also if the script catches it. range: after an
    element of ``tensor``, or of what ``op`` makes, leaves ``low`` to ``high``. expression: where ``condition`` is
    true. spoil: before an in-place change of a tensor that a pending backward has saved.

    For all: the first ``ignore`` hits pass; ``condition`` must be true too; ``log`` is a message that is written
    instead of a stop, with expressions in braces; ``once``: off after its first stop. Expressions see the event's
    own names (``name``, ``iteration``, ``scope``, ``input``, ``inputs``, ``output``, ``outputs``, ``grad``,
    ``grads``, ``tensor``) and then the script's variables, innermost frame first."""

    id: int
    kind: str
    file: str = ""
    line: int = 0
    op: str = ""
    enabled: bool = True
    scope: str = ""
    tensor: str = ""
    access: str = ""
    iteration: int = 0
    low: float | None = None
    high: float | None = None
    condition: str = ""
    ignore: int = 0
    log: str = ""
    once: bool = False


class BreakpointStatus(msgspec.Struct, frozen=True):
    """``line`` is where it really sits; ``problem`` is a sentence when it can't be reached or its expression failed
    ("" when all is well). ``spent``: it was to stop once, and has."""

    id: int
    line: int
    hits: int
    problem: str
    spent: bool = False


# --- commands


class Continue(msgspec.Struct, frozen=True, tag="continue"):
    """Go on. ``pace``: ops a second (0: full speed); ``iterations_per_second`` instead when not 0."""

    pace: float = 0.0
    iterations_per_second: float = 0.0


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Hold at the next event, and show the stack."""


class Step(msgspec.Struct, frozen=True, tag="step"):
    """At the head: drive the script. Looking back, or with ``back``: walk the log. ``file`` and ``line`` are where
    TO_LINE goes; a breakpoint on the way ends it as well."""

    kind: StepKind
    back: bool = False
    file: str = ""
    line: int = 0


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Interrupt; after 2 s terminate; after 5 s kill. Each step is said in a StopProgress notice."""


class Restart(msgspec.Struct, frozen=True, tag="restart"):
    """Stop if running, then run the script again from its start, held before its first op, into a new log."""


class Seek(msgspec.Struct, frozen=True, tag="seek"):
    """Move the cursor to an event (0: return to the head)."""

    seq: Seq


class SetBreakpoints(msgspec.Struct, frozen=True, tag="set-breakpoints"):
    """Replace all breakpoints."""

    breakpoints: list[Breakpoint]


class Edit(msgspec.Struct, frozen=True, tag="edit"):
    """Change a value at a hold. ``target``: tensor, gradient (``.grad``), incoming (slot ``slot`` of the held node).
    ``index`` is one element's index and ``value`` its new number; an empty index with ``shape`` [] sets a scalar."""

    target: str
    tensor: TensorId
    index: list[int]
    value: float
    slot: int = 0


class Evaluate(msgspec.Struct, frozen=True, tag="evaluate"):
    """Evaluate ``text`` in frame ``frame`` of the hold's stack (-1: innermost). Answered by an Evaluated notice."""

    request: int
    text: str
    frame: int = -1


class CancelEvaluation(msgspec.Struct, frozen=True, tag="cancel-evaluation"):
    """Interrupt the evaluation that runs."""


class ListLocals(msgspec.Struct, frozen=True, tag="list-locals"):
    """Ask for the variables of frame ``frame`` of the hold's stack (-1: innermost); answered by a LocalsListed notice.
    A newer request replaces an older one."""

    request: int
    frame: int = -1


class Variable(msgspec.Struct, frozen=True):
    """A variable of a frame: ``text`` is its value in short, ``tensor`` and ``version`` name it where it is a tensor
    that the log knows (0: it is none)."""

    name: str
    type: str
    text: str
    tensor: TensorId = TensorId(0)
    version: int = 0


class FeedInput(msgspec.Struct, frozen=True, tag="feed-input"):
    """Give the script a line on its stdin (``end``: close it)."""

    text: str
    end: bool = False


class FetchValue(msgspec.Struct, frozen=True, tag="fetch-value"):
    """Ask for a tensor's contents; a newer request in the same ``lane`` replaces a queued older one. Version -1: as it
    is now in the held process. ``replay``: what was not recorded may be had by a replay, which takes its time."""

    lane: str
    request: int
    tensor: TensorId
    version: int
    replay: bool = False


class CancelReplay(msgspec.Struct, frozen=True, tag="cancel-replay"):
    """Give up the replay that looks for a value."""


Command = Union[
    Continue, Pause, Step, Stop, Restart, Seek, SetBreakpoints, Edit, Evaluate, CancelEvaluation, ListLocals, FeedInput,
    FetchValue, CancelReplay,
]  # fmt: skip


# --- notices


@dataclass(frozen=True, slots=True)
class Changed:
    """A new snapshot is there (head, cursor, phase or hold changed). Many changes may share one notice."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """``text`` is the result's repr or what was printed; ``error`` a sentence ("" when it went well)."""

    request: int
    text: str
    error: str


@dataclass(frozen=True, slots=True)
class LocalsListed:
    """The answer to a ListLocals."""

    request: int
    variables: Sequence[Variable]


@dataclass(frozen=True, slots=True)
class ValueFetched:
    """``value`` is None when it is not to be had; ``reason`` is then a sentence."""

    lane: str
    request: int
    value: Value | None
    reason: str


@dataclass(frozen=True, slots=True)
class Recomputing:
    """A replay looks for a value: it has come to ``iteration`` and has to come to ``goal``; ``why``, and which kind of
    replay it is, in words."""

    request: int
    iteration: int
    goal: int
    why: str


@dataclass(frozen=True, slots=True)
class BreakpointsResolved:
    """Where the breakpoints really sit, and their hits."""

    statuses: Sequence[BreakpointStatus]


@dataclass(frozen=True, slots=True)
class Noted:
    """A breakpoint that writes instead of stopping was hit; ``text`` is its message."""

    breakpoint: int
    text: str


@dataclass(frozen=True, slots=True)
class StopProgress:
    """A step of stopping, in words ("asked to stop", "terminated after 2 s", "killed after 5 s")."""

    text: str


@dataclass(frozen=True, slots=True)
class InputWanted:
    """The script waits for a line on stdin (``wanted``), or no longer does."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A command could not be done; ``text`` is a sentence for the person."""

    text: str


Notice = Union[
    Changed, Evaluated, LocalsListed, ValueFetched, Recomputing, BreakpointsResolved, Noted, StopProgress, InputWanted,
    Failed,
]  # fmt: skip


# --- what everything on screen is a function of


@dataclass(frozen=True, slots=True)
class Snapshot:
    """(log, cursor, hold) and what follows from them, computed off the GUI thread; immutable by convention.

    ``live`` is True when the cursor is at the head. ``iteration_events`` are all events of the cursor's iteration, also
    those after the cursor (drawn as not yet run); ``previous_events`` those of the iteration before (what is likely to
    run next while live). ``message`` is a sentence for the status line's end states ("" otherwise)."""

    log: Log | None
    phase: Phase
    verbs: frozenset[Verb]
    cursor: Seq
    head: Seq
    live: bool
    hold: Hold | None
    state: State
    iteration: Iteration | None
    iteration_events: Sequence[AnyEvent]
    previous_events: Sequence[AnyEvent]
    message: str
    rate: float


class Session(Protocol):
    """One run, live or recorded. ``do`` and ``subscribe`` may be called from any thread and never block."""

    @property
    def title(self) -> str:
        """The script's or the log's file name."""
        ...

    def snapshot(self) -> Snapshot:
        """The newest snapshot (cheap)."""
        ...

    def do(self, command: Command) -> None:
        """Queue a command."""
        ...

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call ``listener`` (in a thread of the session) with every notice; the result unsubscribes."""
        ...

    def close(self) -> None:
        """End a script that this session started, keep the log, leave no process and no thread."""
        ...


Array = NDArray[np.generic]
