"""``torch.backends.cuda``: whether GPUs can be used at all."""

from __future__ import annotations

import importlib.util


def is_built() -> bool:
    """Whether CuPy is installed, with which the engine uses GPUs."""
    return importlib.util.find_spec("cupy") is not None
