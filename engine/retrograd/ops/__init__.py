"""The primitives, one family a file; every module here is found by walking the package."""

from __future__ import annotations

import importlib
import pkgutil

from retrograd.ops.dispatch import freeze
from retrograd.ops.primitive import registry

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
for _op in registry.values():
    freeze(_op)
