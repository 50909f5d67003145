"""Spectral normalisation by a hook, as older scripts ask for it; ``parametrizations.spectral_norm`` is newer."""

from __future__ import annotations

from typing import TypeVar, cast

from retrograd.functional.views import adjoint
from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Parameter
from retrograd.nn.utils._norms import as_matrix, iterate, largest, outputs_dim, random_direction
from retrograd.tensor import Tensor

__all__ = ["remove_spectral_norm", "spectral_norm"]

M = TypeVar("M", bound=Module)


class SpectralNorm:
    """The hook: before each forward the weight is divided by its largest singular value, which a step of the power
    method follows in training."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight."""
        weight = cast("Tensor", getattr(module, f"{self.name}_orig"))
        u, v = module.get_buffer(f"{self.name}_u"), module.get_buffer(f"{self.name}_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            iterate(adjoint(matrix), v, u, self.n_power_iterations, self.eps)  # v moves first here, as in PyTorch
        return weight / largest(matrix, u, v)

    def __call__(self, module: Module, inputs: object) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide the parameter ``name`` by its largest singular value; what is learned is ``name_orig``.

    Args:
        n_power_iterations: steps of the power method at each forward in training.
        eps: lengths are at least that.
        dim: the dimension of the outputs (default: 0, of transposed convolutions 1).

    Raises:
        RuntimeError: when it is done already.
        ValueError: for a number of steps that is not positive.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
    """
    if _hook(module, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, outputs_dim(module) if dim is None else dim, eps)
    weight = module.get_parameter(name)
    matrix = as_matrix(weight.detach(), hook.dim)
    u, v = random_direction(matrix, 0, eps), random_direction(matrix, 1, eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make ``name`` a parameter of its present contents again.

    Raises:
        ValueError: when ``spectral_norm`` was not called for it.
    """
    key = _hook(module, name)
    if key is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    hook = module._forward_pre_hooks.pop(key)
    assert isinstance(hook, SpectralNorm)
    weight = hook.compute_weight(module, do_power_iteration=False).detach()
    for each in (name, f"{name}_u", f"{name}_v", f"{name}_orig"):
        delattr(module, each)
    module.register_parameter(name, Parameter(weight))
    return module


def _hook(module: Module, name: str) -> int | None:
    hooks = module._forward_pre_hooks.items()
    return next((key for key, hook in hooks if isinstance(hook, SpectralNorm) and hook.name == name), None)
