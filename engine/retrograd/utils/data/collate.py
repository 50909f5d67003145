"""Making a batch of samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any, cast

import numpy as np

from retrograd import dtypes
from retrograd.functional.create import as_tensor, tensor
from retrograd.functional.join import stack
from retrograd.tensor import Tensor

Kind = type | tuple[type, ...]
Collate = Callable[..., object]


def default_collate(batch: Sequence[object]) -> object:
    """One batch of many samples: tensors, arrays and numbers become tensors with a new first dimension; mappings,
    sequences and named tuples of them keep their form; text stays a list.

    Raises:
        TypeError: for samples of another kind.
        RuntimeError: for samples of different lengths or shapes.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Sequence[Any], *, collate_fn_map: Mapping[Kind, Collate] | None = None) -> object:
    """``default_collate`` with functions of one's own for some kinds of sample.

    Args:
        collate_fn_map: by type, functions of the list of samples, which take ``collate_fn_map`` too.
    """
    first = batch[0]
    found = _function_for(first, collate_fn_map or {})
    if found is not None:
        return found(batch, collate_fn_map=collate_fn_map)

    def again(samples: Sequence[Any]) -> object:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _mapping_like(first, {key: again([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return cast("Collate", type(first))(*map(again, zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if len({len(sample) for sample in batch}) > 1:
            raise RuntimeError("each element in list of batch should be of equal size")
        return _sequence_like(first, [again(samples) for samples in zip(*batch, strict=True)])
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
        f"{type(first)}. Give the DataLoader a collate_fn of your own for it."
    )


def default_convert(data: Any) -> object:
    """Arrays and NumPy's numbers as tensors, inside whatever holds them; everything else as it is."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping_like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return cast("Collate", type(data))(*map(default_convert, data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _sequence_like(data, [default_convert(each) for each in data])
    return data


def _function_for(sample: object, functions: Mapping[Kind, Collate]) -> Collate | None:
    exact = functions.get(type(sample))
    if exact is not None:
        return exact
    return next((function for kind, function in functions.items() if isinstance(sample, kind)), None)


def _mapping_like(model: Mapping[Any, Any], values: dict[Any, object]) -> object:
    """A mapping of ``model``'s type, with what else belongs to it, where the type allows that."""
    try:
        if isinstance(model, MutableMapping):
            made = copy.copy(model)
            made.update(values)
            return made
        return cast("Collate", type(model))(values)
    except TypeError:
        return values


def _sequence_like(model: Sequence[Any], values: list[object]) -> object:
    """Likewise a sequence; of a tuple a list, as in PyTorch."""
    if isinstance(model, tuple):
        return values
    try:
        if isinstance(model, MutableSequence):
            made = copy.copy(model)
            for place, value in enumerate(values):
                made[place] = value
            return made
        return cast("Collate", type(model))(values)
    except TypeError:
        return values


def _tensors(batch: Sequence[Tensor], **_: object) -> object:
    return stack(batch, 0)


def _arrays(batch: Sequence[Any], **_: object) -> object:
    if batch[0].dtype.kind in "SUO":
        raise TypeError(
            "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found an array of "
            f"{batch[0].dtype}"
        )
    return stack([as_tensor(each) for each in batch], 0)


def _array_numbers(batch: Sequence[object], **_: object) -> object:
    return as_tensor(np.asarray(batch))


def _floats(batch: Sequence[float], **_: object) -> object:
    return tensor(batch, dtype=dtypes.float64)


def _integers(batch: Sequence[int], **_: object) -> object:
    return tensor(batch)


def _texts(batch: Sequence[str | bytes], **_: object) -> object:
    return batch


default_collate_fn_map: dict[Kind, Collate] = {
    Tensor: _tensors,
    np.ndarray: _arrays,
    (np.bool_, np.number, np.object_): _array_numbers,
    float: _floats,
    int: _integers,
    str: _texts,
    bytes: _texts,
}
"""What ``default_collate`` does with each kind of sample; add a type of your own."""
