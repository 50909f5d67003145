"""What breakpoints ask of contents: one rule, asked of live tensors at the gate and of recorded values in the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def born_nonfinite(
    made: Iterable[NDArray[np.generic]], fed: Iterable[NDArray[np.generic]]
) -> NDArray[np.generic] | None:
    """The first array of ``made`` that holds NaN or an infinity, where ``fed`` holds numbers and all of them are finite
    (one that was written down as such is no surprise). ``fed`` is only gone through when there is one."""
    for array in made:
        if not _finite(array):
            numbers = [each for each in fed if each.dtype.kind in "fc"]
            return array if numbers and all(map(_finite, numbers)) else None
    return None


def outside(arrays: Iterable[NDArray[np.generic]], low: float | None, high: float | None) -> tuple[float, float] | None:
    """The smallest and largest element of the first array that does not lie within ``low`` to ``high``."""
    for array in arrays:
        if array.dtype.kind in "fiu" and array.size:
            least, most = float(array.min()), float(array.max())
            if (low is not None and least < low) or (high is not None and most > high):
                return least, most
    return None


def _finite(array: NDArray[np.generic]) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
