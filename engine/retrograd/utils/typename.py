"""A type's name as PyTorch's messages give it."""

from __future__ import annotations

from retrograd.tensor import Tensor

_KINDS = {
    "bfloat16": "BFloat16",
    "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
    "float16": "Half",
    "float32": "Float",
    "float64": "Double",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "bool": "Bool",
}


def typename(value: object) -> str:
    """``torch.FloatTensor`` for a tensor, else the class's name with its module's."""
    if isinstance(value, Tensor):
        place = "" if value.device.type == "cpu" else f"{value.device.type}."
        return f"torch.{place}{_KINDS[str(value.dtype).rpartition('.')[2]]}Tensor"
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
