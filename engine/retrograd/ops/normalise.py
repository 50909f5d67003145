"""Normalisation to mean 0 and variance 1: over a batch, over groups of channels, over the last dimensions.

With ``x̂ = (x - mean) * rstd`` and the output ``x̂ * weight + bias``, the gradient to ``x`` is, with ``d = g * weight``,
``rstd * (d - mean(d) - x̂ * mean(d * x̂))``; it shares ``x̂`` with that to ``weight``, so one rule gives all three.
Sources: Ioffe and Szegedy, "Batch normalization", 2015; Ba et al., "Layer normalization", 2016; Wu and He, "Group
normalization", 2018.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.activation import wide
from retrograd.ops.elementwise import sqrt
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_dim
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import reshaped
from retrograd.tensor import Tensor

Dims = tuple[int, ...]
Grads = tuple[Tensor | None, Tensor | None, Tensor | None]
Tangents = tuple[Tensor, Tensor, Tensor]
OUTPUTS = ("out", "mean", "rstd")


def _moments(xp: Namespace, x: Array, axes: Dims, eps: float) -> tuple[Array, Array, Array]:
    """x less its mean over ``axes``, that mean, and one over the root of the variance (dimensions kept)."""
    count = x.dtype.type(math.prod([x.shape[axis] for axis in axes]) or 1)
    mean = xp.add.reduce(x, axis=axes, keepdims=True) / count
    centred = x - mean
    variance = xp.add.reduce(centred * centred, axis=axes, keepdims=True) / count
    return centred, mean, xp.reciprocal(xp.sqrt(variance + x.dtype.type(eps)))


def _affine(xp: Namespace, x: Array, weight: Array | None, bias: Array | None, shape: Dims) -> Array:
    if weight is not None:
        x = xp.multiply(x, weight.reshape(shape), x)
    if bias is not None:
        x = xp.add(x, bias.reshape(shape), x)
    return x


def _mean(value: Tensor, axes: Dims) -> Tensor:
    return sum_dim(value, dim=axes, keepdim=True) / float(math.prod([value.shape[axis] for axis in axes]) or 1)


def _to_input(
    g: Sequence[Tensor | None], d: Tensor | None, x: Tensor, xhat: Tensor, rstd: Tensor, axes: Dims
) -> Tensor:
    """The gradient to x from those to the output (``d``, weighted already), the mean and rstd."""
    total: Tensor | None = None
    if d is not None:
        total = rstd * (d - _mean(d, axes) - xhat * _mean(d * xhat, axes))
    count = float(math.prod([x.shape[axis] for axis in axes]) or 1)
    if g[1] is not None:
        part = reshaped(g[1], tuple(rstd.shape)) / count + xhat * 0.0
        total = part if total is None else total + part
    if g[2] is not None:
        part = xhat * (reshaped(g[2], tuple(rstd.shape)) * (rstd * rstd) * (-1.0 / count))
        total = part if total is None else total + part
    assert total is not None
    return total


def _joint(
    g: Sequence[Tensor | None],
    x: Tensor,
    weight: Tensor | None,
    mean: Tensor,
    rstd: Tensor,
    needs: Sequence[bool],
    axes: Dims,
    spread: Dims,
    over: Dims,
) -> Grads:
    """All three gradients. ``spread``: weight's shape against x; ``over``: what its gradient sums over."""
    xhat = (x - mean) * rstd
    shape = None if weight is None else tuple(weight.shape)
    out = g[0]
    to_x = to_weight = to_bias = None
    if needs[0]:
        d = out if out is None or weight is None else out * reshaped(weight, spread)
        to_x = _to_input(g, d, x, xhat, rstd, axes)
    if out is not None and needs[1] and shape is not None:
        to_weight = reshaped(sum_dim(out * xhat, dim=over, keepdim=False) if over else out * xhat, shape)
    if out is not None and needs[2]:
        total = sum_dim(out, dim=over, keepdim=False) if over else out
        to_bias = total if shape is None else reshaped(total, shape)
    return to_x, to_weight, to_bias


def _standard(x: Tensor, axes: Dims, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """x with mean 0 and variance 1 over ``axes``, the mean, and one over the root of the variance, step by step."""
    mean = _mean(x, axes)
    centred = x - mean
    rstd = 1.0 / sqrt(_mean(centred * centred, axes) + eps)
    return centred * rstd, mean, rstd


def _scaled(x: Tensor, weight: Tensor | None, bias: Tensor | None, spread: Dims) -> Tensor:
    if weight is not None:
        x = x * reshaped(weight, spread)
    return x if bias is None else x + reshaped(bias, spread)


def rows_to_normalise(rng: np.random.Generator) -> Iterator[Sample]:
    """Rows with weights and biases, and without."""
    yield Sample((apart(rng, 3, 4), apart(rng, 4), apart(rng, 4)), {"rank": 1, "eps": 1e-5})
    yield Sample((apart(rng, 2, 3, 2), apart(rng, 3, 2), apart(rng, 3, 2)), {"rank": 2, "eps": 0.1})
    yield Sample((apart(rng, 3, 4), None, None), {"rank": 1, "eps": 1e-5})
    yield Sample((apart(rng, 2, 1, 3), None, apart(rng, 1, 3)), {"rank": 2, "eps": 1e-5})


@primitive(samples=rows_to_normalise, torch="-", outputs=OUTPUTS, public=False)
def native_layer_norm(
    xp: Namespace, input: Array, weight: Array | None, bias: Array | None, *, rank: int, eps: float
) -> tuple[Array, Array, Array]:
    """input normalised over its last ``rank`` dimensions, times weight, plus bias; and what it was normalised by."""
    axes = tuple(range(input.ndim - rank, input.ndim))
    centred, mean, rstd = _moments(xp, wide(input), axes, eps)
    out = _affine(xp, xp.multiply(centred, rstd, centred), weight, bias, input.shape[input.ndim - rank :])
    return out.astype(input.dtype, copy=False), mean.astype(input.dtype), rstd.astype(input.dtype)


@native_layer_norm.vjp("input", "weight", "bias")
def _(
    g: Sequence[Tensor | None], input: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor,
    needs: Sequence[bool], *, rank: int,
) -> Grads:  # fmt: skip
    shape = tuple(input.shape)
    lead = len(shape) - rank
    axes = tuple(range(lead, len(shape)))
    return _joint(g, input, weight, mean, rstd, needs, axes, shape[lead:], tuple(range(lead)))


@native_layer_norm.decomposed
def _(input: Tensor, weight: Tensor | None, bias: Tensor | None, *, rank: int, eps: float) -> Tangents:
    shape = tuple(input.shape)
    lead = len(shape) - rank
    out, mean, rstd = _standard(input, tuple(range(lead, len(shape))), eps)
    return _scaled(out, weight, bias, shape[lead:]), mean, rstd


def _jvp_input(t: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor, axes: Dims,
               spread: Dims) -> Tangents:  # fmt: skip
    """The tangents of output, mean and rstd; the map to the first is symmetric before the weight."""
    xhat = (input - mean) * rstd
    shift, stretch = _mean(t, axes), _mean(t * xhat, axes)
    moved = rstd * (t - shift - xhat * stretch)
    return moved if weight is None else moved * reshaped(weight, spread), shift, -(rstd * rstd) * stretch


def _only(moved: Tensor, mean: Tensor, rstd: Tensor) -> Tangents:
    """Tangents of what leaves mean and rstd as they are."""
    return moved, mean * 0.0, rstd * 0.0


@native_layer_norm.jvp("input")
def _(t: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor, *, rank: int) -> Tangents:
    shape = tuple(input.shape)
    lead = len(shape) - rank
    return _jvp_input(t, input, weight, mean, rstd, tuple(range(lead, len(shape))), shape[lead:])


@native_layer_norm.jvp("weight")
def _(t: Tensor, input: Tensor, mean: Tensor, rstd: Tensor) -> Tangents:
    return _only((input - mean) * rstd * t, mean, rstd)


@native_layer_norm.jvp("bias")
def _(t: Tensor, input: Tensor, mean: Tensor, rstd: Tensor) -> Tangents:
    return _only(input * 0.0 + t, mean, rstd)


def batches_to_normalise(rng: np.random.Generator) -> Iterator[Sample]:
    """Batches, normalised by their own moments, and by given ones."""
    yield Sample((apart(rng, 3, 2, 4), apart(rng, 2), apart(rng, 2), None, None), {"eps": 1e-5})
    yield Sample((apart(rng, 4, 3), None, None, None, None), {"eps": 0.1})
    given = np.array([0.1, -0.2]), np.array([0.5, 1.5])
    yield Sample((apart(rng, 3, 2, 4), apart(rng, 2), apart(rng, 2), *given), {"eps": 1e-5})


@primitive(samples=batches_to_normalise, torch="-", outputs=OUTPUTS, public=False)
def native_batch_norm(
    xp: Namespace,
    input: Array,
    weight: Array | None,
    bias: Array | None,
    given_mean: Array | None,
    given_var: Array | None,
    *,
    eps: float,
) -> tuple[Array, Array, Array]:
    """input (N, C, ...) normalised over all but dimension 1, or by given moments, times weight, plus bias."""
    x = wide(input)
    spread = (1, -1, *[1] * (input.ndim - 2))
    if given_mean is None or given_var is None:
        centred, mean, rstd = _moments(xp, x, (0, *range(2, input.ndim)), eps)
        out = xp.multiply(centred, rstd, centred)
    else:
        mean = wide(given_mean).reshape(spread)
        rstd = xp.reciprocal(xp.sqrt(wide(given_var) + x.dtype.type(eps))).reshape(spread)
        out = (x - mean) * rstd
    out = _affine(xp, out, weight, bias, spread)
    kind = x.dtype
    return out.astype(input.dtype, copy=False), mean.reshape(-1).astype(kind), rstd.reshape(-1).astype(kind)


@native_batch_norm.vjp("input", "weight", "bias")
def _(
    g: Sequence[Tensor | None], input: Tensor, weight: Tensor | None, given_mean: Tensor | None, mean: Tensor,
    rstd: Tensor, needs: Sequence[bool],
) -> Grads:  # fmt: skip
    rank = len(input.shape)
    spread = (1, input.shape[1], *[1] * (rank - 2))
    axes = (0, *range(2, rank))
    own_mean, own_rstd = reshaped(mean, spread), reshaped(rstd, spread)
    if given_mean is None:
        return _joint(g, input, weight, own_mean, own_rstd, needs, axes, spread, axes)
    out = g[0]
    if out is None:
        return None, None, None
    to_x = out * (own_rstd if weight is None else own_rstd * reshaped(weight, spread)) if needs[0] else None
    to_weight = sum_dim(out * ((input - own_mean) * own_rstd), dim=axes, keepdim=False) if needs[1] else None
    return to_x, to_weight, sum_dim(out, dim=axes, keepdim=False) if needs[2] else None


@native_batch_norm.jvp("input")
def _(
    t: Tensor, input: Tensor, weight: Tensor | None, given_mean: Tensor | None, mean: Tensor, rstd: Tensor
) -> Tangents:
    rank = len(input.shape)
    spread = (1, input.shape[1], *[1] * (rank - 2))
    own_mean, own_rstd = reshaped(mean, spread), reshaped(rstd, spread)
    if given_mean is not None:
        return _only(t * (own_rstd if weight is None else own_rstd * reshaped(weight, spread)), mean, rstd)
    moved, shift, stretch = _jvp_input(t, input, weight, own_mean, own_rstd, (0, *range(2, rank)), spread)
    return moved, reshaped(shift, tuple(mean.shape)), reshaped(stretch, tuple(rstd.shape))


@native_batch_norm.jvp("weight")
def _(t: Tensor, input: Tensor, mean: Tensor, rstd: Tensor) -> Tangents:
    spread = (1, input.shape[1], *[1] * (len(input.shape) - 2))
    return _only((input - reshaped(mean, spread)) * reshaped(rstd, spread) * reshaped(t, spread), mean, rstd)


@native_batch_norm.jvp("bias")
def _(t: Tensor, input: Tensor, mean: Tensor, rstd: Tensor) -> Tangents:
    moved = input * 0.0 + reshaped(t, (1, input.shape[1], *[1] * (len(input.shape) - 2)))
    return _only(moved, mean, rstd)


@native_batch_norm.decomposed
def _(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, given_mean: Tensor | None, given_var: Tensor | None,
    *, eps: float,
) -> Tangents:  # fmt: skip
    rank, channels = len(input.shape), (input.shape[1],)
    spread = (1, *channels, *[1] * (rank - 2))
    if given_mean is None or given_var is None:
        out, mean, rstd = _standard(input, (0, *range(2, rank)), eps)
    else:
        mean = reshaped(given_mean.detach(), spread)
        rstd = 1.0 / sqrt(reshaped(given_var.detach(), spread) + eps)
        out = (input - mean) * rstd
    return _scaled(out, weight, bias, spread), reshaped(mean, channels), reshaped(rstd, channels)


def groups_to_normalise(rng: np.random.Generator) -> Iterator[Sample]:
    """Channels in groups."""
    yield Sample((apart(rng, 2, 4, 3), apart(rng, 4), apart(rng, 4)), {"groups": 2, "eps": 1e-5})
    yield Sample((apart(rng, 2, 4), None, None), {"groups": 1, "eps": 0.1})


@primitive(samples=groups_to_normalise, torch="-", outputs=OUTPUTS, public=False)
def native_group_norm(
    xp: Namespace, input: Array, weight: Array | None, bias: Array | None, *, groups: int, eps: float
) -> tuple[Array, Array, Array]:
    """input (N, C, ...) normalised over each of ``groups`` parts of its channels, times weight, plus bias."""
    parts = wide(input).reshape(input.shape[0], groups, math.prod(input.shape[1:]) // groups)
    centred, mean, rstd = _moments(xp, parts, (2,), eps)
    out = xp.multiply(centred, rstd, centred).reshape(input.shape)
    out = _affine(xp, out, weight, bias, (1, -1, *[1] * (input.ndim - 2)))
    return out.astype(input.dtype, copy=False), mean[..., 0].astype(input.dtype), rstd[..., 0].astype(input.dtype)


def _in_groups(value: Tensor, groups: int) -> tuple[Dims, Dims]:
    """Shapes of (N, C, ...) with the groups apart, and of a weight (C) against it."""
    shape = tuple(value.shape)
    width = shape[1] // groups
    rest = math.prod(shape[2:])
    return (shape[0], groups, width, rest), (1, groups, width, 1)


@native_group_norm.vjp("input", "weight", "bias")
def _(
    g: Sequence[Tensor | None], input: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor,
    needs: Sequence[bool], *, groups: int,
) -> Grads:  # fmt: skip
    apart_, spread = _in_groups(input, groups)
    kept = (apart_[0], groups, 1, 1)
    parts = [None if g[0] is None else reshaped(g[0], apart_), g[1], g[2]]
    to_x, to_weight, to_bias = _joint(
        parts,
        reshaped(input, apart_),
        weight,
        reshaped(mean, kept),
        reshaped(rstd, kept),
        needs,
        (2, 3),
        spread,
        (0, 3),
    )
    to_x = None if to_x is None else reshaped(to_x, tuple(input.shape))
    return to_x, to_weight, None if to_bias is None else reshaped(to_bias, (input.shape[1],))


@native_group_norm.decomposed
def _(input: Tensor, weight: Tensor | None, bias: Tensor | None, *, groups: int, eps: float) -> Tangents:
    apart_, _spread = _in_groups(input, groups)
    out, mean, rstd = _standard(reshaped(input, apart_), (2, 3), eps)
    channels = (1, input.shape[1], *[1] * (len(input.shape) - 2))
    out = _scaled(reshaped(out, tuple(input.shape)), weight, bias, channels)
    return out, reshaped(mean, apart_[:2]), reshaped(rstd, apart_[:2])


@native_group_norm.jvp("input")
def _(t: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor, *, groups: int) -> Tangents:
    apart_, spread = _in_groups(input, groups)
    kept = (apart_[0], groups, 1, 1)
    moved, shift, stretch = _jvp_input(reshaped(t, apart_), reshaped(input, apart_), weight, reshaped(mean, kept),
        reshaped(rstd, kept),                       (2, 3), spread)  # fmt: skip
    apart_mean = tuple(mean.shape)
    return reshaped(moved, tuple(input.shape)), reshaped(shift, apart_mean), reshaped(stretch, apart_mean)


@native_group_norm.jvp("weight")
def _(t: Tensor, input: Tensor, mean: Tensor, rstd: Tensor, *, groups: int) -> Tangents:
    apart_, spread = _in_groups(input, groups)
    kept = (apart_[0], groups, 1, 1)
    moved = (reshaped(input, apart_) - reshaped(mean, kept)) * reshaped(rstd, kept) * reshaped(t, spread)
    return _only(reshaped(moved, tuple(input.shape)), mean, rstd)


@native_group_norm.jvp("bias")
def _(t: Tensor, input: Tensor, mean: Tensor, rstd: Tensor) -> Tangents:
    moved = input * 0.0 + reshaped(t, (1, input.shape[1], *[1] * (len(input.shape) - 2)))
    return _only(moved, mean, rstd)
