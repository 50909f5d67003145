"""Special functions: PyTorch's ``torch.special``. The functions are declared in ``retrograd.functional``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrograd.functional.surface import namespaces
from retrograd.missing import missing
from retrograd.tensor import Tensor

__all__: list[str] = []

if not TYPE_CHECKING:
    globals().update(namespaces["special"])
    __all__ += [*namespaces["special"]]  # noqa: PLE0604  names


def __getattr__(name: str) -> Callable[..., Tensor]:
    """For what there is not, an error that names the nearest."""
    raise missing("retrograd.special", name, globals())
