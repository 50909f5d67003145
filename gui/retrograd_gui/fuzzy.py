"""Finds what a person means by a few letters. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

_START = 8
_WORD = 6
_RUN = 5
_GAP = 1


def score(query: str, text: str) -> int | None:
    """How well ``text`` answers ``query``: None when its letters don't occur in order, else higher is better. Letters
    at the start of the text, of words, and in a row count more; case and spaces in the query don't count."""
    letters = [letter for letter in query.casefold() if not letter.isspace()]
    folded = text.casefold()
    wanted = query.casefold().strip()
    bonus = 0
    whole = folded.find(wanted)
    if whole >= 0:
        bonus = 40 - min(whole, 20) + (_WORD if _begins_word(folded, whole) else 0)
    # word starts first; the plain order is the safety net for what that leaps over
    places = _places(letters, folded, leap=True) or _places(letters, folded, leap=False)
    if places is None:
        return None
    last = -2
    for at in places:
        bonus += _START if at == 0 else _WORD if _begins_word(folded, at) else 0
        bonus += _RUN if at == last + 1 else -_GAP
        last = at
    return bonus * 4 - len(text) // 8


def _begins_word(text: str, at: int) -> bool:
    return at == 0 or not text[at - 1].isalnum()


def _places(letters: Sequence[str], text: str, leap: bool) -> list[int] | None:
    places: list[int] = []
    for letter in letters:
        start = places[-1] + 1 if places else 0
        first = text.find(letter, start)
        if first < 0:
            return None
        at = first
        if leap and not (places and at == start):
            while at >= 0 and not _begins_word(text, at):
                at = text.find(letter, at + 1)
        places.append(at if at >= 0 else first)
    return places


def rank(query: str, items: Iterable[tuple[str, T]], limit: int) -> Sequence[T]:
    """The items whose text answers ``query``, best first; all in their own order when the query is empty."""
    if not query.strip():
        return [item for _, item in items][:limit]
    found = []
    for order, (text, item) in enumerate(items):
        points = score(query, text)
        if points is not None:
            found.append((-points, order, item))
    found.sort(key=lambda entry: entry[:2])
    return [item for _, _, item in found[:limit]]
