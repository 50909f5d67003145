"""Padding: constant, reflected, repeated, circular."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrograd.meta import Array
from retrograd.ops.resample import AxisMap, axes_map, constant_pad_nd, named_maps
from retrograd.tensor import Tensor

__all__ = ["pad"]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """input with a border.

    Args:
        input: any shape; at least one dimension more than are padded unless ``mode`` is constant.
        pad: what to add before and after the last dimension, then the one before it, and so on (negative: take off).
        mode: ``constant``, ``reflect``, ``replicate`` or ``circular``.
        value: what to fill with in mode ``constant`` (default 0).

    Raises:
        RuntimeError: when the numbers don't fit the input.
        NotImplementedError: for a mode or number of dimensions that does not exist.
    """
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    rank = len(pad) // 2
    if rank > input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}"
        )
    before = [int(each) for each in pad[-2::-2]]
    after = [int(each) for each in pad[-1::-2]]
    if mode == "constant":
        lead = [0] * (input.ndim - rank)
        _check_size(input, lead + before, lead + after)
        params = {
            "before": tuple(lead + before),
            "after": tuple(lead + after),
            "value": 0.0 if value is None else value,
        }
        return constant_pad_nd.call(input, **params)
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if rank not in (1, 2, 3) or input.ndim not in (rank + 1, rank + 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor. 2D or 3D input pads the last "
            "dimension, 3D or 4D input the last two, 4D or 5D input the last three."
        )
    lead = [0] * (input.ndim - rank)
    _check_size(input, lead + before, lead + after)
    maps = tuple(
        AxisMap(axis - rank, input.shape[axis - rank], _source(mode, input.shape[axis - rank], a, b)[:, None])
        for axis, (a, b) in enumerate(zip(before, after, strict=True))
    )
    name = {"reflect": "reflection", "replicate": "replication"}.get(mode)
    return (axes_map if name is None else named_maps[f"{name}_pad{rank}d"]).call(input, maps=maps)


def _check_size(input: Tensor, before: Sequence[int], after: Sequence[int]) -> None:
    for dim, (length, a, b) in enumerate(zip(input.shape, before, after, strict=True)):
        if length + a + b < 0:
            raise RuntimeError(
                f"The input size {length}, plus negative padding {a} and {b} resulted in a negative output size, which "
                f"is invalid. Check dimension {dim} of your input."
            )


def _source(mode: str, length: int, before: int, after: int) -> Array:
    """For each place of the result the place that it copies."""
    places = np.arange(-before, length + after)
    if mode == "replicate":
        return np.clip(places, 0, length - 1)
    if mode == "circular":
        if before > length or after > length:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        inner = np.arange(max(-before, 0), length - max(-after, 0))
        return inner[np.arange(-max(before, 0), len(inner) + max(after, 0)) % max(len(inner), 1)]
    if before >= length or after >= length:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at a dimension of size {length}"
        )
    folded = np.abs(places)
    return np.where(folded >= length, 2 * (length - 1) - folded, folded)
