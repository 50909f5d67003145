"""All parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

from retrograd.functional.join import cat
from retrograd.tensor import Tensor
from retrograd.utils.typename import typename

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after another.

    Raises:
        TypeError: when they lie on several devices.
    """
    found = list(parameters)
    _check_devices(found)
    return cat([each.reshape(-1) for each in found])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let the parameters be parts of ``vec``, one after another.

    Raises:
        TypeError: when ``vec`` is no tensor, or the parameters lie on several devices.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    found = list(parameters)
    _check_devices(found)
    start = 0
    for each in found:
        each.data = vec[start : start + each.numel()].view(each.shape).data
        start += each.numel()


def _check_devices(tensors: list[Tensor]) -> None:
    devices = {str(each.device) for each in tensors}
    if len(devices) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported: " + ", ".join(sorted(devices))
        )
