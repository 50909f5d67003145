"""Element types, named and promoted as PyTorch names and promotes them."""

from __future__ import annotations

import builtins
import threading

import ml_dtypes
import numpy as np

BOOL, INTEGRAL, FLOATING, COMPLEX = 0, 1, 2, 3
"""Categories: promotion between tensors of different dimensionality only rises to a higher one."""


class dtype:  # noqa: N801  PyTorch's name
    """One element type. ``numpy`` is NumPy's dtype for it; instances are unique, so ``is`` compares them.

    ``narrow`` types (float16, bfloat16) are stored in 16 bits and computed with in 32, as PyTorch does on a CPU;
    ``working`` is NumPy's dtype that an op computes in.
    """

    __slots__ = (
        "category", "is_complex", "is_floating_point", "is_signed", "itemsize", "name", "narrow", "numpy", "working",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy: np.dtype[np.generic] = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
        kind = "f" if name == "bfloat16" else self.numpy.kind
        self.category = {"b": BOOL, "i": INTEGRAL, "u": INTEGRAL, "f": FLOATING, "c": COMPLEX}[kind]
        self.is_floating_point = kind == "f"
        self.is_complex = kind == "c"
        self.is_signed = kind in "ifc"
        self.itemsize = self.numpy.itemsize
        self.narrow = kind == "f" and self.itemsize == 2
        self.working: np.dtype[np.generic] = np.dtype(np.float32) if self.narrow else self.numpy

    def to_real(self) -> dtype:
        """The type of a complex number's parts; a real type is its own."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts are of this type."""
        return complex128 if self.name in ("float64", "complex128") else complex64

    def __repr__(self) -> str:
        return f"retrograd.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name


float16 = half = dtype("float16")
float32 = float = dtype("float32")
float64 = double = dtype("float64")
bfloat16 = dtype("bfloat16")
complex64 = cfloat = dtype("complex64")
complex128 = cdouble = dtype("complex128")
uint8 = dtype("uint8")
int8 = dtype("int8")
int16 = short = dtype("int16")
int32 = int = dtype("int32")
int64 = long = dtype("int64")
bool_ = dtype("bool")

ALL = (float16, bfloat16, float32, float64, complex64, complex128, uint8, int8, int16, int32, int64, bool_)
PUBLIC: dict[str, dtype] = {
    **{each.name: each for each in ALL},
    "half": float16, "float": float32, "double": float64, "short": int16, "int": int32, "long": int64,
    "cfloat": complex64, "cdouble": complex128,
}  # fmt: skip
"""Public name -> dtype."""

_by_numpy: dict[np.dtype[np.generic], dtype] = {each.numpy: each for each in ALL}


class _Default:
    """What floating-point literals become; PyTorch's global."""

    __slots__ = ("dtype", "lock")

    def __init__(self) -> None:
        self.dtype = float32
        self.lock = threading.Lock()


_default = _Default()


def get_default_dtype() -> dtype:
    """The dtype that Python floats become (float32 unless changed)."""
    return _default.dtype


def set_default_dtype(d: dtype) -> None:
    """Let Python floats become ``d`` from now on; ``TypeError`` unless it is a floating type."""
    if not getattr(d, "is_floating_point", False):
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    with _default.lock:
        _default.dtype = d


def from_numpy_dtype(numpy_dtype: np.dtype[np.generic]) -> dtype:
    """The dtype of an array; ``TypeError`` for what has none here (objects, strings, complex numbers, dates)."""
    found = _by_numpy.get(numpy_dtype)
    if found is None:
        raise TypeError(
            f"can't convert np.ndarray of type {numpy_dtype}. The only supported types are: "
            + ", ".join(each.name for each in ALL)
        )
    return found


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that both convert to, by PyTorch's table (int64 with float16 gives float16, unlike NumPy)."""
    if type1 is type2:
        return type1
    low, high = (type1, type2) if type1.category <= type2.category else (type2, type1)
    if high.category == COMPLEX and low.category == FLOATING:
        return complex128 if float64 in (low, high.to_real()) else high
    if high.category != low.category:
        return high
    if high.category == FLOATING:  # NumPy knows no bfloat16
        return float32 if {low, high} == {float16, bfloat16} else max(low, high, key=lambda each: each.itemsize)
    return from_numpy_dtype(np.promote_types(type1.numpy, type2.numpy))


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether an in-place result of ``from_`` may be stored as ``to``: the category may not fall."""
    return from_.category <= to.category


def number_dtype(value: object) -> dtype:
    """The dtype a Python number stands for; ``TypeError`` for anything else."""
    if isinstance(value, (builtins.bool, np.bool_)):
        return bool_
    if isinstance(value, (builtins.int, np.integer)):
        return int64
    if isinstance(value, (builtins.float, np.floating)):
        return _default.dtype
    if isinstance(value, (complex, np.complexfloating)):
        return _default.dtype.to_complex()
    raise TypeError(f"expected a Tensor or a number, got {type(value).__name__}")


class finfo:  # noqa: N801  PyTorch's name
    """Limits of a floating type: ``eps``, ``max``, ``min``, ``tiny``, ``bits``."""

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: dtype | None = None) -> None:
        chosen = (type or get_default_dtype()).to_real()
        if not chosen.is_floating_point:
            raise TypeError(f"finfo() needs a floating-point type, got {chosen!r}; use iinfo")
        facts = ml_dtypes.finfo(chosen.numpy)  # type: ignore[no-untyped-call]  # it knows bfloat16, NumPy does not
        self.dtype = chosen.name
        self.bits = facts.bits
        self.eps, self.max, self.min = builtins.float(facts.eps), builtins.float(facts.max), builtins.float(facts.min)
        self.tiny = self.smallest_normal = builtins.float(facts.tiny)
        self.resolution = builtins.float(facts.resolution)


class iinfo:  # noqa: N801  PyTorch's name
    """Limits of an integer type: ``max``, ``min``, ``bits``."""

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: dtype) -> None:
        if type.category != INTEGRAL:
            raise TypeError(f"iinfo() needs an integer type, got {type!r}; use finfo")
        facts = np.iinfo(type.name)
        self.dtype, self.bits = type.name, facts.bits
        self.max, self.min = builtins.int(facts.max), builtins.int(facts.min)
