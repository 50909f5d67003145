"""Recurrent layers, one direction of one layer an op: LSTM, GRU, and the plain recurrence.

The products with the input, and all gradients of weights, are one matrix product over all time steps; only the
recurrence itself goes step by step. What a step's derivative depends on is computed for all steps before the way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from retrograd.devices import Namespace, namespace_of
from retrograd.meta import Array
from retrograd.ops import decompose
from retrograd.ops.elementwise import relu, tanh
from retrograd.ops.primitive import primitive
from retrograd.ops.recurrence import (
    Sizes,
    Spans,
    States,
    affine,
    before,
    gru_cell,
    lstm_cell,
    spans,
    to_weights,
    unrolled,
)
from retrograd.ops.samples import Sample, Samples, apart
from retrograd.ops.shape import reshaped, stack
from retrograd.tensor import Tensor

Gradients = Sequence[Tensor | None]
Arrays = Sequence[Array | None]


def _layers(gates: int, cell: bool = False, **params: object) -> Samples:
    """Sequences of one length and packed ones, both ways, with biases and without, and for LSTM with a projection."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape, sizes, reverse, bias, short in (
            ((3, 2, 3), None, False, True, False),
            ((3, 2, 3), None, True, False, cell),
            ((6, 3), (3, 2, 1), False, False, cell),
            ((6, 3), (3, 2, 1), True, True, False),
        ):
            batch, width = shape[1] if sizes is None else sizes[0], 1 if short else 2
            states = (apart(rng, batch, width), apart(rng, batch, 2)) if cell else (apart(rng, batch, width),)
            weights = apart(rng, gates * 2, 3) * 0.3, apart(rng, gates * 2, width) * 0.3
            biases = (apart(rng, gates * 2), apart(rng, gates * 2)) if bias else (None, None)
            projection = (apart(rng, 1, 2) if short else None,) if cell else ()
            yield Sample((apart(rng, *shape) * 0.3, *states, *weights, *biases, *projection),
                         {"batch_sizes": sizes, "reverse": reverse, **params})  # fmt: skip

    return samples


def _given(xp: Namespace, input: Array, weight: Array, bias: Array | None) -> Array:
    """The product with the input, of all steps: (rows, gates)."""
    product = xp.matmul(_rows(input), weight.T)
    return product if bias is None else xp.add(product, bias, product)


def _shaped(rows: Array, input: Array) -> Array:
    """An output of all rows, as the input is: by steps, or packed."""
    return rows.reshape(*input.shape[:-1], rows.shape[-1])


def _flat(g: Tensor | None) -> Array | None:
    """The gradient of an output as rows."""
    return None if g is None else _rows(cast(Array, g))


def _rows(value: Array) -> Array:
    return value.reshape(-1, value.shape[-1])


def _state(g: Tensor | None, like: Array) -> Array:
    """A fresh array that holds the gradient of a last state."""
    xp = namespace_of(like)
    return xp.zeros(like.shape, like.dtype) if g is None else xp.array(g)


@primitive(
    samples=_layers(4, cell=True), torch="-", node="MkldnnRnnLayerBackward0",
    outputs=("out", "hn", "cn", "gates", "cells"), public=False,
)  # fmt: skip
def lstm_layer(
    xp: Namespace,
    input: Array,
    hx: Array,
    cx: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    w_hr: Array | None,
    *,
    batch_sizes: Sizes | None,
    reverse: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """LSTM: the outputs of all steps, the last states, and of all steps the gates (4, rows, H), input, forget, cell and
    output, and the cell states (rows, H).

    input (T, N, in) or packed (rows, in), hx (N, P), cx (N, H), w_ih (4 H, in), w_hh (4 H, P), biases (4 H), w_hr
    (P, H). A sigmoid is computed as by ``sigmoid``: (1 + tanh(x / 2)) / 2, its half taken into the weights.
    """
    kind, width = input.dtype, cx.shape[1]
    scale = xp.repeat(xp.asarray([0.5, 0.5, 1.0, 0.5], dtype=kind), width)
    shift = xp.asarray([0.5, 0.5, 0.0, 0.5], dtype=kind).reshape(4, 1, 1)
    bias = b_ih if b_hh is None or b_ih is None else b_ih + b_hh
    given = _given(xp, input, w_ih * scale[:, None], None if bias is None else bias * scale)
    held = xp.ascontiguousarray((w_hh * scale[:, None]).T)
    steps = spans(input.shape, batch_sizes, reverse)
    h, c = xp.array(hx), xp.array(cx)
    out, cells = xp.empty((len(given), hx.shape[1]), kind), xp.empty((len(given), width), kind)
    gates = xp.empty((4, len(given), width), kind)
    h_now, c_now, moved = h, c, xp.empty(c.shape, kind)
    room = pre = xp.empty((len(h), 4 * width), kind)
    split = xp.transpose(pre.reshape(-1, 4, width), (1, 0, 2))
    for first, end in steps:
        count = end - first
        if count != len(h_now):
            h_now, c_now, moved, pre = h[:count], c[:count], xp.empty((count, width), kind), room[:count]
            split = xp.transpose(pre.reshape(-1, 4, width), (1, 0, 2))
        xp.matmul(h_now, held, pre)
        xp.add(pre, given[first:end], pre)
        xp.tanh(pre, pre)
        xp.multiply(pre, scale, pre)
        now = gates[:, first:end]
        xp.add(split, shift, now)
        xp.multiply(c_now, now[1], c_now)
        xp.multiply(now[0], now[2], moved)
        xp.add(c_now, moved, c_now)
        cells[first:end] = c_now
        xp.tanh(c_now, moved)
        xp.multiply(moved, now[3], moved if w_hr is not None else h_now)
        if w_hr is not None:
            xp.matmul(moved, w_hr.T, h_now)
        out[first:end] = h_now
    return _shaped(out, input), h, c, gates, cells


@lstm_layer.vjp("input", "hx", "cx", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
def _(
    g: Gradients, input: Tensor, hx: Tensor, cx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None,
    b_hh: Tensor | None, w_hr: Tensor | None, out: Tensor, gates: Tensor, cells: Tensor, needs: Sequence[bool], *,
    batch_sizes: Sizes | None, reverse: bool,
) -> Sequence[object]:  # fmt: skip
    inputs = (input, hx, cx, w_ih, w_hh, b_ih, b_hh, w_hr)
    if decompose.recorded(input):
        return decompose.gradients(lstm_layer, inputs, g, needs, batch_sizes=batch_sizes, reverse=reverse)
    arrays = cast("tuple[Array, Array, Array]", (out, gates, cells))
    return _lstm_back(g, cast("Arrays", inputs), *arrays, needs, spans(input.shape, batch_sizes, reverse))


def _lstm_back(
    g: Gradients, inputs: Arrays, out: Array, gates: Array, cells: Array, needs: Sequence[bool],
    steps: Spans,
) -> Sequence[Array | None]:  # fmt: skip
    """The gradients on arrays. ``share`` is what each gate's gradient is of that of the cell state, for the output gate
    of that of the output; ``to_cell`` what the cell state's is of the output's."""
    input, hx, cx, w_ih, w_hh = cast("Sequence[Array]", inputs[:5])
    w_hr = inputs[7]
    xp, (rows, width) = namespace_of(input), cells.shape
    squashed, c_before = xp.tanh(cells), before(xp, cells, cx, steps)
    share = gates - gates * gates
    share[2] = 1 - gates[2] * gates[2]
    extra = None if g[3] is None else share * g[3]
    for gate, factor in enumerate((gates[2], c_before, gates[0], squashed)):
        xp.multiply(share[gate], factor, share[gate])
    to_cell = gates[3] - gates[3] * squashed * squashed
    to_given = xp.empty((rows, 4 * width), cells.dtype)
    split = xp.transpose(to_given.reshape(rows, 4, width), (1, 0, 2))
    to_out, to_cells = _flat(g[0]), _flat(g[4])
    to_h, to_c = _state(g[1], hx), _state(g[2], cx)
    to_hidden = None if w_hr is None else xp.empty((rows, hx.shape[1]), cells.dtype)
    h_now, c_now = to_h, to_c
    for first, end in reversed(steps):
        count = end - first
        if count != len(h_now):
            h_now, c_now = to_h[:count], to_c[:count]
        if to_out is not None:
            xp.add(h_now, to_out[first:end], h_now)
        hidden = h_now
        if to_hidden is not None:
            to_hidden[first:end] = h_now
            hidden = xp.matmul(h_now, w_hr)
        xp.add(c_now, hidden * to_cell[first:end], c_now)
        if to_cells is not None:
            xp.add(c_now, to_cells[first:end], c_now)
        now, part = split[:, first:end], share[:, first:end]
        xp.multiply(part[:3], c_now, now[:3])
        xp.multiply(part[3], hidden, now[3])
        if extra is not None:
            xp.add(now, extra[:, first:end], now)
        xp.matmul(to_given[first:end], w_hh, h_now)
        xp.multiply(c_now, gates[1, first:end], c_now)
    h_before = before(xp, _rows(out), hx, steps)
    to_input, *to_others = to_weights(xp, to_given, to_given, input, h_before, w_ih, (needs[0], *needs[3:7]))
    to_w_hr = xp.matmul(to_hidden.T, gates[3] * squashed) if to_hidden is not None and needs[7] else None
    return to_input, to_h, to_c, *to_others, to_w_hr


@lstm_layer.decomposed
def _(
    input: Tensor, hx: Tensor, cx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    w_hr: Tensor | None, *, batch_sizes: Sizes | None, reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    def step(given: Tensor, states: States) -> tuple[States, States]:
        h, c, gates = lstm_cell(given + affine(states[0], w_hh, b_hh), states[1])
        h = h if w_hr is None else h @ w_hr.T
        return (h, c), (h, stack(*gates, dim=0), c)

    given = affine(reshaped(input, (-1, input.shape[-1])), w_ih, b_ih)
    (out, gates, cells), (h, c) = unrolled(step, given, (hx, cx), spans(input.shape, batch_sizes, reverse))
    return reshaped(out, (*input.shape[:-1], out.shape[-1])), h, c, gates, cells


decompose.forward_mode(lstm_layer)


@primitive(samples=_layers(3), torch="-", outputs=("out", "hn", "gates"), public=False)
def gru_layer(
    xp: Namespace,
    input: Array,
    hx: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    *,
    batch_sizes: Sizes | None,
    reverse: bool,
) -> tuple[Array, Array, Array]:
    """GRU: the outputs of all steps, the last state, and (4, rows, H) of all steps: reset gate, update gate, new state,
    and what the old state gave to the new one before the reset.

    input (T, N, in) or packed (rows, in), hx (N, H), w_ih (3 H, in), w_hh (3 H, H), biases (3 H).
    """
    kind, width = input.dtype, hx.shape[1]
    half, one = kind.type(0.5), kind.type(1)
    given = _given(xp, input, w_ih, b_ih)
    held = xp.ascontiguousarray(w_hh.T)
    h = xp.array(hx)
    out, gates = xp.empty((len(given), width), kind), xp.empty((4, len(given), width), kind)
    for first, end in spans(input.shape, batch_sizes, reverse):
        h_now, now = h[: end - first], gates[:, first:end]
        own = xp.matmul(h_now, held)
        if b_hh is not None:
            own = xp.add(own, b_hh, own)
        mine = xp.transpose(given[first:end].reshape(-1, 3, width), (1, 0, 2))
        own = xp.transpose(own.reshape(-1, 3, width), (1, 0, 2))
        opens = xp.add(mine[:2], own[:2])
        opens = xp.tanh(xp.multiply(opens, half, opens), opens)
        xp.multiply(xp.add(opens, one, opens), half, now[:2])
        now[3] = own[2]
        new = xp.multiply(now[0], own[2])
        xp.tanh(xp.add(new, mine[2], new), now[2])
        moved = xp.subtract(h_now, now[2], new)
        moved = xp.multiply(moved, now[1], moved)
        xp.add(moved, now[2], h_now)
        out[first:end] = h_now
    return _shaped(out, input), h, gates


@gru_layer.vjp("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh")
def _(
    g: Gradients, input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    out: Tensor, gates: Tensor, needs: Sequence[bool], *, batch_sizes: Sizes | None, reverse: bool,
) -> Sequence[object]:  # fmt: skip
    inputs = (input, hx, w_ih, w_hh, b_ih, b_hh)
    if decompose.recorded(input):
        return decompose.gradients(gru_layer, inputs, g, needs, batch_sizes=batch_sizes, reverse=reverse)
    arrays = cast("tuple[Array, Array]", (out, gates))
    return _gru_back(g, cast("Arrays", inputs), *arrays, needs, spans(input.shape, batch_sizes, reverse))


def _gru_back(
    g: Gradients, inputs: Arrays, out: Array, gates: Array, needs: Sequence[bool], steps: Spans
) -> Sequence[Array | None]:
    """The gradients on arrays. ``share`` is what the gradients of the three products with the state are of the
    state's."""
    input, hx, w_ih, w_hh, _, _ = cast("list[Array]", inputs)
    xp, (_, rows, width) = namespace_of(input), gates.shape
    reset, update, new, own = gates
    h_before = before(xp, _rows(out), hx, steps)
    to_new = (1 - update) * (1 - new * new)
    slopes = gates[:2] - gates[:2] * gates[:2]
    share = xp.stack((to_new * own * slopes[0], (h_before - new) * slopes[1], to_new * reset))
    extra = None if g[2] is None else _gru_extra(xp, cast(Array, g[2]), slopes, reset, new, own)
    to_held = xp.empty((rows, 3 * width), out.dtype)
    split = xp.transpose(to_held.reshape(rows, 3, width), (1, 0, 2))
    to_out, to_h, seen = _flat(g[0]), _state(g[1], hx), xp.empty((rows, width), out.dtype)
    for first, end in reversed(steps):
        h_now = to_h[: end - first]
        if to_out is not None:
            xp.add(h_now, to_out[first:end], h_now)
        seen[first:end] = h_now
        xp.multiply(share[:, first:end], h_now, split[:, first:end])
        if extra is not None:
            xp.add(split[:, first:end], extra[1][:, first:end], split[:, first:end])
        xp.multiply(h_now, update[first:end], h_now)
        xp.add(h_now, xp.matmul(to_held[first:end], w_hh), h_now)
    to_given = xp.array(to_held)
    to_given[:, 2 * width :] = seen * to_new if extra is None else seen * to_new + extra[0]
    to_input, *to_others = to_weights(xp, to_given, to_held, input, h_before, w_ih, (needs[0], *needs[2:]))
    return to_input, to_h, *to_others


def _gru_extra(xp: Namespace, g: Array, slopes: Array, reset: Array, new: Array, own: Array) -> tuple[Array, Array]:
    """What gradients of the gates themselves add to that of the new state's input, and to those of the products."""
    to_new = g[2] * (1 - new * new)
    return to_new, xp.stack(((g[0] + to_new * own) * slopes[0], g[1] * slopes[1], to_new * reset + g[3]))


@gru_layer.decomposed
def _(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None, *,
    batch_sizes: Sizes | None, reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    def step(given: Tensor, states: States) -> tuple[States, States]:
        h, gates = gru_cell(given, affine(states[0], w_hh, b_hh), states[0])
        return (h,), (h, stack(*gates, dim=0))

    given = affine(reshaped(input, (-1, input.shape[-1])), w_ih, b_ih)
    (out, gates), (h,) = unrolled(step, given, (hx,), spans(input.shape, batch_sizes, reverse))
    return reshaped(out, (*input.shape[:-1], out.shape[-1])), h, gates


decompose.forward_mode(gru_layer)


def _plain_layers(rng: np.random.Generator) -> Iterator[Sample]:
    """The same for both nonlinearities."""
    yield from _layers(1, nonlinearity="tanh")(rng)
    yield from _layers(1, nonlinearity="relu")(rng)


@primitive(samples=_plain_layers, torch="-", outputs=("out", "hn"), public=False)
def rnn_layer(
    xp: Namespace,
    input: Array,
    hx: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    *,
    nonlinearity: str,
    batch_sizes: Sizes | None,
    reverse: bool,
) -> tuple[Array, Array]:
    """Plain recurrence (Elman): h = tanh or relu of (x @ w_ihᵀ + h @ w_hhᵀ + biases): all outputs, the last state.

    input (T, N, in) or packed (rows, in), hx (N, H), w_ih (H, in), w_hh (H, H), biases (H).
    """
    out = _given(xp, input, w_ih, b_ih if b_hh is None or b_ih is None else b_ih + b_hh)
    held, h = xp.ascontiguousarray(w_hh.T), xp.array(hx)
    for first, end in spans(input.shape, batch_sizes, reverse):
        h_now, now = h[: end - first], out[first:end]
        xp.add(now, xp.matmul(h_now, held), now)
        if nonlinearity == "tanh":
            xp.tanh(now, now)
        else:
            xp.maximum(now, now.dtype.type(0), out=now)
        h_now[...] = now
    return _shaped(out, input), h


@rnn_layer.vjp("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh")
def _(
    g: Gradients, input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    out: Tensor, needs: Sequence[bool], *, nonlinearity: str, batch_sizes: Sizes | None, reverse: bool,
) -> Sequence[object]:  # fmt: skip
    inputs = (input, hx, w_ih, w_hh, b_ih, b_hh)
    if decompose.recorded(input):
        return decompose.gradients(
            rnn_layer, inputs, g, needs, nonlinearity=nonlinearity, batch_sizes=batch_sizes, reverse=reverse
        )
    return _rnn_back(
        g, cast("Arrays", inputs), cast(Array, out), needs, nonlinearity, spans(input.shape, batch_sizes, reverse)
    )


def _rnn_back(
    g: Gradients, inputs: Arrays, out: Array, needs: Sequence[bool], nonlinearity: str, steps: Spans
) -> Sequence[Array | None]:
    """The gradients on arrays."""
    input, hx, w_ih, w_hh, _, _ = cast("list[Array]", inputs)
    xp, states, to_out = namespace_of(input), _rows(out), _flat(g[0])
    to_given = 1 - states * states if nonlinearity == "tanh" else (states > 0).astype(states.dtype)
    to_h = _state(g[1], hx)
    for first, end in reversed(steps):
        h_now, now = to_h[: end - first], to_given[first:end]
        if to_out is not None:
            xp.add(h_now, to_out[first:end], h_now)
        xp.multiply(now, h_now, now)
        xp.matmul(now, w_hh, h_now)
    h_before = before(xp, states, hx, steps)
    to_input, *to_others = to_weights(xp, to_given, to_given, input, h_before, w_ih, (needs[0], *needs[2:]))
    return to_input, to_h, *to_others


@rnn_layer.decomposed
def _(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None, *,
    nonlinearity: str, batch_sizes: Sizes | None, reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    def step(given: Tensor, states: States) -> tuple[States, States]:
        pre = given + affine(states[0], w_hh, b_hh)
        h = tanh(pre) if nonlinearity == "tanh" else relu(pre)
        return (h,), (h,)

    given = affine(reshaped(input, (-1, input.shape[-1])), w_ih, b_ih)
    (out,), (h,) = unrolled(step, given, (hx,), spans(input.shape, batch_sizes, reverse))
    return reshaped(out, (*input.shape[:-1], out.shape[-1])), h


decompose.forward_mode(rnn_layer)
