"""``torch.backends.mps``: Apple's GPUs, which there is no array library for here."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can be made on ``mps``: never."""
    return False


def is_built() -> bool:
    """Whether the engine was built for it: never."""
    return False
