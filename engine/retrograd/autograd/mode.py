"""Grad mode: whether ops are recorded for backward, per thread, as PyTorch keeps it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


disabled: set[int] = set()
"""Threads that record nothing now. While it is empty nobody need ask ``mode``, which costs 0.1 µs."""


class _Mode(threading.local):
    _enabled = True

    @property
    def enabled(self) -> bool:
        """Whether this thread records."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value
        (disabled.discard if value else disabled.add)(threading.get_ident())


mode = _Mode()
"""``mode.enabled``: whether this thread records."""


def is_grad_enabled() -> bool:
    """Whether ops of this thread are recorded for backward."""
    return mode.enabled


class _Guard:
    """Sets grad mode for a ``with`` block or a function."""

    __slots__ = ("_before", "_value")

    def __init__(self, value: bool) -> None:
        self._value = value
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.enabled)
        mode.enabled = self._value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.enabled = self._before.pop()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        value = self._value

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            with _Guard(value):
                return function(*args, **kwargs)

        return guarded


class no_grad(_Guard):  # noqa: N801  PyTorch's name
    """Record nothing for backward inside: ``with no_grad():`` or ``@no_grad()`` (also without parentheses)."""

    __slots__ = ()

    def __new__(cls, function: Callable[P, R] | None = None) -> no_grad:
        made = super().__new__(cls)
        if function is None:
            return made
        made.__init__()  # type: ignore[misc]  # used as a bare decorator: what comes back is the function
        return made(function)  # type: ignore[return-value]

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_Guard):  # noqa: N801  PyTorch's name
    """Record again, inside a ``no_grad`` block."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(True)


class set_grad_enabled(_Guard):  # noqa: N801  PyTorch's name
    """Set grad mode now; used with ``with``, set it back after."""

    __slots__ = ()

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._before.append(_swap(mode))

    def __enter__(self) -> None:
        """Nothing more to do: it was set when this was made."""


def _swap(value: bool) -> bool:
    before = mode.enabled
    mode.enabled = value
    return before
