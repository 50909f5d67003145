"""Where PyTorch's functions and methods are collected: each is declared once, with a decorator that says what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from retrograd.ops.inplace import recomputed
from retrograd.tensor import Tensor

F = TypeVar("F", bound=Callable[..., object])

functions: dict[str, Callable[..., object]] = {}
"""Name below ``retrograd`` -> function."""
namespaces: dict[str, dict[str, Callable[..., object]]] = {}
"""The same for each module of functions below ``retrograd`` (``linalg``, ``fft``)."""


def function(found: F) -> F:
    """A function of ``retrograd``."""
    name = found.__name__.rstrip("_") if found.__name__.rstrip("_") in ("slice",) else found.__name__
    if functions.setdefault(name, found) is not found:
        raise ValueError(f"there are two functions named {name}")
    return found


def within(namespace: str) -> Callable[[F], F]:
    """A function of ``retrograd.<namespace>``, which is a module that takes what is here."""

    def declare(found: F) -> F:
        if namespaces.setdefault(namespace, {}).setdefault(found.__name__, found) is not found:
            raise ValueError(f"there are two functions named {namespace}.{found.__name__}")
        return found

    return declare


def method(found: F) -> F:
    """A method of ``Tensor``."""
    setattr(Tensor, found.__name__, found)
    return found


def overwriting(found: Callable[..., Tensor]) -> None:
    """A method of the name with an underscore, which overwrites its tensor with what ``found`` makes of it."""
    method(recomputed(found, f"{found.__name__}_"))


def both(found: F) -> F:
    """A function of ``retrograd`` and a method of ``Tensor``."""
    return method(function(found))
