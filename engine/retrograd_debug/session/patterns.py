"""Names that breakpoints ask for: plain, or patterns with ``*``, ``?`` and ``[ab]``."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def is_pattern(text: str) -> bool:
    """Whether ``text`` stands for more than itself."""
    return any(each in text for each in "*?[")


def matches(name: str, pattern: str) -> bool:
    """Whether ``name`` is what ``pattern`` asks for (an empty name never is)."""
    return name != "" and (name == pattern or (is_pattern(pattern) and fnmatchcase(name, pattern)))


def inside(pattern: str, scopes: Iterable[tuple[str, str]]) -> bool:
    """Whether one of ``scopes``, each a path and a type, is what ``pattern`` asks for."""
    return any(matches(path, pattern) or matches(type, pattern) for path, type in scopes)
