"""Layers that learn the size of their input from the first one, and become the layer of that size with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import new_class
from typing import ClassVar, Concatenate, ParamSpec, TypeVar, cast

from retrograd.nn.modules._state import Metadata, StateDict
from retrograd.nn.modules.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from retrograd.nn.modules.linear import Linear
from retrograd.nn.modules.module import Module
from retrograd.nn.modules.normalisation import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from retrograd.nn.parameter import UninitializedBuffer, UninitializedParameter
from retrograd.random import default_generator
from retrograd.tensor import Tensor
from retrograd.utils.hooks import RemovableHandle

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
]

P = ParamSpec("P")
M = TypeVar("M", bound=Module)

_Later = UninitializedParameter | UninitializedBuffer


class _Lazy(Module):
    """A module that waits for its first input. ``cls_to_become``: what it is then; ``axis``: the dimension of the input
    that tells the size."""

    cls_to_become: ClassVar[type[Module]]
    axis: ClassVar[int]
    _given: dict[str, object]
    _starting: RemovableHandle

    def reset_parameters(self) -> None:
        """Nothing: starting values come with the first input."""

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(isinstance(each, _Later) for each in self._saved_members().values())

    def initialize_parameters(self, input: Tensor) -> None:
        """Take the sizes that ``input`` asks for, and what starting values are lacking."""
        rank = input.ndim
        if not -rank <= self.axis < rank:
            raise RuntimeError(
                f"{self._get_name()} can't learn its size from an input of {rank} dimensions, {list(input.shape)}"
            )
        given = dict(self._given)
        for member in self._saved_members().values():
            if isinstance(member, _Later):
                given.update(device=member.device, dtype=member.dtype)
        before = default_generator.get_state()
        like = cast("Callable[..., Module]", self.cls_to_become)(input.shape[self.axis], **given)
        if not self.has_uninitialized_params():  # they were loaded: nothing is drawn
            default_generator.set_state(before)
        found = like._saved_members()
        for name, member in self._saved_members().items():
            if isinstance(member, _Later):
                member.materialize(found[name].shape)
                member.data.copy_(found[name].detach())
        sizes = {key: value for key, value in like.__dict__.items() if key[0] != "_" and key != "training"}
        self.__dict__.update(sizes)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Module:  # type: ignore[override]
        later = [name for name, each in self._buffers.items() if isinstance(each, UninitializedBuffer)]
        super()._apply(fn, recurse)
        for name in later:
            self._buffers[name] = UninitializedBuffer(self._buffers[name])
        return self

    def _load_from_state_dict(
        self,
        state_dict: StateDict,
        prefix: str,
        local_metadata: Metadata,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        for name, member in self._saved_members().items():
            given = state_dict.get(prefix + name)
            if isinstance(member, _Later) and isinstance(given, Tensor) and given.shape != member.shape:
                member.materialize(given.shape)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


def _begin(module: Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    """The hook of the first call."""
    assert isinstance(module, _Lazy)
    input = args[0] if args else kwargs["input"]
    assert isinstance(input, Tensor)
    module.initialize_parameters(input)
    module._starting.remove()
    del module._starting, module._given
    object.__setattr__(module, "__class__", module.cls_to_become)


def _lazy(kind: Callable[Concatenate[int, P], M], axis: int, **usual: object) -> Callable[P, M]:
    """The class of modules that become of class ``kind``, made with all its arguments but the first.

    Args:
        axis: see ``_Lazy``.
        usual: defaults that are others than kind's.
    """
    real = cast("type[Module]", kind)

    def construct(self: _Lazy, *args: object, **kwargs: object) -> None:
        bound = told.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        cast("Callable[..., None]", real.__init__)(self, 0, **given)
        self._given = given
        for members, later in ((self._parameters, UninitializedParameter), (self._buffers, UninitializedBuffer)):
            for name, each in members.items():
                if each is not None and each.ndim:
                    cast("dict[str, Tensor]", members)[name] = later(each.detach().reshape(-1)[:0])
        self._starting = self.register_forward_pre_hook(_begin, with_kwargs=True)

    parameters = list(inspect.signature(real.__init__).parameters.values())
    told = inspect.Signature(
        [
            each.replace(default=usual[each.name]) if each.name in usual else each
            for place, each in enumerate(parameters)
            if place != 1
        ]
    )
    construct.__signature__ = told  # type: ignore[attr-defined]
    made = new_class(f"Lazy{real.__name__}", (_Lazy, real))
    members = {
        "__init__": construct, "__module__": __name__, "cls_to_become": real, "axis": axis,
        "__doc__": f"``{real.__name__}`` whose first argument is learned from the first input's dimension {axis}.",
    }  # fmt: skip
    for name, value in members.items():
        setattr(made, name, value)
    return cast("Callable[P, M]", made)


LazyLinear = _lazy(Linear, -1)
LazyConv1d, LazyConvTranspose1d = _lazy(Conv1d, -2), _lazy(ConvTranspose1d, -2)
LazyConv2d, LazyConvTranspose2d = _lazy(Conv2d, -3), _lazy(ConvTranspose2d, -3)
LazyConv3d, LazyConvTranspose3d = _lazy(Conv3d, -4), _lazy(ConvTranspose3d, -4)
LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d = _lazy(BatchNorm1d, 1), _lazy(BatchNorm2d, 1), _lazy(BatchNorm3d, 1)
LazyInstanceNorm1d = _lazy(InstanceNorm1d, -2, affine=True, track_running_stats=True)
LazyInstanceNorm2d = _lazy(InstanceNorm2d, -3, affine=True, track_running_stats=True)
LazyInstanceNorm3d = _lazy(InstanceNorm3d, -4, affine=True, track_running_stats=True)
