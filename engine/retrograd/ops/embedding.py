"""Rows of a table by their numbers, and the gradient that adds up what each row was used for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrograd.devices import Namespace
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import Sample, apart
from retrograd.tensor import Tensor


def tables(rng: np.random.Generator) -> Iterator[Sample]:
    """Tables with the rows to take, of which some repeat."""
    params: dict[str, object] = {"padding_idx": -1, "scale_grad_by_freq": False}
    yield Sample((apart(rng, 4, 3), np.array([[0, 2], [2, 1]])), params)


@primitive(samples=tables, torch="-", public=False)
def embedding(xp: Namespace, weight: Array, indices: Array, *, padding_idx: int, scale_grad_by_freq: bool) -> Array:
    """The rows of weight (number, width) at indices, of any shape."""
    return xp.take(weight, indices, axis=0)


def table_grads(rng: np.random.Generator) -> Iterator[Sample]:
    """Gradients of rows that were taken."""
    for padding, by_frequency in ((-1, False), (2, True)):
        params: dict[str, object] = {"padding_idx": padding, "scale_grad_by_freq": by_frequency, "rows": 4}
        yield Sample((apart(rng, 2, 2, 3), np.array([[0, 2], [2, 1]])), params)


def _counted(xp: Namespace, indices: Array, padding_idx: int, scale_grad_by_freq: bool, rows: int) -> Array | None:
    """What each use counts in the gradient; None: all 1."""
    if padding_idx < 0 and not scale_grad_by_freq:
        return None
    share = xp.asarray(indices != padding_idx, "float64")
    if scale_grad_by_freq:
        share = share / xp.take(xp.bincount(indices, minlength=rows), indices)
    return share


@primitive(samples=table_grads, torch="-", public=False)
def embedding_dense_backward(
    xp: Namespace, input: Array, indices: Array, *, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Array:
    """Zeros (rows, width) to which the gradients input (*indices.shape, width) are added at indices."""
    width = input.shape[-1]
    flat, given = indices.reshape(-1), input.reshape(-1, width)
    share = _counted(xp, flat, padding_idx, scale_grad_by_freq, rows)
    if share is not None:
        given = given * share.astype(given.dtype).reshape(-1, 1)
    made = xp.zeros((rows, width), input.dtype)
    places = (flat.reshape(-1, 1) * width + xp.arange(width)).reshape(-1)
    xp.add.at(made.reshape(-1), places, given.reshape(-1))
    return made


def spread_rows(rng: np.random.Generator) -> Iterator[Sample]:
    """The same tables for the transpose."""
    for padding, by_frequency in ((-1, False), (2, True)):
        params: dict[str, object] = {"padding_idx": padding, "scale_grad_by_freq": by_frequency}
        yield Sample((apart(rng, 4, 3), np.array([[0, 2], [2, 1]])), params)


@primitive(samples=spread_rows, torch="-", public=False)
def embedding_counted(
    xp: Namespace, input: Array, indices: Array, *, padding_idx: int, scale_grad_by_freq: bool
) -> Array:
    """The transpose of ``embedding_dense_backward``: rows of input, each times what a use counts."""
    out = xp.take(input, indices, axis=0)
    share = _counted(xp, indices.reshape(-1), padding_idx, scale_grad_by_freq, input.shape[0])
    return out if share is None else out * share.astype(out.dtype).reshape(*indices.shape, 1)


def _to_table(g: Tensor, indices: Tensor, meta: Meta, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    return embedding_dense_backward(
        g, indices, rows=meta.shape[0], padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq
    )


@embedding.vjp("weight")
def _(g: Tensor, indices: Tensor, weight_meta: Meta, *, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    return _to_table(g, indices, weight_meta, padding_idx, scale_grad_by_freq)


@embedding.jvp("weight")
def _(t: Tensor, indices: Tensor, *, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    return embedding(t, indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)


@embedding_counted.vjp("input")
def _(g: Tensor, indices: Tensor, input_meta: Meta, *, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    return _to_table(g, indices, input_meta, padding_idx, scale_grad_by_freq)


@embedding_counted.jvp("input")
def _(t: Tensor, indices: Tensor, *, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    return embedding_counted(t, indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)


@embedding_dense_backward.vjp("input")
def _(g: Tensor, indices: Tensor, *, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    return embedding_counted(g, indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)


@embedding_dense_backward.jvp("input")
def _(t: Tensor, indices: Tensor, *, rows: int, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    return embedding_dense_backward(
        t, indices, rows=rows, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq
    )
