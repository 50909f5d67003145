"""What elementwise ops do before they compute when their inputs differ in kind: devices, dtypes, shapes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrograd.devices import Device
from retrograd.dtypes import FLOATING, dtype, get_default_dtype, number_dtype, promote_types
from retrograd.meta import Array, Meta
from retrograd.tensor import Tensor
from retrograd_events.text import tr

NUMBERS = (bool, int, float, complex, np.number, np.bool_)


def common_device(name: str, inputs: Sequence[object]) -> Device:
    """The device that all tensors among ``inputs`` share; a 0-dimensional tensor of the host may join any other."""
    found: Device | None = None
    weak: Device | None = None
    for each in inputs:
        if not isinstance(each, Tensor):
            continue
        device = each._meta.device
        if each._meta.scalar and device.type == "cpu":
            weak = device
        elif found is None:
            found = device
        elif found is not device:
            raise RuntimeError(
                tr(
                    "Expected all tensors to be on the same device, but {op} got {first} and {second}",
                    op=name, first=str(found), second=str(device),
                )
            )  # fmt: skip
    chosen = found or weak
    if chosen is None:
        raise TypeError(f"{name}(): expected a Tensor, got {', '.join(type(each).__name__ for each in inputs)}")
    return chosen


def _combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """PyTorch's rule: the kind that counts less can only raise the category."""
    if higher is None or lower is None:
        return higher or lower
    if higher.category >= lower.category:
        return higher
    return promote_types(higher, lower)


def result_type(*inputs: object) -> dtype:
    """The dtype of an elementwise result: tensors with dimensions count before 0-dimensional ones, those before
    numbers; what counts less decides only if its category is higher."""
    with_dims: dtype | None = None
    without: dtype | None = None
    numbers: dtype | None = None
    for each in inputs:
        if isinstance(each, Tensor):
            kind = each._meta.dtype
            if each._meta.scalar:
                without = kind if without is None else promote_types(without, kind)
            else:
                with_dims = kind if with_dims is None else promote_types(with_dims, kind)
        else:
            kind = number_dtype(each)
            numbers = kind if numbers is None else promote_types(numbers, kind)
    found = _combine(with_dims, _combine(without, numbers))
    assert found is not None
    return found


def prepare(name: str, result: str, inputs: Sequence[object]) -> tuple[list[object], Device, dtype]:
    """Arrays (and numbers) to compute with, the device, and the dtype of what is computed."""
    for each in inputs:
        if not isinstance(each, (Tensor, *NUMBERS)):
            raise TypeError(
                f"{name}(): expected a Tensor or a number, got {type(each).__name__}"
                + ("; wrap it in retrograd.tensor(...)" if isinstance(each, (np.ndarray, list, tuple)) else "")
            )
    device = common_device(name, inputs)
    kind = result_type(*inputs)
    if result in ("float", "angle") and kind.category < FLOATING:
        kind = get_default_dtype()
    working = kind.working
    ready: list[object] = []
    for each in inputs:
        if isinstance(each, Tensor):
            array: Array = each._data
            if each._meta.device is not device:
                array = device.from_host(array)
            ready.append(array if array.dtype == working else array.astype(working))
        else:
            ready.append(np.asarray(each).astype(working)[()] if kind.category != FLOATING else each)
    return ready, device, kind


def input_metas(inputs: Sequence[object], out: Meta) -> tuple[Meta | None, ...] | None:
    """The inputs' metas, for gradients to be brought back to; None where all tensors are of the output's kind. (With
    one that is not, a rule may give the others' gradients in a wider type.)"""
    special = out.rank < 0  # rules may then give another type than they were given
    metas = tuple(each._meta if isinstance(each, Tensor) else None for each in inputs)
    return metas if any(each is not None and (special or each != out) for each in metas) else None
