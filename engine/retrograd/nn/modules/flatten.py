"""Other shapes, as modules."""

from __future__ import annotations

from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor

__all__ = ["Flatten"]


class Flatten(Module):
    """Dimensions ``start_dim`` to ``end_dim`` as one; by default all but the batch's."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Reshape ``input``."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
