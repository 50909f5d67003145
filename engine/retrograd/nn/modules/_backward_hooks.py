"""Full backward hooks of a module: two identity operations, one before ``forward`` and one behind it, whose backward
nodes see the gradients of all inputs and of all outputs at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from retrograd.autograd.mode import is_grad_enabled
from retrograd.nn.modules._boundary import boundary
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.autograd.node import Node

Hook = Callable[..., object]
Grads = tuple[object, ...]


class BackwardHook:
    """The hooks of one call of ``module``."""

    def __init__(self, module: object, hooks: Sequence[Hook], pre_hooks: Sequence[Hook]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.inputs = _Side()
        self.outputs = _Side()
        self.grad_output: Grads | None = None

    def enter(self, args: tuple[object, ...]) -> tuple[object, ...]:
        """``args`` as ``forward`` is to receive them."""
        return self.inputs.wrap(args, lambda node: node.register_hook(self._inputs_ready))

    def leave(self, result: object) -> object:
        """``result`` as the caller is to receive it."""
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                f"but received {type(result)}",
                stacklevel=4,
            )
        results = result if isinstance(result, tuple) else (result,)
        wrapped = self.outputs.wrap(results, lambda node: node.register_hook(self._outputs_ready))
        if not isinstance(result, tuple):
            return wrapped[0]
        named: Callable[..., object] = type(result)  # a named tuple takes its fields one by one
        return wrapped if named is tuple else named(*wrapped)

    def _outputs_ready(self, _: Grads, grads: Grads) -> Grads | None:
        grad_output = self.outputs.spread(grads)
        for hook in self.pre_hooks:
            changed = hook(self.module, grad_output)
            if changed is not None:
                grad_output = _checked(changed, len(grad_output), "Backward pre hook", "grad_output")
        self.grad_output = grad_output
        if not self.inputs.places:  # no input wants a gradient, so nobody else will call the hooks
            self._run_without_inputs(grad_output)
        return tuple(grad_output[place] for place in self.outputs.places)

    def _run_without_inputs(self, grad_output: Grads) -> None:
        nothing: Grads = (None,) * self.inputs.count
        for hook in self.hooks:
            changed = hook(self.module, nothing, grad_output)
            if changed is not None and not (isinstance(changed, tuple) and all(part is None for part in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None "
                    "for all gradients."
                )
        self.grad_output = None

    def _inputs_ready(self, grads: Grads, _: Grads) -> Grads | None:
        if self.grad_output is None:  # the gradient came another way than through the module's output
            return None
        grad_input = self.inputs.spread(grads)
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                grad_input = _checked(changed, len(grad_input), "Backward hook", "grad_input")
        self.grad_output = None
        return tuple(grad_input[place] for place in self.inputs.places)


class _Side:
    """The tensors among a module's arguments, or among its results."""

    def __init__(self) -> None:
        self.count = 0
        self.places: list[int] = []

    def wrap(self, values: tuple[object, ...], hook: Callable[[Node], object]) -> tuple[object, ...]:
        """``values`` with its tensors passed through one identity operation, on whose node ``hook`` acts."""
        self.count = len(values)
        tensors = {place: value for place, value in enumerate(values) if isinstance(value, Tensor)}
        if not is_grad_enabled() or not any(tensor.requires_grad for tensor in tensors.values()):
            return values
        self.places = list(tensors)
        passed = dict(zip(tensors, boundary(*tensors.values()), strict=True))
        node = next(tensor.grad_fn for tensor in passed.values() if tensor.grad_fn is not None)
        hook(node)
        return tuple(passed.get(place, value) for place, value in enumerate(values))

    def spread(self, grads: Grads) -> Grads:
        """The gradients of the tensors at their places among all values, None elsewhere."""
        found = dict(zip(self.places, grads, strict=True))
        return tuple(found.get(place) for place in range(self.count))


def _checked(changed: object, count: int, who: str, what: str) -> Grads:
    parts = changed if isinstance(changed, tuple) else (changed,)
    if len(parts) != count:
        raise RuntimeError(f"{who} returned an invalid number of {what}, got {len(parts)}, but expected {count}")
    return parts
