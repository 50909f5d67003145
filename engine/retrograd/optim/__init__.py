"""Optimizers under PyTorch's name ``torch.optim``: one a file, found by walking this package."""

from __future__ import annotations

import importlib
import pkgutil

from retrograd.missing import missing
from retrograd.optim.optimizer import Optimizer


def _find() -> dict[str, type[Optimizer]]:
    found: dict[str, type[Optimizer]] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            source = f"{__name__}.{module.name}"
            found |= {
                name: kind
                for name, kind in vars(importlib.import_module(source)).items()
                if isinstance(kind, type) and issubclass(kind, Optimizer) and kind.__module__ == source
            }
    return found


_optimizers = _find()
globals().update(_optimizers)

__all__ = sorted(_optimizers)  # noqa: PLE0605  # what the walk found


def __getattr__(name: str) -> type[Optimizer]:
    raise missing(__name__, name, _optimizers)
