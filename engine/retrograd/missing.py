"""The answer to a name that the engine does not have: an error that names the nearest it has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from retrograd_events.text import tr


def missing(owner: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for ``owner.name``, naming what comes nearest among ``known``."""
    names = sorted({each for each in known if not each.startswith("_")})
    plain = name.strip("_")
    near = (
        difflib.get_close_matches(name, names, 3, 0.6)
        or [each for each in names if len(plain) > 2 and (plain in each or (len(each) > 2 and each in plain))][:3]
    )
    if near:
        return AttributeError(
            tr("{owner} has no '{name}'; the nearest it has: {near}", owner=owner, name=name, near=", ".join(near))
        )
    return AttributeError(tr("{owner} has no '{name}', nor anything like it", owner=owner, name=name))
