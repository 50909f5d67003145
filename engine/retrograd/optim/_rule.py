"""``RuleOptimizer``: optimizers whose step is one rule, applied to each parameter alone.

A rule is written once, in arithmetic that arrays and tensors share. Where nobody watches and nothing is to be recorded
it runs on the arrays themselves; for a listener, and with ``differentiable=True``, the same lines run on tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.autograd.mode import enable_grad, is_grad_enabled, set_grad_enabled
from retrograd.autograd.versions import Versions, changed, versions_of
from retrograd.dtypes import get_default_dtype
from retrograd.functional.create import tensor as make
from retrograd.functional.like import zeros_like
from retrograd.ops import complex as complex_ops
from retrograd.optim.optimizer import Closure, Optimizer
from retrograd.tensor import Tensor, from_array
from retrograd_events.tap import tap

State = dict[str, Any]
"""What a step keeps for a parameter; inside a rule those that are arrays or tensors are of the parameter's kind."""


class RuleOptimizer(Optimizer):
    """A subclass says what its state is at first (``_begin``) and how one parameter changes (``_rule``), which may add
    to the state. With ``differentiable=True`` a step leaves the last one's state as it was, for backward."""

    _on_arrays = True
    _scalars: frozenset[str] = frozenset({"step"})
    """Entries of the state that are 0-dimensional tensors on the host; a rule gets and changes them as such."""

    def _begin(self, param: Tensor, group: Mapping[str, Any]) -> State:
        """The state of a parameter before its first step."""
        raise NotImplementedError

    def _rule(self, param: Any, grad: Any, state: State, group: Mapping[str, Any], lr: Any) -> None:
        """Change ``param`` and ``state`` in place. ``param``, ``grad`` and the state are arrays or tensors, always
        real: of complex numbers both parts."""
        raise NotImplementedError

    def step(self, closure: Closure | None = None) -> Tensor | float | None:
        """Change every parameter that has a gradient; see ``Optimizer.step``."""
        loss = None
        cells: list[Versions] = []
        with set_grad_enabled(bool(self.defaults.get("differentiable"))):
            if closure is not None:
                with enable_grad():
                    loss = closure()
            try:
                for group in self.param_groups:
                    lr = number(group["lr"])
                    for param in group["params"]:
                        grad = param._grad
                        if grad is not None:
                            self._apply(param, grad, group, lr, cells)
            finally:
                if cells:
                    changed(cells, "step")
        return loss

    def _apply(self, param: Tensor, grad: Tensor, group: Mapping[str, Any], lr: Any, cells: list[Versions]) -> None:
        state = self.state.get(param)
        if state is None:
            state = self._begin(param, group)
        if group.get("maximize"):
            grad = -grad
        if group.get("differentiable"):
            state = {name: value.clone() if isinstance(value, Tensor) else value for name, value in state.items()}
        on_arrays = self._on_arrays and tap.listener is None and not group.get("differentiable") and _plain(param)
        carry = _array if on_arrays else _parts
        scalars = self._scalars
        carried = {
            name: carry(value) if isinstance(value, Tensor) and name not in scalars else value
            for name, value in state.items()
        }
        before = dict(carried)
        self._rule(carry(param), carry(grad), carried, group, lr)
        for name, value in carried.items():
            if value is not before.get(name):
                state[name] = _kept(value, param)
        if state:
            self.state[param] = state
        if on_arrays:
            cells.append(versions_of(param))
            for value in state.values():
                if isinstance(value, Tensor) and value._cell is not None:
                    cells.append(value._cell)


class TensorOptimizer(RuleOptimizer):
    """One whose rule needs more than arithmetic, and runs on tensors always. It takes no complex parameters."""

    _on_arrays = False

    def _apply(self, param: Tensor, grad: Tensor, group: Mapping[str, Any], lr: Any, cells: list[Versions]) -> None:
        if param.is_complex():
            raise RuntimeError(f"{type(self).__name__} does not support complex parameters")
        super()._apply(param, grad, group, lr, cells)


def _plain(param: Tensor) -> bool:
    """Whether its array can be computed with as it is: of a device's type, and not stored in less than it counts in."""
    meta = param._meta
    return type(param._data) is meta.device.array_type and not meta.dtype.narrow


def _array(tensor: Tensor) -> Any:
    return tensor._data if tensor._meta.rank >= 0 else complex_ops.view_as_real(tensor._data)


def _parts(tensor: Tensor) -> Tensor:
    return complex_ops.view_as_real.call(tensor) if tensor.is_complex() else tensor


def _kept(value: Any, param: Tensor) -> Tensor:
    """As a tensor of the parameter's kind, what a rule that ran on arrays or on parts added to the state."""
    if not isinstance(value, Tensor):
        value = from_array(param.device.xp.asarray(value), param.device)
    return complex_ops.view_as_complex.call(value) if param.is_complex() else value


def number(option: Any) -> Any:
    """An option as a number; as a tensor only where a gradient is wanted for it."""
    if isinstance(option, Tensor):
        return option.squeeze() if option.requires_grad else option.item()
    return option


def counter(value: float = 0.0) -> Tensor:
    """A 0-dimensional tensor on the host, such as counts steps: float64 where that is the default dtype."""
    return make(value, dtype=get_default_dtype())


def count(state: State) -> float:
    """One step more; the number of steps."""
    step = state["step"]
    step._data += 1
    return float(step._data)


def like(param: Tensor, value: float = 0.0) -> Tensor:
    """State of the parameter's kind, every element ``value``."""
    made = zeros_like(param).detach()
    return made.fill_(complex(value, value) if param.is_complex() else value) if value else made


def overwrite(state: State, name: str, value: Any) -> None:
    """Let ``value`` be that state: in its memory, unless backward may want what is there."""
    if isinstance(value, Tensor) and is_grad_enabled():
        state[name] = value
    else:
        state[name][...] = value


def advance(param: Any, direction: Any, rate: Any) -> None:
    """param += rate * direction"""
    if isinstance(param, Tensor) and not isinstance(rate, Tensor):
        param.add_(direction, alpha=rate)
    else:
        param += direction * rate


def blend(running: Any, value: Any, share: Any) -> None:
    """running += share * (value - running), in place"""
    running += (value - running) * share


def blend_square(running: Any, value: Any, kept: Any) -> None:
    """running = kept * running + (1 - kept) * value², in place"""
    running *= kept
    running += value * value * (1 - kept)


def decayed(grad: Any, param: Any, decay: Any) -> Any:
    """The gradient with an L2 penalty's: grad + decay * param"""
    return grad if not isinstance(decay, Tensor) and decay == 0 else grad + param * decay


def shrunk(grad: Any, param: Any, group: Mapping[str, Any], lr: Any) -> Any:
    """Weight decay as the group wants it: the parameter shrinks at once, or the gradient gets the penalty's."""
    decay = group["weight_decay"]
    if not group["decoupled_weight_decay"]:
        return decayed(grad, param, decay)
    if isinstance(decay, Tensor) or decay != 0:
        param *= 1 - lr * decay
    return grad


def check_rate(lr: float | Tensor) -> None:
    """Refuse a negative rate, and a tensor of several.

    Raises:
        ValueError
    """
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_not_negative(**options: Any) -> None:
    """Refuse negative ones, named as PyTorch's messages name them.

    Raises:
        ValueError
    """
    for name, value in options.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {'epsilon' if name == 'eps' else name} value: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Refuse decays outside [0, 1).

    Raises:
        ValueError
    """
    for index, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


def check_ways(foreach: bool | None, differentiable: bool, fused: bool | None) -> None:
    """Refuse what PyTorch's implementations can't do together.

    Raises:
        RuntimeError
    """
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
