"""Recorded bytes as arrays, without the engine: dtypes that NumPy lacks are widened to one that it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NATIVE = frozenset(("bool", "complex64", "complex128", "float16", "float32", "float64")) | frozenset(
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
)


def from_bytes(data: bytes, dtype: str, shape: tuple[int, ...] | None) -> NDArray[np.generic] | None:
    """The array that ``data`` holds in C order (``shape`` None: flat); None when they don't fit together.

    bfloat16 comes back as float32, which holds each of its values exactly.
    """
    try:
        if dtype == "bfloat16":
            halves = np.frombuffer(data, np.uint16).astype(np.uint32) << np.uint32(16)
            array: NDArray[np.generic] = halves.view(np.float32)
        elif dtype in _NATIVE:
            array = np.frombuffer(data, np.dtype(dtype))
        else:
            return None
        return array if shape is None else array.reshape(shape)
    except ValueError:
        return None
