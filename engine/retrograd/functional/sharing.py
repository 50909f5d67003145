"""Tensors in memory that other processes see."""

from __future__ import annotations

from retrograd.functional.surface import method
from retrograd.multiprocessing import shared
from retrograd.tensor import Tensor


@method
def share_memory_(self: Tensor) -> Tensor:
    """Move its storage, with all its views, to memory that processes it is sent to see as well; returns itself."""
    return shared.share(self)


@method
def is_shared(self: Tensor) -> bool:
    """Whether its memory can be seen by other processes."""
    return shared.is_shared(self)
