"""``Module``: the base of every layer and model."""

from __future__ import annotations

import inspect
from abc import ABCMeta
from collections.abc import Callable
from typing import TYPE_CHECKING

from retrograd.autograd.mode import no_grad
from retrograd.dtypes import bfloat16, dtype, float16, float32, float64
from retrograd.functional.like import empty_like
from retrograd.nn.modules._calls import Calls
from retrograd.nn.modules._everywhere import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from retrograd.nn.modules._members import Members
from retrograd.nn.modules._state import Stateful
from retrograd.tensor import Tensor
from retrograd.utils.gradients import clear_gradients
from retrograd_events.tap import tap

if TYPE_CHECKING:
    from typing_extensions import Self

    from retrograd.devices import Device


__all__ = [
    "Module",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]


class _Announced(ABCMeta):
    """Tells the tap when a module's construction begins and ends, so that a debugger can take it as one step. Derived
    from ABCMeta, so that a module may also be an abstract base class."""

    if not TYPE_CHECKING:  # a checker reads constructors from __init__ alone

        @property
        def __signature__(cls) -> inspect.Signature:
            """The constructor's, for ``help`` and editors, which would show ``__call__``'s."""
            told = inspect.signature(cls.__init__)
            return told.replace(parameters=list(told.parameters.values())[1:])

        def __call__(cls, *args: object, **kwargs: object) -> object:
            listener = tap.listener
            if listener is None:
                return super().__call__(*args, **kwargs)
            module = cls.__new__(cls, *args, **kwargs)
            if not isinstance(module, cls):
                return module
            listener.construction_entered(module)
            try:
                module.__init__(*args, **kwargs)
            finally:
                listener.construction_exited(module)
            return module


class Module(Calls, Stateful, Members, metaclass=_Announced):
    """A layer or a model: parameters, buffers, child modules, and a ``forward`` that a subclass writes.

    Tensors of type ``Parameter`` and modules that are assigned as attributes become members: they are found by
    ``parameters()``, saved by ``state_dict()`` and converted by ``to()``.

    Source: the names and behaviour of ``torch.nn.Module``.
    """

    training: bool

    def __init__(self) -> None:
        self.__dict__["training"] = True
        self._init_members()
        self._init_state()
        self._init_calls()

    # --- modes

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and below; it matters to modules that behave differently in evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let autograd record what is done with the parameters here and below, or not."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters here and below: to None, or to zeros in place."""
        clear_gradients(self, self.parameters(), set_to_none)

    # --- conversion

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call ``fn`` with every module below, children first, and with this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the contents of every parameter, its gradient and every buffer by what ``fn`` makes of them."""
        for child in self.children() if recurse else ():
            child._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            gradient = parameter.grad
            with no_grad():
                parameter.grad = None  # of the old dtype or device; a tensor and its gradient must agree
                parameter.data = fn(parameter)
                if gradient is not None:
                    parameter.grad = fn(gradient)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: object, **kwargs: object) -> Self:
        """Convert parameters and buffers to a device, and the floating-point ones to a dtype: ``to(device)``,
        ``to(dtype)``, ``to(device, dtype)``, ``to(other_tensor)``.

        Raises:
            TypeError: for a dtype that is not floating point.
        """
        target, kind = _target(args, kwargs)
        if kind is not None and not (kind.is_floating_point or kind.is_complex):
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={kind}")

        def convert(tensor: Tensor) -> Tensor:
            moved = tensor if target is None else tensor.to(target)
            return moved if kind is None or not moved.is_floating_point() else moved.to(kind)

        return self._apply(convert)

    def cpu(self) -> Self:
        """Move everything to the CPU."""
        return self.to("cpu")

    def cuda(self, device: int | Device | None = None) -> Self:
        """Move everything to a GPU (default: the current one)."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    def type(self, dst_type: dtype) -> Self:
        """Convert all parameters and buffers to a dtype."""
        return self._apply(lambda tensor: tensor.to(dst_type))

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32."""
        return self.to(float32)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64."""
        return self.to(float64)

    def half(self) -> Self:
        """Convert floating-point parameters and buffers to float16."""
        return self.to(float16)

    def share_memory(self) -> Self:
        """Move parameters and buffers to memory that processes they are sent to see as well."""
        for tensor in (*self.parameters(), *self.buffers()):
            tensor.share_memory_()
        return self

    def bfloat16(self) -> Self:
        """Convert floating-point parameters and buffers to bfloat16."""
        return self.to(bfloat16)

    def to_empty(self, *, device: Device | str | None, recurse: bool = True) -> Self:
        """Move parameters and buffers to a device without what they hold; ``recurse``: also those of the modules
        below."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse)

    # --- text

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the brackets of the module's repr; a subclass writes its own."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if self._modules:
            lines += [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._modules.items()]
        elif len(lines) == 1:
            return f"{self._get_name()}({extra})"
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"


def _target(args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[Device | str | None, dtype | None]:
    """The device and dtype that the arguments of ``to`` name."""
    target: object = kwargs.pop("device", None)
    kind: object = kwargs.pop("dtype", None)
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, Tensor):
            target, kind = argument.device, argument.dtype
        elif isinstance(argument, dtype):
            kind = argument
        elif argument is not None and not isinstance(argument, bool):  # booleans: non_blocking, copy
            target = argument
    if kind is not None and not isinstance(kind, dtype):
        raise TypeError(f"to() received an invalid dtype: {kind!r}")
    if isinstance(target, int):
        target = f"cuda:{target}"
    return target, kind  # type: ignore[return-value]  # Tensor.to names what is no device
