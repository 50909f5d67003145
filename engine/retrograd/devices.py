"""Devices: where a tensor lives, and the array library that works there. The one file that names CuPy."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from retrograd.host_memory import keep_freed
from retrograd_events.text import tr

if TYPE_CHECKING:
    from retrograd.meta import Array, Meta


class ArrayFunction(Protocol):
    """A function of an array library (and a ufunc's methods)."""

    def __call__(self, *arguments: object, **options: object) -> Array: ...
    def __getattr__(self, name: str) -> ArrayFunction: ...


class Namespace(Protocol):
    """An array library: NumPy, CuPy, or the strict one that tests use."""

    def __getattr__(self, name: str) -> ArrayFunction: ...


class Backend(Protocol):
    """What a kind of device must offer."""

    xp: Namespace
    array_type: type

    def count(self) -> int:
        """How many devices of this kind there are."""
        ...

    def from_host(self, array: Array, index: int) -> Array:
        """A copy of a NumPy array on device ``index``."""
        ...

    def to_host(self, array: Array) -> Array:
        """A NumPy copy of a device's array."""
        ...

    def scipy(self, module: str) -> Namespace:
        """The module of SciPy (``special``, ``linalg.lapack``) that works on this kind's arrays."""
        ...


class _Host:
    """NumPy."""

    xp = cast(Namespace, np)
    array_type: type = np.ndarray

    def count(self) -> int:
        return 1

    def from_host(self, array: Array, index: int) -> Array:
        copied: Array = array.copy()
        return copied

    def to_host(self, array: Array) -> Array:
        copied: Array = array.copy()
        return copied

    def scipy(self, module: str) -> Namespace:
        return cast(Namespace, importlib.import_module(f"scipy.{module}"))


class Cuda:
    """CuPy."""

    def __init__(self, cupy: ModuleType) -> None:
        self._cupy = cupy
        self.xp = cast(Namespace, cupy)
        self.array_type: type = cupy.ndarray

    def count(self) -> int:
        return int(self._cupy.cuda.runtime.getDeviceCount())

    def from_host(self, array: Array, index: int) -> Array:
        with self._cupy.cuda.Device(index):
            return cast("Array", self._cupy.asarray(array))

    def to_host(self, array: Array) -> Array:
        return cast("Array", self._cupy.asnumpy(array))

    def synchronize(self, index: int) -> None:
        """Wait until device ``index`` has done all that it was given."""
        self._cupy.cuda.Device(index).synchronize()

    def memory(self, index: int) -> tuple[int, int]:
        """Bytes that arrays hold on device ``index``, and bytes kept for them in all."""
        with self._cupy.cuda.Device(index):
            pool = self._cupy.get_default_memory_pool()
            return int(pool.used_bytes()), int(pool.total_bytes())

    def release(self) -> None:
        """Give what is kept and not in use back to the system."""
        self._cupy.get_default_memory_pool().free_all_blocks()

    def properties(self, index: int) -> Mapping[str, object]:
        """What CUDA's runtime says of device ``index``."""
        return cast("Mapping[str, object]", self._cupy.cuda.runtime.getDeviceProperties(index))

    def scipy(self, module: str) -> Namespace:
        try:
            return cast(Namespace, importlib.import_module(f"cupyx.scipy.{module}"))
        except ImportError as error:
            raise NotImplementedError(
                tr("CuPy has no scipy.{module}, so that this op is not there on 'cuda'; move the tensor to 'cpu'",
                   module=module)
            ) from error  # fmt: skip


def _load_cuda() -> Backend:
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(
            tr("device 'cuda' needs CuPy, which is not installed here: pip install \"retrograd[cuda12]\" (or cuda13)")
        ) from error
    backend = Cuda(cupy)
    try:
        found = backend.count()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(tr("device 'cuda' is not usable: {error}", error=str(error))) from error
    if not found:
        raise RuntimeError(tr("device 'cuda' is not usable: no NVIDIA GPU was found"))
    return backend


_loaders: dict[str, Callable[[], Backend]] = {"cpu": _Host, "cuda": _load_cuda}
_backends: dict[str, Backend] = {}
_devices: dict[tuple[str, int], Device] = {}
xp_of_type: dict[type, Namespace] = {np.ndarray: cast(Namespace, np), np.generic: cast(Namespace, np)}
"""Array type -> its library, for arrays met outside a tensor (inside the rules of a backward pass)."""


def add_backend(kind: str, load: Callable[[], Backend]) -> None:
    """Make ``kind`` known as a device type; ``load`` is called at its first use."""
    _loaders[kind] = load


class Device:
    """A place for tensors, equal by identity: ``cpu`` or ``cuda:0``.

    ``xp`` is its array library; ``metas`` the kinds of tensor met on it (see ``retrograd.meta``).
    """

    __slots__ = ("_name", "array_type", "backend", "index", "metas", "type", "xp")

    def __init__(self, type: str, index: int | None, backend: Backend) -> None:
        self.type = type
        self.index = index
        self.backend = backend
        self.xp = backend.xp
        self.array_type = backend.array_type
        self.metas: dict[tuple[tuple[int, ...], np.dtype[Any]], Meta] = {}
        self._name = type if index is None else f"{type}:{index}"

    def from_host(self, array: Array) -> Array:
        """A copy of a NumPy array here."""
        return self.backend.from_host(array, self.index or 0)

    def to_host(self, array: Array) -> Array:
        """A NumPy copy of an array that lives here."""
        return self.backend.to_host(array)

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        if self.index is None:
            return f"device(type='{self.type}')"
        return f"device(type='{self.type}', index={self.index})"

    def __reduce__(self) -> tuple[Callable[[str], Device], tuple[str]]:
        return device, (self._name,)


def device(type: str | int | Device, index: int | None = None) -> Device:
    """The device named ``type`` (``cpu``, ``cuda``, ``cuda:1``).

    ``RuntimeError`` for a name that is none, or a device that this machine can't offer; the message says what to do.
    """
    if isinstance(type, Device):
        return type
    if isinstance(type, int):
        return device("cuda", type)
    match = re.fullmatch(r"([a-z_]+)(?::(\d+))?", type)
    if match is None or match[1] not in _loaders:
        known = ", ".join(sorted(_loaders))
        raise RuntimeError(tr("'{name}' is no device; there are: {known}", name=type, known=known))
    kind = match[1]
    number = int(match[2]) if match[2] else (index or 0)
    found = _devices.get((kind, number))
    return found if found is not None else _open(kind, number)


def _open(kind: str, number: int) -> Device:
    backend = _backends.get(kind)
    if backend is None:
        backend = _backends[kind] = _loaders[kind]()
        xp_of_type[backend.array_type] = backend.xp
    if number >= backend.count():
        raise RuntimeError(
            tr("there is no device '{kind}:{number}': {count} found", kind=kind, number=number, count=backend.count())
        )
    made = Device(kind, None if kind == "cpu" else number, backend)
    _devices[kind, number] = made
    return made


cpu = device("cpu")
"""The host."""
keep_freed()


def opened() -> frozenset[str]:
    """The kinds of device that something has asked for."""
    return frozenset(_backends)


def device_of(array: object) -> Device:
    """The device that an array (or NumPy scalar) lives on."""
    for kind, backend in _backends.items():
        if type(array) is backend.array_type:
            return device(kind) if kind == "cpu" else device(kind, _index_of(array))
    return cpu


def _index_of(array: object) -> int:
    where = getattr(array, "device", None)
    return int(getattr(where, "id", 0))


def cuda() -> Cuda:
    """The GPUs' backend; ``RuntimeError`` that says what to do where there is none."""
    backend = device("cuda").backend
    assert isinstance(backend, Cuda)
    return backend


def broadcast_to(xp: Namespace, array: Array, shape: tuple[int, ...]) -> Array:
    """``xp.broadcast_to``: a read-only view. NumPy takes 2 µs for it, too long for the gradient of every sum."""
    if type(array) is np.ndarray and array.size == 1 and len(shape) >= array.ndim:
        view: Array = np.ndarray(shape, array.dtype, array, 0, (0,) * len(shape))
        view.flags.writeable = False
        return view
    return xp.broadcast_to(array, shape)


def namespace_of(value: object) -> Namespace:
    """The array library that ``value`` belongs to (NumPy for plain numbers)."""
    return xp_of_type.get(type(value)) or cpu.xp


def scipy_of(xp: Namespace, module: str) -> Namespace:
    """The module of SciPy that works on the arrays of the library ``xp``; the only way that ops come to SciPy."""
    for backend in _backends.values():
        if backend.xp is xp:
            return backend.scipy(module)
    raise RuntimeError(f"{xp} is not the array library of a device")


def lapack(xp: Namespace, name: str, dtype: np.dtype[Any]) -> ArrayFunction:
    """LAPACK's function ``name`` (without its first letter, which says the dtype), for the arrays of a library."""
    found: ArrayFunction = getattr(
        scipy_of(xp, "linalg.lapack"), {"f": "s", "d": "d", "F": "c", "D": "z"}[dtype.char] + name
    )
    return found
