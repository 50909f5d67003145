"""Settings of the whole process that scripts make at their beginning, under PyTorch's names."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from retrograd.functional.surface import function

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

PRECISIONS = ("highest", "high", "medium")


class _Settings:
    """What was asked for; PyTorch keeps the same for the whole process."""

    __slots__ = ("deterministic", "interop", "lock", "precision", "warn_only")

    def __init__(self) -> None:
        self.deterministic = self.warn_only = False
        self.precision = PRECISIONS[0]
        self.interop = 1
        self.lock = threading.Lock()


_settings = _Settings()


def _blas() -> ThreadpoolController:
    """The BLAS libraries that are loaded."""
    from threadpoolctl import ThreadpoolController  # few scripts ask, all would wait for it

    return ThreadpoolController().select(user_api="blas")


@function
def set_num_threads(int: int) -> None:  # PyTorch's name of it
    """Let products of matrices use so many threads (the BLAS library's; everything else runs on one)."""
    if isinstance(int, bool) or not hasattr(int, "__index__"):
        raise TypeError(f"set_num_threads expects an int, but got {type(int).__name__}")
    if int <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _blas().limit(limits=int)


@function
def get_num_threads() -> int:
    """How many threads products of matrices use."""
    return max((pool["num_threads"] for pool in _blas().info()), default=1)


@function
def set_num_interop_threads(int: int) -> None:  # PyTorch's name of it
    """Kept and given back: no op runs beside another here."""
    if int <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    with _settings.lock:
        _settings.interop = int


@function
def get_num_interop_threads() -> int:
    """What ``set_num_interop_threads`` was given."""
    return _settings.interop


@function
def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Kept and given back: every op here gives the same bits each time as it is."""
    with _settings.lock:
        _settings.deterministic, _settings.warn_only = bool(mode), bool(mode and warn_only)


@function
def are_deterministic_algorithms_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was given."""
    return _settings.deterministic


@function
def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it was given ``warn_only``."""
    return _settings.warn_only


@function
def set_float32_matmul_precision(precision: str) -> None:
    """Kept and given back: float32 products are computed in float32 whatever is asked for, PyTorch's "highest"."""
    if precision not in PRECISIONS:
        raise RuntimeError(f"Unknown precision '{precision}'; there are: {', '.join(PRECISIONS)}")
    with _settings.lock:
        _settings.precision = precision


@function
def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` was given."""
    return _settings.precision
