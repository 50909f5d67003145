"""One step of a recurrent layer, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.functional.surface import function
from retrograd.ops import recurrence
from retrograd.ops.elementwise import relu, tanh
from retrograd.tensor import Tensor


def _sum(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None
) -> tuple[Tensor, Tensor]:
    if input.shape[-1] != w_ih.shape[-1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]}, expected {w_ih.shape[-1]}")
    if hx.shape[-1] != w_hh.shape[-1]:
        raise RuntimeError(f"hidden has inconsistent hidden_size: got {hx.shape[-1]}, expected {w_hh.shape[-1]}")
    if input.shape[0] != hx.shape[0]:
        raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden batch size {hx.shape[0]}")
    return recurrence.affine(input, w_ih, b_ih), recurrence.affine(hx, w_hh, b_hh)


@function
def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The next h and c (N, H each) from input (N, in) and hx = (h, c); see ``nn.LSTMCell``.

    Raises:
        RuntimeError: when shapes don't fit.
    """
    given, held = _sum(input, hx[0], w_ih, w_hh, b_ih, b_hh)
    h, c, _ = recurrence.lstm_cell(given + held, hx[1])
    return h, c


@function
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """The next h (N, H) from input (N, in) and hx (N, H); see ``nn.GRUCell``. Errors as ``lstm_cell``."""
    given, held = _sum(input, hx, w_ih, w_hh, b_ih, b_hh)
    return recurrence.gru_cell(given, held, hx)[0]


@function
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """tanh(input @ w_ihᵀ + hx @ w_hhᵀ + biases); see ``nn.RNNCell``. Errors as ``lstm_cell``."""
    given, held = _sum(input, hx, w_ih, w_hh, b_ih, b_hh)
    return tanh(given + held)


@function
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """relu(input @ w_ihᵀ + hx @ w_hhᵀ + biases); see ``nn.RNNCell``. Errors as ``lstm_cell``."""
    given, held = _sum(input, hx, w_ih, w_hh, b_ih, b_hh)
    return relu(given + held)
