"""The answer to an input of the wrong rank. What calls the module adds which it was, and the input's shape."""

from __future__ import annotations

from retrograd.tensor import Tensor


def need_rank(input: Tensor, *ranks: int) -> None:
    """Refuse ``input`` unless it has one of ``ranks`` dimensions.

    Raises:
        ValueError: naming the ranks, and the input's.
    """
    if input.ndim not in ranks:
        raise ValueError(f"expected {' or '.join(f'{rank}D' for rank in ranks)} input (got {input.ndim}D input)")
