"""Retrograd's engine: PyTorch's names and semantics on NumPy, debuggable by construction.

``import retrograd as torch`` is the intended first line. Functions come from ``retrograd.ops`` (primitives) and
``retrograd.functional`` (compositions); both are found by walking the packages, so nothing is listed here.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

# NumPy warns where PyTorch gives inf or nan in silence; only calls made from the engine's own lines are meant
warnings.filterwarnings(
    "ignore", r"(divide by zero|invalid value|overflow|underflow) encountered", RuntimeWarning, r"retrograd\."
)

from retrograd import autograd, dtypes, layouts  # noqa: E402
from retrograd.autograd.mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled  # noqa: E402
from retrograd.devices import Device, device  # noqa: E402
from retrograd.dtypes import (  # noqa: E402
    can_cast,
    dtype,
    finfo,
    get_default_dtype,
    iinfo,
    promote_types,
    set_default_dtype,
)  # fmt: skip
from retrograd.layouts import layout, memory_format  # noqa: E402
from retrograd.meta import Size  # noqa: E402
from retrograd.missing import missing as _missing  # noqa: E402
from retrograd.random import Generator, default_generator  # noqa: E402
from retrograd.tensor import Tensor  # noqa: E402

ops = importlib.import_module("retrograd.ops")
functional = importlib.import_module("retrograd.functional")
importlib.import_module("retrograd.nn.functional")  # some of its functions are also retrograd's own
importlib.import_module("retrograd.serialization")
from retrograd.functional.surface import functions as _functions  # noqa: E402
from retrograd.ops.promotion import result_type  # noqa: E402

__version__ = "0.1.0"
__all__ = [
    "Device", "Generator", "Size", "Tensor", "autograd", "can_cast", "default_generator", "device", "dtype",
    "enable_grad", "finfo", "get_default_dtype", "iinfo", "is_grad_enabled", "layout", "memory_format", "no_grad",
    "promote_types", "result_type", "set_default_dtype", "set_grad_enabled",
]  # fmt: skip

if not TYPE_CHECKING:
    globals().update(_functions)
    globals().update(dtypes.PUBLIC)
    globals().update(layouts.PUBLIC)
    inf, nan, pi, e = math.inf, math.nan, math.pi, math.e
    __all__ += [*_functions, *dtypes.PUBLIC, *layouts.PUBLIC]  # noqa: PLE0604  names


def __getattr__(name: str) -> Callable[..., Tensor]:
    """Subpackages at first use; for what there is not, an error that names the nearest."""
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")  # type: ignore[return-value]  # a module
    raise _missing("retrograd", name, globals())
