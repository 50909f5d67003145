"""Attention in several heads as a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.functional.create import empty
from retrograd.nn import functional as F
from retrograd.nn import init
from retrograd.nn.modules.linear import Linear
from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Parameter
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.dtypes import dtype as DType

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """The projection behind attention: a linear layer, under the name that PyTorch prints."""


class MultiheadAttention(Module):
    """Attention in several heads, with learned projections before and after.

    Args:
        embed_dim: the features E of queries and outputs, a multiple of ``num_heads``.
        num_heads: how many heads, each of E / num_heads features.
        dropout: the chance with which an attention weight is dropped in training.
        bias: whether the projections have biases.
        add_bias_kv: whether to learn one more key and value.
        add_zero_attn: whether to add a key and value of zeros.
        kdim, vdim: the features of keys and values (default: E).
        batch_first: whether inputs and outputs are (N, L, E), not (L, N, E).

    Parameters: ``in_proj_weight`` (3 E, E) for query, key and value, or where their features differ ``q_proj_weight``,
    ``k_proj_weight``, ``v_proj_weight``; ``in_proj_bias`` (3 E); ``out_proj``; ``bias_k``, ``bias_v`` (1, 1, E).

    Source: Vaswani et al., "Attention is all you need", 2017.

    Raises:
        ValueError: for sizes that are not positive.
        AssertionError: for an ``embed_dim`` that the heads can't share.
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, not {embed_dim} and {num_heads}")
        super().__init__()
        if embed_dim % num_heads:
            raise AssertionError(f"embed_dim {embed_dim} must be divisible by num_heads {num_heads}")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        alike = self.kdim == self.vdim == embed_dim
        for name, shape, wanted in (
            ("q_proj_weight", (embed_dim, embed_dim), not alike),
            ("k_proj_weight", (embed_dim, self.kdim), not alike),
            ("v_proj_weight", (embed_dim, self.vdim), not alike),
            ("in_proj_weight", (3 * embed_dim, embed_dim), alike),
            ("in_proj_bias", (3 * embed_dim,), bias),
        ):
            made = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, made)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            made = Parameter(empty((1, 1, embed_dim), device=device, dtype=dtype)) if add_bias_kv else None
            self.register_parameter(name, made)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None and self.out_proj.bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """What each query found, (L, N, E) as ``query`` is, and with ``need_weights`` the weights (N, L, S), or of each
        head (N, heads, L, S) without ``average_attn_weights``.

        Args:
            query: (L, N, E), with ``batch_first`` (N, L, E), or without a batch (L, E).
            key, value: (S, N, kdim) and (S, N, vdim), arranged likewise.
            key_padding_mask: (N, S) or (S), true where a key is to be ignored, or numbers to add.
            attn_mask: (L, S) or (N * heads, L, S), true where not to look, or numbers to add.
            is_causal: a hint that ``attn_mask`` hides what lies ahead.

        Raises:
            AssertionError, RuntimeError: when shapes don't fit; for a hint without a mask.
        """
        turned = self.batch_first and query.ndim == 3
        if turned:
            same = query is key, key is value
            query = query.transpose(0, 1)
            key = query if same[0] else key.transpose(0, 1)
            value = key if same[1] else value.transpose(0, 1)
        out, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=self.in_proj_weight is None,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (out.transpose(0, 1) if turned else out), weights
