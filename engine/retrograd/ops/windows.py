"""Windows that slide over the last dimensions of an array: what convolutions and poolings share.

A window has ``kernel`` places a dimension, ``dilation`` apart; neighbouring windows are ``stride`` apart. For each
place of the kernel, what all windows have there is one strided slice, so that work goes in as few array calls as a
kernel has places, whatever the size of the array.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from types import EllipsisType

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor

Lengths = tuple[int, ...]
Part = tuple["slice | EllipsisType | int", ...]


def window_counts(
    size: Sequence[int], kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths
) -> Lengths:
    """How many windows fit, a dimension."""
    return tuple(
        (length + 2 * pad - gap * (width - 1) - 1) // step + 1
        for length, width, step, pad, gap in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def places(kernel: Lengths, stride: Lengths, dilation: Lengths, counts: Lengths) -> Iterator[tuple[Lengths, Part]]:
    """Each place of the kernel with the slice of the (padded) array that the windows have there."""
    for place in itertools.product(*map(range, kernel)):
        yield (
            place,
            (
                Ellipsis,
                *(
                    slice(at * gap, at * gap + step * (count - 1) + 1, step) if count > 0 else slice(0, 0)
                    for at, gap, step, count in zip(place, dilation, stride, counts, strict=True)
                ),
            ),
        )


def inside(before: Sequence[int], size: Sequence[int]) -> Part:
    """The part of a padded array that the array itself takes."""
    return (Ellipsis, *(slice(start, start + length) for start, length in zip(before, size, strict=True)))


def _all_at(place: Lengths) -> Part:
    """All samples and channels at a place of the kernel."""
    return (slice(None), slice(None), *place)


def padded(xp: Namespace, array: Array, before: Lengths, after: Lengths, value: float = 0) -> Array:
    """``array`` with ``value`` around its last dimensions."""
    if not any(before) and not any(after):
        return array
    lead = array.ndim - len(before)
    size = (*array.shape[:lead], *(a + n + b for a, n, b in zip(before, array.shape[lead:], after, strict=True)))
    made = xp.full(size, value, array.dtype) if value else xp.zeros(size, array.dtype)
    made[inside(before, array.shape[lead:])] = array
    return made


def columns(
    xp: Namespace,
    array: Array,
    kernel: Lengths,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    counts: Lengths | None = None,
) -> tuple[Array, Lengths]:
    """(N, C, *size) as (N, C, *kernel, *counts): every window (or the first ``counts``) spelled out; and the counts."""
    counts = counts or window_counts(array.shape[2:], kernel, stride, padding, dilation)
    array = padded(xp, array, padding, padding)
    if math.prod(kernel) == 1:
        ((_, part),) = places(kernel, stride, dilation, counts)
        return array[part].reshape(*array.shape[:2], *kernel, *counts), counts
    made = xp.empty((*array.shape[:2], *kernel, *counts), array.dtype)
    for place, part in places(kernel, stride, dilation, counts):
        made[_all_at(place)] = array[part]
    return made, counts


def overlapped(
    xp: Namespace, cols: Array, size: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths
) -> Array:
    """The transpose of ``columns``: windows (N, C, *kernel, *counts) added up where they lie in (N, C, *size)."""
    rank = len(size)
    kernel, counts = cols.shape[2 : 2 + rank], cols.shape[2 + rank :]
    made = xp.zeros((*cols.shape[:2], *(n + 2 * pad for n, pad in zip(size, padding, strict=True))), cols.dtype)
    for place, part in places(kernel, stride, dilation, counts):
        made[part] += cols[_all_at(place)]
    return made[inside(padding, size)] if any(padding) else made


def images(rng: np.random.Generator) -> Iterator[Sample]:
    """Images with windows."""
    for kernel, stride, padding, dilation in (((2, 3), (1, 2), (1, 0), (2, 1)), ((1, 1), (2, 2), (0, 0), (1, 1))):
        params: dict[str, object] = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        yield Sample((apart(rng, 2, 3, 4, 5),), params)


@primitive(samples=images, torch="-", node="Im2ColBackward0", linear=True, public=False)
def im2col(
    xp: Namespace, input: Array, *, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths
) -> Array:
    """(N, C, *size) as (N, C * places, windows)."""
    cols, counts = columns(xp, input, kernel, stride, padding, dilation)
    return cols.reshape(input.shape[0], input.shape[1] * math.prod(kernel), math.prod(counts))


def windows(rng: np.random.Generator) -> Iterator[Sample]:
    """Windows with the size of the image they are from."""
    params: dict[str, object] = {
        "size": (4, 5),
        "kernel": (2, 2),
        "stride": (2, 1),
        "padding": (0, 1),
        "dilation": (1, 2),
    }
    yield Sample((apart(rng, 2, 8, 10),), params)


@primitive(samples=windows, torch="-", node="Col2ImBackward0", linear=True, public=False)
def col2im(
    xp: Namespace,
    input: Array,
    *,
    size: Lengths,
    kernel: Lengths,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
) -> Array:
    """(N, C * places, windows) added up to (N, C, *size)."""
    counts = window_counts(size, kernel, stride, padding, dilation)
    channels = input.shape[1] // math.prod(kernel)
    cols = input.reshape(input.shape[0], channels, *kernel, *counts)
    return overlapped(xp, cols, size, stride, padding, dilation)


@im2col.vjp("input")
def _(g: Tensor, input_meta: Meta, *, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths) -> Tensor:
    size = tuple(input_meta.shape[2:])
    return col2im(g, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


@col2im.vjp("input")
def _(g: Tensor, *, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths) -> Tensor:
    return im2col(g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
