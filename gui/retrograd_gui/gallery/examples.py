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
    """Title and sentence of a script. The docstring's first line is ``Title: what it does.`` or ``Title.``; a second
    paragraph, where there is one, says what to look at and is preferred as the sentence."""
    try:
        text = ast.get_docstring(ast.parse(source)) or ""
    except SyntaxError:
        text = ""
    fallback = name.replace("_", " ").capitalize()
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    if not paragraphs:
        return fallback, ""
    title, colon, rest = paragraphs[0].partition(":")
    if not colon or len(title) > 40:
        title, _, rest = paragraphs[0].partition(". ")
    sentence = paragraphs[1] if len(paragraphs) > 1 else rest
    title = title.strip().rstrip(".")
    if len(title) > 40:
        return fallback, _first_sentence(paragraphs[0])
    return title, _first_sentence(sentence)


def _first_sentence(text: str) -> str:
    text = text.strip()
    end = text.find(". ")
    text = text[: end + 1] if end >= 0 else text
    return text[:1].upper() + text[1:]
