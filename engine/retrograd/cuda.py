"""GPUs under PyTorch's names (``torch.cuda``), by way of CuPy.

Without CuPy or a GPU ``is_available()`` is false, ``device_count()`` 0, and everything else says what to install.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import NamedTuple

from retrograd import devices
from retrograd.devices import Device
from retrograd.devices import cuda as _gpus
from retrograd.devices import device as _device
from retrograd.random import default_generator

Where = int | str | Device | None


class _Current(threading.local):
    index = 0


_current = _Current()


class DeviceProperties(NamedTuple):
    """What ``get_device_properties`` tells of a GPU; memory in bytes."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int


def is_available() -> bool:
    """Whether a tensor can be made on ``cuda`` here."""
    return device_count() > 0


def device_count() -> int:
    """How many GPUs there are."""
    try:
        return _gpus().count()
    except RuntimeError:
        return 0


def is_initialized() -> bool:
    """Whether a GPU has been asked for."""
    return "cuda" in devices.opened()


def current_device() -> int:
    """The number of the GPU that ``cuda`` without a number means in this thread."""
    _gpus()
    return _current.index


def set_device(device: Where) -> None:
    """Make another GPU the one that ``current_device`` names."""
    _current.index = _index(device)


def synchronize(device: Where = None) -> None:
    """Wait until a GPU has done all that it was given."""
    _gpus().synchronize(_index(device))


def memory_allocated(device: Where = None) -> int:
    """Bytes that tensors hold on a GPU."""
    return _gpus().memory(_index(device))[0] if is_available() else 0


def memory_reserved(device: Where = None) -> int:
    """Bytes that are kept for tensors on a GPU, in use or not."""
    return _gpus().memory(_index(device))[1] if is_available() else 0


def empty_cache() -> None:
    """Give memory that is kept and not in use back to the system."""
    if is_available():
        _gpus().release()


def get_device_properties(device: Where = None) -> DeviceProperties:
    """Name, compute capability, memory and processors of a GPU."""
    facts = _gpus().properties(_index(device))
    name = facts["name"]
    numbers = [int(str(facts[key])) for key in ("major", "minor", "totalGlobalMem", "multiProcessorCount")]
    return DeviceProperties(name.decode() if isinstance(name, bytes) else str(name), *numbers)


def get_device_name(device: Where = None) -> str:
    """A GPU's name."""
    return get_device_properties(device).name


def get_device_capability(device: Where = None) -> tuple[int, int]:
    """A GPU's compute capability: major and minor."""
    facts = get_device_properties(device)
    return facts.major, facts.minor


def manual_seed(seed: int) -> None:
    """Seed what is drawn on GPUs. Numbers are drawn on the host and copied, so this is ``torch.manual_seed``."""
    if is_available():
        default_generator.manual_seed(seed)


manual_seed_all = manual_seed


class device:  # noqa: N801  PyTorch's name
    """``with device(1): ...``: another current GPU inside."""

    def __init__(self, device: Where) -> None:
        self._index = _index(device)
        self._before = 0

    def __enter__(self) -> None:
        self._before, _current.index = _current.index, self._index

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.index = self._before


def _index(where: Where) -> int:
    if where is None:
        return current_device()
    found = _device(where)
    if found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return found.index or 0
