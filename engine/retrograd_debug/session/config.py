"""What a launcher tells the agent, handed over in a private file that the agent deletes on reading."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from retrograd_debug.session.api import Breakpoint


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
