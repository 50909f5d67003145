"""Convolutions over any number of dimensions.

Three bilinear maps close under differentiation: with ``a = conv(x, w)`` and ``<a, g>`` the form that all share, the
gradient to ``x`` is the transposed convolution of ``g``, which is an op of its own, and that to ``w`` a third map of
``x`` and ``g``. Each spells the windows out and is then one matrix product (for each sample, and each group).

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops import shifts
from retrograd.ops.activation import wide
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import expand, sum_dim
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import reshaped
from retrograd.ops.windows import Lengths, columns, im2col, overlapped, window_counts
from retrograd.tensor import Tensor


def layers(rng: np.random.Generator) -> Iterator[Sample]:
    """Images, kernels and biases of one to three dimensions, with groups, steps and gaps."""
    params = {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1), "groups": 1}
    yield Sample((apart(rng, 2, 3, 5, 6), apart(rng, 4, 3, 2, 3), apart(rng, 4)), params)
    yield Sample((apart(rng, 2, 4, 5), apart(rng, 6, 2, 3), None),
                 {"stride": (2,), "padding": (1,), "dilation": (1,), "groups": 2})  # fmt: skip
    yield Sample((apart(rng, 1, 2, 3, 3, 3), apart(rng, 2, 2, 1, 1, 1), apart(rng, 2)),
                 {"stride": (1, 1, 1), "padding": (0, 0, 0), "dilation": (1, 1, 1), "groups": 1})  # fmt: skip
    # as many rows of windows as the way by shifts asks for
    yield Sample((apart(rng, 2, 8, 4, 5), apart(rng, 3, 8, 3, 3), apart(rng, 3)),
                 {"stride": (1, 1), "padding": (1, 2), "dilation": (1, 1), "groups": 1})  # fmt: skip


def _as_matrix(weight: Array, groups: int) -> Array:
    """A kernel (out, in / groups, *kernel) as a matrix, or a stack of one for each group."""
    if groups == 1:
        return weight.reshape(weight.shape[0], -1)
    return weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))


def _grouped(array: Array, groups: int, rows: int, length: int) -> Array:
    """(N, ...) as (N, rows, length), split by groups when there are several."""
    if groups == 1:
        return array.reshape(array.shape[0], rows, length)
    return array.reshape(array.shape[0], groups, rows // groups, length)


def _with_bias(xp: Namespace, out: Array, bias: Array | None) -> Array:
    if bias is None:
        return out
    return xp.add(out, bias.reshape(-1, *[1] * (out.ndim - 2)), out)


@primitive(samples=layers, torch="-", public=False)
def convolution(
    xp: Namespace,
    input: Array,
    weight: Array,
    bias: Array | None,
    *,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
    counts: Lengths | None = None,
) -> Array:
    """input (N, in, *size) by weight (out, in / groups, *kernel), plus bias (out), as (N, out, *counts).

    ``counts``: take only the first windows, so many a dimension.
    """
    kernel = weight.shape[2:]
    if shifts.fits(input.shape[1], kernel, stride, padding, dilation, groups):
        held = counts or window_counts(input.shape[2:], kernel, stride, padding, dilation)
        out = shifts.convolved(xp, wide(input), wide(weight), padding, dilation, held)
        return _with_bias(xp, out, bias).astype(input.dtype, copy=False)
    cols, held = columns(xp, wide(input), kernel, stride, padding, dilation, counts)
    rows, length = input.shape[1] * math.prod(kernel), math.prod(held)
    product = xp.matmul(_as_matrix(wide(weight), groups), _grouped(cols, groups, rows, length))
    out = product.reshape(input.shape[0], weight.shape[0], *held)
    return _with_bias(xp, out, bias).astype(input.dtype, copy=False)


def back_layers(rng: np.random.Generator) -> Iterator[Sample]:
    """What the convolutions of ``layers`` give, with their kernels and the sizes they had."""
    yield Sample((apart(rng, 2, 4, 5, 2), apart(rng, 4, 3, 2, 3), apart(rng, 3)),
                 {"size": (5, 6), "stride": (1, 2), "padding": (1, 0), "dilation": (2, 1), "groups": 1})  # fmt: skip
    yield Sample((apart(rng, 2, 6, 3), apart(rng, 6, 2, 3), None),
                 {"size": (6,), "stride": (2,), "padding": (1,), "dilation": (1,), "groups": 2})  # fmt: skip


@primitive(samples=back_layers, torch="-", name="convolution", public=False)
def convolution_transposed(
    xp: Namespace,
    input: Array,
    weight: Array,
    bias: Array | None,
    *,
    size: Lengths,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
) -> Array:
    """The transpose of ``convolution`` with that weight: input (N, out, *counts) back to (N, in, *size)."""
    kernel, counts = weight.shape[2:], input.shape[2:]
    if shifts.fits(weight.shape[1], kernel, stride, padding, dilation, groups):
        out = shifts.transposed(xp, wide(input), wide(weight), size, padding, dilation)
        return _with_bias(xp, out, bias).astype(input.dtype, copy=False)
    given = _grouped(wide(input), groups, input.shape[1], math.prod(counts))
    cols = xp.matmul(xp.swapaxes(_as_matrix(wide(weight), groups), -1, -2), given)
    cols = cols.reshape(input.shape[0], weight.shape[1] * groups, *kernel, *counts)
    return _with_bias(xp, overlapped(xp, cols, size, stride, padding, dilation), bias).astype(input.dtype, copy=False)


def weight_grads(rng: np.random.Generator) -> Iterator[Sample]:
    """What goes into a convolution, and the gradient of what comes out."""
    yield Sample((apart(rng, 2, 3, 5, 6), apart(rng, 2, 4, 5, 2)),
                 {"kernel": (2, 3), "stride": (1, 2), "padding": (1, 0), "dilation": (2, 1), "groups": 1})  # fmt: skip
    yield Sample((apart(rng, 2, 4, 5), apart(rng, 2, 6, 3)),
                 {"kernel": (3,), "stride": (2,), "padding": (1,), "dilation": (1,), "groups": 2})  # fmt: skip


@primitive(samples=weight_grads, torch="-", name="convolution_backward", public=False)
def convolution_weight(
    xp: Namespace,
    input: Array,
    grad: Array,
    *,
    kernel: Lengths,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
) -> Array:
    """The gradient of a convolution's weight, from its input and the gradient of its output."""
    if shifts.fits(input.shape[1], kernel, stride, padding, dilation, groups):
        made = shifts.weight_gradient(xp, wide(input), wide(grad), kernel, padding, dilation)
        return made.astype(input.dtype, copy=False)
    channels, length = input.shape[1] // groups, math.prod(grad.shape[2:])
    cols, _ = columns(xp, wide(input), kernel, stride, padding, dilation, grad.shape[2:])
    rows = input.shape[1] * math.prod(kernel)
    given = _grouped(wide(grad), groups, grad.shape[1], length)
    product = xp.matmul(given, xp.swapaxes(_grouped(cols, groups, rows, length), -1, -2))
    return xp.add.reduce(product, axis=0).reshape(grad.shape[1], channels, *kernel).astype(input.dtype, copy=False)


@convolution.vjp("input")
def _(
    g: Tensor, weight: Tensor, input_meta: Meta, *, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    size = tuple(input_meta.shape[2:])
    return convolution_transposed(
        g, weight, None, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution.vjp("weight")
def _(
    g: Tensor, input: Tensor, weight_meta: Meta, *, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    kernel = tuple(weight_meta.shape[2:])
    return convolution_weight(input, g, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _bias_rule(g: Tensor) -> Tensor:
    return sum_dim(g, dim=(0, *range(2, len(g.shape))))


convolution.vjp("bias")(_bias_rule)


@convolution.jvp("input")
def _(
    t: Tensor,
    weight: Tensor,
    *,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
    counts: Lengths | None,
) -> Tensor:
    return convolution(t, weight, None, stride=stride, padding=padding, dilation=dilation, groups=groups, counts=counts)


@convolution.jvp("weight")
def _(
    t: Tensor,
    input: Tensor,
    *,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
    counts: Lengths | None,
) -> Tensor:
    return convolution(input, t, None, stride=stride, padding=padding, dilation=dilation, groups=groups, counts=counts)


def _bias_moved(t: Tensor, out: Tensor) -> Tensor:
    shape = tuple(out.shape)
    return expand(reshaped(t, (-1, *[1] * (len(shape) - 2))), size=shape)


convolution.jvp("bias")(_bias_moved)


@convolution.decomposed
def _(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
    counts: Lengths | None = None,
) -> Tensor:
    kernel = tuple(weight.shape[2:])
    cols = im2col(input, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    held = window_counts(input.shape[2:], kernel, stride, padding, dilation)
    batch, outs = input.shape[0], weight.shape[0]
    parts = cols.reshape(batch, groups, -1, cols.shape[2])
    out = weight.reshape(groups, outs // groups, -1).matmul(parts).reshape(batch, outs, *held)
    return out if bias is None else out + bias.reshape(-1, *[1] * len(held))


@convolution_transposed.vjp("input")
def _(
    g: Tensor, weight: Tensor, input_meta: Meta, *, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    counts = tuple(input_meta.shape[2:])
    return convolution(g, weight, None, stride=stride, padding=padding, dilation=dilation, groups=groups, counts=counts)


@convolution_transposed.vjp("weight")
def _(
    g: Tensor, input: Tensor, weight_meta: Meta, *, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    kernel = tuple(weight_meta.shape[2:])
    return convolution_weight(g, input, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)


convolution_transposed.vjp("bias")(_bias_rule)
convolution_transposed.jvp("bias")(_bias_moved)


@convolution_transposed.jvp("input")
def _(
    t: Tensor, weight: Tensor, *, size: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    return convolution_transposed(
        t, weight, None, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_transposed.jvp("weight")
def _(
    t: Tensor, input: Tensor, *, size: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    return convolution_transposed(
        input, t, None, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_weight.vjp("input")
def _(
    g: Tensor, grad: Tensor, input_meta: Meta, *, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    size = tuple(input_meta.shape[2:])
    return convolution_transposed(
        grad, g, None, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_weight.vjp("grad")
def _(
    g: Tensor, input: Tensor, grad_meta: Meta, *, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int
) -> Tensor:
    counts = tuple(grad_meta.shape[2:])
    return convolution(input, g, None, stride=stride, padding=padding, dilation=dilation, groups=groups, counts=counts)


@convolution_weight.jvp("input")
def _(
    t: Tensor,
    grad: Tensor,
    *,
    kernel: Lengths,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
) -> Tensor:
    return convolution_weight(t, grad, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)


@convolution_weight.jvp("grad")
def _(
    t: Tensor,
    input: Tensor,
    *,
    kernel: Lengths,
    stride: Lengths,
    padding: Lengths,
    dilation: Lengths,
    groups: int,
) -> Tensor:
    return convolution_weight(input, t, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
