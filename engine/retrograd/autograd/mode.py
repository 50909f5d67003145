"""Grad mode: whether ops are recorded for backward, per thread, as PyTorch keeps it."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

Pack = Callable[..., object]


disabled: set[int] = set()
"""Threads that record nothing now. While it is empty nobody need ask ``mode``, which costs 0.1 µs."""


special: set[int] = set()
"""Threads in which recording does more than record: saved-tensor hooks, inference mode. ``EVERYWHERE`` in it stands for
all of them. While it is empty nobody need ask."""
EVERYWHERE = 0


class _Mode(threading.local):
    _enabled = True
    inference = False
    packers: tuple[tuple[Pack, Pack], ...] = ()
    refusal: str | None = None

    @property
    def enabled(self) -> bool:
        """Whether this thread records."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value
        (disabled.discard if value else disabled.add)(threading.get_ident())

    def refresh(self) -> None:
        """Note whether this thread asks for more than recording, after a change of ``inference`` or ``packers``."""
        wants = self.inference or bool(self.packers)
        (special.add if wants else special.discard)(threading.get_ident())


mode = _Mode()
"""Of this thread: ``enabled``: whether it records; ``inference``: whether inference mode is on; ``packers``: its pairs
of saved-tensor hooks, innermost last; ``refusal``: why such hooks may not be set (None: they may)."""


def is_grad_enabled() -> bool:
    """Whether ops of this thread are recorded for backward."""
    return mode.enabled


class _Guard:
    """Sets grad mode for a ``with`` block, or for every call of a function or step of a generator."""

    __slots__ = ("_before", "_value")

    def __init__(self, value: bool) -> None:
        self._value = value
        self._before: list[bool] = []

    def _again(self) -> _Guard:
        """The same for another block."""
        return _Guard(self._value)

    def __enter__(self) -> None:
        self._before.append(mode.enabled)
        mode.enabled = self._value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.enabled = self._before.pop()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        again = self._again
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def stepped(*args: P.args, **kwargs: P.kwargs) -> object:
                return _steps(again, function(*args, **kwargs))

            return stepped  # type: ignore[return-value]  # a generator, as the function's

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            with again():
                return function(*args, **kwargs)

        return guarded


def _steps(again: Callable[[], _Guard], source: Generator[object, object, object]) -> Generator[object, object, object]:
    """``source``, each of whose steps runs guarded; what happens between them does not."""
    send: Callable[[], object] = functools.partial(next, source)
    while True:
        try:
            with again():
                value = send()
        except StopIteration as end:
            return end.value
        try:
            send = functools.partial(source.send, (yield value))
        except GeneratorExit:
            with again():
                source.close()
            raise
        except BaseException as error:  # noqa: BLE001  the source is to see it
            send = functools.partial(source.throw, error)


class no_grad(_Guard):  # noqa: N801  PyTorch's name
    """Record nothing for backward inside: ``with no_grad():`` or ``@no_grad()`` (also without parentheses)."""

    __slots__ = ()

    def __new__(cls, function: Callable[P, R] | None = None) -> no_grad:
        made = super().__new__(cls)
        if function is None:
            return made
        _Guard.__init__(made, False)  # a bare decorator: what comes back is the function
        return made(function)  # type: ignore[return-value]

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_Guard):  # noqa: N801  PyTorch's name
    """Record again, inside a ``no_grad`` block."""

    __slots__ = ()

    def __new__(cls, function: Callable[P, R] | None = None) -> enable_grad:
        made = super().__new__(cls)
        if function is None:
            return made
        _Guard.__init__(made, True)
        return made(function)  # type: ignore[return-value]  # a bare decorator, as above

    def __init__(self) -> None:
        super().__init__(True)


class set_grad_enabled(_Guard):  # noqa: N801  PyTorch's name
    """Set grad mode now; used with ``with``, set it back after. As a decorator it sets nothing until the function is
    called."""

    __slots__ = ("_first",)

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._first = _swap(self._value)
        self._before.append(self._first)

    def __enter__(self) -> None:
        """It was set when this was made."""
        mode.enabled = self._value

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        mode.enabled = self._first
        return super().__call__(function)


class inference_mode(_Guard):  # noqa: N801  PyTorch's name
    """Like ``no_grad``, and what is made inside can never take part in a recorded computation.

    Such tensors keep no version counter: outside they can't be changed in place, made to require grad, or saved for
    backward (clone them for that). ``mode`` False: leave inference mode for the block.
    """

    __slots__ = ("_inference",)

    def __new__(cls, mode: bool | Callable[P, R] = True) -> inference_mode:
        made = super().__new__(cls)
        if isinstance(mode, bool):
            return made
        made.__init__()  # type: ignore[misc]  # a bare decorator: what comes back is the function
        return made(mode)  # type: ignore[return-value]

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode)
        self._inference: list[bool] = []

    def _again(self) -> _Guard:
        return inference_mode(not self._value)

    def __enter__(self) -> None:
        super().__enter__()
        self._inference.append(mode.inference)
        mode.inference = not self._value
        mode.refresh()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.inference = self._inference.pop()
        mode.refresh()
        super().__exit__(kind, error, trace)


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode."""
    return mode.inference


def _swap(value: bool) -> bool:
    before = mode.enabled
    mode.enabled = value
    return before
