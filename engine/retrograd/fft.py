"""Discrete Fourier transforms: PyTorch's ``torch.fft``. The functions are declared in ``retrograd.functional``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrograd.functional.surface import namespaces
from retrograd.missing import missing
from retrograd.tensor import Tensor

__all__: list[str] = []

if not TYPE_CHECKING:
    globals().update(namespaces["fft"])
    __all__ += [*namespaces["fft"]]  # noqa: PLE0604  names


def __getattr__(name: str) -> Callable[..., Tensor]:
    """For what there is not, an error that names the nearest."""
    raise missing("retrograd.fft", name, globals())
