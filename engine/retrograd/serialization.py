"""``save`` and ``load``: tensors and what holds them, in one safetensors file.

Tensors lie in the file under names that other tools can read (a state dict's keys); everything around them is JSON in
the file's metadata. Nothing that is loaded is executed.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save as encode

from retrograd import dtypes
from retrograd.devices import Device, cpu
from retrograd.devices import device as find_device
from retrograd.functional.surface import function
from retrograd.meta import Array, Size
from retrograd.nn.parameter import Parameter
from retrograd.tensor import Tensor, from_array
from retrograd_events.text import tr

Target = str | os.PathLike[str] | IO[bytes]
Where = str | Device | Mapping[str, str] | None

KEY = "retrograd"
"""The entry of the file's metadata that holds everything but the tensors."""

_PLAIN = (str, int, float, bool, type(None))
_STORED = {
    "F16": dtypes.float16, "BF16": dtypes.bfloat16, "F32": dtypes.float32, "F64": dtypes.float64,
    "C64": dtypes.complex64, "U8": dtypes.uint8, "I8": dtypes.int8, "I16": dtypes.int16, "I32": dtypes.int32,
    "I64": dtypes.int64, "BOOL": dtypes.bool_,
}  # fmt: skip
"""Names of element types in a safetensors file."""

_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How files begin that ``torch.save`` wrote."""


@function
def save(obj: object, f: Target) -> None:
    """Keep tensors, numbers, text and lists, tuples and dicts of them (a state dict, an optimizer's) in a file.

    Args:
        obj: what to keep. A tensor that occurs twice is kept once, and is one tensor again when loaded.
        f: a path, which is replaced as a whole or not at all, or something to write bytes to.

    Raises:
        TypeError: for an object of any other kind, naming where it stands.
    """
    packed = _Packer()
    tree = packed.tree(obj, "")
    data = encode(packed.arrays, {KEY: json.dumps(tree)})
    if not isinstance(f, (str, os.PathLike)):
        f.write(data)
        return
    path = Path(f)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@function
def load(f: Target, map_location: Where = None, *, weights_only: bool = True) -> object:
    """What ``save`` kept, or the tensors of any safetensors file as a dict.

    Args:
        f: a path, or something to read bytes from.
        map_location: the device to put every tensor on; a mapping from the device it was on to another.
        weights_only: accepted as in PyTorch; there is never anything else in such a file.

    Raises:
        RuntimeError: for a file that is damaged or of another kind; of PyTorch's own it says how to convert it.
    """
    name, data = _read(f)
    if data.startswith(_PICKLES):
        raise RuntimeError(_conversion(name))
    try:
        found = deserialize(data)  # type: ignore[no-untyped-call]  # the library's own types end here
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        text = header.get("__metadata__", {}).get(KEY)
        unpacked = _Unpacker({key: _array(entry) for key, entry in found}, map_location)
        return unpacked.everything() if text is None else unpacked.value(json.loads(text))
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError) as error:
        reason = str(error) or type(error).__name__
        raise RuntimeError(
            tr("{name} is damaged, or no safetensors file: {reason}", name=name, reason=reason)
        ) from error


def _read(f: Target) -> tuple[str, bytes]:
    if isinstance(f, (str, os.PathLike)):
        return os.fspath(f), Path(f).read_bytes()
    return str(getattr(f, "name", tr("the stream"))), f.read()


def _conversion(name: str) -> str:
    target = Path(name).with_suffix(".safetensors")
    line = (
        f"import torch, safetensors.torch as s; s.save_file(torch.load({name!r}, weights_only=True), {str(target)!r})"
    )
    return tr(
        "{name} was written by torch.save, which can run code when it is read. Where PyTorch is, convert it: "
        'python -c "{line}"',
        name=name,
        line=line,
    )


def _array(entry: Mapping[str, object]) -> Array:
    kind = _STORED[str(entry["dtype"])]
    shape: list[int] = entry["shape"]  # type: ignore[assignment]  # the library checked the header
    data: bytes = entry["data"]  # type: ignore[assignment]  # likewise
    array: Array = np.frombuffer(bytearray(data), kind.numpy).reshape(shape)
    return array


class _Packer:
    """Takes an object apart: ``arrays`` by name, and a tree of what JSON can hold."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Tensor] = []  # so that ids stay theirs

    def tree(self, value: object, path: str) -> object:
        """``value``, which stands at ``path``, as JSON."""
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, (np.integer, np.floating, np.bool_)):
            return value.item()
        if isinstance(value, dtypes.dtype):
            return {"$dtype": value.name}
        if isinstance(value, Device):
            return {"$device": str(value)}
        if isinstance(value, (list, tuple)):
            parts = [self.tree(each, f"{path}.{place}") for place, each in enumerate(value)]
            kind = "$size" if isinstance(value, Size) else "$tuple" if isinstance(value, tuple) else ""
            return {kind: parts} if kind else parts
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        raise TypeError(
            tr(
                "save keeps tensors, numbers, text and lists, tuples and dicts of them; {where} is a {kind}. "
                "Of a module or an optimizer, save its state_dict()",
                where=path.lstrip(".") or tr("this"),
                kind=type(value).__name__,
            )
        )

    def _mapping(self, value: Mapping[object, object], path: str) -> object:
        ordered = isinstance(value, OrderedDict)
        if all(isinstance(key, str) and not key.startswith("$") for key in value) and not ordered:
            return {str(key): self.tree(each, f"{path}.{key}") for key, each in value.items()}
        pairs = [[self.tree(key, path), self.tree(each, f"{path}.{key}")] for key, each in value.items()]
        return {"$ordered" if ordered else "$dict": pairs}

    def _tensor(self, tensor: Tensor, path: str) -> object:
        name = self._names.get(id(tensor))
        if name is None:
            name = path.lstrip(".") or "tensor"
            while name in self.arrays:
                name += "_"
            array = tensor.device.to_host(tensor._data)
            pairs = array.dtype == np.complex128  # which the format does not know
            self.arrays[name] = np.ascontiguousarray(
                array.reshape(*array.shape, 1).view(np.float64) if pairs else array
            ).reshape(array.shape + ((2,) if pairs else ()))
            self._names[id(tensor)] = name
            self._kept.append(tensor)
        entry: dict[str, object] = {"$tensor": name}
        if self.arrays[name].shape != tensor.shape:
            entry["pairs"] = True
        if isinstance(tensor, Parameter):
            entry["parameter"] = True
        if tensor.requires_grad and tensor.is_leaf:
            entry["requires_grad"] = True
        if tensor.device is not cpu:
            entry["device"] = str(tensor.device)
        return entry


class _Unpacker:
    """Puts an object together again."""

    def __init__(self, arrays: Mapping[str, Array], map_location: Where) -> None:
        self._arrays = arrays
        self._where = map_location
        self._made: dict[str, Tensor] = {}
        self._kinds: dict[str, Callable[[object], object]] = {
            "$dtype": lambda part: dtypes.PUBLIC[str(part)],
            "$device": lambda part: find_device(str(part)),
            "$tuple": lambda part: tuple(self._list(part)),
            "$size": lambda part: Size(self._list(part)),  # type: ignore[arg-type]  # whole numbers
            "$dict": lambda part: dict(self._pairs(part)),
            "$ordered": lambda part: OrderedDict(self._pairs(part)),
        }

    def everything(self) -> dict[str, Tensor]:
        """All tensors, of a file that another program wrote."""
        return {name: self._tensor({"$tensor": name}) for name in self._arrays}

    def value(self, tree: object) -> object:
        """What ``tree`` stands for."""
        if isinstance(tree, list):
            return self._list(tree)
        if not isinstance(tree, dict):
            return tree
        if "$tensor" in tree:
            return self._tensor(tree)
        mark = next((key for key in tree if key.startswith("$")), None)
        if mark is not None:
            return self._kinds[mark](tree[mark])
        return {key: self.value(part) for key, part in tree.items()}

    def _list(self, parts: object) -> list[object]:
        if not isinstance(parts, list):
            raise TypeError(tr("a list is missing"))
        return [self.value(part) for part in parts]

    def _pairs(self, parts: object) -> list[tuple[object, object]]:
        return [(key, part) for key, part in (self._list(pair) for pair in self._checked(parts))]

    def _checked(self, parts: object) -> list[object]:
        if not isinstance(parts, list):
            raise TypeError(tr("a list is missing"))
        return parts

    def _tensor(self, entry: Mapping[str, object]) -> Tensor:
        name = str(entry["$tensor"])
        made = self._made.get(name)
        if made is not None:
            return made
        array = self._arrays[name]
        if entry.get("pairs"):
            array = array.view(np.complex128)[..., 0]
        made = from_array(array, cpu)
        place = self._place(str(entry.get("device", "cpu")))
        if place is not cpu:
            made = made.to(place)
        if entry.get("parameter"):
            made = Parameter(made, requires_grad=bool(entry.get("requires_grad")))
        elif entry.get("requires_grad"):
            made.requires_grad_()
        self._made[name] = made
        return made

    def _place(self, was: str) -> Device:
        where = self._where
        if isinstance(where, Mapping):
            return find_device(where.get(was, was))
        return find_device(was if where is None else where)
