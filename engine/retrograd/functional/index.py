"""``tensor[...]``: reading and writing, basic and advanced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrograd.dtypes import BOOL, FLOATING, INTEGRAL, int64
from retrograd.functional.create import tensor
from retrograd.functional.surface import method
from retrograd.lifting import Lifted
from retrograd.ops import index as indexing
from retrograd.ops import shape
from retrograd.tensor import Tensor


@method
def __getitem__(self: Tensor, index: object) -> Tensor:  # noqa: N807
    """Numbers select, slices narrow (both views), None makes a dimension; lists, tensors and masks look elements up."""
    items = _items(self, index)
    result, lookups = _basic(self, items)
    return _look_up(result, lookups) if lookups else result


def _items(self: Tensor, index: object) -> list[object]:
    items = list(index) if isinstance(index, tuple) else [index]
    used = 0
    for each in items:
        if isinstance(each, (Tensor, np.ndarray)) and _is_mask(each):
            used += each.ndim
        elif each is not None and each is not Ellipsis and not isinstance(each, bool):
            used += 1
    if used > self.ndim:
        raise IndexError(f"too many indices for tensor of dimension {self.ndim}")
    if any(each is Ellipsis for each in items):
        at = next(place for place, each in enumerate(items) if each is Ellipsis)
        items[at : at + 1] = [slice(None)] * (self.ndim - used)
    return items


def _is_mask(each: object) -> bool:
    if isinstance(each, Tensor):
        return each._meta.category == BOOL
    return isinstance(each, np.ndarray) and each.dtype == np.bool_


def _basic(self: Tensor, items: Sequence[object]) -> tuple[Tensor, dict[int, Tensor]]:
    """Do what gives views, dimension by dimension; answer with the lookups left, by dimension of the result."""
    result = self
    dim = 0
    lookups: dict[int, Tensor] = {}
    for each in items:
        if each is None:
            result = shape.unsqueeze.call(result, dim=dim)
            dim += 1
        elif isinstance(each, slice):
            result = _narrow(result, dim, each)
            dim += 1
        elif isinstance(each, bool):
            result = shape.unsqueeze.call(result, dim=dim)
            lookups[dim] = tensor([0] if each else [], dtype=int64, device=self.device)
            dim += 1
        elif _is_number(each):
            place = int(each)  # type: ignore[call-overload]
            length = result.shape[dim]
            if not -length <= place < length:
                raise IndexError(f"index {place} is out of bounds for dimension {dim} with size {length}")
            result = shape.select.call(result, dim=dim, index=place)
        else:
            found = each if isinstance(each, Tensor) else tensor(each, device=self.device)
            if found._meta.numel == 0 and not isinstance(each, Tensor):
                found = found.to(int64)
            lookups[dim] = found
            dim += found.ndim if found._meta.category == BOOL else 1
    return result, lookups


def _is_number(each: object) -> bool:
    if isinstance(each, (int, np.integer)):
        return True
    return isinstance(each, Tensor) and each._meta.scalar and each._meta.category == INTEGRAL


def _narrow(input: Tensor, dim: int, part: slice) -> Tensor:
    if part.step is not None and part.step <= 0:
        raise ValueError("step must be greater than zero")
    start, stop, step = part.indices(input.shape[dim])
    if (start, stop, step) == (0, input.shape[dim], 1):
        return shape.slice_.call(input, dim=dim, start=start, stop=stop, step=1)
    return shape.slice_.call(input, dim=dim, start=start, stop=max(start, stop), step=step)


def place_of(input: Tensor, lookups: dict[int, Tensor]) -> tuple[indexing.Place, list[Tensor]]:
    place: list[str | slice] = []
    arrays: list[Tensor] = []
    dim = 0
    while dim < input.ndim and (dim <= max(lookups)):
        found = lookups.get(dim)
        if found is None:
            place.append(slice(None))
            dim += 1
            continue
        _check_lookup(input, dim, found)
        place.append("?")
        arrays.append(found)
        dim += found.ndim if found._meta.category == BOOL else 1
    return tuple(place), arrays


def _check_lookup(input: Tensor, dim: int, found: Tensor) -> None:
    if found._meta.category >= FLOATING:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if found._meta.category == BOOL:
        if tuple(input.shape[dim : dim + found.ndim]) != tuple(found.shape):
            raise IndexError(
                f"The shape of the mask {list(found.shape)} at index {dim} does not match the shape of the indexed "
                f"tensor {list(input.shape)}"
            )
        return
    if isinstance(found, Lifted):
        return  # its values are not there to be looked at
    length = input.shape[dim]
    array = found._data
    if array.size and (int(array.max()) >= length or int(array.min()) < -length):
        worst = int(array.max()) if int(array.max()) >= length else int(array.min())
        raise IndexError(f"index {worst} is out of bounds for dimension {dim} with size {length}")


def _look_up(input: Tensor, lookups: dict[int, Tensor]) -> Tensor:
    place, arrays = place_of(input, lookups)
    return indexing.index.call(input, *arrays, place=place)


@method
def __setitem__(self: Tensor, index: object, value: object) -> None:  # noqa: N807
    """Write numbers or a tensor (broadcast, cast) to what the index names."""
    target, lookups = _basic(self, _items(self, index))
    if not lookups:
        target.copy_(value if isinstance(value, Tensor) else tensor(value, dtype=self.dtype, device=self.device))
        return
    place, arrays = place_of(target, lookups)
    source = value if isinstance(value, Tensor) else tensor(value, dtype=self.dtype, device=self.device)
    if source.dtype is not self.dtype:
        source = source.to(self.dtype)
    indexing.put_(target, source, arrays, place)
