"""Leaving the graph, other dtypes and devices, overwriting."""

from __future__ import annotations

from retrograd.autograd.node import AccumulateGrad
from retrograd.autograd.versions import versions_of
from retrograd.devices import Device, cpu
from retrograd.devices import device as find_device
from retrograd.dtypes import PUBLIC
from retrograd.dtypes import dtype as DType
from retrograd.functional.surface import both, function, method
from retrograd.layouts import memory_format as MemoryFormat
from retrograd.lifting import Lifted
from retrograd.meta import Array
from retrograd.ops import fill as filling
from retrograd.ops.cast import to_copy
from retrograd.ops.inplace import recorded_change
from retrograd.tensor import Tensor, wrap
from retrograd_events.tap import tap


@both
def detach(input: Tensor) -> Tensor:
    """The same storage and version counter, outside the graph."""
    if isinstance(input, Lifted):
        return input.detach()
    listener = tap.listener
    started = 0 if listener is None else listener.op_starting("detach", (input,), {})
    made = wrap(input._data.view(), input._meta, None)
    made._cell = versions_of(input)
    if listener is not None:
        listener.op_applied("detach", (input,), {}, (made,), started, 1)
    return made


@method
def detach_(self: Tensor) -> Tensor:
    """Leave the graph, in place."""
    if self._base is not None:
        raise RuntimeError("Can't detach views in-place. Use detach() instead.")
    if not isinstance(self._node, AccumulateGrad):
        self._node = None
    else:
        self.requires_grad_(False)
    return self


@method
def to(self: Tensor, *arguments: object, dtype: DType | None = None, device: str | Device | None = None,
       copy: bool = False, non_blocking: bool = False,
       memory_format: MemoryFormat | None = None) -> Tensor:  # fmt: skip
    """In another dtype, on another device (or like another tensor); itself when nothing changes."""
    place: Device | None = None if device is None else find_device(device)
    kind = dtype
    for each in arguments:
        if isinstance(each, DType):
            kind = each
        elif isinstance(each, Tensor):
            kind, place = each.dtype, each.device
        elif isinstance(each, (str, int, Device)) and not isinstance(each, bool):
            place = find_device(each)
        elif each is not None and not isinstance(each, bool):
            raise TypeError(f"to(): expected a dtype, a device or a tensor, got {type(each).__name__}")
    kind = kind or self.dtype
    place = place or self.device
    result = self
    if place is not self.device:
        result = _moved(result, place)
    if kind is not result.dtype:
        result = to_copy.call(result, dtype=kind)
    wants_copy = copy or [each for each in arguments if isinstance(each, bool)][1:2] == [True]  # to(other, block, copy)
    return result.clone() if wants_copy and result is self else result


def _moved(self: Tensor, place: Device) -> Tensor:
    from retrograd.functional.transfer import move

    return move(self, place)


def _to_host(self: Tensor) -> Tensor:
    """On the host."""
    return to(self, cpu)


@method
def cuda(self: Tensor, device: str | int | Device | None = None) -> Tensor:
    """On a GPU."""
    return to(self, find_device("cuda" if device is None else device))


setattr(Tensor, "cpu", _to_host)  # noqa: B010  ``cpu`` is the device in this module


def _converter(kind: DType) -> object:
    def convert(self: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor:
        return to(self, kind)

    convert.__doc__ = f"In {kind.name}."
    return convert


_BY_METHOD = {
    **{name: PUBLIC[name] for name in ("half", "float", "double", "short", "int", "long", "bool", "bfloat16")},
    **{name: PUBLIC[name] for name in ("cfloat", "cdouble")}, "byte": PUBLIC["uint8"], "char": PUBLIC["int8"],
}  # fmt: skip
for _name, _kind in _BY_METHOD.items():
    setattr(Tensor, _name, _converter(_kind))


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """In ``other``'s dtype."""
    return to(self, other.dtype)


@method
def copy_(self: Tensor, src: Tensor) -> Tensor:
    """Overwrite with ``src`` (broadcast, cast)."""
    source = src if src.dtype is self.dtype and src.device is self.device else to(src, self.device, self.dtype)
    try:
        source._meta.xp.broadcast_to(source._data, self.shape)
    except ValueError:
        raise RuntimeError(
            f"The expanded size of the tensor {list(self.shape)} must match the existing size {list(src.shape)}"
        ) from None
    return recorded_change(filling.copy.op, self, (source,), {}, filling.store)


@both
def fill_(self: Tensor, value: object) -> Tensor:
    """Overwrite every element with a number."""
    number = value.item() if isinstance(value, Tensor) else value
    return recorded_change(filling.fill.op, self, (number,), {}, filling.store)


def _store_zero(target: Array, source: object) -> None:
    target[...] = 0


@both
def zero_(self: Tensor) -> Tensor:
    """Overwrite every element with 0."""
    return recorded_change(filling.fill.op, self, (0,), {}, _store_zero)


@function
def fill(input: Tensor, value: object) -> Tensor:
    """A copy with every element ``value`` (a number or a tensor of no dimensions)."""
    return input.clone().fill_(value)
