"""Hooks of all modules at once; they run before a module's own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from retrograd.utils.hooks import RemovableHandle, register

Hook = Callable[..., object]


class Everywhere:
    """The hooks that every module has. ``with_kwargs`` and ``always_called`` hold ids of those of ``forward``."""

    def __init__(self) -> None:
        self.forward: OrderedDict[int, Hook] = OrderedDict()
        self.forward_pre: OrderedDict[int, Hook] = OrderedDict()
        self.backward: OrderedDict[int, Hook] = OrderedDict()
        self.backward_pre: OrderedDict[int, Hook] = OrderedDict()
        self.with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.always_called: OrderedDict[int, bool] = OrderedDict()

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.forward or self.forward_pre or self.backward or self.backward_pre)


everywhere = Everywhere()
"""The process's, as in PyTorch."""


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, args)`` before ``forward`` of every module; what it returns replaces the arguments."""
    return register(everywhere.forward_pre, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after ``forward`` of every module; what it returns replaces the output.
    ``with_kwargs``: ``hook(module, args, kwargs, output)``. ``always_call``: also when ``forward`` raised."""
    flags = [everywhere.with_kwargs] if with_kwargs else []
    if always_call:
        flags.append(everywhere.always_called)
    return register(everywhere.forward, hook, flags=flags)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when the gradients of a module's inputs are known, for every
    module; what it returns replaces ``grad_input``."""
    return register(everywhere.backward, hook)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` when the gradients of a module's outputs are known, for every module; what it
    returns replaces them."""
    return register(everywhere.backward_pre, hook)
