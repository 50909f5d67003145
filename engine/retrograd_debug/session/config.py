"""What a launcher tells the agent, handed over in a private file that the agent deletes on reading."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from retrograd_debug.session.api import Breakpoint, Edit


class Moment(msgspec.Struct, frozen=True):
    """A place in a run, told so that it is found again: in ``iteration`` the thread ``thread`` has come ``reaches``
    times to a place where a step can end. ``place``: ``before`` (it comes there once more), or right after what it last
    came to: ``applied`` (an op) or ``ran`` (a node)."""

    thread: int
    iteration: int
    reaches: int
    place: str


class Change(msgspec.Struct, frozen=True):
    """What a person changed at a moment: a value (``edit``), or by running ``text``, without gradient mode if it
    ``sets`` a value."""

    moment: Moment
    edit: Edit | None = None
    text: str = ""
    sets: bool = False


class ReplayOf(msgspec.Struct, frozen=True):
    """A run that is to happen again. Its changes are made again; at ``goal`` (None: never) those of ``new`` as well,
    and then it is held if ``hold`` says so, and what it prints is heard again. ``random`` are the first states of the
    generators, ``entropy`` and ``stdin`` what it took from outside, ``sources`` its files that have changed since.
    ``folder`` takes what it writes; ``script`` is its name as it was given."""

    folder: str
    script: str = ""
    goal: Moment | None = None
    hold: bool = True
    changes: list[Change] = []
    new: list[str] = []
    random: dict[str, str] = {}
    entropy: list[bytes] = []
    stdin: list[bytes] = []
    sources: dict[str, str] = {}
    parent: str = ""
    seq: int = 0


class AgentConfig(msgspec.Struct, frozen=True):
    """``ring`` is the ring's file; ``port`` the session's loopback port (0: nobody controls), ``token`` its secret.

    ``values``: none, sample or all. ``hold_at_start`` holds before the first op, ``hold_on_exception`` and
    ``hold_at_end`` where the script ended. ``environment`` is recorded as it is. ``engine``: see ``RunSettings``."""

    script: str
    args: list[str]
    ring: str
    values: str = "all"
    port: int = 0
    token: bytes = b""
    hold_at_start: bool = False
    hold_on_exception: bool = False
    hold_at_end: bool = False
    feed_stdin: bool = False
    breakpoints: list[Breakpoint] = []
    environment: dict[str, str] = {}
    engine: str = ""
    replay: ReplayOf | None = None


def write_config(config: AgentConfig, folder: Path) -> Path:
    """Write ``config`` to a file that only this user can read."""
    descriptor, name = tempfile.mkstemp(prefix="agent-", suffix=".msgpack", dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.msgpack.encode(config))
    return Path(name)


def take_config(path: Path) -> AgentConfig:
    """Read the file and delete it: the token stays nowhere but in this process."""
    data = path.read_bytes()
    path.unlink()
    return msgspec.msgpack.decode(data, type=AgentConfig)
