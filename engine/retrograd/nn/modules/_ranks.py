"""The answer to an input of the wrong rank: an error that names the layer, what it takes and what came."""

from __future__ import annotations

from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor


def need_rank(module: Module, input: Tensor, *ranks: int) -> None:
    """Refuse ``input`` unless it has one of ``ranks`` dimensions.

    Raises:
        ValueError: naming the module, the ranks, and the input's rank and shape.
    """
    if input.ndim not in ranks:
        wanted = " or ".join(f"{rank}D" for rank in ranks)
        raise ValueError(
            f"{module._get_name()}: expected {wanted} input (got {input.ndim}D input of shape {tuple(input.shape)})"
        )
