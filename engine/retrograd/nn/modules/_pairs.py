"""What the containers by name are filled from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


def pairs_of(given: object, owner: str) -> Iterator[tuple[str, object]]:
    """Names and values of a mapping, of pairs, or of another container by name.

    Raises:
        TypeError: when it, or a part of it, can't be walked over.
        ValueError: when a part is no pair.
    """
    if isinstance(given, Mapping) or (hasattr(given, "items") and hasattr(given, "keys")):
        yield from given.items()
        return
    if not isinstance(given, Iterable):
        raise TypeError(
            f"{owner}.update should be called with an iterable of key/value pairs, but got {type(given).__name__}"
        )
    for place, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{owner} update sequence element #{place} should be Iterable; is {type(pair).__name__}")
        parts = list(pair)
        if len(parts) != 2:
            raise ValueError(f"{owner} update sequence element #{place} has length {len(parts)}; 2 is required")
        yield parts[0], parts[1]
