"""Reads source files; slow, so called from a worker."""

from __future__ import annotations

from pathlib import Path

from retrograd_debug.log.api import Log


def source_text(file: str, log: Log | None) -> str:
    """The text of ``file``: as it was when the run started if the log has it, else as it is now. Raises ``OSError``."""
    recorded = log.source(file) if log is not None else None
    return recorded if recorded is not None else Path(file).read_text(encoding="utf-8", errors="replace")


def source_lines(file: str, log: Log | None) -> list[str]:
    """Its lines; none when it can't be read."""
    try:
        return source_text(file, log).splitlines()
    except OSError:
        return []
