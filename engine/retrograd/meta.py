"""What kind of tensor: shape, dtype and device as one shared object."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from retrograd.dtypes import FLOATING, bool_, dtype, from_numpy_dtype

if TYPE_CHECKING:
    from retrograd.devices import Device, Namespace

Array = np.ndarray[Any, np.dtype[Any]]
"""A device's array; NumPy's type stands for all of them."""


class Size(tuple[int, ...]):
    """A shape; prints as PyTorch's."""

    __slots__ = ()

    def numel(self) -> int:
        """Number of elements."""
        count = 1
        for length in self:
            count *= length
        return count

    @overload  # type: ignore[override]  # a slice of a shape is a shape
    def __getitem__(self, index: builtins.int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __getitem__(self, index: builtins.int | slice) -> int | Size:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(found, tuple) else found

    def __repr__(self) -> str:
        return f"retrograd.Size([{', '.join(map(str, self))}])"


class Meta:
    """Shape, dtype and device of a tensor.

    Equal ones are one object (as long as their device remembers them), so that the usual case of an elementwise op,
    two tensors of one kind, is one pointer comparison. Where it matters, equality is still decided by value.

    ``floating``: of a type that can have a gradient. ``rank``: the dtype's category where an op may simply be computed
    in the dtype itself, -1 where more is to be done: complex numbers, and those stored in less than 32 bits.
    """

    __slots__ = (
        "_bool", "category", "device", "dtype", "floating", "numel", "numpy_dtype", "rank", "scalar", "shape", "xp",
    )  # fmt: skip

    def __init__(self, shape: tuple[int, ...], dtype: dtype, device: Device) -> None:
        self.shape = Size(shape)
        self.dtype = dtype
        self.device = device
        self.xp: Namespace = device.xp
        self.numpy_dtype = dtype.numpy
        self.category = dtype.category
        self.rank = -1 if dtype.is_complex or dtype.narrow else dtype.category
        self.floating = dtype.category >= FLOATING
        self.scalar = not shape
        self.numel = self.shape.numel()
        self._bool: Meta | None = None

    @property
    def as_bool(self) -> Meta:
        """The same shape on the same device with booleans: what a comparison gives."""
        if self._bool is None:
            self._bool = find(self.shape, bool_, self.device)
        return self._bool

    @property
    def nbytes(self) -> int:
        """Bytes that a dense tensor of this kind holds."""
        return self.numel * self.dtype.itemsize

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Meta)
            and self.shape == other.shape
            and self.dtype is other.dtype
            and self.device is other.device
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype.name, self.device))

    def __repr__(self) -> str:
        return f"{self.dtype.name} {list(self.shape)} {self.device}"


REMEMBERED = 4096
"""How many kinds a device remembers; a program whose shapes never repeat must not grow by them."""


def meta_of(array: Array, device: Device) -> Meta:
    """The meta of ``array``, which lives on ``device``."""
    return device.metas.get((array.shape, array.dtype)) or _remember(array.shape, array.dtype, device)


def find(shape: tuple[int, ...], dtype: dtype, device: Device) -> Meta:
    """The meta of these facts."""
    return device.metas.get((shape, dtype.numpy)) or _remember(shape, dtype.numpy, device)


def _remember(shape: tuple[int, ...], numpy_dtype: np.dtype[Any], device: Device) -> Meta:
    if len(device.metas) >= REMEMBERED:
        device.metas.clear()
    made = Meta(tuple(shape), from_numpy_dtype(numpy_dtype), device)
    device.metas[made.shape, numpy_dtype] = made
    return made
