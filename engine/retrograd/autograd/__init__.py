"""Differentiation: the graph, the backward pass, grad mode. Read ``backward_pass.py`` first."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from retrograd.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

if TYPE_CHECKING:
    from retrograd.autograd.anomaly import detect_anomaly, set_detect_anomaly
    from retrograd.autograd.engine import backward, grad
    from retrograd.autograd.function import Function
    from retrograd.autograd.numeric import gradcheck, gradgradcheck
    from retrograd.tensor import Tensor as Variable

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "gradcheck", "gradgradcheck",
    "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "set_detect_anomaly",
    "set_grad_enabled",
]  # fmt: skip

_LATER = {
    "Function": "retrograd.autograd.function",
    "Variable": "retrograd.tensor",
    "backward": "retrograd.autograd.engine",
    "detect_anomaly": "retrograd.autograd.anomaly",
    "grad": "retrograd.autograd.engine",
    "gradcheck": "retrograd.autograd.numeric",
    "gradgradcheck": "retrograd.autograd.numeric",
    "set_detect_anomaly": "retrograd.autograd.anomaly",
}
_MODULES = ("anomaly", "forward_ad", "function", "functional", "graph")


def __getattr__(name: str) -> object:
    """What is made of tensors comes at first use: tensors are made of this package's nodes."""
    home = _LATER.get(name)
    if home is not None:
        module = importlib.import_module(home)
        found: object = getattr(module, "Tensor" if name == "Variable" else name)
        globals()[name] = found  # a function of a module's name must win over the module that its import leaves here
        return found
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    from retrograd.missing import missing

    raise missing(__name__, name, __all__)
