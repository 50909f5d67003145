"""What recurrent layers share: which rows make a time step, a cell run over them, and gradients of all steps at once.

A layer's input is (T, N, in), or packed: (rows, in) with the number of rows of each step in ``batch_sizes``, which
never grows. Within, both are rows, step by step. A step of n rows concerns the first n of the N states.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.elementwise import sigmoid, tanh
from retrograd.ops.shape import cat, slice_
from retrograd.tensor import Tensor

Sizes = tuple[int, ...]
Spans = list[tuple[int, int]]
States = tuple[Tensor, ...]
Step = Callable[[Tensor, States], tuple[States, States]]


def spans(shape: Sequence[int], batch_sizes: Sizes | None, reverse: bool) -> Spans:
    """The first row of each step and the one after its last, in the order in which the steps are computed."""
    sizes = (shape[1],) * shape[0] if batch_sizes is None else batch_sizes
    found = [(end - size, end) for end, size in zip(accumulate(sizes), sizes, strict=True)]
    return found[::-1] if reverse else found


def before(xp: Namespace, states: Array, start: Array, steps: Spans) -> Array:
    """For every row the state that its step began with: that of the step computed before, at first ``start``."""
    pieces: list[Array] = []
    held = start
    for first, end in steps:
        count = end - first
        pieces.append(held[:count] if count <= len(held) else xp.concatenate((held, start[len(held) : count])))
        held = states[first:end]
    if len(steps) > 1 and steps[0][0] > steps[1][0]:
        pieces.reverse()
    return xp.concatenate(pieces)


def unrolled(step: Step, rows: Tensor, states: States, steps: Spans) -> tuple[list[Tensor], States]:
    """A cell run over all steps, in recorded ops.

    ``step(rows, states)`` gives the next states and what is kept of the step; returned are what was kept, joined in the
    order of the rows, and the last states.
    """
    kept: list[States] = []
    for first, end in steps:
        count, whole = end - first, states[0].shape[0]
        part = slice_(rows, dim=0, start=first, stop=end, step=1)
        now, keep = step(part, tuple(_rows(each, 0, count) for each in states))
        if count < whole:
            now = tuple(cat(new, _rows(old, count, whole), dim=0) for new, old in zip(now, states, strict=True))
        states = now
        kept.append(keep)
    if len(steps) > 1 and steps[0][0] > steps[1][0]:
        kept.reverse()
    return [cat(*each, dim=-2) for each in zip(*kept, strict=True)], states


def _rows(state: Tensor, first: int, end: int) -> Tensor:
    return state if end - first == state.shape[0] else slice_(state, dim=0, start=first, stop=end, step=1)


def parts(value: Tensor, count: int) -> list[Tensor]:
    """The last dimension in ``count`` equal parts."""
    width = value.shape[-1] // count
    return [slice_(value, dim=1, start=place * width, stop=(place + 1) * width, step=1) for place in range(count)]


def lstm_cell(pre: Tensor, c: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    """From what goes into the gates (N, 4 H) and the cell state: h before any projection, the cell state, the gates.

    Source: ``torch.nn.LSTM``; Hochreiter and Schmidhuber, "Long short-term memory", 1997.
    """
    i, f, g, o = parts(pre, 4)
    gates = [sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)]
    c = gates[1] * c + gates[0] * gates[2]
    return gates[3] * tanh(c), c, gates


def gru_cell(given: Tensor, held: Tensor, h: Tensor) -> tuple[Tensor, list[Tensor]]:
    """From the products with the input and with the state (N, 3 H each): the state, and the gates with the third part
    of ``held``.

    Source: ``torch.nn.GRU``; Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
    """
    (r, z, n), (own_r, own_z, own_n) = parts(given, 3), parts(held, 3)
    r, z = sigmoid(r + own_r), sigmoid(z + own_z)
    n = tanh(n + r * own_n)
    return n + z * (h - n), [r, z, n, own_n]


def affine(value: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """value @ weightᵀ + bias."""
    product = value @ weight.T
    return product if bias is None else product + bias


Needs = Sequence[bool]
Grads = tuple[Array | None, Array | None, Array | None, Array | None, Array | None]


def to_weights(
    xp: Namespace, given: Array, held: Array, input: Array, previous: Array, w_ih: Array, needs: Needs
) -> Grads:
    """The gradients to input, w_ih, w_hh, b_ih and b_hh, each one product or sum over all steps: from those of what the
    input gave (``given``) and of what the state gave (``held``), both (rows, gates)."""
    to_input, to_w_ih, to_w_hh, to_b_ih, to_b_hh = needs
    rows = input.reshape(-1, input.shape[-1])
    bias = xp.matmul(xp.ones(len(given), given.dtype), given) if to_b_ih or (to_b_hh and held is given) else None
    return (
        xp.matmul(given, w_ih).reshape(input.shape) if to_input else None,
        xp.matmul(given.T, rows) if to_w_ih else None,
        xp.matmul(held.T, previous) if to_w_hh else None,
        bias if to_b_ih else None,
        (bias if held is given else xp.matmul(xp.ones(len(held), held.dtype), held)) if to_b_hh else None,
    )
