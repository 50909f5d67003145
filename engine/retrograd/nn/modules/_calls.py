"""What happens around a module's ``forward``: hooks in PyTorch's order, and the scope the tap is told about."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from retrograd.nn.modules._backward_hooks import BackwardHook
from retrograd.nn.modules._everywhere import everywhere
from retrograd.tensor import Tensor
from retrograd.utils.hooks import RemovableHandle, register
from retrograd_events.tap import Listener, tap

Hook = Callable[..., object]


def _no_forward(self: Calls, *input: object) -> None:
    """What the module computes; every subclass writes its own."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Calls:
    """The part of ``Module`` that is called.

    Instances, arguments and results of ``forward`` are the user's, hence of any type.
    """

    _forward_hooks: OrderedDict[int, Hook]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Hook]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _backward_hooks: OrderedDict[int, Hook]
    _backward_pre_hooks: OrderedDict[int, Hook]

    # declared as a value, so that a subclass may take and return what it likes
    forward: Callable[..., Any] = _no_forward

    def _init_calls(self) -> None:
        ordinary = self.__dict__
        for name in (
            "_forward_hooks",
            "_forward_hooks_with_kwargs",
            "_forward_hooks_always_called",
            "_forward_pre_hooks",
            "_forward_pre_hooks_with_kwargs",
            "_backward_hooks",
            "_backward_pre_hooks",
        ):
            ordinary[name] = OrderedDict()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tap.listener is not None:
            return self._observed_call(tap.listener, args, kwargs)
        if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
            return self._hooked_call(args, kwargs)
        if everywhere.any:
            return self._hooked_call(args, kwargs)
        try:
            return self.forward(*args, **kwargs)
        except (RuntimeError, ValueError, IndexError) as error:
            self._name_in(error, args)
            raise

    def _name_in(self, error: Exception, args: tuple[object, ...]) -> None:
        """Say in the error of one of our layers which it was and what came, since a model may hold many."""
        if not type(self).__module__.startswith("retrograd.nn.modules.") or self.__dict__["_modules"]:
            return
        shapes = ", ".join(str(list(each.shape)) for each in args if isinstance(each, Tensor))
        if len(error.args) == 1 and isinstance(error.args[0], str) and shapes:
            error.args = (f"{error.args[0]} (in {self!r}, called with {shapes})",)

    def _observed_call(self, listener: Listener, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        scope = listener.scope_entered("module", type(self).__name__, self)
        try:
            return self._hooked_call(args, kwargs)
        finally:
            listener.scope_exited(scope)

    def _hooked_call(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        called: set[int] = set()
        result: object = None
        try:
            args, kwargs = self._run_pre_hooks(args, kwargs)
            boundary = None
            after = [*everywhere.backward.values(), *self._backward_hooks.values()]
            before = [*everywhere.backward_pre.values(), *self._backward_pre_hooks.values()]
            if after or before:
                boundary = BackwardHook(self, after, before)
                args = boundary.enter(args)
            result = self.forward(*args, **kwargs)
            for key, hook in [*everywhere.forward.items(), *self._forward_hooks.items()]:
                called.add(key)
                changed = self._run_forward_hook(key, hook, args, kwargs, result)
                if changed is not None:
                    result = changed
            return result if boundary is None else boundary.leave(result)
        except Exception as error:
            if isinstance(error, (RuntimeError, ValueError, IndexError)):
                self._name_in(error, args)
            self._run_always_called(called, args, kwargs, result)
            raise

    def _run_pre_hooks(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> tuple[tuple[object, ...], Mapping[str, object]]:
        for key, hook in [*everywhere.forward_pre.items(), *self._forward_pre_hooks.items()]:
            if key in self._forward_pre_hooks_with_kwargs:
                changed = hook(self, args, kwargs)
                if changed is None:
                    continue
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs

    def _run_forward_hook(
        self, key: int, hook: Hook, args: tuple[object, ...], kwargs: Mapping[str, object], result: object
    ) -> object:
        if key in self._forward_hooks_with_kwargs or key in everywhere.with_kwargs:
            return hook(self, args, kwargs, result)
        return hook(self, args, result)

    def _run_always_called(
        self, called: set[int], args: tuple[object, ...], kwargs: Mapping[str, object], result: object
    ) -> None:
        """After an error, run the hooks that asked for it and have not run; their own errors must not hide it."""
        for key, hook in [*everywhere.forward.items(), *self._forward_hooks.items()]:
            asked = key in self._forward_hooks_always_called or key in everywhere.always_called
            if asked and key not in called:
                try:
                    self._run_forward_hook(key, hook, args, kwargs, result)
                except Exception as error:  # noqa: BLE001  # the user's hook may raise anything
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        stacklevel=2,
                    )

    # --- registering

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces the arguments. ``with_kwargs``:
        ``hook(module, args, kwargs)``, which returns both."""
        extra = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return register(self._forward_pre_hooks, hook, flags=extra, prepend=prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns replaces the output. ``with_kwargs``:
        ``hook(module, args, kwargs, output)``. ``always_call``: also when ``forward`` raised."""
        extra = [self._forward_hooks_with_kwargs] if with_kwargs else []
        if always_call:
            extra.append(self._forward_hooks_always_called)
        return register(self._forward_hooks, hook, flags=extra, prepend=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs are known; what it
        returns replaces ``grad_input``."""
        return register(self._backward_hooks, hook, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the module's outputs are known; what it returns
        replaces them."""
        return register(self._backward_pre_hooks, hook, prepend=prepend)
