"""Recurrent layers as modules."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from retrograd.functional.create import empty, zeros
from retrograd.functional.join import cat, stack
from retrograd.nn import functional as F
from retrograd.nn import init
from retrograd.nn.modules.module import Module
from retrograd.nn.packed import PackedSequence, whole
from retrograd.nn.parameter import Parameter
from retrograd.ops.recurrence import Sizes
from retrograd.ops.rnn import gru_layer, lstm_layer, rnn_layer
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.dtypes import dtype as DType

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
Weights = list["Tensor | None"]


def _check_arguments(input_size: int, hidden_size: int, num_layers: int, dropout: object, proj_size: int) -> None:
    if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
        raise ValueError(f"dropout is the chance of an element to become zero, from 0 to 1, not {dropout!r}")
    if dropout and num_layers == 1:
        warnings.warn(
            f"dropout={dropout} does nothing with num_layers=1: it comes after all recurrent layers but the last",
            stacklevel=4,
        )
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero, not {value}")
    if num_layers <= 0:
        raise ValueError(f"num_layers must be greater than zero, not {num_layers}")
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"proj_size must be 0 or positive and less than hidden_size {hidden_size}, not {proj_size}")


class RNNBase(Module):
    """What the recurrent layers share; see ``LSTM``."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        if mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}; there are {', '.join(_GATES)}")
        _check_arguments(input_size, hidden_size, num_layers, dropout, proj_size)
        for name, value in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(value, bool):
                raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        rows, width, across = _GATES[mode] * hidden_size, proj_size or hidden_size, 2 if bidirectional else 1
        self._names: list[list[str]] = []
        for layer in range(num_layers):
            for direction in range(across):
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (rows, input_size if layer == 0 else width * across),
                    "weight_hh": (rows, width),
                }
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                end = f"_l{layer}{'_reverse' if direction else ''}"
                for name, shape in shapes.items():
                    self.register_parameter(name + end, Parameter(empty(shape, device=device, dtype=dtype)))
                self._names.append([name + end for name in shapes])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for each in self.parameters():
            init.uniform_(each, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: it is for CUDA's own layers, which want all weights in one piece of memory."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[self.get_parameter(name) for name in names] for names in self._names]

    def _layer(
        self, input: Tensor, states: list[Tensor], weights: Weights, sizes: Sizes | None, reverse: bool
    ) -> tuple[Tensor, ...]:
        """One direction of one layer: the outputs of all steps, then the last states."""
        raise NotImplementedError(f"{self._get_name()} says not what one of its layers computes")

    def _weights(self, names: list[str]) -> Weights:
        """Two weights and two biases, and with a projection its weight."""
        found: Weights = [getattr(self, name) for name in names]
        return found if self.bias else [*found[:2], None, None, *found[2:]]

    def _stacked(self, data: Tensor, states: list[Tensor], sizes: Sizes | None) -> tuple[Tensor, list[Tensor]]:
        """All layers; ``states`` (layers * directions, N, width) each, as are the last states."""
        across = 2 if self.bidirectional else 1
        last: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            outs = []
            for direction in range(across):
                place = layer * across + direction
                own = [each[place] for each in states]
                out, *ends = self._layer(data, own, self._weights(self._names[place]), sizes, bool(direction))
                outs.append(out)
                last.append(tuple(ends))
            data = outs[0] if across == 1 else cat(outs, -1)
            if self.dropout and self.training and layer < self.num_layers - 1:
                data = F.dropout(data, self.dropout)
        return data, [stack(each) for each in zip(*last, strict=True)]

    def _start(self, batch: int, like: Tensor) -> list[Tensor]:
        """States of zeros."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        widths = [self.proj_size or self.hidden_size, *([self.hidden_size] if self.mode == "LSTM" else [])]
        return [zeros(count, batch, width, dtype=like.dtype, device=like.device) for width in widths]

    def _checked(self, data: Tensor, states: list[Tensor] | None, batch: int) -> list[Tensor]:
        kind = getattr(self, self._names[0][0]).dtype
        if data.dtype is not kind:
            raise ValueError(
                f"RNN input dtype ({data.dtype}) does not match weight dtype ({kind}). Convert one of them: "
                f"input.to({kind}), or the model: model.to({data.dtype})"
            )
        if data.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {data.shape[-1]}"
            )
        wanted = self._start(batch, data)
        if states is None:
            return wanted
        for given, like in zip(states, wanted, strict=True):
            if given.shape != like.shape:
                raise RuntimeError(f"Expected hidden size {tuple(like.shape)}, got {list(given.shape)}")
        return states

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[Any, Any]:
        """The outputs of all steps, and the last states.

        Args:
            input: (T, N, in), with ``batch_first`` (N, T, in), one sequence (T, in), or a packed one.
            hx: the first states (layers * directions, N, H), or (layers * directions, H) for one sequence; for LSTM a
                pair (h, c). Zeros by default.

        Returns:
            Outputs (T, N, directions * H) as ``input`` is arranged, and states as ``hx``.

        Raises:
            ValueError: for an input of another rank or dtype.
            RuntimeError: when sizes don't fit.
        """
        states = None if hx is None else list(hx) if self.mode == "LSTM" else [hx]
        if isinstance(input, PackedSequence):
            return self._packed(input, states)
        if input.ndim not in (2, 3):
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        single, dim = input.ndim == 2, 0 if self.batch_first else 1
        for each in states or ():
            if each.ndim != input.ndim:
                raise RuntimeError(f"For {input.ndim}-D input, hx should also be {input.ndim}-D but got {each.ndim}-D")
        if single:
            input, states = input.unsqueeze(dim), None if states is None else [each.unsqueeze(1) for each in states]
        states = self._checked(input, states, input.shape[dim])
        if not input.shape[1 - dim]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        out, last = self._stacked(input.transpose(0, 1) if self.batch_first else input, states, None)
        out = out.transpose(0, 1) if self.batch_first else out
        if single:
            out, last = out.squeeze(dim), [each.squeeze(1) for each in last]
        return out, tuple(last) if self.mode == "LSTM" else last[0]

    def _packed(self, input: PackedSequence, states: list[Tensor] | None) -> tuple[PackedSequence, Any]:
        data, batch_sizes, order, back = input
        sizes = tuple(whole(batch_sizes))
        if data.ndim != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {data.ndim}")
        if states is not None and order is not None:
            states = [each.index_select(1, order) for each in states]
        out, last = self._stacked(data, self._checked(data, states, sizes[0]), sizes)
        if back is not None:
            last = [each.index_select(1, back) for each in last]
        return PackedSequence(out, batch_sizes, order, back), tuple(last) if self.mode == "LSTM" else last[0]

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0),
            ("bidirectional", False),
        ):  # fmt: skip
            value = getattr(self, name)
            text += "" if value == usual else f", {name}={value}"
        return text


class RNN(RNNBase):
    """Plain recurrence (Elman, 1990): ``h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)``.

    Args:
        nonlinearity: the fourth, "tanh" or "relu".

    The others, shapes, parameters and errors as ``LSTM``, without ``proj_size``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size is an argument of LSTM; RNN and GRU have none")
        chosen = args[3] if len(args) > 3 else kwargs.pop("nonlinearity", "tanh")
        if chosen not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{chosen}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{chosen.upper()}", *args[:3], *args[4:], **kwargs)
        self.nonlinearity: str = chosen

    def _layer(
        self, input: Tensor, states: list[Tensor], weights: Weights, sizes: Sizes | None, reverse: bool
    ) -> tuple[Tensor, ...]:
        return rnn_layer.call(  # type: ignore[return-value]  # several outputs
            input, *states, *weights, nonlinearity=self.nonlinearity, batch_sizes=sizes, reverse=reverse
        )


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), in layers.

    Args:
        input_size: the input's features.
        hidden_size: those of the state, H.
        num_layers: how many layers, each with the outputs of the one before as input.
        bias: whether to learn biases.
        batch_first: whether input and outputs are (N, T, features), not (T, N, features).
        dropout: the chance of dropout after each layer but the last.
        bidirectional: whether another layer goes through the sequence from its end, their outputs side by side.
        proj_size: if not 0, h is projected to this size (Sak et al., 2014).

    Parameters of layer k: ``weight_ih_lk`` (4 H, in), ``weight_hh_lk`` (4 H, H) for input, forget, cell and output
    gate, one below the other, ``bias_ih_lk`` and ``bias_hh_lk`` (4 H), ``weight_hr_lk`` (proj_size, H); those of the
    other direction end in ``_reverse``. All start uniform in ±1/sqrt(H).

    Raises:
        ValueError, TypeError: for arguments that make no layer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def _layer(
        self, input: Tensor, states: list[Tensor], weights: Weights, sizes: Sizes | None, reverse: bool
    ) -> tuple[Tensor, ...]:
        projection = () if self.proj_size else (None,)
        found: tuple[Tensor, ...] = lstm_layer.call(  # type: ignore[assignment]  # several outputs
            input, *states, *weights, *projection, batch_sizes=sizes, reverse=reverse
        )
        return found[:3]


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014), in layers; arguments, shapes, parameters (3 H for reset, update and new
    gate) and errors as ``LSTM``, without ``proj_size``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size is an argument of LSTM; RNN and GRU have none")
        super().__init__("GRU", *args, **kwargs)

    def _layer(
        self, input: Tensor, states: list[Tensor], weights: Weights, sizes: Sizes | None, reverse: bool
    ) -> tuple[Tensor, ...]:
        found: tuple[Tensor, ...] = gru_layer.call(  # type: ignore[assignment]  # several outputs
            input, *states, *weights, batch_sizes=sizes, reverse=reverse
        )
        return found[:2]
