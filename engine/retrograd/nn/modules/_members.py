"""What a module holds: parameters, buffers and child modules by name, and the walks over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar, Union, cast

from retrograd.nn.parameter import Buffer, Parameter
from retrograd.tensor import Tensor
from retrograd.utils.typename import typename

if TYPE_CHECKING:
    from retrograd.nn.modules.module import Module

_T = TypeVar("_T")


class Members:
    """The part of ``Module`` that stores its members. An attribute goes by its type into one of three dictionaries;
    everything else is an ordinary attribute."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def _init_members(self) -> None:
        ordinary = self.__dict__  # past __setattr__, which would look into what is only being made
        ordinary["_parameters"] = {}
        ordinary["_buffers"] = {}
        ordinary["_modules"] = {}
        ordinary["_non_persistent_buffers_set"] = set()

    # --- registering

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add ``param`` under ``name``; None keeps the name without a parameter.

        Raises:
            TypeError: when it is no ``Parameter``.
            KeyError: for a name that is taken, empty, or has a dot.
            ValueError: when it is not a leaf of the graph.
        """
        self._check_name(name, "parameter", "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add ``tensor``, which is state but not trained, under ``name``; ``persistent``: part of the state dict.

        Raises:
            TypeError: when it is no tensor.
            KeyError: for a name that is taken, empty, or has a dot.
        """
        self._check_name(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Another name of ``add_module``."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add the child ``module`` under ``name``.

        Raises:
            TypeError: when it is no module.
            KeyError: for a name that is taken, empty, or has a dot.
        """
        if module is not None and not isinstance(module, Members):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name(name, "module", "_modules")
        self._modules[name] = module

    def _check_name(self, name: str, kind: str, place: str) -> None:
        if place not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in self.__dict__[place] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # --- attributes

    def __getattr__(self, name: str) -> Union[Tensor, Module]:
        ordinary = self.__dict__
        for place in ("_parameters", "_buffers", "_modules"):
            members = ordinary.get(place)
            if members is not None and name in members:
                # a name kept without a member is None, which PyTorch leaves out of this type as well
                return cast("Union[Tensor, Module]", members[name])
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        ordinary = self.__dict__
        if isinstance(value, Parameter):
            self._need_init("_parameters", "parameters")
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif isinstance(value, Members):
            self._need_init("_modules", "module")
            self._forget(name, "_parameters", "_buffers")
            self._modules[name] = cast("Module", value)
        elif isinstance(value, Buffer):
            self._need_init("_buffers", "buffer")
            self._forget(name, "_parameters", "_modules")
            self.register_buffer(name, value, value.persistent)
        elif name in ordinary.get("_parameters", ()):
            _check_member(value, "parameter", name, "torch.nn.Parameter or None expected", none_only=True)
            self._parameters[name] = None
        elif name in ordinary.get("_modules", ()):
            _check_member(value, "child module", name, "torch.nn.Module or None expected", none_only=True)
            self._modules[name] = None
        elif name in ordinary.get("_buffers", ()):
            _check_member(value, "buffer", name, "torch.nn.Buffer, torch.Tensor or None expected", none_only=False)
            self._buffers[name] = cast("Union[Tensor, None]", value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for members in (self._parameters, self._buffers, self._modules):
            if name in members:
                del members[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def _need_init(self, place: str, what: str) -> None:
        if place not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")

    def _forget(self, name: str, *places: str) -> None:
        """Let ``name`` mean nothing but the member that is about to get it."""
        self.__dict__.pop(name, None)
        for place in places:
            self.__dict__[place].pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    # --- walks

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module ("" or ``prefix``) and all below it, parents first, each once unless told otherwise."""
        memo = set() if memo is None else memo
        module = cast("Module", self)
        if module in memo:
            return
        if remove_duplicate:
            memo.add(module)
        yield prefix, module
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it, parents first."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their names, each once."""
        seen: set[Module] = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly below this one, each once."""
        for _, child in self.named_children():
            yield child

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Parameters with their paths; ``recurse``: also those of the modules below."""
        return self._named_members(lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """What an optimizer is given: the parameters of this module and, with ``recurse``, of all below it."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Buffers with their paths; ``recurse``: also those of the modules below."""
        return self._named_members(lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and, with ``recurse``, of all below it."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(
        self,
        members: Callable[[Members], Iterable[tuple[str, _T | None]]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, _T]]:
        seen: set[int] = set()
        owners: Iterable[tuple[str, Members]] = [(prefix, self)]
        if recurse:
            owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, owner in owners:
            for name, member in members(owner):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield _join(path, name), member

    # --- paths

    def get_submodule(self, target: str) -> Module:
        """The module at the dotted path ``target`` ("" is this one).

        Raises:
            AttributeError: when there is none.
        """
        module = cast("Module", self)
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            child: object = getattr(module, name)
            if not isinstance(child, Members):
                raise AttributeError(f"`{name}` is not an nn.Module")
            module = cast("Module", child)
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put ``module`` at the dotted path ``target``; ``strict``: only in place of another.

        Raises:
            ValueError: for an empty path, or what is no module.
            AttributeError: when there is no such path, or something else at its end.
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        given: object = module
        if not isinstance(given, Members):
            raise ValueError(f"`module` is not an nn.Module, found {type(given)}")
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if strict and not hasattr(owner, name):
            raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
        if hasattr(owner, name) and not isinstance(getattr(owner, name), Members):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(owner, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path ``target``.

        Raises:
            AttributeError: when there is none.
        """
        owner, name = self._owner(target)
        parameter: object = getattr(owner, name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path ``target``.

        Raises:
            AttributeError: when there is none.
        """
        owner, name = self._owner(target)
        buffer = owner._buffers.get(name)
        if buffer is None:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def _owner(self, target: str) -> tuple[Module, str]:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
        return owner, name


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _check_member(value: object, kind: str, name: str, expected: str, *, none_only: bool) -> None:
    if value is not None and (none_only or not isinstance(value, Tensor)):
        raise TypeError(f"cannot assign '{typename(value)}' as {kind} '{name}' ({expected})")
