"""Attention under PyTorch's names."""

from __future__ import annotations

import math

import numpy as np

from retrograd.functional.create import zeros
from retrograd.functional.join import cat
from retrograd.nn.functional.basic import linear
from retrograd.nn.functional.dropout import dropout
from retrograd.nn.functional.padding import pad
from retrograd.ops.attention import scaled_dot_product_attention as _attention
from retrograd.ops.select import where
from retrograd.tensor import Tensor

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


def _additive(mask: Tensor | None, like: Tensor) -> Tensor | None:
    """A mask to add: of booleans, -inf where not true."""
    if mask is None or mask.dtype.is_floating_point:
        return mask
    none = zeros((), dtype=like.dtype, device=like.device)
    return where.call(mask, none, none - math.inf)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``softmax(query @ keyᵀ * scale + mask) @ value``.

    Args:
        query: (..., L, E).
        key: (..., S, E).
        value: (..., S, V).
        attn_mask: of a shape that broadcasts to (..., L, S): numbers to add, or booleans of which false masks.
        dropout_p: the chance with which a weight is dropped (whether training or not).
        is_causal: mask what lies ahead.
        scale: 1 / sqrt(E) by default.
        enable_gqa: repeat key and value heads (third dimension from the end) to the number of query heads.

    Source: Vaswani et al., "Attention is all you need", 2017.

    Raises:
        RuntimeError: when shapes don't fit, or for a mask together with ``is_causal``.
    """
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError("scaled_dot_product_attention: Expected query, key, value to be at least 2 dimensional")
    if attn_mask is not None and is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got {query.dtype}, {key.dtype}, {value.dtype}"
        )
    factor = 1.0 / math.sqrt(query.shape[-1] or 1) if scale is None else scale
    if enable_gqa:
        key, value = (_repeated(each, query.shape[-3]) for each in (key, value))
    batch = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    query, key, value = (
        each if tuple(each.shape[:-2]) == batch else each.expand(*batch, *each.shape[-2:])
        for each in (query, key, value)
    )
    out: Tensor
    out, weights = _attention.call(query, key, value, _additive(attn_mask, query), scale=factor, causal=is_causal)
    return dropout(weights, dropout_p).matmul(value) if dropout_p else out


def _repeated(each: Tensor, heads: int) -> Tensor:
    own = each.shape[-3]
    if own == heads:
        return each
    if heads % own:
        raise RuntimeError(f"enable_gqa: {heads} query heads are no multiple of {own} key or value heads")
    lead, tail = each.shape[:-3], each.shape[-2:]
    return each.unsqueeze(-3).expand(*lead, own, heads // own, *tail).reshape(*lead, heads, *tail)


def _projected(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor | None, bias: Tensor | None,
    separate: tuple[Tensor | None, Tensor | None, Tensor | None],
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The inputs through their projections; one product where all are the same tensor."""
    width = query.shape[-1]
    if weight is not None and query is key and key is value:
        whole = linear(query, weight, bias)
        first, second, third = (whole.narrow(-1, place * width, width) for place in range(3))
        return first, second, third
    weights = separate if weight is None else tuple(weight.narrow(0, place * width, width) for place in range(3))
    biases = [None] * 3 if bias is None else [bias.narrow(0, place * width, width) for place in range(3)]
    made = []
    for each, one, other in zip((query, key, value), weights, biases, strict=True):
        if one is None:
            raise RuntimeError("multi_head_attention_forward: separate projection weights are asked for but missing")
        made.append(linear(each, one, other))
    return made[0], made[1], made[2]


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention in several heads, with the projections before and after; see ``nn.MultiheadAttention``.

    Args:
        query: (L, N, E) or (L, E).
        key, value: (S, N, *) or (S, *).
        in_proj_weight, in_proj_bias: (3 E, E) and (3 E), for query, key, value one below the other; or with
            ``use_separate_proj_weight`` the three weights.
        bias_k, bias_v: (1, 1, E), one more key and value that are learned.
        add_zero_attn: one more key and value of zeros.
        key_padding_mask: (N, S) or (S), true (or -inf) where a key is to be ignored.
        attn_mask: (L, S) or (N * heads, L, S), true (or -inf) where not to look.
        static_k, static_v: keys and values (N * heads, S, E / heads) that are projected already.

    Returns:
        (L, N, E) or (L, E), and with ``need_weights`` the weights: (N, L, S), the mean over the heads, or of each head.

    Raises:
        RuntimeError, AssertionError: when shapes don't fit.
    """
    single = query.ndim == 2
    if query.ndim not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D tensor")
    if single:
        same = query is key, key is value
        query = query.unsqueeze(1)
        key = query if same[0] else key.unsqueeze(1)
        value = key if same[1] else value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    if width != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    head = width // num_heads
    if head * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else (None, None, None)
    q, k, v = _projected(
        query, key, value, None if use_separate_proj_weight else in_proj_weight, in_proj_bias, separate
    )
    mask = _negated(attn_mask, q)
    padding = _negated(key_padding_mask, q)
    if mask is not None and mask.ndim == 2:
        mask = mask.unsqueeze(0)
    if bias_k is not None and bias_v is not None:
        k, v = cat([k, bias_k.repeat(1, batch, 1)]), cat([v, bias_v.repeat(1, batch, 1)])
        mask, padding = (None if each is None else pad(each, (0, 1)) for each in (mask, padding))
    q = q.reshape(length, batch * num_heads, head).transpose(0, 1)
    k = k.reshape(k.shape[0], batch * num_heads, head).transpose(0, 1) if static_k is None else static_k
    v = v.reshape(v.shape[0], batch * num_heads, head).transpose(0, 1) if static_v is None else static_v
    if add_zero_attn:
        none = zeros((batch * num_heads, 1, head), dtype=k.dtype, device=k.device)
        k, v = cat([k, none], 1), cat([v, none], 1)
        mask, padding = (None if each is None else pad(each, (0, 1)) for each in (mask, padding))
    source = k.shape[1]
    if padding is not None:
        if tuple(padding.shape) != (batch, source):
            raise AssertionError(f"expecting key_padding_mask shape of {(batch, source)}, but got {padding.shape}")
        wide = padding.reshape(batch, 1, 1, source).expand(-1, num_heads, -1, -1).reshape(batch * num_heads, 1, source)
        mask = wide if mask is None else mask + wide
    chance = dropout_p if training else 0.0
    if need_weights:
        _, weights = _attention.call(q, k, v, mask, scale=1.0 / math.sqrt(head), causal=False)
        weights = dropout(weights, chance) if chance else weights
        mixed = weights.matmul(v)
    else:
        heads = [each.reshape(batch, num_heads, each.shape[1], head) for each in (q, k, v)]
        if mask is not None:
            mask = mask.unsqueeze(0) if mask.shape[0] == 1 else mask.reshape(batch, num_heads, -1, source)
        mixed = scaled_dot_product_attention(heads[0], heads[1], heads[2], mask, chance).reshape(
            batch * num_heads, length, head
        )
        weights = None
    out = linear(mixed.transpose(0, 1).reshape(length * batch, width), out_proj_weight, out_proj_bias)
    out = out.reshape(length, batch, out.shape[1])
    if weights is not None:
        weights = weights.reshape(batch, num_heads, length, source)
        weights = weights.mean(1) if average_attn_weights else weights
    if single:
        return out.squeeze(1), None if weights is None else weights.squeeze(0)
    return out, weights


def _negated(mask: Tensor | None, like: Tensor) -> Tensor | None:
    """A mask to add: of booleans, -inf where true."""
    if mask is None or mask.dtype.is_floating_point:
        return mask
    return _additive(mask.logical_not(), like)
