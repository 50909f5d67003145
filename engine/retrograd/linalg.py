"""Linear algebra: PyTorch's ``torch.linalg``. The functions are declared in ``retrograd.functional``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrograd.functional.surface import namespaces
from retrograd.missing import missing
from retrograd.ops.errors import LinAlgError
from retrograd.tensor import Tensor

__all__ = ["LinAlgError"]

if not TYPE_CHECKING:
    globals().update(namespaces["linalg"])
    __all__ += [*namespaces["linalg"]]  # noqa: PLE0604  names


def __getattr__(name: str) -> Callable[..., Tensor]:
    """For what there is not, an error that names the nearest."""
    raise missing("retrograd.linalg", name, globals())
