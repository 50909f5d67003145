"""What a run's first event says of its beginning, so that it can begin again."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

VARIABLE = "env."
"""Before the name of an environment variable."""

_SECRET = re.compile(r"token|secret|passw|credential|api_?key|private|session|cookie|auth", re.IGNORECASE)
"""Variables of such names are not written into a log; a replay takes them from where it is started."""

INPUT, ENTROPY = "input", "entropy"
"""Acts: what came on stdin, and what was taken from ``os.urandom``; as text of one character a byte."""

ARRIVED, UNDONE = "arrived", "undone"
"""Acts of a replay: it stands where it had to come; a change could not be made (``result`` says why)."""

REFUSED, SUSPECT = "refused", "suspect"
"""Acts of a replay: what it does not do, and what may make a run another each time."""


def keep_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables to record."""
    return {VARIABLE + name: value for name, value in environment.items() if not _SECRET.search(name)}


def environment_again(recorded: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run, from its first event and, for what is secret, from this process."""
    secret = {name: value for name, value in os.environ.items() if _SECRET.search(name)}
    kept = {name[len(VARIABLE) :]: value for name, value in recorded.items() if name.startswith(VARIABLE)}
    return {**secret, **kept} if kept else dict(os.environ)


def as_text(data: bytes) -> str:
    """Bytes, one character each."""
    return data.decode("latin-1")


def as_bytes(text: str) -> bytes:
    """Undo ``as_text``."""
    return text.encode("latin-1", "replace")
