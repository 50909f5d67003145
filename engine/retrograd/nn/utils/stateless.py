"""Modules as functions, by their older name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from retrograd.func import modules
from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``func.functional_call``, which PyTorch prefers."""
    warnings.warn(
        "`nn.utils.stateless.functional_call` is deprecated; please use `func.functional_call` instead.",
        FutureWarning,
        stacklevel=2,
    )
    return modules.functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
