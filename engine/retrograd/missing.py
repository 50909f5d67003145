"""The answer to a name that the engine does not have: an error that names the nearest it has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from retrograd_events.text import tr


def missing(owner: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for ``owner.name``, naming what comes nearest among ``known``."""
    names = sorted({each for each in known if not each.startswith("_")})
    folded = {each.lower(): each for each in names}  # Relu means ReLU
    plain = name.strip("_").lower()
    near = [folded[each] for each in difflib.get_close_matches(name.lower(), folded, 3, 0.6)] or [
        each for low, each in folded.items() if len(plain) > 2 and (plain in low or (len(low) > 2 and low in plain))
    ][:3]
    if near:
        return AttributeError(
            tr("{owner} has no '{name}'; the nearest it has: {near}", owner=owner, name=name, near=", ".join(near))
        )
    return AttributeError(tr("{owner} has no '{name}', nor anything like it", owner=owner, name=name))
