"""The old names of tensors of one dtype (``FloatTensor``, ``LongTensor``), and ``Tensor.type``."""

from __future__ import annotations

from typing import ClassVar

from retrograd.dtypes import PUBLIC
from retrograd.dtypes import dtype as DType
from retrograd.functional.convert import to
from retrograd.functional.create import empty, tensor
from retrograd.functional.surface import function, method
from retrograd.tensor import Tensor

_NAMES = {
    "HalfTensor": "float16", "BFloat16Tensor": "bfloat16", "FloatTensor": "float32", "DoubleTensor": "float64",
    "ByteTensor": "uint8", "CharTensor": "int8", "ShortTensor": "int16", "IntTensor": "int32", "LongTensor": "int64",
    "BoolTensor": "bool", "ComplexFloatTensor": "complex64", "ComplexDoubleTensor": "complex128",
}  # fmt: skip


class _Kind(type):
    """A class whose instances are the tensors of a dtype."""

    dtype: DType

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Tensor) and value.dtype is cls.dtype

    def __call__(cls, *arguments: object) -> Tensor:
        """Of lengths, an uninitialised tensor; of data, a copy of it in the dtype."""
        if len(arguments) == 1 and not isinstance(arguments[0], int):
            return tensor(arguments[0], dtype=cls.dtype)
        return empty(*(arguments or (0,)), dtype=cls.dtype)


class _Typed(metaclass=_Kind):
    """What the named classes are made from."""

    dtype: ClassVar[DType]


_by_name: dict[str, DType] = {name: PUBLIC[kind] for name, kind in _NAMES.items()}
for _name, _dtype in _by_name.items():
    function(_Kind(_name, (_Typed,), {"dtype": _dtype, "__doc__": f"Tensors of {_dtype.name}."}))


@method
def type(self: Tensor, dtype: DType | str | _Kind | None = None, non_blocking: bool = False) -> str | Tensor:
    """The old name of this tensor's dtype (``torch.FloatTensor``); with a dtype, its name or class: converted to it."""
    if dtype is None:
        return f"torch.{next(name for name, kind in _by_name.items() if kind is self.dtype)}"
    if isinstance(dtype, str):
        found = _by_name.get(dtype.rpartition(".")[2])
        if found is None:
            raise ValueError(f"invalid type: '{dtype}'; there are {', '.join(f'torch.{name}' for name in _by_name)}")
        return to(self, found)
    return to(self, dtype.dtype if isinstance(dtype, _Kind) else dtype)
