"""Parameters computed from others: ``module.weight`` is what modules of the user's make of what is learned.

Source: the names and behaviour of ``torch.nn.utils.parametrize``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import new_class
from typing import Any, TypeVar, cast

from retrograd.autograd.mode import no_grad
from retrograd.nn.modules.container import ModuleDict, ModuleList
from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Parameter
from retrograd.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

M = TypeVar("M", bound=Module)

_made: ContextVar[dict[tuple[int, str], Tensor] | None] = ContextVar("parametrized", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once in this block, however often it is used."""
    token = None if _made.get() is not None else _made.set({})
    try:
        yield
    finally:
        if token is not None:
            _made.reset(token)


class ParametrizationList(ModuleList):
    """The modules that compute a tensor, one after the other, and what the first starts from: ``original``, or
    ``original0``, ``original1``, … where its ``right_inverse`` returns several."""

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not len(modules):
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        kind, shape = original.dtype, original.shape
        start = self._backwards(original, needed=False)
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if isinstance(start, Tensor) else len(start)
        if isinstance(start, Tensor):
            _check("`right_inverse`", start, original)
            with no_grad():
                original.data = start
            _register(self, "original", original)
        else:
            for place, part in enumerate(start):
                held = Parameter(part, original.requires_grad) if isinstance(original, Parameter) else part
                _register(self, f"original{place}", held)
        if not unsafe:
            made: object = self()
            if not isinstance(made, Tensor):
                raise ValueError(f"A parametrization must return a tensor. Got {type(made).__name__}.")
            if (made.dtype, made.shape) != (kind, shape):
                raise ValueError(
                    "Registering a parametrization may not change the dtype or the shape of the tensor, unless "
                    f"`unsafe` is given: it was {kind} {list(shape)} and became {made.dtype} {list(made.shape)}."
                )

    def _backwards(self, value: Tensor, *, needed: bool) -> Tensor | Sequence[Tensor]:
        """What the first module must start from to give ``value``. A module without ``right_inverse`` is taken for the
        identity unless it is ``needed``."""
        found: Any = value
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    if needed:
                        raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                    continue
                try:
                    found = cast("Any", module).right_inverse(found)
                except NotImplementedError:
                    if needed:
                        raise
        parts = [found] if isinstance(found, Tensor) else found
        if not isinstance(parts, Sequence) or not all(isinstance(part, Tensor) for part in parts):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(found).__name__}"
            )
        return cast("Tensor | Sequence[Tensor]", found)

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{place}" for place in range(self.ntensors)]
        return [cast("Tensor", getattr(self, name)) for name in names]

    def right_inverse(self, value: Tensor) -> None:
        """Change what is learned so that ``value`` is computed.

        Raises:
            RuntimeError: when a module has no ``right_inverse``.
            ValueError: when it returns another dtype or number of tensors than at first.
        """
        start = self._backwards(value, needed=True)
        parts = [start] if isinstance(start, Tensor) else list(start)
        if isinstance(start, Tensor) != self.is_tensor or len(parts) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return {self.ntensors} tensor(s) as at first, but returned {len(parts)}"
            )
        with no_grad():
            for held, part in zip(self._originals(), parts, strict=True):
                _check("`right_inverse`", part, held)
                held.data = part

    def forward(self) -> Any:
        """The tensor."""
        modules = list(self)
        found = modules[0](*self._originals())
        for module in modules[1:]:
            found = module(found)
        return found


def _check(who: str, found: Tensor, original: Tensor) -> None:
    if found.dtype != original.dtype or found.device != original.device:
        raise ValueError(
            f"What {who} returns may not change the dtype or the device: original {original.dtype} on "
            f"{original.device}, returned {found.dtype} on {found.device}"
        )


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _lists(module: Module) -> dict[str, ParametrizationList]:
    """The lists of a module by the name of the tensor."""
    found = module._modules.get("parametrizations")
    return cast("dict[str, ParametrizationList]", found._modules) if isinstance(found, ModuleDict) else {}


def _computed(name: str) -> property:
    """The attribute of a class that computes a tensor, and that takes a value for it."""

    def read(self: Module) -> Tensor:
        made, key = _made.get(), (id(self), name)
        if made is None:
            return cast("Tensor", _lists(self)[name]())
        if key not in made:
            made[key] = _lists(self)[name]()
        return made[key]

    def write(self: Module, value: Tensor) -> None:
        _lists(self)[name].right_inverse(value)

    return property(read, write)


def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Let ``parametrization`` compute the parameter or buffer ``tensor_name``, from what was there, or, where it is
    parametrized already, from what is computed now.

    Args:
        parametrization: its ``right_inverse`` (by default the identity) says what to start from.
        unsafe: whether the result may have another shape or dtype.

    Raises:
        ValueError: when there is no such tensor, or the result does not fit.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _extend(_lists(module)[tensor_name], parametrization, unsafe)
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    made = ParametrizationList([parametrization], cast("Tensor", getattr(module, tensor_name)), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        kind = type(module)
        module.__class__ = new_class(f"Parametrized{kind.__name__}", (kind,))
        module.add_module("parametrizations", ModuleDict())
    setattr(type(module), tensor_name, _computed(tensor_name))
    module.get_submodule("parametrizations").add_module(tensor_name, made)
    return module


def _extend(held: ParametrizationList, parametrization: Module, unsafe: bool) -> None:
    if not unsafe:
        before: Tensor = held()
        after: object = parametrization(before)
        back: object = before
        if isinstance(after, Tensor) and hasattr(parametrization, "right_inverse"):
            try:
                back = cast("Any", parametrization).right_inverse(after)
            except NotImplementedError:
                back = before
        for what, found in (("", after), (".right_inverse", back)):
            if not isinstance(found, Tensor):
                raise ValueError(f"parametrization{what} must return a tensor. Got: {type(found).__name__}")
            if (found.dtype, found.shape) != (before.dtype, before.shape):
                raise ValueError(
                    f"parametrization{what} may not change the dtype or the shape of the tensor, unless `unsafe` is "
                    f"given: from {before.dtype} {list(before.shape)} to {found.dtype} {list(found.shape)}."
                )
    held.append(parametrization)
    held.unsafe = held.unsafe or unsafe


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether ``tensor_name``, or (None) any tensor of ``module``, is parametrized."""
    lists = _lists(module)
    return bool(lists) if tensor_name is None else tensor_name in lists


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make ``tensor_name`` a parameter or buffer again: of what is computed now, or of what it started from.

    Raises:
        ValueError: when it is not parametrized, or ``leave_parametrized`` is False and it starts from several tensors.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    held = _lists(module)[tensor_name]
    if held.is_tensor:
        tensor = held._originals()[0]
        if leave_parametrized:
            with no_grad():
                tensor.data = held()
    elif leave_parametrized:
        made: Tensor = held()
        tensor = Parameter(made.detach()) if made.requires_grad else made
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del _lists(module)[tensor_name]
    _register(module, tensor_name, tensor)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class without its parametrizations."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: M, tensor_name: str | None = None) -> M:
    """Give ``to_module`` the parametrizations of ``from_module`` and what they start from; ``tensor_name``: only that
    tensor's."""
    for name, held in _lists(from_module).items():
        if tensor_name not in (None, name):
            continue
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(held().detach()))
        for parametrization in held:
            register_parametrization(to_module, name, parametrization)
        theirs = _lists(to_module)[name]
        for part in (*held._parameters, *held._buffers):
            setattr(theirs, part, getattr(held, part))
    return to_module
