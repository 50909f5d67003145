"""A module's state dict: writing it, and loading one with every difference named."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from retrograd.autograd.mode import no_grad
from retrograd.nn.modules._members import Members
from retrograd.nn.parameter import Parameter
from retrograd.tensor import Tensor
from retrograd.utils.hooks import RemovableHandle, register

if TYPE_CHECKING:
    from retrograd.nn.modules.module import Module

_EXTRA = "_extra_state"

Metadata = dict[str, object]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find in the state, and what it found there too much."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class StateDict(OrderedDict[str, object]):
    """A state dict, with the version of each module that wrote to it."""

    _metadata: OrderedDict[str, Metadata]


class Stateful(Members):
    """The part of ``Module`` that saves and loads."""

    _version: int = 1
    _state_dict_hooks: OrderedDict[int, Callable[..., object]]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., object]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., object]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., object]]

    def _init_state(self) -> None:
        ordinary = self.__dict__
        for hooks in ("_state_dict_hooks", "_state_dict_pre_hooks"):
            ordinary[hooks] = OrderedDict()
        for hooks in ("_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"):
            ordinary[hooks] = OrderedDict()

    # --- saving

    def get_extra_state(self) -> object:
        """What a subclass wants saved beside its tensors; it then writes ``set_extra_state`` as well."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called: a module that defines "
            "set_extra_state() must define get_extra_state() as well"
        )

    def set_extra_state(self, state: object) -> None:
        """Take back what ``get_extra_state`` returned."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called: a module that defines "
            "get_extra_state() must define set_extra_state() as well"
        )

    def state_dict(
        self, *, destination: StateDict | None = None, prefix: str = "", keep_vars: bool = False
    ) -> StateDict:
        """All parameters and persistent buffers of this module and those below, by dotted path.

        The tensors share memory with the module's. ``keep_vars`` gives the parameters themselves in place of detached
        tensors.
        """
        if destination is None:
            destination = StateDict()
            destination._metadata = OrderedDict()
        metadata: Metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            if hook(self, destination, prefix, metadata) is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    def _save_to_state_dict(self, destination: StateDict, prefix: str, keep_vars: bool) -> None:
        """Write this module's own state; a subclass may override it."""
        for name, tensor in self._saved_members().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def _saved_members(self) -> dict[str, Tensor]:
        saved: dict[str, Tensor] = {name: tensor for name, tensor in self._parameters.items() if tensor is not None}
        for name, tensor in self._buffers.items():
            if tensor is not None and name not in self._non_persistent_buffers_set:
                saved[name] = tensor
        return saved

    # --- loading

    def load_state_dict(
        self, state_dict: Mapping[str, object], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the tensors of ``state_dict`` into the members of the same paths.

        Args:
            state_dict: as ``state_dict`` returned it.
            strict: whether a path that only one side has is an error.
            assign: put the given tensors in place of the members instead of copying.

        Raises:
            TypeError: when ``state_dict`` is no mapping.
            RuntimeError: naming every path that is missing, too much (both with ``strict``), or of another shape.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        loading = _Loading(StateDict(state_dict), getattr(state_dict, "_metadata", {}), assign)
        loading.load(cast("Module", self), "")
        errors = loading.errors
        if strict and loading.unexpected:
            errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(loading.unexpected)}. ")
        if strict and loading.missing:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(loading.missing)}. ")
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return IncompatibleKeys(loading.missing, loading.unexpected)

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
        """Take this module's own state from ``state_dict``; a subclass may override it."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        members = self._saved_members()
        for name, member in members.items():
            key = prefix + name
            if key in state_dict:
                error = self._load_member(
                    name, key, member, state_dict[key], "assign_to_params_buffers" in local_metadata
                )
                if error:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)
        self._load_extra_state(state_dict, prefix + _EXTRA, strict, missing_keys, unexpected_keys)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + _EXTRA:
                    first, dot, _ = key[len(prefix) :].partition(".")
                    if first not in (self._modules if dot else members):
                        unexpected_keys.append(key)

    def _load_member(self, name: str, key: str, member: Tensor, value: object, assign: bool) -> str:
        """Load one tensor; returns a sentence when it can't be."""
        if not isinstance(value, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
        if member.shape != value.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {member.shape}."
            )
        with no_grad():
            if not assign:
                member.copy_(value)
            elif isinstance(member, Parameter):
                setattr(self, name, Parameter(value, member.requires_grad))
            else:
                setattr(self, name, value)
        return ""

    def _load_extra_state(
        self, state_dict: StateDict, key: str, strict: bool, missing_keys: list[str], unexpected_keys: list[str]
    ) -> None:
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)

    # --- hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before this module's state is written."""
        return register(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after it was written; it may change the dict."""
        return register(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``
        before this module's state is loaded."""
        return register(self._load_state_dict_pre_hooks, hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after it was loaded; it may change the two lists."""
        return register(self._load_state_dict_post_hooks, hook)


class _Loading:
    """One ``load_state_dict``: what is known so far, over all modules."""

    def __init__(self, state: StateDict, metadata: Mapping[str, Metadata], assign: bool) -> None:
        self.state = state
        self.metadata = metadata
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []

    def load(self, module: Module, prefix: str) -> None:
        """Load ``module``, whose paths begin with ``prefix``, and all below it."""
        metadata = dict(self.metadata.get(prefix[:-1], {}))
        if self.assign:
            metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(self.state, prefix, metadata, True, self.missing, self.unexpected, self.errors)
        for name, child in module._modules.items():
            if child is not None:
                self.load(child, f"{prefix}{name}.")
        for hook in module._load_state_dict_post_hooks.values():
            if hook(module, IncompatibleKeys(self.missing, self.unexpected)) is not None:
                raise AssertionError("a load_state_dict post-hook must change the lists in place and return None")


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
