"""Finds the examples by walking their folder; title and sentence come from each docstring. No Qt."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from retrograd_debug.assets import data_folder

FIRST = "linear_regression"


@dataclass(frozen=True, slots=True)
class Example:
    """``name`` is the file's name without suffix, ``first`` marks the one to start with."""

    name: str
    path: Path
    title: str
    sentence: str
    first: bool


def find_examples() -> list[Example]:
    """All examples, the one to start with first. Reads the disk."""
    found = []
    for path in sorted(data_folder("examples").glob("*.py")):
        if path.stem.startswith("_"):
            continue
        title, sentence = describe(path.read_text(encoding="utf-8"), path.stem)
        found.append(Example(path.stem, path, title, sentence, path.stem == FIRST))
    return sorted(found, key=lambda example: (not example.first, example.name))


def describe(source: str, name: str) -> tuple[str, str]:
    """Title and sentence of a script. The docstring's first line is ``Title`` or ``Title: what it does.``; the text
    below it, where there is some, says what to look at and is preferred as the sentence."""
    try:
        text = ast.get_docstring(ast.parse(source)) or ""
    except SyntaxError:
        text = ""
    fallback = name.replace("_", " ").capitalize()
    first, _, rest = text.strip().partition("\n")
    title, _, same_line = first.partition(":")
    sentence = _first_sentence(rest) or _first_sentence(same_line)
    title = title.strip().rstrip(".")
    if not title or len(title) > 40:
        return fallback, sentence or _first_sentence(first)
    return title, sentence


def _first_sentence(text: str) -> str:
    text = " ".join(text.split())
    end = text.find(". ")
    text = text[: end + 1] if end >= 0 else text
    return text[:1].upper() + text[1:]
