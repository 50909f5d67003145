"""Reading a parameter group as a person writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.tensor import Tensor
from retrograd.utils.typename import typename


class _Required:
    """The default of an option that has none."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def read_params(group: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Make ``group["params"]`` a list of tensors, ``param_names`` their names where they came with names, and set the
    options that the group leaves to the defaults.

    Raises:
        TypeError: when the group is no dictionary or its parameters are a set or no tensors.
        ValueError: when one is not a leaf, only some have names, or an option without default is missing.
    """
    if not isinstance(group, dict):
        raise TypeError(f"param_group must be a dict, but got {type(group)}")
    params = group["params"]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    params = [params] if isinstance(params, Tensor) else list(params)
    names = [entry[0] for entry in params if isinstance(entry, tuple)]
    if names:
        if len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        params = [entry[1] for entry in params]
        group["param_names"] = names
    group["params"] = params
    for tensor in params:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {typename(tensor)}")
        if not (defaults.get("differentiable") or tensor.is_leaf or tensor.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")
    for name, default in defaults.items():
        if default is required and name not in group:
            raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
        group.setdefault(name, default)
