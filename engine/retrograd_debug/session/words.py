"""How a script ended, in words."""

from __future__ import annotations

from retrograd_debug.log.api import Log
from retrograd_events import tr, trn


def exit_words(log: Log | None, code: int) -> str:
    """``100 iterations, exit code 0``."""
    count = len(log.iterations) if log is not None else 0
    iterations = trn("{count} iteration", "{count} iterations", count)
    return tr("{iterations}, exit code {code}", iterations=iterations, code=code)


def lost_words(returncode: int, head: int) -> str:
    """``the script's process was killed (signal 9); the log opens up to event 812`` (``returncode`` as Popen's)."""
    if returncode < 0:
        return tr(
            "the script's process was killed (signal {number}); the log opens up to event {head}",
            number=-returncode,
            head=head,
        )
    return tr(
        "the script's process ended without a word (exit code {code}); the log opens up to event {head}",
        code=returncode,
        head=head,
    )
