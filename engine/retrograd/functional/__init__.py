"""PyTorch's function surface, as compositions of primitives; every module here is found by walking the package."""

from __future__ import annotations

import importlib
import pkgutil

from retrograd.functional.surface import functions
from retrograd.ops.primitive import registry
from retrograd.tensor import Tensor

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
for _op in registry.values():
    if _op.public and _op.name not in functions:
        functions[_op.name] = _op.call
        if not hasattr(Tensor, _op.name):
            setattr(Tensor, _op.name, _op.call)
