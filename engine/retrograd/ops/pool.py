"""Poolings: the largest and the mean of windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.activation import wide
from retrograd.ops.flat import flat_gather, flat_scatter
from retrograd.ops.primitive import Primitive, primitive
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import reshaped
from retrograd.ops.windows import Lengths, inside, padded, places
from retrograd.tensor import Tensor


def pooled_counts(
    size: Sequence[int], kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths, ceil_mode: bool
) -> Lengths:
    """How many windows a pooling has; with ``ceil_mode`` one more may begin inside and reach over the end."""
    found = []
    for length, width, step, pad, gap in zip(size, kernel, stride, padding, dilation, strict=True):
        room = length + 2 * pad - gap * (width - 1) - 1
        count = (room + (step - 1 if ceil_mode else 0)) // step + 1
        if ceil_mode and (count - 1) * step >= length + pad:
            count -= 1
        found.append(count)
    return tuple(found)


def _reach(size: Sequence[int], kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths,
           counts: Lengths) -> Lengths:  # fmt: skip
    """How much the last window reaches over the end, a dimension."""
    return tuple(
        max((count - 1) * step + gap * (width - 1) + 1 - length - pad, 0)
        for length, width, step, pad, gap, count in zip(size, kernel, stride, padding, dilation, counts, strict=True)
    )


def pooled(rank: int) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """Images with windows, for the largest."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        size = (4, 5, 3)[:rank]
        for kernel, stride, padding, dilation in ((2, 2, 0, 1), (3, 1, 1, 1), (2, 2, 1, 2)):
            params = {"kernel": (kernel,) * rank, "stride": (stride,) * rank, "padding": (padding,) * rank,
                      "dilation": (dilation,) * rank, "counts": ()}  # fmt: skip
            counts = pooled_counts(
                size, params["kernel"], params["stride"], params["padding"], params["dilation"], False
            )
            if min(counts) > 0:
                yield Sample((apart(rng, 2, 2, *size),), {**params, "counts": counts})

    return samples


def _largest(
    xp: Namespace, input: Array, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths, counts: Lengths
) -> tuple[Array, Array]:
    size = input.shape[2:]
    low = -math.inf if input.dtype.kind not in "iu" else np.iinfo(input.dtype).min
    array = padded(xp, input, padding, _reach(size, kernel, stride, padding, dilation, counts), low)
    parts = [part for _, part in places(kernel, stride, dilation, counts)]
    best = xp.array(array[parts[0]])
    kind = np.dtype("uint8" if len(parts) <= 256 else "int32")
    which = xp.zeros(best.shape, kind)
    for number, part in enumerate(parts[1:], 1):
        here = xp.ascontiguousarray(array[part])  # what has a step is slow to compare, and it is read twice
        # of equal ones the first counts; a number only grows, and arithmetic is faster than choosing by a mask
        xp.maximum(which, xp.multiply(here > best, kind.type(number)), out=which)
        xp.maximum(best, here, out=best)
    lost = best != best
    if lost.any():  # of several NaN the last counts
        for number, part in enumerate(parts):
            which = xp.where(lost & (array[part] != array[part]), xp.asarray(number, kind), which)
    return best, _flat_places(xp, which, size, kernel, stride, padding, dilation, counts)


def _flat_places(xp: Namespace, which: Array, size: Sequence[int], kernel: Lengths, stride: Lengths, padding: Lengths,
                 dilation: Lengths, counts: Lengths) -> Array:  # fmt: skip
    """Places of the kernel as places of the flattened input."""
    steps = [math.prod(size[axis + 1 :]) for axis in range(len(size))]
    starts = np.zeros(counts, np.int64)
    for axis, (count, step, pad) in enumerate(zip(counts, stride, padding, strict=True)):
        line = (np.arange(count) * step - pad) * steps[axis]
        starts = starts + line.reshape(-1, *[1] * (len(counts) - axis - 1))
    table = np.array(
        [
            sum(at * gap * step for at, gap, step in zip(place, dilation, steps, strict=True))
            for place, _ in places(kernel, stride, dilation, counts)
        ],
        np.int64,
    )
    return xp.add(xp.take(xp.asarray(table), which), xp.asarray(starts))


def _apart(kernel: Lengths, stride: Lengths, dilation: Lengths) -> bool:
    """Whether no two windows share a place."""
    return all(gap * (width - 1) < step for width, step, gap in zip(kernel, stride, dilation, strict=True))


def _spread(g: Tensor, indices: Tensor, meta: Meta, unique: bool, rank: int) -> Tensor:
    """Gradients put where the largest were."""
    lead = tuple(meta.shape[:-rank])
    row = (*lead, math.prod(g.shape[-rank:]))
    flat = flat_scatter(reshaped(g, row), reshaped(indices, row), size=math.prod(meta.shape[-rank:]), unique=unique)
    return reshaped(flat, tuple(meta.shape))


def _picked(t: Tensor, indices: Tensor, rank: int) -> Tensor:
    lead = tuple(t.shape[:-rank])
    row = (*lead, math.prod(indices.shape[-rank:]))
    flat = reshaped(t, (*lead, math.prod(t.shape[-rank:])))
    return reshaped(flat_gather(flat, reshaped(indices, row)), tuple(indices.shape))


def _max_pool(rank: int) -> Primitive:
    def forward(
        xp: Namespace,
        input: Array,
        *,
        kernel: Lengths,
        stride: Lengths,
        padding: Lengths,
        dilation: Lengths,
        counts: Lengths,
    ) -> tuple[Array, Array]:
        return _largest(xp, input, kernel, stride, padding, dilation, counts)

    forward.__name__ = f"max_pool{rank}d_with_indices"
    forward.__doc__ = "The largest of each window of (N, C, *size), and where in the flattened size it is."
    made = primitive(samples=pooled(rank), torch="-", outputs=("out", "indices"), public=False)(forward)

    @made.vjp("input")
    def _(
        g: Sequence[Tensor], indices: Tensor, input_meta: Meta, *, kernel: Lengths, stride: Lengths, dilation: Lengths
    ) -> Tensor:
        return _spread(g[0], indices, input_meta, _apart(kernel, stride, dilation), rank)

    @made.jvp("input")
    def _(t: Tensor, indices: Tensor) -> Tensor:
        return _picked(t, indices, rank)

    return made


max_pools = {rank: _max_pool(rank) for rank in (2, 3)}
"""By the number of dimensions."""


def regions(rank: int) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """Images with regions of their flattened size."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        size = (6, 2, 2)[:rank]
        chosen = np.array([[0, 1, 1], [2, 5, 3]])
        yield Sample((apart(rng, 2, 2, *size),), {"regions": chosen, "counts": (*[1] * (rank - 1), 2)})
        each = chosen + np.zeros((2, 2, 1, 1), np.int64)
        yield Sample((apart(rng, 2, 2, *size),), {"regions": each, "counts": (*[1] * (rank - 1), 2)})

    return samples


def _max_of_regions(name: str, rank: int) -> Primitive:
    def forward(xp: Namespace, input: Array, *, regions: Array, counts: Lengths) -> tuple[Array, Array]:
        lead = input.shape[:-rank]
        flat = input.reshape(*lead, math.prod(input.shape[-rank:]))
        where = xp.broadcast_to(xp.asarray(regions), (*lead, *regions.shape[-2:]))
        found = xp.take_along_axis(flat, where.reshape(*lead, math.prod(regions.shape[-2:])), axis=-1).reshape(
            where.shape
        )
        best = xp.argmax(found, axis=-1, keepdims=True)
        values = xp.take_along_axis(found, best, axis=-1).reshape(*lead, *counts)
        return values, xp.take_along_axis(where, best, axis=-1).reshape(*lead, *counts)

    forward.__name__ = name
    forward.__doc__ = "The largest of each of regions (of the flattened size, padded by repeats), and where it is."
    made = primitive(samples=regions(rank), torch="-", outputs=("out", "indices"), public=False)(forward)

    @made.vjp("input")
    def _(g: Sequence[Tensor], indices: Tensor, input_meta: Meta) -> Tensor:
        return _spread(g[0], indices, input_meta, False, rank)

    @made.jvp("input")
    def _(t: Tensor, indices: Tensor) -> Tensor:
        return _picked(t, indices, rank)

    return made


adaptive_max_pools = {rank: _max_of_regions(f"adaptive_max_pool{rank}d", rank) for rank in (1, 2, 3)}
fractional_max_pools = {rank: _max_of_regions(f"fractional_max_pool{rank}d", rank) for rank in (2, 3)}


def averaged(rank: int) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """Images with windows, for the mean."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        size = (4, 5, 3)[:rank]
        for kernel, stride, padding, include in ((2, 2, 0, True), (3, 2, 1, False), (3, 1, 1, True)):
            lengths = {"kernel": (kernel,) * rank, "stride": (stride,) * rank, "padding": (padding,) * rank}
            counts = pooled_counts(size, *lengths.values(), (1,) * rank, False)  # type: ignore[call-arg, arg-type]
            yield Sample((apart(rng, 2, 2, *size),), {**lengths, "counts": counts, "include": include, "divisor": None})

    return samples


def _shares(size: Sequence[int], kernel: Lengths, stride: Lengths, padding: Lengths, counts: Lengths, include: bool,
            divisor: int | None) -> Array:  # fmt: skip
    """One over what each window's sum is divided by."""
    if divisor is not None:
        return np.full(counts, 1.0 / divisor)
    total = np.ones(counts)
    for axis, (length, width, step, pad, count) in enumerate(zip(size, kernel, stride, padding, counts, strict=True)):
        starts = np.arange(count) * step - pad
        ends = np.minimum(starts + width, length + pad)
        held = ends - starts if include else np.minimum(ends, length) - np.maximum(starts, 0)
        total = total * held.reshape(-1, *[1] * (len(counts) - axis - 1))
    return 1.0 / total


def _avg_pool(rank: int) -> Primitive:
    ones = (1,) * rank

    def forward(
        xp: Namespace,
        input: Array,
        *,
        kernel: Lengths,
        stride: Lengths,
        padding: Lengths,
        counts: Lengths,
        include: bool,
        divisor: int | None,
    ) -> Array:
        size = input.shape[2:]
        array = padded(xp, wide(input), padding, _reach(size, kernel, stride, padding, ones, counts))
        total = xp.zeros((*input.shape[:2], *counts), array.dtype)
        for _, part in places(kernel, stride, ones, counts):
            total += array[part]
        shares = _shares(size, kernel, stride, padding, counts, include, divisor).astype(array.dtype)
        return (total * xp.asarray(shares)).astype(input.dtype, copy=False)

    forward.__name__ = f"avg_pool{rank}d"
    forward.__doc__ = "The mean of each window of (N, C, *size)."
    made = primitive(samples=averaged(rank), torch="-", linear=True, public=False)(forward)

    def spreads(rng: np.random.Generator) -> Iterator[Sample]:
        for sample in averaged(rank)(rng):
            size = sample.inputs[0].shape  # type: ignore[attr-defined]  # an array
            yield Sample((apart(rng, 2, 2, *sample.params["counts"]),), {**sample.params, "size": size[2:]})  # type: ignore[misc]

    def backward(
        xp: Namespace,
        input: Array,
        *,
        size: Lengths,
        kernel: Lengths,
        stride: Lengths,
        padding: Lengths,
        counts: Lengths,
        include: bool,
        divisor: int | None,
    ) -> Array:
        shares = _shares(size, kernel, stride, padding, counts, include, divisor)
        given = wide(input)
        given = given * xp.asarray(shares.astype(given.dtype))
        over = _reach(size, kernel, stride, padding, ones, counts)
        whole = (a + n + b for a, n, b in zip(padding, size, over, strict=True))
        total = xp.zeros((*input.shape[:2], *whole), given.dtype)
        for _, part in places(kernel, stride, ones, counts):
            total[part] += given
        return total[inside(padding, size)].astype(input.dtype, copy=False)

    backward.__name__ = f"avg_pool{rank}d_backward"
    backward.__doc__ = "The transpose: each window's share given to all its places."
    back = primitive(samples=spreads, torch="-", linear=True, public=False)(backward)

    @made.vjp("input")
    def _(g: Tensor, input_meta: Meta, *, kernel: Lengths, stride: Lengths, padding: Lengths, counts: Lengths,
          include: bool, divisor: int | None) -> Tensor:  # fmt: skip
        size = tuple(input_meta.shape[2:])
        return back(g, size=size, kernel=kernel, stride=stride, padding=padding, counts=counts, include=include,
                    divisor=divisor)  # fmt: skip

    @back.vjp("input")
    def _(g: Tensor, *, kernel: Lengths, stride: Lengths, padding: Lengths, counts: Lengths, include: bool,
          divisor: int | None) -> Tensor:  # fmt: skip
        return made(g, kernel=kernel, stride=stride, padding=padding, counts=counts, include=include, divisor=divisor)

    return made


avg_pools = {rank: _avg_pool(rank) for rank in (2, 3)}
"""By the number of dimensions."""
