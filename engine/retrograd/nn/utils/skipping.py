"""Modules without starting values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from retrograd.nn.modules.module import Module
from retrograd.random import default_generator

M = TypeVar("M", bound=Module)


def skip_init(module_cls: Callable[..., M], *args: object, **kwargs: object) -> M:
    """``module_cls(*args, **kwargs)`` whose parameters hold what they happen to hold: no random number is used up.

    Raises:
        RuntimeError: when it is no class of modules.

    Source: ``torch.nn.utils.skip_init``.
    """
    kind: object = module_cls
    if not (isinstance(kind, type) and issubclass(kind, Module)):
        raise RuntimeError(f"Expected a Module; got {kind}")
    before = default_generator.get_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        default_generator.set_state(before)
