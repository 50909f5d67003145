"""Sequences of several lengths, step by step and without padding, as recurrent layers take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from retrograd.functional.create import tensor
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

    from retrograd.devices import Device

__all__ = ["PackedSequence", "invert_permutation"]


def whole(values: Tensor) -> list[int]:
    """Whole numbers (N) as a list."""
    return [int(each) for each in values.numpy(force=True)]


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation`` (N)."""
    if permutation is None:
        return None
    places = whole(permutation)
    back = [0] * len(places)
    for place, source in enumerate(places):
        back[source] = place
    return tensor(back, dtype=permutation.dtype, device=permutation.device)


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences of several lengths in one tensor. Made by ``pack_sequence`` and ``pack_padded_sequence``.

    Args:
        data: (rows, *), the elements of all sequences: the first of each, then the second of each that has one, and so
            on, the longest sequence first.
        batch_sizes: how many rows belong to each step, int64 on the CPU.
        sorted_indices: which sequence of the original batch comes where, None if none was moved.
        unsorted_indices: where each of the original batch is (default: from ``sorted_indices``).

    Source: ``torch.nn.utils.rnn.PackedSequence``.

    Raises:
        ValueError: for ``batch_sizes`` that are not on the CPU.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes.device.type != "cpu":
            raise ValueError(f"batch_sizes must be on the CPU, not on {batch_sizes.device}; see pack_padded_sequence")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    @property
    def is_cuda(self) -> bool:
        """Whether the data are on a GPU."""
        return bool(self.data.is_cuda)

    def to(self, *args: object, **kwargs: object) -> Self:
        """Convert the data, and take the indices along to another device; arguments as of ``Tensor.to``."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        sorted_, unsorted = (
            None if each is None else each.to(data.device) for each in (self.sorted_indices, self.unsorted_indices)
        )
        return type(self)(data, self.batch_sizes, sorted_, unsorted)

    def cpu(self) -> Self:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: int | str | Device = "cuda") -> Self:
        """On a GPU."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device)

    def double(self) -> Self:
        """As float64."""
        return self.to(self.data.double().dtype)

    def float(self) -> Self:
        """As float32."""
        return self.to(self.data.float().dtype)
