"""Making tensors of another's kind: ``*_like`` and ``new_*``."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.dtypes import dtype as DType
from retrograd.functional.create import Where, empty, factory, full, ones, shape_of, tensor, zeros
from retrograd.functional.surface import function, method
from retrograd.ops.views import extent, restrided
from retrograd.tensor import Tensor, from_array


@function
@factory
def zeros_like(
    input: Tensor, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False
) -> Tensor:
    """Filled with 0, of ``input``'s shape, dtype and device."""
    return zeros(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function
@factory
def ones_like(
    input: Tensor, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False
) -> Tensor:
    """Filled with 1, of ``input``'s shape, dtype and device."""
    return ones(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function
@factory
def empty_like(
    input: Tensor, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False
) -> Tensor:
    """Not initialised, of ``input``'s shape, dtype and device."""
    return empty(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


@function
@factory
def full_like(
    input: Tensor,
    fill_value: bool | int | float | complex | Tensor,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Filled with ``fill_value``, of ``input``'s shape, dtype and device."""
    return full(
        input.shape, fill_value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )


def _new(name: str, make: object) -> None:
    def new(
        self: Tensor,
        *size: object,
        dtype: DType | None = None,
        device: Where = None,
        requires_grad: bool = False,
    ) -> Tensor:
        made = make(*size, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)  # type: ignore[operator]
        assert isinstance(made, Tensor)
        return made

    new.__name__ = new.__qualname__ = name
    new.__doc__ = f"{getattr(make, '__doc__', '')} Of this tensor's dtype and device."
    method(factory(new))


for _name, _make in (("new_zeros", zeros), ("new_ones", ones), ("new_empty", empty), ("new_full", full)):
    _new(_name, _make)


@method
def new_tensor(
    self: Tensor, data: object, *, dtype: DType | None = None, device: Where = None, requires_grad: bool = False
) -> Tensor:
    """``data`` in this tensor's dtype and device."""
    kind = dtype or self.dtype
    return tensor(data, dtype=kind, device=device or self.device, requires_grad=requires_grad)


@function
@factory
def empty_strided(
    lengths: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Not initialised, with these steps (in elements) between neighbours."""
    shape, steps = shape_of((tuple(lengths),)), shape_of((tuple(stride),))
    if len(shape) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    memory = empty(extent(shape, steps), dtype=dtype, device=device)
    made = from_array(restrided(memory._meta.xp, memory._data, shape, steps, 0), memory.device)
    return made.requires_grad_() if requires_grad else made


@function
@factory
def empty_permuted(
    lengths: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """Not initialised; in memory the dimensions lie in the order that ``physical_layout`` says."""
    shape, order = shape_of((tuple(lengths),)), tuple(physical_layout)
    if sorted(order) != list(range(len(shape))):
        raise RuntimeError(f"empty_permuted: {list(order)} is not an order of the {len(shape)} dimensions")
    steps = [0] * len(shape)
    step = 1
    for dim in reversed(order):
        steps[dim] = step
        step *= shape[dim]
    return empty_strided(shape, steps, dtype=dtype, device=device, requires_grad=requires_grad)


@method
@factory
def new_empty_strided(
    self: Tensor,
    lengths: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """``empty_strided`` of this tensor's dtype and device."""
    kind = dtype or self.dtype
    return empty_strided(lengths, stride, dtype=kind, device=device or self.device, requires_grad=requires_grad)


@function
@factory
def scalar_tensor(
    s: bool | int | float | complex,
    *,
    dtype: DType | None = None,
    device: Where = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of no dimensions with a number, in the default dtype unless ``dtype`` says otherwise."""
    return full((), s, dtype=dtype or _default(s), device=device, requires_grad=requires_grad)


def _default(number: bool | int | float | complex) -> DType | None:
    from retrograd.dtypes import get_default_dtype

    return None if isinstance(number, complex) else get_default_dtype()
