"""Linear maps of one dimension after the other, each output a few weighted inputs: interpolation, padding by what is
there, adaptive means. Their transposes are maps of the same kind, so that all orders of gradients are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.activation import wide
from retrograd.ops.primitive import Primitive, primitive
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor

DENSE = 12
"""From so many inputs an output on, one matrix product is faster than a step for each."""


@dataclass(frozen=True, eq=False, slots=True)
class AxisMap:
    """Output ``o`` along ``dim`` is the sum over k of ``weights[o, k] * input[indices[o, k]]`` (host arrays; weights
    None: all 1). ``size``: the input's length. ``dim`` counts from the end."""

    dim: int
    size: int
    indices: Array
    weights: Array | None = None

    def transposed(self) -> AxisMap:
        """The map that takes gradients back."""
        count, taps = self.indices.shape
        weights = np.ones((count, taps)) if self.weights is None else self.weights
        live = weights.reshape(-1) != 0
        to = self.indices.reshape(-1)[live]
        order = np.argsort(to, kind="stable")
        to = to[order]
        held = np.bincount(to, minlength=self.size)
        slot = np.arange(len(to)) - np.repeat(np.cumsum(held) - held, held)
        shape = (self.size, max(int(held.max(initial=0)), 1))
        indices, shares = np.zeros(shape, np.int64), np.zeros(shape)
        indices[to, slot] = np.repeat(np.arange(count), taps)[live][order]
        shares[to, slot] = weights.reshape(-1)[live][order]
        return AxisMap(self.dim, count, indices, None if shape[1] == 1 and (shares == 1).all() else shares)


Maps = tuple[AxisMap, ...]


def _mapped(xp: Namespace, input: Array, one: AxisMap) -> Array:
    taps = one.indices.shape[1]
    if one.weights is not None and taps > DENSE:
        dense = np.zeros((one.size, len(one.indices)))
        np.add.at(dense, (one.indices, np.arange(len(one.indices))[:, None]), one.weights)
        matrix = xp.asarray(dense.astype(input.dtype))
        return xp.moveaxis(xp.matmul(xp.moveaxis(input, one.dim, -1), matrix), -1, one.dim)
    total: Array | None = None
    for tap in range(taps):
        part = xp.take(input, xp.asarray(one.indices[:, tap]), axis=one.dim)
        if one.weights is not None:
            factors = one.weights[:, tap].astype(input.dtype).reshape(-1, *[1] * (-one.dim - 1))
            part = xp.multiply(part, xp.asarray(factors), part)
        total = part if total is None else xp.add(total, part, total)
    assert total is not None
    return total


def _all(xp: Namespace, input: Array, maps: Maps) -> Array:
    weighted = any(each.weights is not None for each in maps)
    out = wide(input) if weighted else input
    for each in maps:
        out = _mapped(xp, out, each)
    return out.astype(input.dtype, copy=False)


def mapped(rng: np.random.Generator) -> Iterator[Sample]:
    """An image with maps of both its dimensions; many taps; one that repeats."""
    two = AxisMap(-2, 4, np.array([[0, 1], [2, 3], [3, 0]]), np.array([[0.5, 0.5], [0.25, 1.0], [2.0, -1.0]]))
    one = AxisMap(-1, 3, np.array([[0], [0], [2], [1]]))
    many = AxisMap(-1, 3, np.arange(2 * DENSE + 2).reshape(2, -1) % 3, rng.random((2, DENSE + 1)))
    yield Sample((apart(rng, 2, 2, 4, 3),), {"maps": (two, one)})
    yield Sample((apart(rng, 2, 3),), {"maps": (many,)})


def _named(name: str) -> Primitive:
    def forward(xp: Namespace, input: Array, *, maps: Maps) -> Array:
        return _all(xp, input, maps)

    forward.__name__ = name
    forward.__doc__ = "A linear map of some dimensions, one after the other."
    made = primitive(samples=mapped, torch="-", linear=True, public=False)(forward)

    @made.vjp("input")
    def _(g: Tensor, *, maps: Maps) -> Tensor:
        return axes_map(g, maps=tuple([each.transposed() for each in maps]))

    return made


axes_map = _named("axes_map")
named_maps = {
    name: _named(name)
    for name in (
        "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_nearest_exact1d",
        "upsample_nearest_exact2d", "upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d",
        "upsample_trilinear3d", "upsample_bicubic2d", "upsample_bilinear2d_aa", "upsample_bicubic2d_aa",
        "adaptive_avg_pool2d", "adaptive_avg_pool3d", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d",
        "replication_pad1d", "replication_pad2d", "replication_pad3d",
    )
}  # fmt: skip
"""The same map under the names that PyTorch has for its uses."""


def bordered(rng: np.random.Generator) -> Iterator[Sample]:
    """Borders to add, and some to take off."""
    yield Sample((apart(rng, 2, 3),), {"before": (1, 0), "after": (0, 2), "value": 1.5})
    yield Sample((apart(rng, 4, 3),), {"before": (-1, 1), "after": (2, -2), "value": 0.0})


@primitive(samples=bordered, torch="-", node="ConstantPadNdBackward0", public=False)
def constant_pad_nd(
    xp: Namespace, input: Array, *, before: tuple[int, ...], after: tuple[int, ...], value: float
) -> Array:
    """input with ``value`` around it: so many before and after in each dimension (negative: taken off)."""
    size = tuple(n + a + b for n, a, b in zip(input.shape, before, after, strict=True))
    made = xp.full(size, value, input.dtype) if value else xp.zeros(size, input.dtype)
    into = tuple(slice(max(a, 0), n - max(b, 0)) for n, a, b in zip(size, before, after, strict=True))
    part = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, a, b in zip(input.shape, before, after, strict=True))
    made[into] = input[part]
    return made


@constant_pad_nd.vjp("input")
def _(g: Tensor, *, before: tuple[int, ...], after: tuple[int, ...]) -> Tensor:
    return constant_pad_nd(g, before=tuple([-n for n in before]), after=tuple([-n for n in after]), value=0.0)


@constant_pad_nd.jvp("input")
def _(t: Tensor, *, before: tuple[int, ...], after: tuple[int, ...]) -> Tensor:
    return constant_pad_nd(t, before=before, after=after, value=0.0)
