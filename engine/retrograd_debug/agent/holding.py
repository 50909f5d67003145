"""What a hold is made of: the stop while it lasts, what ends a step, and whom notices go to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Protocol, Union

from retrograd_debug.agent.frames import Frames
from retrograd_debug.agent.points import Hit
from retrograd_debug.log.regions import Region
from retrograd_debug.session.api import Hold, StepKind
from retrograd_debug.session.protocol import Held, NoteWritten, Resumed, Said
from retrograd_debug.session.stepping import Origin


class Sender(Protocol):
    """Where notices go."""

    def send(self, message: Union[Held, Resumed, Said, NoteWritten]) -> bool:
        """Send a notice; False when nobody is there."""
        ...

    def alive(self) -> bool:
        """Whether somebody is there."""
        ...


@dataclass(slots=True)
class Stop:
    """A hold while it lasts: the frames behind ``hold.stack`` and the live objects, released on going on."""

    hold: Hold
    frames: list[FrameType]
    inputs: list[object]
    grads: list[object] | None = None
    pass_root: object = None


MakeStop = Callable[[str, int, str], Stop]
"""(why, breakpoint id, message) -> the stop, built only when the thread is really held."""


@dataclass(slots=True)
class Target:
    """What ends a step: its kind, its thread, and where that thread stood."""

    kind: StepKind
    thread: int
    origin: Origin = Origin()
    why: str = "step"


@dataclass(slots=True)
class Reached:
    """A place that a thread has reached, as ``ends`` asks about it."""

    kind: str
    regions: Sequence[Region]
    entered: int
    scopes: Sequence[int]
    iteration: int
    frames: Frames
    frame: FrameType

    def by_user(self) -> bool:
        """Whether the innermost frame that is not ours lies in the user's files."""
        return self.frames.issued_by_user(self.frame)

    def depth(self) -> int:
        """How many frames of the user's files are on the stack."""
        return self.frames.user_depth(self.frame)

    def where(self) -> tuple[str, int]:
        """The user's file and line that run."""
        return self.frames.where(self.frame)


@dataclass(slots=True)
class Resume:
    """Let the held thread go."""

    interrupt: bool = False


Request = Union[Resume, Callable[[Stop], None]]


def made(make: MakeStop, why: str, hit: Hit | None) -> Stop:
    """The stop, with what a breakpoint has to say of it."""
    if why != "breakpoint" or hit is None:
        return make(why, 0, "")
    if not hit.breakpoint:
        return make("step", 0, "")  # the line that a step went to
    return make(why, hit.breakpoint, hit.message)
