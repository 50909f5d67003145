"""Coloured cells as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage


class CellImage:
    """A picture of one pixel a cell; it keeps the memory that Qt paints from."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        """``rgb``: (rows, columns, 3)."""
        rows, columns, _ = rgb.shape
        alpha = np.full((rows, columns, 1), 255, np.uint8)
        self._buffer = np.ascontiguousarray(np.concatenate([rgb[:, :, ::-1], alpha], axis=2))
        self.image = QImage(self._buffer.data, columns, rows, columns * 4, QImage.Format.Format_ARGB32)


def rgb_of(color: str) -> list[int]:
    """A colour token's value as red, green and blue."""
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]
