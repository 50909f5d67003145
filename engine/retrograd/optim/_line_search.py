"""A line search for the strong Wolfe conditions (Nocedal and Wright, "Numerical optimization", 2006, algorithms 3.5 and
3.6), with the safeguards of Mark Schmidt's minFunc, which PyTorch has too."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from retrograd.tensor import Tensor

Evaluate = Callable[[float], tuple[float, Tensor]]

_DECREASE = 1e-4
_CURVATURE = 0.9
_SHORTEST = 1e-9


@dataclass
class Point:
    """A place on the line: how far along, with loss, gradient and slope there."""

    length: float
    loss: float
    gradient: Tensor
    slope: float


def strong_wolfe(
    evaluate: Evaluate, direction: Tensor, length: float, loss: float, gradient: Tensor, slope: float, limit: int
) -> tuple[Point, int]:
    """A point that lowers the loss enough and where its slope is small enough, and the number of evaluations.

    Args:
        evaluate: loss and gradient at a length along ``direction``.
        length: where to look first.
        loss, gradient, slope: at the start.
        limit: rounds at most; then the best point so far is given.
    """
    start = Point(length=0.0, loss=loss, gradient=gradient, slope=slope)
    evaluations = 0

    def look(length: float) -> Point:
        nonlocal evaluations
        evaluations += 1
        loss, gradient = evaluate(length)
        return Point(length, loss, gradient, number_of(gradient.dot(direction)))

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + _DECREASE * point.length * start.slope

    def flat_enough(point: Point) -> bool:
        return abs(point.slope) <= -_CURVATURE * start.slope

    before, now = start, look(length)
    for rounds in range(limit):  # walk on until two points have a good one between them
        if too_high(now) or (rounds > 1 and now.loss >= before.loss):
            break
        if flat_enough(now):
            return now, evaluations
        if now.slope >= 0:
            break
        least, most = now.length + 0.01 * (now.length - before.length), now.length * 10
        before, now = now, look(_cubic(before, now, least, most))
    else:
        rounds = limit
        before = start
    low, high = (before, now) if before.loss <= now.loss else (now, before)
    widest = number_of(direction.abs().max())
    stuck = False
    for _ in range(rounds, limit):  # narrow down
        shortest, longest = min(low.length, high.length), max(low.length, high.length)
        if (longest - shortest) * widest < _SHORTEST:
            break
        trial, stuck = _kept_inside(_cubic(low, high, shortest, longest), shortest, longest, stuck)
        point = look(trial)
        if too_high(point) or point.loss >= low.loss:
            high = point
            if high.loss < low.loss:
                low, high = high, low
        else:
            if flat_enough(point):
                return point, evaluations
            if point.slope * (high.length - low.length) >= 0:
                high = low
            low = point
    return low, evaluations


def _cubic(one: Point, other: Point, least: float, most: float) -> float:
    """Where the cubic through both points, with their slopes, is lowest, kept within bounds; their middle where it has
    no lowest point."""
    left, right = (one, other) if one.length <= other.length else (other, one)
    width = right.length - left.length
    mean = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.length - right.length)
    square = mean * mean - left.slope * right.slope
    if not square >= 0:
        return (least + most) / 2
    root = math.sqrt(square)
    found = right.length - width * ((right.slope + root - mean) / (right.slope - left.slope + 2 * root))
    return min(max(found, least), most)


def _kept_inside(trial: float, shortest: float, longest: float, stuck: bool) -> tuple[float, bool]:
    """A trial that comes too near to an end for the second time in a row, or lies on it, is moved inwards."""
    margin = 0.1 * (longest - shortest)
    if min(longest - trial, trial - shortest) >= margin:
        return trial, False
    if not (stuck or trial >= longest or trial <= shortest):
        return trial, True
    return (longest - margin if longest - trial < trial - shortest else shortest + margin), False


def number_of(tensor: Tensor) -> float:
    """The only element of a real tensor."""
    return float(tensor.item())  # type: ignore[arg-type]  # a real one
