"""``vmap``: a function of one example made a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

from retrograd.func.batched import Batched, batched, front, moved
from retrograd.lifting import level
from retrograd.tensor import Tensor
from retrograd.utils import tree

InDims = Any  # a number, None, or a nest of them
Func = Callable[..., Any]


def vmap(
    func: Func,
    in_dims: InDims = 0,
    out_dims: InDims = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Func:
    """``func`` on each element of a batch at once.

    Args:
        in_dims: for each argument the dimension to map over, None for the same argument each time; a nest like the
            arguments, or one number for all.
        out_dims: where the batch goes in each result.
        randomness: taken for the sake of scripts; random numbers drawn inside are the same for all elements unless
            their shape comes from a batch.
        chunk_size: at most so many elements at a time.

    Arguments given by name are the same each time. The function sees tensors without the mapped dimension and must not
    look at their values (``item``, ``if``).
    Source: ``torch.func.vmap``.

    Raises:
        ValueError: if no tensor is mapped, or the lengths of the mapped dimensions differ.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, build = tree.flatten(args)
        dims = _checked_dims(leaves, tree.spread(_like_args(in_dims, args), args, "vmap in_dims"))
        size = _batch_size(leaves, dims)
        step = chunk_size or max(size, 1)
        parts = [
            _mapped_once(
                lambda *given: func(*given, **kwargs),
                _chunk(leaves, dims, start, min(start + step, size), size), dims, build, out_dims,
                min(step, size - start),
            )
            for start in range(0, max(size, 1), step)
        ]  # fmt: skip
        if len(parts) == 1:
            return parts[0]
        return _joined(parts, out_dims)

    return mapped


def _like_args(in_dims: InDims, args: tuple[object, ...]) -> InDims:
    if isinstance(in_dims, list):
        in_dims = tuple(in_dims)
    if not isinstance(in_dims, (int, tuple)) and in_dims is not None:
        raise ValueError(f"vmap: expected `in_dims` to be int or a (potentially nested) tuple, got {type(in_dims)}")
    return in_dims


def _checked_dims(leaves: Sequence[object], dims: Sequence[object]) -> list[int | None]:
    found: list[int | None] = []
    for leaf, dim in zip(leaves, dims, strict=True):
        if dim is not None and not isinstance(dim, int):
            raise ValueError(f"vmap: Got in_dim={dim!r} for an input but in_dim must be an integer dimension or None.")
        if dim is not None and not isinstance(leaf, Tensor):
            raise ValueError(
                f"vmap: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over "
                "non-Tensor arguments, please use None as the respective in_dim"
            )
        if dim is not None and isinstance(leaf, Tensor):
            if not -leaf.ndim <= dim < leaf.ndim:
                raise ValueError(
                    f"vmap: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {leaf.ndim} "
                    f"so expected in_dim to satisfy -{leaf.ndim} <= in_dim < {leaf.ndim}."
                )
            dim %= leaf.ndim
        found.append(dim)
    return found


def _batch_size(leaves: Sequence[object], dims: Sequence[int | None]) -> int:
    sizes = {cast(Tensor, leaf).shape[dim] for leaf, dim in zip(leaves, dims, strict=True) if dim is not None}
    if not sizes:
        raise ValueError("vmap: at least one input must be mapped: all in_dims are None, or there are no inputs")
    if len(sizes) > 1:
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)} for "
            "the mapped dimension"
        )
    return sizes.pop()


def _chunk(leaves: Sequence[object], dims: Sequence[int | None], start: int, stop: int, size: int) -> Sequence[object]:
    if stop - start == size:
        return leaves
    return [
        leaf if dim is None else cast(Tensor, leaf).narrow(dim, start, stop - start)
        for leaf, dim in zip(leaves, dims, strict=True)
    ]


def _mapped_once(
    func: Func,
    leaves: Sequence[object],
    dims: Sequence[int | None],
    build: tree.Build,
    out_dims: InDims,
    size: int,
) -> object:
    with level(lambda tensor, number: batched(tensor, None, number)) as number:
        args = build([_lift(leaf, dim, number) for leaf, dim in zip(leaves, dims, strict=True)])
        result = func(*cast("tuple[object, ...]", args))
    outs, build_out = tree.flatten(result)
    places = tree.spread(out_dims, result, "vmap out_dims")
    return build_out([_unlift(out, place, number, size) for out, place in zip(outs, places, strict=True)])


def _lift(leaf: object, dim: int | None, number: int) -> object:
    return leaf if dim is None else batched(cast(Tensor, leaf), dim, number)


def _unlift(out: object, place: object, number: int, size: int) -> object:
    if not isinstance(out, Tensor):
        raise ValueError(
            f"vmap: `func` must only return Tensors, got type {type(out).__name__}. Did you mean to return None "
            "of a value that is no Tensor?"
        )
    value, bdim = (out.value, out.bdim) if isinstance(out, Batched) and out._level == number else (out, None)
    if place is None:
        if bdim is not None:
            raise ValueError("vmap: `func` can not return a BatchedTensor when out_dim is None")
        return value
    if not isinstance(place, int):
        raise ValueError(f"vmap: out_dims must be numbers or None, got {place!r}")
    whole = value.expand((size, *value.shape)) if bdim is None else front(value, bdim)
    return whole if place == 0 else moved(whole, 0, place)


def _joined(parts: Sequence[object], out_dims: InDims) -> object:
    from retrograd.ops.primitive import registry

    flat = [tree.flatten(part) for part in parts]
    places = tree.spread(out_dims, parts[0], "vmap out_dims")
    cat = registry["cat"].call
    return flat[0][1](
        [
            column[0] if place is None else cat(*column, dim=place)
            for column, place in zip(zip(*(leaves for leaves, _ in flat), strict=True), places, strict=True)
        ]
    )
