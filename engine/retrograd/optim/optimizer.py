"""``Optimizer``: what every optimizer shares. A subclass, alone in its file, writes ``__init__`` and ``step``."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import chain
from typing import Any, Union, cast

from retrograd.optim._groups import read_params, required
from retrograd.tensor import Tensor
from retrograd.utils.gradients import clear_gradients
from retrograd.utils.hooks import RemovableHandle, register
from retrograd.utils.typename import typename
from retrograd_events.tap import Listener, tap

Params = Union[Iterable[Tensor], Iterable[dict[str, Any]], Iterable[tuple[str, Tensor]]]
Closure = Callable[[], Union[Tensor, float]]
Hook = Callable[..., Any]
Step = Callable[..., Any]


_before_any: OrderedDict[int, Hook] = OrderedDict()
_after_any: OrderedDict[int, Hook] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before each step of every optimizer; it may return new (args, kwargs)."""
    return register(_before_any, hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after each step of every optimizer."""
    return register(_after_any, hook)


class Optimizer:
    """Holds groups of parameters, each with its options, and the state that ``step`` keeps for each parameter.

    Args:
        params: parameters, (name, parameter) pairs, or one dictionary a group with ``params`` and its own options.
        defaults: the options of groups that don't set them.

    Raises:
        TypeError: when ``params`` is a single tensor, or holds what is no tensor.
        ValueError: when it is empty, or holds a tensor twice or one that is not a leaf.
    """

    state: defaultdict[Any, dict[str, Any]]
    param_groups: list[dict[str, Any]]
    stepped: bool | None
    """Whether it has made a step since ``watch_steps``; None: nobody asked."""

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._stepping = False
        self.stepped: bool | None = None
        self._optimizer_step_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
        self._optimizer_step_post_hooks: OrderedDict[int, Hook] = OrderedDict()
        self._optimizer_state_dict_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
        self._optimizer_state_dict_post_hooks: OrderedDict[int, Hook] = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
        self._optimizer_load_state_dict_post_hooks: OrderedDict[int, Hook] = OrderedDict()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {typename(params)}"
            )
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _observed(cls.__dict__["step"])  # type: ignore[method-assign]

    def step(self, closure: Closure | None = None) -> Tensor | float | None:
        """Change the parameters by their gradients.

        Args:
            closure: computes the loss anew and returns it; most optimizers don't need it.

        Returns:
            What ``closure`` returned, or None.
        """
        raise NotImplementedError

    def watch_steps(self) -> None:
        """Note from now on in ``stepped`` whether a step was made: a scheduler wants to know."""
        self.stepped = bool(self.stepped)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters: to None, or to zeros in place."""
        clear_gradients(self, self._tensors(), set_to_none)

    def _tensors(self) -> list[Tensor]:
        groups = self.param_groups
        if len(groups) == 1:
            return cast("list[Tensor]", groups[0]["params"])
        return [tensor for group in groups for tensor in group["params"]]

    # --- groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group: a dictionary with ``params`` and the options in which it differs from the defaults."""
        read_params(param_group, self.defaults)
        known = set(map(id, self._tensors())) if self.param_groups else set()
        added = set(map(id, param_group["params"]))
        if len(added) != len(param_group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; each is changed once for every time "
                "it is listed",
                stacklevel=3,
            )
        if known & added:
            raise ValueError("some parameters appear in more than one parameter group")
        if self.param_groups and ("param_names" in param_group) != ("param_names" in self.param_groups[0]):
            missing = "without" if "param_names" in self.param_groups[0] else "with"
            raise ValueError(
                "all optimizer param groups should be with/without names. "
                f"cannot add param group {missing} names to the optimizer"
            )
        self.param_groups.append(param_group)

    def __repr__(self) -> str:
        groups = []
        for index, group in enumerate(self.param_groups):
            options = [f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params"]
            groups.append(f"\nParameter Group {index}\n" + "".join(options))
        return f"{type(self).__name__} (" + "".join(groups) + ")"

    # --- saving and loading

    def state_dict(self) -> dict[str, Any]:
        """The options of each group and the state of each parameter; parameters are named by their place."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        place = {id(tensor): index for index, tensor in enumerate(self._tensors())}
        groups = []
        for group in self.param_groups:
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": [place[id(tensor)] for tensor in group["params"]]})
        state = {place[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        saved = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            saved = hook(self, saved) or saved
        return saved

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue with the options and state of ``state_dict``, copied and converted to each parameter's dtype and
        device.

        Raises:
            ValueError: when its groups are not as many and as large as this optimizer's.
        """
        state_dict = dict(state_dict)
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            state_dict = hook(self, state_dict) or state_dict
        groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if [len(group["params"]) for group in groups] != [len(group["params"]) for group in self.param_groups]:
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        places = list(chain.from_iterable(group["params"] for group in groups))
        owner = dict(zip(places, self._tensors(), strict=True))
        self.state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owner:
                self.state[owner[key]] = {name: _adopted(part, owner[key], name) for name, part in value.items()}
            else:
                self.state[key] = value
        for mine, loaded in zip(self.param_groups, groups, strict=True):
            loaded["params"] = mine["params"]
            if "param_names" in mine:
                loaded.setdefault("param_names", mine["param_names"])
        self.param_groups = groups
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # --- hooks

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new (args, kwargs)."""
        return register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict`` reads."""
        return register(self._optimizer_state_dict_pre_hooks, hook, prepend=prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after it; what it returns replaces the result."""
        return register(self._optimizer_state_dict_post_hooks, hook, prepend=prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; what it returns is loaded instead."""
        return register(self._optimizer_load_state_dict_pre_hooks, hook, prepend=prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return register(self._optimizer_load_state_dict_post_hooks, hook, prepend=prepend)

    # --- one step, with all that surrounds it

    def _hooked_step(self, step: Step, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Any:
        for hook in [*_before_any.values(), *self._optimizer_step_pre_hooks.values()]:
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"an optimizer's step pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed}."
                    )
                args, kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in [*self._optimizer_step_post_hooks.values(), *_after_any.values()]:
            hook(self, args, kwargs)
        return result

    def _observed_step(
        self, listener: Listener, step: Step, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Any:
        listener.optimizer_step_started(self)
        try:
            scope = listener.scope_entered("optimizer", type(self).__name__, self)
            try:
                return self._hooked_step(step, args, kwargs)
            finally:
                listener.scope_exited(scope)
        finally:
            listener.optimizer_step_ended(self)


def _observed(step: Step) -> Step:
    """``step`` with hooks and events around it, unless nobody waits for either."""

    @functools.wraps(step)
    def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self.stepped is False:
            self.stepped = True
        listener = tap.listener
        plain = listener is None and not (
            self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks or _before_any or _after_any
        )
        if plain or self._stepping:  # a subclass's step that calls its parent's is one step
            return step(self, *args, **kwargs)
        self._stepping = True
        try:
            if listener is None:
                return self._hooked_step(step, args, kwargs)
            return self._observed_step(listener, step, args, kwargs)
        finally:
            self._stepping = False

    return wrapper


def _adopted(value: Any, tensor: Tensor, name: object = None) -> Any:
    """A copy of a saved state for ``tensor``. A step count keeps its dtype: float16 can't count far."""
    if isinstance(value, Tensor):
        if name == "step" or not tensor.is_floating_point():
            return value.clone()
        return value.to(tensor.device, tensor.dtype, copy=True)
    if isinstance(value, dict):
        return {key: _adopted(part, tensor, key) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_adopted(part, tensor) for part in value)
    return value


__all__ = [
    "Closure",
    "Optimizer",
    "Params",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]
