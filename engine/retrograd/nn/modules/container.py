"""Modules that hold modules."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Union, cast, overload

from retrograd.nn.modules._pairs import pairs_of
from retrograd.nn.modules.module import Module

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Holder(Module):
    """A module whose modules are none of them None."""

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._modules)


class _Numbered(_Holder):
    """What ``Sequential`` and ``ModuleList`` share: their modules are named by their places."""

    def append(self, module: Module) -> Self:
        """Add ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Module:
        """Remove the module at ``key`` and return it."""
        module = self[key]
        del self[key]
        return module

    @abstractmethod
    def __getitem__(self, index: int | slice) -> Module:
        """The module at a place; for a slice a container of the same kind."""

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name(index)]
        for name in names:
            del self._modules[name]
        self._renumber(list(self._modules.values()))

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def _name(self, index: int) -> str:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def _renumber(self, modules: Iterable[Module]) -> None:
        held = list(modules)
        self._modules.clear()
        self._modules.update({str(place): module for place, module in enumerate(held)})


class Sequential(_Numbered):
    """Runs its modules one after the other, each on the result of the one before.

    Args:
        args: the modules, named "0", "1", …; or one ``OrderedDict`` from name to module.
    """

    @overload
    def __init__(self, *args: Module) -> None: ...
    @overload
    def __init__(self, arg: OrderedDict[str, Module], /) -> None: ...
    def __init__(self, *args: Union[Module, OrderedDict[str, Module]]) -> None:
        super().__init__()
        named: Iterable[tuple[str, object]]
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            named = args[0].items()
        else:
            named = ((str(index), module) for index, module in enumerate(args))
        for name, module in named:
            self.add_module(name, cast("Module", module))

    def forward(self, input: Any) -> Any:
        """Run ``input`` through all modules."""
        for module in self._modules.values():
            input = module(input)
        return input

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add ``sequential``'s modules at the end."""
        for module in list(sequential):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put ``module`` before place ``index``; the names of those behind move up."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        size = len(self)
        if not -size <= index <= size:
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int | slice) -> Module: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(other)

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*list(self) * _times(other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Self:
        self._renumber(list(self) * _times(other))
        return self


class ModuleList(_Numbered):
    """A list of modules that are found as members. It is not called itself.

    Args:
        modules: what it holds at first.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add ``modules`` at the end.

        Raises:
            TypeError: when they can't be walked over.
        """
        given: object = modules
        if not isinstance(given, Iterable):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(given).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put ``module`` before place ``index``; the names of those behind move up."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    @overload
    def __getitem__(self, index: int | slice) -> Module: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._modules[self._name(index)]

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def __repr__(self) -> str:
        """Equal neighbours are told once, with their number."""
        lines, place = [], 0
        for text, run in groupby(map(repr, self)):
            count = len(list(run))
            told = f"({place})" if count == 1 else f"({place}-{place + count - 1}): {count} x"
            lines.append(f"{told}{':' if count == 1 else ''} {text}".replace("\n", "\n  "))
            place += count
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"


class ModuleDict(_Holder):
    """Modules by name that are found as members, in the order in which they came. It is not called itself.

    Args:
        modules: a mapping, or pairs of name and module.
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Remove the module of that name and return it."""
        return self._modules.pop(key)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Module]:
        """Names and modules."""
        return self._modules.items()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add ``modules``, a mapping or pairs, in place of those of the same names.

        Raises:
            TypeError, ValueError: when they are neither.
        """
        for name, module in pairs_of(modules, "ModuleDict"):
            self[name] = cast("Module", module)


def _times(count: int) -> int:
    given: object = count
    if not isinstance(given, int):
        raise TypeError(f"unsupported operand type(s) for *: {Sequential} and {type(given)}")
    if given <= 0:
        raise ValueError(f"Non-positive multiplication factor {given} for {Sequential}")
    return given
