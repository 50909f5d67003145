"""Changing a tensor's own shape in place."""

from __future__ import annotations

from collections.abc import Callable

from retrograd.autograd.mode import mode
from retrograd.autograd.versions import versions_of
from retrograd.functional import shape, views
from retrograd.functional.shape import sizes_of
from retrograd.functional.surface import both, method
from retrograd.meta import meta_of
from retrograd.tensor import Tensor


@method
def resize_(self: Tensor, *size: object, memory_format: object = None) -> Tensor:
    """Give the tensor another shape, keeping its first elements; new ones are 0. Refused where a gradient is wanted."""
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    lengths = sizes_of(size)
    if any(each < 0 for each in lengths):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(lengths)}")
    if lengths == tuple(self.shape):
        return self
    count = 1
    for each in lengths:
        count *= each
    xp = self._meta.xp
    flat = self._data.reshape(-1)
    if count > flat.size:
        longer = xp.zeros(count, flat.dtype)
        longer[: flat.size] = flat
        flat = longer
    self._data = flat[:count].reshape(lengths)
    self._meta = meta_of(self._data, self.device)
    versions_of(self).bump("resize_")
    return self


@both
def resize_as_(self: Tensor, other: Tensor, memory_format: object = None) -> Tensor:
    """``resize_`` to the shape of ``other``."""
    return resize_(self, other.shape)


def _reshaping(view: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    def change(self: Tensor, *arguments: object, **options: object) -> Tensor:
        if mode.enabled and self.is_leaf and self.requires_grad:
            raise RuntimeError(f"a leaf Variable that requires grad is being used in an in-place operation ({name})")
        seen = view(self, *arguments, **options)
        self._data, self._meta, self._node = seen._data, seen._meta, seen._node
        self._cell = seen._cell
        if self._cell is not None:
            self._cell.bump(name)
        return self

    change.__name__ = change.__qualname__ = name
    change.__doc__ = f"The tensor itself seen so: {view.__doc__}"
    return change


_VIEWS: dict[str, Callable[..., Tensor]] = {
    "squeeze": shape.squeeze, "unsqueeze": shape.unsqueeze, "t": shape.t, "transpose": shape.transpose,
    "swapaxes": shape.swapaxes, "swapdims": views.swapdims, "as_strided": views.as_strided,
}  # fmt: skip
for _name, _view in _VIEWS.items():
    method(_reshaping(_view, f"{_name}_"))
