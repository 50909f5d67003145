"""Sizes given as one number or as one a dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Sizes = int | Sequence[int]


def lengths(value: Sizes, rank: int, name: str, what: str) -> tuple[int, ...]:
    """``rank`` numbers from ``value``; ``RuntimeError`` for another count of them."""
    if isinstance(value, (int, np.integer)):
        return (int(value),) * rank
    found = tuple(int(each) for each in value)
    if len(found) == 1:
        return found * rank
    if len(found) != rank:
        raise RuntimeError(f"{name}: {what} must be one number or {rank} of them, but got {list(found)}")
    return found
