"""Lets a script that was written for PyTorch run on our engine: what it imports as ``torch`` is the engine.

The engine has PyTorch's names, so ``torch.nn.functional`` is ``retrograd.nn.functional`` itself, not a copy of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from retrograd_events import tr

THEIRS, OURS = "torch", "retrograd"


def stand_in() -> None:
    """From here on ``import torch`` brings the engine, whether PyTorch is installed or not."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Answers for ``torch`` and everything below it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the engine's module of that name; ``ModuleNotFoundError`` where it has none."""
        if name != THEIRS and not name.startswith(f"{THEIRS}."):
            return None
        ours = OURS + name[len(THEIRS) :]
        try:
            module = importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name != ours:
                raise  # something that the engine itself needs
            raise ModuleNotFoundError(_missing(name, ours), name=name) from None
        return ModuleSpec(name, _Loader(module))


class _Loader(Loader):
    """Hands over a module that is loaded already, and leaves it as it was."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The engine's module."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run; the import system has put its own spec in, which is not the module's."""
        module.__spec__ = self._spec


def _missing(name: str, ours: str) -> str:
    """What to say of a module that the engine lacks, with what comes nearest where the engine knows it."""
    parent, _, child = ours.rpartition(".")
    try:
        getattr(importlib.import_module(parent), child)
    except AttributeError as error:
        return tr("{name} is not in Retrograd's engine: {reason}", name=name, reason=error)
    return tr("{name} is not a module of Retrograd's engine", name=name)
