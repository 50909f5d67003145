"""Weight normalisation by a hook, as older scripts ask for it; ``parametrizations.weight_norm`` is the newer way."""

from __future__ import annotations

import warnings
from typing import TypeVar

from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Parameter
from retrograd.nn.utils._norms import norm_except
from retrograd.tensor import Tensor

__all__ = ["remove_weight_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class WeightNorm:
    """The hook: before each forward the weight is made anew of its length and its direction."""

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Module) -> Tensor:
        """The weight."""
        length, direction = module.get_parameter(f"{self.name}_g"), module.get_parameter(f"{self.name}_v")
        return direction * (length / norm_except(direction, self.dim))

    def __call__(self, module: Module, inputs: object) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn the parameter ``name`` as its length ``name_g``, one for each place along ``dim`` (None: one in all), and
    its direction ``name_v``.

    Raises:
        RuntimeError: when it is done already.

    Source: Salimans and Kingma, "Weight normalization", 2016.
    """
    warnings.warn(
        "`nn.utils.weight_norm` is deprecated in favor of `nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    if _hook(module, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, -1 if dim is None else dim)
    weight = module.get_parameter(name)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_except(weight.detach(), hook.dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make ``name`` a parameter of its present contents again.

    Raises:
        ValueError: when ``weight_norm`` was not called for it.
    """
    key = _hook(module, name)
    if key is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    hook = module._forward_pre_hooks.pop(key)
    assert isinstance(hook, WeightNorm)
    weight = hook.compute_weight(module).detach()
    for each in (name, f"{name}_g", f"{name}_v"):
        delattr(module, each)
    setattr(module, name, Parameter(weight))
    return module


def _hook(module: Module, name: str) -> int | None:
    hooks = module._forward_pre_hooks.items()
    return next((key for key, hook in hooks if isinstance(hook, WeightNorm) and hook.name == name), None)
