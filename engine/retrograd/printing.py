"""How a tensor prints: as PyTorch prints it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retrograd.dtypes import BOOL, get_default_dtype, int64

if TYPE_CHECKING:
    from retrograd.meta import Array
    from retrograd.tensor import Tensor

THRESHOLD = 1000
EDGE = 3
WIDTH = 80


def show(tensor: Tensor) -> str:
    """``tensor([...], dtype=..., grad_fn=<...>)``."""
    array = tensor.device.to_host(tensor._data)
    name = "Parameter containing:\ntensor(" if type(tensor).__name__ == "Parameter" else "tensor("
    indent = len("tensor(")
    suffixes: list[str] = []
    default = (get_default_dtype(), int64)
    plain = tensor.dtype in default or tensor.dtype.category == BOOL
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    if array.size == 0:
        if tensor.ndim != 1:
            suffixes.append(f"size={tuple(tensor.shape)}")
        if tensor.dtype is not get_default_dtype():
            suffixes.append(f"dtype={tensor.dtype!r}")
        body = "[]"
    else:
        if not plain:
            suffixes.append(f"dtype={tensor.dtype!r}")
        body = _body(array, indent, array.size > THRESHOLD)
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return _joined(name, body, suffixes, indent)


def _joined(name: str, body: str, suffixes: list[str], indent: int) -> str:
    text = name + body
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > WIDTH:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text + ")"


def _body(array: Array, indent: int, summarize: bool) -> str:
    shown = _summary(array) if summarize else array
    form = _formatter(shown)
    return _rows(array, indent, summarize, form)


def _summary(array: Array) -> Array:
    for axis, length in enumerate(array.shape):
        if length > 2 * EDGE:
            keep = [*range(EDGE), *range(length - EDGE, length)]
            array = array.take(keep, axis)
    return array


def _formatter(array: Array) -> Callable[[object], str]:
    if array.dtype == np.bool_ or array.dtype.kind in "iu":
        width = max((len(_whole(each)) for each in array.reshape(-1).tolist()), default=1)
        return lambda each: _whole(each).rjust(width)
    if array.dtype.kind == "c":
        return _complex_formatter(array)
    values = array.astype(np.float64).reshape(-1)
    finite = np.abs(values[np.isfinite(values) & (values != 0)])
    if finite.size == 0:
        return _padded(lambda each: _special(each) or "0.", values)
    biggest, smallest = float(finite.max()), float(finite.min())
    if bool((finite == np.ceil(finite)).all()):
        if biggest / smallest > 1000 or biggest > 1e8:
            return _padded(lambda each: _special(each) or f"{each:.4e}", values)
        return _padded(lambda each: _special(each) or f"{each:.0f}.", values)
    if biggest / smallest > 1000 or biggest > 1e8 or smallest < 1e-4:
        return _padded(lambda each: _special(each) or f"{each:.4e}", values)
    return _padded(lambda each: _special(each) or f"{each:.4f}", values)


def _complex_formatter(array: Array) -> Callable[[object], str]:
    real, imaginary = _formatter(array.real.reshape(-1)), _formatter(np.abs(array.imag.reshape(-1)))

    def form(each: object) -> str:
        number = complex(each)  # type: ignore[call-overload]  # a number of the array
        sign = "-" if math.copysign(1.0, number.imag) < 0 else "+"
        return f"{real(number.real)}{sign}{imaginary(abs(number.imag)).strip()}j"

    return form


def _special(each: float) -> str:
    if math.isnan(each):
        return "nan"
    return ("inf" if each > 0 else "-inf") if math.isinf(each) else ""


def _padded(form: Callable[[float], str], values: Array) -> Callable[[object], str]:
    width = max(len(form(each)) for each in values.tolist())
    return lambda each: form(float(each)).rjust(width)  # type: ignore[arg-type]  # a number of the array


def _whole(each: object) -> str:
    return str(each)


def _rows(array: Array, indent: int, summarize: bool, form: Callable[[object], str]) -> str:
    if array.ndim == 0:
        return form(array.item())
    if array.ndim == 1:
        return _row(array, indent, summarize, form)
    if summarize and array.shape[0] > 2 * EDGE:
        parts = [_rows(array[place], indent + 1, summarize, form) for place in range(EDGE)]
        parts.append("...")
        last = range(array.shape[0] - EDGE, array.shape[0])
        parts += [_rows(array[place], indent + 1, summarize, form) for place in last]
    else:
        parts = [_rows(each, indent + 1, summarize, form) for each in array]
    between = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + between.join(parts) + "]"


def _row(array: Array, indent: int, summarize: bool, form: Callable[[object], str]) -> str:
    values = (array if array.dtype.kind in "biufc" else array.astype(np.float32)).tolist()
    if summarize and len(values) > 2 * EDGE:
        texts = [form(each) for each in values[:EDGE]] + [" ..."] + [form(each) for each in values[-EDGE:]]
    else:
        texts = [form(each) for each in values]
    width = max((len(each) for each in texts), default=1) + 2
    a_line = max(1, (WIDTH - indent) // width)
    lines = [texts[at : at + a_line] for at in range(0, len(texts), a_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(", ".join(line) for line in lines) + "]"
