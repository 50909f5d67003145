"""The Transformer: its layers, stacks of them, and both stacks as one model.

Source: Vaswani et al., "Attention is all you need", 2017. Masks are as in ``MultiheadAttention``: true, or -inf, where
not to look.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Union

from retrograd.functional.create import full
from retrograd.nn import functional as F
from retrograd.nn import init
from retrograd.nn.modules.attention import MultiheadAttention
from retrograd.nn.modules.container import ModuleList
from retrograd.nn.modules.dropout import Dropout
from retrograd.nn.modules.linear import Linear
from retrograd.nn.modules.module import Module
from retrograd.nn.modules.normalisation import LayerNorm
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.dtypes import dtype as DType

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = Union[str, Callable[[Tensor], Tensor]]


def _activation(given: Activation) -> Callable[[Tensor], Tensor]:
    if callable(given):
        return given
    if given not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {given}")
    return F.relu if given == "relu" else F.gelu


class _Layer(Module):
    """What layers of encoder and decoder share: attention to themselves, then two linear layers.

    A part's answer is added to what it was given, and the sum normalised; with ``norm_first`` what it is given is
    normalised, and the sum not.
    """

    parts = 2

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()

        def attention() -> MultiheadAttention:
            return MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, device=device, dtype=dtype
            )

        self.self_attn = attention()
        if self.parts == 3:
            self.multihead_attn = attention()
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, device=device, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, device=device, dtype=dtype)
        self.norm_first = norm_first
        for place in range(1, self.parts + 1):
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)
            self.add_module(f"norm{place}", norm)
        for place in range(1, self.parts + 1):
            self.add_module(f"dropout{place}", Dropout(dropout))
        self.activation = _activation(activation)

    def _added(self, x: Tensor, place: int, part: Callable[[Tensor], Tensor]) -> Tensor:
        """x with the answer of its part number ``place``."""
        norm, dropout = self.get_submodule(f"norm{place}"), self.get_submodule(f"dropout{place}")
        found: Tensor = x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        return found

    def _forwards(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return found

    def _looks(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool) -> Tensor:
        found: Tensor = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, is_causal=is_causal, need_weights=False
        )[0]
        return found


class TransformerEncoderLayer(_Layer):
    """Attention to itself, then two linear layers.

    Args:
        d_model: the features E.
        nhead: the heads of attention.
        dim_feedforward: the features between the linear layers.
        dropout: the chance of every dropout.
        activation: between the linear layers: "relu", "gelu", or a function.
        layer_norm_eps: ``eps`` of the normalisations.
        batch_first: whether tensors are (N, L, E), not (L, N, E).
        norm_first: whether to normalise before attention and linear layers, not after.
        bias: whether linear layers and normalisations have biases.

    Raises:
        RuntimeError: for the name of another activation.
    """

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Apply the layer to ``src`` (L, N, E), (N, L, E) with ``batch_first``, or (L, E)."""
        x = self._added(src, 1, lambda x: self._looks(x, src_mask, src_key_padding_mask, is_causal))
        return self._added(x, 2, self._forwards)


class TransformerDecoderLayer(_Layer):
    """Attention to itself, attention to an encoder's output, then two linear layers; arguments as
    ``TransformerEncoderLayer``."""

    parts = 3

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Apply the layer to ``tgt`` (L, N, E) with the encoder's output ``memory`` (S, N, E)."""

        def remembers(x: Tensor) -> Tensor:
            found: Tensor = self.multihead_attn(
                x, memory, memory, attn_mask=memory_mask, key_padding_mask=memory_key_padding_mask,
                is_causal=memory_is_causal, need_weights=False,
            )[0]  # fmt: skip
            return found

        x = self._added(tgt, 1, lambda x: self._looks(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        return self._added(self._added(x, 2, remembers), 3, self._forwards)


class _Stack(Module):
    """Copies of a layer, one after the other, and a normalisation if there is one."""

    norm: Module | None

    def _fill(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def _end(self, x: Tensor) -> Tensor:
        found: Tensor = x if self.norm is None else self.norm(x)
        return found


class TransformerEncoder(_Stack):
    """A stack of encoder layers.

    Args:
        encoder_layer: what is copied ``num_layers`` times.
        norm: what comes after them, if anything.
        enable_nested_tensor, mask_check: accepted; padding is computed along and masked here.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self._fill(encoder_layer, num_layers, norm)
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Run ``src`` (L, N, E) through all layers. ``is_causal``: a hint that ``mask`` hides what lies ahead."""
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return self._end(x)


class TransformerDecoder(_Stack):
    """A stack of decoder layers: ``decoder_layer`` copied ``num_layers`` times, then ``norm`` if given."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self._fill(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Run ``tgt`` (L, N, E) through all layers, each with ``memory`` (S, N, E)."""
        x = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )
        return self._end(x)


class Transformer(Module):
    """Encoder and decoder.

    Args:
        d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias: of each
            layer, see ``TransformerEncoderLayer``.
        num_encoder_layers, num_decoder_layers: how many.
        custom_encoder, custom_decoder: modules in their stead.

    Weights of two dimensions start from ``init.xavier_uniform_``.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()

        def layer(kind: type[_Layer]) -> _Layer:
            return kind(
                d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias,
                device, dtype,
            )  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)

        if custom_encoder is None:
            custom_encoder = TransformerEncoder(layer(TransformerEncoderLayer), num_encoder_layers, norm())
        self.encoder = custom_encoder
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(layer(TransformerDecoderLayer), num_decoder_layers, norm())
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for each in self.parameters():
            if each.ndim > 1:
                init.xavier_uniform_(each)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The decoder's answer (T, N, E) to ``src`` (S, N, E) and ``tgt`` (T, N, E).

        Raises:
            RuntimeError: when the two differ in batch, or features are not ``d_model``.
        """
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(
                f"the batch number of src and tgt must be equal, not {src.shape[batch]} and {tgt.shape[batch]}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                f"the feature number of src and tgt must be equal to d_model {self.d_model}, not {src.shape[-1]} and "
                f"{tgt.shape[-1]}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        found: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return found

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, device: Device | str | None = None, dtype: DType | None = None
    ) -> Tensor:
        """A mask (sz, sz) that hides what lies ahead: -inf above the diagonal, else 0."""
        return full((sz, sz), -math.inf, dtype=dtype, device=device).triu(1)
