"""``torch.backends.cudnn``: switches that scripts set. CuPy computes without cuDNN, with the same bits each time."""

from __future__ import annotations

enabled = False
deterministic = True
benchmark = False
allow_tf32 = False


def is_available() -> bool:
    """Whether cuDNN is used: never."""
    return False


def version() -> int | None:
    """cuDNN's version: none."""
    return None
