"""How numbers, times, bytes and shapes are written for a person, everywhere alike (window, command line, tool tips).

Values carry four significant digits and a true minus, and are never grouped; counts are whole and grouped. The full
value belongs in the tool tip and the clipboard: ``exact``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from retrograd_events.text import tr

MINUS = "−"
_DIGITS = 4
_SMALLEST_EXPONENT = -3
_WHOLE_FROM = 9999.5
_WHOLE_BELOW = 99999.5
_SHORT_DTYPES = {
    "float64": "f64",
    "float32": "f32",
    "float16": "f16",
    "bfloat16": "bf16",
    "complex64": "c64",
    "complex128": "c128",
    "int64": "i64",
    "int32": "i32",
    "int16": "i16",
    "int8": "i8",
    "uint8": "u8",
    "bool": "bool",
}


def number(value: float) -> str:
    """A value: ``2.543``, ``−0.004467``, ``−9.054e−04``, ``NaN``, ``+Inf``; ``0`` for exact zero only. Integers and
    booleans stay whole."""
    if isinstance(value, (bool, np.bool_)):
        return "True" if value else "False"
    if isinstance(value, (int, np.integer)):
        return _whole(int(value))
    return _real(float(value))


def _whole(value: int) -> str:
    text = str(abs(value)) if abs(value) < 10**12 else f"{abs(value):.3e}".replace("-", MINUS)
    return MINUS + text if value < 0 else text


def _real(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else MINUS + "Inf"
    if value == 0:
        return "0"
    if _WHOLE_FROM <= abs(value) < _WHOLE_BELOW:
        return f"{value:.0f}".replace("-", MINUS)
    text = f"{value:.{_DIGITS - 1}e}"
    exponent = int(text.partition("e")[2])
    if _SMALLEST_EXPONENT <= exponent < _DIGITS:
        text = f"{value:.{_DIGITS - 1 - exponent}f}"
    return text.replace("-", MINUS)


def tick(value: float) -> str:
    """A number on an axis: as ``number`` without trailing zeros (``5``, ``0.5``, ``1e−04``)."""
    text = number(value)
    mantissa, mark, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + mark + exponent


def exact(value: object) -> str:
    """The whole value as Python writes it, in the digits of its own type (``0.1`` for a float32), for tool tips and the
    clipboard."""
    if isinstance(value, np.generic):
        return str(value)
    return repr(value)


def count(value: int) -> str:
    """A count, grouped: ``100,224``."""
    return f"{value:,}".replace("-", MINUS)


def duration(nanoseconds: float) -> str:
    """A time: ``9.4 µs``, ``0.31 ms``, ``4.4 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if nanoseconds < 0:
        return MINUS + duration(-nanoseconds)
    if nanoseconds == 0:
        return "0"
    seconds = nanoseconds / 1e9
    if seconds >= 59.95:
        return _long(round(seconds))
    for factor, unit in ((1e3, "µs"), (1e6, "ms"), (1e9, "s")):
        amount = nanoseconds / factor
        if amount < 99.5 or unit == "s":
            return f"{_two_digits(amount)} {unit}"
    raise AssertionError("unreachable: the last unit always fits")


def _two_digits(amount: float) -> str:
    if amount >= 9.95:
        return f"{amount:.0f}"
    return f"{amount:.1f}" if amount >= 0.995 else f"{amount:.2f}"


def _long(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def byte_size(size: float) -> str:
    """Bytes in powers of 1000: ``512 B``, ``1.5 kB``, ``0.2 MB``, ``31.2 GB``."""
    if size < 100:
        return f"{size:.0f} B"
    for factor, unit in ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")):
        amount = size / factor
        if amount < 99.95 or unit == "TB":
            return f"{amount:.1f} {unit}"
    raise AssertionError("unreachable: the last unit always fits")


def percent(share: float) -> str:
    """A share of one: ``20 %``."""
    return f"{100 * share:.0f} %".replace("-", MINUS)


def shape(dims: Sequence[int]) -> str:
    """A shape: ``[100, 1]``; a scalar is ``[]``."""
    return "[" + ", ".join(str(size) for size in dims) + "]"


def short_dtype(dtype: str) -> str:
    """``float32`` as it stands on a card: ``f32``."""
    return _SHORT_DTYPES.get(dtype, dtype)


def tensor(dims: Sequence[int], dtype: str, device: str = "") -> str:
    """Shape, type and place in a line: ``[100, 1] float32 cpu``."""
    return " ".join(part for part in (shape(dims), dtype, device) if part)


def line(number: int) -> str:
    """``line 21``."""
    return tr("line {number}", number=number)
