"""Saved-tensor hooks: what is done with a tensor when an op saves it for backward, and when backward needs it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from retrograd.autograd.mode import mode
from retrograd.tensor import Tensor

Pack = Callable[[Tensor], object]
Unpack = Callable[..., Tensor]


class saved_tensors_hooks:  # noqa: N801  PyTorch's name
    """For a ``with`` block: ``pack_hook(tensor)`` is called when an op saves a tensor, and what it returns is kept in
    its place; ``unpack_hook`` gets that and returns a tensor when backward needs it. The innermost pair counts.

    A tensor that was packed is not checked for later changes in place.
    """

    def __init__(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if mode.refusal is not None:
            raise RuntimeError(mode.refusal)
        mode.packers = (*mode.packers, (self.pack_hook, self.unpack_hook))
        mode.refresh()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.packers = mode.packers[:-1]
        mode.refresh()


class save_on_cpu(saved_tensors_hooks):  # noqa: N801  PyTorch's name
    """Keep saved tensors on the host and bring them back when backward needs them. ``pin_memory`` is taken for the
    sake of scripts; the copies are ordinary memory."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(_to_host, _from_host)


def _to_host(tensor: Tensor) -> object:
    return tensor.device, tensor.cpu()


def _from_host(packed: tuple[object, Tensor]) -> Tensor:
    device, tensor = packed
    return tensor.to(device)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """For a ``with`` block: setting saved-tensor hooks raises RuntimeError with ``error_message``."""
    before, mode.refusal = mode.refusal, error_message
    try:
        if mode.packers:
            raise RuntimeError(error_message)
        yield
    finally:
        mode.refusal = before
