"""One step of a recurrent layer as modules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retrograd.functional.create import empty, zeros
from retrograd.functional.recurrent import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from retrograd.nn import init
from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Parameter
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.dtypes import dtype as DType

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What the cells share: ``weight_ih`` (gates * H, in), ``weight_hh`` (gates * H, H) and biases (gates * H), which
    start uniform in ±1/sqrt(H)."""

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        for name, shape in (("weight_ih", (rows, input_size)), ("weight_hh", (rows, hidden_size))):
            self.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            made = Parameter(empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for each in self.parameters():
            init.uniform_(each, -bound, bound)

    def _batched(self, value: Tensor, what: str, single: bool) -> Tensor:
        """``value`` with a batch dimension."""
        if value.ndim not in (1, 2):
            raise ValueError(f"{self._get_name()}: expected {what} of 1 or 2 dimensions, got {value.ndim}")
        return value.unsqueeze(0) if single else value

    def _start(self, input: Tensor) -> Tensor:
        return zeros(input.shape[0], self.hidden_size, dtype=input.dtype, device=input.device)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or with ``nonlinearity`` "relu" its ReLU.

    Args:
        input_size, hidden_size: the lengths of x and h.
        bias: whether to learn biases.
        nonlinearity: "tanh" or "relu".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next h (N, H), or (H), from ``input`` (N, in), or (in), and ``hx`` (default: zeros)."""
        single = input.ndim == 1
        x = self._batched(input, "input", single)
        h = self._start(x) if hx is None else self._batched(hx, "hidden", single)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}; there are tanh and relu")
        cell = rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell
        found = cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return found.squeeze(0) if single else found

    def extra_repr(self) -> str:
        text = super().extra_repr()
        return text if self.nonlinearity == "tanh" else f"{text}, nonlinearity={self.nonlinearity}"


class LSTMCell(RNNCellBase):
    """One step of ``LSTM``; arguments as ``RNNCell``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The next h and c (N, H), or (H), from ``input`` (N, in), or (in), and ``hx`` = (h, c) (default: zeros)."""
        single = input.ndim == 1
        x = self._batched(input, "input", single)
        states = [self._start(x)] * 2 if hx is None else [self._batched(each, "hidden", single) for each in hx]
        h, c = lstm_cell(x, states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return (h.squeeze(0), c.squeeze(0)) if single else (h, c)


class GRUCell(RNNCellBase):
    """One step of ``GRU``; arguments as ``RNNCell``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next h (N, H), or (H), from ``input`` (N, in), or (in), and ``hx`` (default: zeros)."""
        single = input.ndim == 1
        x = self._batched(input, "input", single)
        h = self._start(x) if hx is None else self._batched(hx, "hidden", single)
        found = gru_cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return found.squeeze(0) if single else found
