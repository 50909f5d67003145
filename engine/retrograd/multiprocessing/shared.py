"""Memory that several processes see.

A block of it is a file in memory (``/dev/shm`` where there is one) that a process maps. Every message that carries the
block has a link of its own to the file, which the receiver removes once it has mapped it: so a message may outlive its
sender, and nothing is left behind by one that was read. Links of messages that nobody read go with the folder, which
belongs to the process that shared first and is removed when that ends (by the next one, if it was killed).
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import mmap
import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from retrograd.meta import Array
from retrograd.tensor import Tensor

_PREFIX = "retrograd-"
_OWNER = "RETROGRAD_MEMORY_OWNER"
"""Tells children of children whose folder they use: the number of a process."""
_numbers = itertools.count()


class Block(mmap.mmap):
    """A mapped file; ``path`` is a link to it that this process keeps as long as it has the block."""

    path: Path

    def __del__(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            self.path.unlink()


def create(size: int) -> Block:
    """A new block of ``size`` bytes, which are zeros."""
    path = _new_name()
    with path.open("x+b") as file:
        file.truncate(size)
        return _mapped(file.fileno(), size, path)


def send(block: Block) -> str:
    """A link to ``block`` for one message."""
    link = _new_name()
    os.link(block.path, link)
    return str(link)


def receive(link: str, size: int) -> Block:
    """The block that a message brought; it becomes this process's.

    Raises:
        FileNotFoundError: when its message was read before, or the process that shared it first has ended.
    """
    _remove_at_exit(Path(link).parent)
    with open(link, "r+b") as file:
        return _mapped(file.fileno(), size, Path(link))


def _mapped(descriptor: int, size: int, path: Path) -> Block:
    block = Block(descriptor, size)
    block.path = path
    return block


def _new_name() -> Path:
    return _folder() / f"{os.getpid()}-{next(_numbers)}"


def _root() -> Path:
    return Path("/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir())


def _folder() -> Path:
    """The folder of the process that stands first, which all its children use."""
    parent = multiprocessing.parent_process()
    owner = os.environ.setdefault(_OWNER, str(os.getpid() if parent is None else parent.pid))
    folder = _root() / f"{_PREFIX}{owner}"
    if not folder.is_dir():
        _sweep(_root())
        folder.mkdir(mode=0o700, exist_ok=True)
        _remove_at_exit(folder)
    return folder


@functools.cache
def _remove_at_exit(folder: Path) -> None:
    if folder.name == f"{_PREFIX}{os.getpid()}":
        atexit.register(_remove, folder, os.getpid())


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # and no fork of it
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path) -> None:
    """Remove what processes left that were killed."""
    for found in root.glob(f"{_PREFIX}*"):
        pid = found.name.removeprefix(_PREFIX)
        if pid.isdigit() and not _runs(int(pid)):
            shutil.rmtree(found, ignore_errors=True)


def _runs(pid: int) -> bool:
    if os.name == "nt":
        return True  # a signal would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


# --- tensors in it


def block_of(array: object) -> Block | None:
    """The block that an array lies in, or None."""
    while array is not None and not isinstance(array, Block):
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return array


def is_shared(tensor: Tensor) -> bool:
    """Whether other processes can see its memory. That of a GPU counts, as in PyTorch."""
    return tensor.device.type != "cpu" or block_of(tensor._data) is not None


def share(tensor: Tensor) -> Tensor:
    """Move a tensor's storage to shared memory, with all its views; returns the tensor.

    Views that PyTorch would know of move along; a NumPy array taken from the tensor before keeps the old memory.
    """
    root = tensor if tensor._base is None else tensor._base
    if is_shared(tensor) or root.numel() == 0:
        return tensor
    old = root._data
    layout = old if old.flags.c_contiguous else np.ascontiguousarray(old)
    block = create(layout.nbytes)
    new: Array = np.frombuffer(block, layout.dtype, layout.size).reshape(layout.shape)
    if not old.flags.c_contiguous:
        order = sorted(range(old.ndim), key=lambda axis: -abs(old.strides[axis]))
        new = new.reshape([old.shape[axis] for axis in order]).transpose(np.argsort(order))
    new[...] = old
    start = old.ctypes.data
    views = [] if root._cell is None else [reference() for reference in root._cell.views]
    for view in {id(each): each for each in (tensor, *views) if each is not None and each is not root}.values():
        offset = view._data.ctypes.data - start
        view._data = np.ndarray(view._data.shape, view._data.dtype, block, offset, view._data.strides)
    root._data = new
    return tensor
