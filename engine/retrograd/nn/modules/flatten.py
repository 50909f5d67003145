"""Other shapes, as modules."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor

__all__ = ["Flatten", "Unflatten"]


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


class Unflatten(Module):
    """Dimension ``dim`` as several of the lengths ``unflattened_size``, of which one may be -1.

    Raises:
        TypeError: when a length is no integer.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        given: object = unflattened_size
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"unflattened_size must be a tuple of ints, but found type {type(given).__name__}")
        for place, length in enumerate(given):
            if not isinstance(length, int):
                found = f"element of type {type(length).__name__} at pos {place}"
                raise TypeError(f"unflattened_size must be tuple of ints, but found {found}")
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """Reshape ``input``."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
