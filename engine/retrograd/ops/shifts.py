"""Convolutions with stride 1 as one product each: windows as shifts of a flattened array.

All images of a batch lie one after the other in one line for each channel, with only their leading borders between
them: the border before a row or an image is also the one after the row or image before it. What all windows have at
one place of the kernel is then that line, shifted: one copy of contiguous memory a place, and one matrix product for
the whole batch. The windows that begin in a border are computed too, and left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.windows import Lengths, Part, inside

PAYS = 64
"""Rows of the matrix of windows from which this pays: below, the product is cheap against the copies around it."""
AT_ONCE = 1 << 21
"""Elements of windows that are spelled out at a time, so that memory stays bounded whatever the batch."""


def fits(channels: int, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int) -> bool:
    """Whether a convolution can be done here, and gains by it."""
    return (
        groups == 1
        and math.prod(kernel) > 1
        and channels * math.prod(kernel) >= PAYS
        and all(step == 1 for step in stride)
        and all(pad <= gap * (width - 1) for pad, gap, width in zip(padding, dilation, kernel, strict=True))
    )


class _Lines:
    """How images of ``size`` lie in lines: ``room`` each takes, with its leading borders; the ``shifts`` of the
    kernel's places."""

    def __init__(self, size: Sequence[int], kernel: Lengths, padding: Lengths, dilation: Lengths) -> None:
        self.kernel = kernel
        self.padding = padding
        self.size = tuple(size)
        self.room = tuple(length + pad for length, pad in zip(size, padding, strict=True))
        steps = [gap * math.prod(self.room[axis + 1 :]) for axis, gap in enumerate(dilation)]
        self.shifts = [
            sum(at * step for at, step in zip(place, steps, strict=True))
            for place in itertools.product(*map(range, kernel))
        ]

    def batches(self, batch: int, rows: int) -> Iterator[slice]:
        """The images by as many as go at once, of which each takes ``rows`` of the matrix of windows."""
        count = max(1, AT_ONCE // max(1, rows * math.prod(self.room)))
        for start in range(0, batch, count):
            yield slice(start, min(start + count, batch))

    def length(self, batch: int) -> int:
        """Windows of ``batch`` images, those that are left out included."""
        return batch * math.prod(self.room)

    def empty(self, xp: Namespace, channels: int, batch: int, like: Array) -> tuple[Array, Array]:
        """Lines of zeros, and the images in them as (N, C, *size)."""
        length = self.length(batch)
        lines = xp.zeros((channels, length + self.shifts[-1]), like.dtype)
        images = lines[:, :length].reshape(channels, batch, *self.room)[inside(self.padding, self.size)]
        return lines, xp.swapaxes(images, 0, 1)

    def windows(self, xp: Namespace, array: Array) -> Array:
        """(N, C, *size) as (C * places, windows)."""
        batch, channels = array.shape[:2]
        lines, images = self.empty(xp, channels, batch, array)
        images[...] = array
        length = self.length(batch)
        made = xp.empty((channels, len(self.shifts), length), array.dtype)
        for place, shift in enumerate(self.shifts):
            made[:, place] = lines[:, shift : shift + length]
        return made.reshape(channels * len(self.shifts), length)


def _first(counts: Sequence[int]) -> Part:
    return (Ellipsis, *(slice(count) for count in counts))


def convolved(
    xp: Namespace, array: Array, weight: Array, padding: Lengths, dilation: Lengths, counts: Lengths
) -> Array:
    """``array`` (N, C, *size) by ``weight`` (out, C, *kernel) as (N, out, *counts)."""
    outs, rows = weight.shape[0], math.prod(weight.shape[1:])
    lines = _Lines(array.shape[2:], weight.shape[2:], padding, dilation)
    matrix = weight.reshape(outs, rows)
    made = xp.empty((array.shape[0], outs, *counts), array.dtype)
    for part in lines.batches(array.shape[0], rows):
        product = xp.matmul(matrix, lines.windows(xp, array[part]))
        made[part] = xp.swapaxes(product.reshape(outs, -1, *lines.room)[_first(counts)], 0, 1)
    return made


def transposed(xp: Namespace, grad: Array, weight: Array, size: Lengths, padding: Lengths, dilation: Lengths) -> Array:
    """The transpose of ``convolved``: ``grad`` (N, out, *counts) back to (N, C, *size)."""
    outs, channels, rows = weight.shape[0], weight.shape[1], math.prod(weight.shape[1:])
    lines = _Lines(size, weight.shape[2:], padding, dilation)
    matrix = weight.reshape(outs, rows).T
    made = xp.empty((grad.shape[0], channels, *size), grad.dtype)
    for part in lines.batches(grad.shape[0], rows):
        given = grad[part]
        batch = given.shape[0]
        length = lines.length(batch)
        spread = xp.zeros((outs, batch, *lines.room), grad.dtype)
        spread[_first(grad.shape[2:])] = xp.swapaxes(given, 0, 1)
        windows = xp.matmul(matrix, spread.reshape(outs, length)).reshape(channels, -1, length)
        total, images = lines.empty(xp, channels, batch, grad)
        for place, shift in enumerate(lines.shifts):
            total[:, shift : shift + length] += windows[:, place]
        made[part] = images
    return made


def weight_gradient(
    xp: Namespace, array: Array, grad: Array, kernel: Lengths, padding: Lengths, dilation: Lengths
) -> Array:
    """The gradient of ``convolved``'s weight, from its array and the gradient of what it gave."""
    outs, channels = grad.shape[1], array.shape[1]
    rows = channels * math.prod(kernel)
    lines = _Lines(array.shape[2:], kernel, padding, dilation)
    total = xp.zeros((rows, outs), array.dtype)
    for part in lines.batches(array.shape[0], rows):
        given = grad[part]
        spread = xp.zeros((given.shape[0], *lines.room, outs), grad.dtype)
        xp.moveaxis(spread, -1, 1)[_first(grad.shape[2:])] = given
        total += xp.matmul(lines.windows(xp, array[part]), spread.reshape(-1, outs))
    return xp.ascontiguousarray(total.T).reshape(outs, channels, *kernel)
