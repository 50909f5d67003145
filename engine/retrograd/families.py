"""Public names that the modules of a package declare, one family a file: a new file needs no other line."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable


def declared(package: str, path: Iterable[str]) -> dict[str, object]:
    """Every name in the ``__all__`` of the modules of ``package``, whose folders are ``path``; private ones apart.

    Raises:
        ValueError: when two of them declare one name.
    """
    found: dict[str, object] = {}
    for each in pkgutil.iter_modules(path):
        if each.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package}.{each.name}")
        for name in module.__all__:
            value = getattr(module, name)
            if found.setdefault(name, value) is not value:
                raise ValueError(f"{package} has two things named {name}; one is in {each.name}.py")
    return found
