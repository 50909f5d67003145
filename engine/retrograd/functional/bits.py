"""Operators on bits, also with a number on the left."""

from __future__ import annotations

from collections.abc import Callable

from retrograd.functional.create import full
from retrograd.ops import compare, integers
from retrograd.ops.inplace import inplace
from retrograd.ops.primitive import Primitive
from retrograd.tensor import Tensor


def _reflected(op: Primitive) -> Callable[[Tensor, object], Tensor]:
    """``op`` with a number, or another tensor, on the left."""

    def call(self: Tensor, other: object) -> Tensor:
        if not isinstance(self, Tensor):  # called as a function
            raise TypeError(f"{op.op.name}: expected a Tensor, got {type(self).__name__}")
        left = other if isinstance(other, Tensor) else full((), other, device=self.device)  # type: ignore[arg-type]  # a number, or an error that says so
        return op.call(left, self)

    return call


for _name, _op in (
    ("and", compare.bitwise_and),
    ("or", compare.bitwise_or),
    ("xor", compare.bitwise_xor),
    ("lshift", integers.bitwise_left_shift),
    ("rshift", integers.bitwise_right_shift),
):
    setattr(Tensor, f"__{_name}__", _op.call)
    setattr(Tensor, f"__r{_name}__", _reflected(_op))
for _name, _op in (("lshift", integers.bitwise_left_shift), ("rshift", integers.bitwise_right_shift)):
    setattr(Tensor, f"__i{_name}__", inplace(_op.op))
