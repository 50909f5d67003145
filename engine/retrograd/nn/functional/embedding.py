"""Rows of tables, and sums of them."""

from __future__ import annotations

import numpy as np

from retrograd.autograd.mode import no_grad
from retrograd.functional.create import tensor
from retrograd.functional.surface import function
from retrograd.meta import Array
from retrograd.ops.embedding import embedding as _embedding
from retrograd.ops.index import index_spread
from retrograd.ops.select import where
from retrograd.tensor import Tensor

__all__ = ["embedding", "embedding_bag", "one_hot"]


def _check_rows(input: Tensor, weight: Tensor) -> None:
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if input.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype} instead"
        )
    array = input._data
    if array.size and (int(array.max()) >= weight.shape[0] or int(array.min()) < 0):
        raise IndexError("index out of range in self")


def _padding(padding_idx: int | None, rows: int) -> int:
    """The row without a gradient, from 0; -1 for none."""
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _shorten(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Shorten the rows in use to ``max_norm``, in place and unrecorded."""
    with no_grad():
        used = tensor(np.unique(input.device.to_host(input._data)), device=weight.device)
        rows = weight.detach()[used]
        norms = rows.norm(norm_type, 1, keepdim=True)
        weight[used] = where.call(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table.

    Args:
        input: numbers of rows, of any shape.
        weight: (rows, width).
        padding_idx: a row that gets no gradient.
        max_norm: shorten the rows used to this norm first, in place.
        norm_type: which norm that is.
        scale_grad_by_freq: divide gradients by how often a row was used.
        sparse: accepted; gradients are dense here.

    Returns:
        (*input.shape, width).

    Raises:
        IndexError: for a row that there is not.
    """
    _check_rows(input, weight)
    padding = _padding(padding_idx, weight.shape[0])
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    return _embedding.call(weight, input, padding_idx=padding, scale_grad_by_freq=scale_grad_by_freq)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sums, means or largest of bags of rows.

    Args:
        input: numbers of rows: (bags, n), or all in one with ``offsets``.
        weight: (rows, width).
        offsets: where in ``input`` each bag begins (``include_last_offset``: and the last ends).
        mode: ``sum``, ``mean`` or ``max``.
        per_sample_weights: what each row counts, of input's shape (mode ``sum`` only).
        padding_idx: a row that does not count and gets no gradient.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for ``embedding``.

    Returns:
        (bags, width).
    """
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch")
        starts = np.arange(input.shape[0]) * input.shape[1]
    elif input.ndim == 1:
        if offsets is None or offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor but got None or another shape")
        starts = offsets.device.to_host(offsets._data).astype(np.int64)
        if len(starts) and starts[0] != 0:
            raise ValueError("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from 0")
        starts = starts[:-1] if include_last_offset else starts
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(f"per_sample_weights is only supported for mode='sum', got mode='{mode}'")
    _check_rows(input, weight)
    padding = _padding(padding_idx, weight.shape[0])
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    flat = input.reshape(-1)
    host = flat.device.to_host(flat._data)
    bags = np.searchsorted(starts, np.arange(len(host)), "right") - 1
    counted = np.nonzero(host != padding)[0]
    bags = bags[counted]
    kept = tensor(counted, device=input.device)
    rows = _embedding.call(weight, flat[kept], padding_idx=-1, scale_grad_by_freq=scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1)[kept].unsqueeze(1)
    if mode == "max":
        return _largest(rows, bags, len(starts))
    total = index_spread.call(
        rows, tensor(bags, device=input.device), place=("?",), size=(len(starts), weight.shape[1])
    )
    if mode == "sum":
        return total
    sizes = np.maximum(np.bincount(bags, minlength=len(starts)), 1)
    return total / tensor(sizes, dtype=total.dtype, device=total.device).unsqueeze(1)


def _largest(rows: Tensor, bags: Array, count: int) -> Tensor:
    """The largest of each bag; zeros for an empty one."""
    sizes = np.bincount(bags, minlength=count)
    firsts = np.cumsum(sizes) - sizes
    table = firsts[:, None] + np.minimum(
        np.arange(max(int(sizes.max(initial=1)), 1)), np.maximum(sizes, 1)[:, None] - 1
    )
    if not rows.shape[0]:
        return rows.new_zeros((count, rows.shape[1]))
    held = rows[tensor(np.minimum(table, rows.shape[0] - 1), device=rows.device)]
    largest = held.max(1)[0]
    return where.call(tensor(sizes[:, None] > 0, device=rows.device), largest, 0.0)


@function
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Classes (*) as rows of zeros with a one at the class: (*, num_classes), by default as many as the largest needs.

    Raises:
        RuntimeError: for a class that does not fit.
    """
    if tensor.dtype.name != "int64":
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}")
    array = tensor._data
    if not array.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if array.size and int(array.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    count = num_classes if num_classes != -1 else int(array.max()) + 1
    if array.size and int(array.max()) >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return (tensor.unsqueeze(-1) == _steps(count, tensor)).to(tensor.dtype)


def _steps(count: int, like: Tensor) -> Tensor:
    return tensor(np.arange(count), device=like.device)
