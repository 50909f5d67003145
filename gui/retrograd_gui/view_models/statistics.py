"""What can be said of an array in numbers: moments, extremes, special values, a histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 24


@dataclass(frozen=True, slots=True)
class Statistics:
    """Over the finite elements: ``mean``, ``std`` (unbiased, as PyTorch's), ``min``, ``max``, ``norm`` (Euclidean),
    ``sum``; NaN where there is no element to say it of. Over all: the counts."""

    count: int
    mean: float
    std: float
    min: float
    max: float
    norm: float
    sum: float
    nan: int
    positive_inf: int
    negative_inf: int
    zero: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of the finite elements in equal bins from ``low`` to ``high``; ``outside`` were not in the range."""

    low: float
    high: float
    counts: NDArray[np.int64]
    outside: int


def as_real(array: NDArray[np.generic]) -> NDArray[np.float64]:
    """``array`` as float64; of complex numbers the magnitude."""
    real: NDArray[np.generic] = np.abs(array) if np.iscomplexobj(array) else array
    return real.astype(np.float64)


def statistics(array: NDArray[np.float64]) -> Statistics:
    """Describe ``array`` (any shape, also empty)."""
    flat = array.reshape(-1)
    finite = flat[np.isfinite(flat)]
    count = int(finite.size)
    nothing = math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        return Statistics(
            count=int(flat.size),
            mean=float(finite.mean()) if count else nothing,
            std=float(finite.std(ddof=1)) if count > 1 else nothing,
            min=float(finite.min()) if count else nothing,
            max=float(finite.max()) if count else nothing,
            norm=float(np.linalg.norm(finite)) if count else nothing,
            sum=float(finite.sum()) if count else nothing,
            nan=int(np.isnan(flat).sum()),
            positive_inf=int(np.isposinf(flat).sum()),
            negative_inf=int(np.isneginf(flat).sum()),
            zero=int((flat == 0).sum()),
        )


def histogram(array: NDArray[np.float64], low: float, high: float, bins: int = BINS) -> Histogram:
    """Count the finite elements of ``array`` in ``bins`` equal bins of [low, high]."""
    flat = array.reshape(-1)
    finite = flat[np.isfinite(flat)]
    inside = finite[(finite >= low) & (finite <= high)]
    if high <= low:
        counts = np.zeros(bins, np.int64)
        counts[bins // 2] = inside.size
    else:
        counts = np.histogram(inside, bins=bins, range=(low, high))[0].astype(np.int64)
    return Histogram(low, high, counts, int(finite.size - inside.size))


def full_range(stats: Statistics, symmetric: bool) -> tuple[float, float]:
    """The range that shows every finite element; symmetric about zero when asked."""
    if not math.isfinite(stats.min):
        return (-1.0, 1.0) if symmetric else (0.0, 1.0)
    if symmetric:
        bound = max(abs(stats.min), abs(stats.max)) or 1.0
        return -bound, bound
    if stats.min == stats.max:
        pad = abs(stats.min) / 2 or 0.5
        return stats.min - pad, stats.max + pad
    return stats.min, stats.max
