"""Attention by scaled dot products, fused.

Source: Vaswani et al., "Attention is all you need", 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.activation import wide
from retrograd.ops.primitive import primitive
from retrograd.ops.reduce import sum_dim, sum_like
from retrograd.ops.samples import Sample, apart
from retrograd.ops.shape import transpose
from retrograd.ops.softmax import softmax
from retrograd.tensor import Tensor


def queries(rng: np.random.Generator) -> Iterator[Sample]:
    """Queries, keys and values; a mask to add; what is ahead masked."""
    yield Sample((apart(rng, 2, 3, 4), apart(rng, 2, 5, 4), apart(rng, 2, 5, 2), None), {"scale": 0.3, "causal": False})
    yield Sample((apart(rng, 3, 4), apart(rng, 5, 4), apart(rng, 5, 2), apart(rng, 3, 5)),
                 {"scale": 0.5, "causal": False})  # fmt: skip
    yield Sample((apart(rng, 2, 2, 3, 2), apart(rng, 2, 2, 3, 2), apart(rng, 2, 2, 3, 2), None),
                 {"scale": 0.5, "causal": True})  # fmt: skip


@primitive(
    samples=queries, torch="-", node="ScaledDotProductFlashAttentionForCpuBackward0", outputs=("out", "weights"),
    public=False,
)  # fmt: skip
def scaled_dot_product_attention(
    xp: Namespace, query: Array, key: Array, value: Array, mask: Array | None, *, scale: float, causal: bool
) -> tuple[Array, Array]:
    """softmax(query @ keyᵀ * scale + mask) @ value, and those weights; ``causal``: nothing looks ahead.

    query (..., L, E), key (..., S, E), value (..., S, V), mask of a shape that broadcasts to (..., L, S). A query for
    which everything is masked with -inf attends to nothing.
    """
    weights = xp.matmul(wide(query) * wide(query).dtype.type(scale), xp.swapaxes(wide(key), -1, -2))
    if mask is not None:
        weights = xp.add(weights, mask, weights)
    if causal:
        ahead = xp.triu(xp.ones(weights.shape[-2:], "bool"), 1)
        weights = xp.where(ahead, weights.dtype.type(-np.inf), weights)
    if weights.shape[-1]:
        peak = xp.maximum.reduce(weights, axis=-1, keepdims=True)
        weights = xp.subtract(weights, xp.where(xp.isinf(peak), peak.dtype.type(0), peak), weights)
    weights = xp.exp(weights, weights)
    total = xp.add.reduce(weights, axis=-1, keepdims=True)
    weights = xp.divide(weights, xp.where(total == 0, total.dtype.type(1), total), weights)
    out = xp.matmul(weights, wide(value))
    return out.astype(query.dtype, copy=False), weights.astype(query.dtype, copy=False)


def _turned(value: Tensor) -> Tensor:
    return transpose(value, dim0=-1, dim1=-2)


def _through_softmax(change: Tensor, weights: Tensor) -> Tensor:
    """Softmax's Jacobian, which is symmetric."""
    weighted = change * weights
    return weighted - weights * sum_dim(weighted, dim=(len(weights.shape) - 1,), keepdim=True)


@scaled_dot_product_attention.vjp("query", "key", "value", "mask")
def _(
    g: Sequence[Tensor | None], query: Tensor, key: Tensor, value: Tensor, mask_meta: Meta | None, weights: Tensor,
    needs: Sequence[bool], *, scale: float,
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:  # fmt: skip
    out, to_weights = g
    to_query = to_key = to_value = to_mask = None
    if out is not None and needs[2]:
        to_value = _turned(weights) @ out
    if needs[0] or needs[1] or needs[3]:
        if out is not None:
            through = out @ _turned(value)
            to_weights = through if to_weights is None else through + to_weights
        assert to_weights is not None
        to_scores = _through_softmax(to_weights, weights)
        to_query = to_scores @ key * scale if needs[0] else None
        to_key = _turned(to_scores) @ query * scale if needs[1] else None
        to_mask = sum_like(to_scores, mask_meta) if needs[3] and mask_meta is not None else None
    return to_query, to_key, to_value, to_mask


def _moved(scores: Tensor, value: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The tangents of output and weights, from that of the scores."""
    change = _through_softmax(scores, weights)
    return change @ value, change


@scaled_dot_product_attention.jvp("query")
def _(t: Tensor, key: Tensor, value: Tensor, weights: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
    return _moved(t @ _turned(key) * scale, value, weights)


@scaled_dot_product_attention.jvp("key")
def _(t: Tensor, query: Tensor, value: Tensor, weights: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
    return _moved(query @ _turned(t) * scale, value, weights)


@scaled_dot_product_attention.jvp("value")
def _(t: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    return weights @ t, weights * 0.0


@scaled_dot_product_attention.jvp("mask")
def _(t: Tensor, value: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    return _moved(weights * 0.0 + t, value, weights)


@scaled_dot_product_attention.decomposed
def _(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *, scale: float, causal: bool
) -> tuple[Tensor, Tensor]:
    scores = query @ _turned(key) * scale
    if mask is not None:
        scores = scores + mask
    if causal:
        ahead = (scores.detach() * 0.0 + 1.0).triu(1) != 0
        scores = scores.masked_fill(ahead, -np.inf)
    weights = softmax(scores, dim=len(scores.shape) - 1)
    return weights @ value, weights
