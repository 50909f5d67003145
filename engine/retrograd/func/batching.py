"""How primitives work on batches: rules by family, and for every other primitive one call after the other.

A rule gets the inputs with the batch, where they have one, as first dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from retrograd.ops.primitive import Op, registry
from retrograd.ops.promotion import result_type
from retrograd.tensor import Tensor

Params = dict[str, object]


@dataclass(frozen=True)
class Call:
    """One call: the op, its inputs as the mapped function sees them, ``values`` with the batch first where ``mapped``,
    the batch's size and the parameters."""

    op: Op
    inputs: Sequence[object]
    values: Sequence[object]
    mapped: Sequence[bool]
    size: int
    params: Params

    @property
    def ranks(self) -> list[int]:
        """Dimensions of the inputs as the mapped function sees them."""
        return [each.ndim if isinstance(each, Tensor) else 0 for each in self.inputs]


Rule = Callable[[Call], "tuple[Tensor, ...] | None"]


def run(
    op: Op, inputs: Sequence[object], values: Sequence[object], mapped: Sequence[bool], size: int, params: Params
) -> tuple[Tensor, ...]:
    """The outputs, each with the batch as first dimension."""
    call = Call(op, inputs, values, mapped, size, params)
    rule = _elementwise if op.elementwise or op.key == "where" else RULES.get(op.key)
    found = rule(call) if rule is not None else None
    return _one_by_one(call) if found is None else found


def _called(op: Op | str, *inputs: object, **params: object) -> tuple[Tensor, ...]:
    record = registry[op] if isinstance(op, str) else op
    found = record.call(*inputs, **params)
    return found if isinstance(found, tuple) else (cast(Tensor, found),)


def _one_by_one(call: Call) -> tuple[Tensor, ...]:
    select, stack = registry["select"].call, registry["stack"].call
    rows = [
        _called(
            call.op,
            *[
                select(each, dim=0, index=place) if mapped else each
                for each, mapped in zip(call.values, call.mapped, strict=True)
            ],
            **call.params,
        )
        for place in range(call.size)
    ]
    return tuple(cast(Tensor, stack(*column, dim=0)) for column in zip(*rows, strict=True))


def _elementwise(call: Call) -> tuple[Tensor, ...]:
    """Batches in front, ranks made equal."""
    rank = max(call.ranks)
    tensors = [each for each in call.inputs if isinstance(each, Tensor)]
    first = 1 if call.op.key == "where" else 0
    kinds = {each.dtype for each in tensors[first:]}
    kind = result_type(*call.inputs[first:]) if len(kinds) > 1 else None
    aligned: list[object] = []
    for place, (each, mapped, own) in enumerate(zip(call.values, call.mapped, call.ranks, strict=True)):
        if mapped:
            value = cast(Tensor, each)
            if kind is not None and place >= first and value.dtype is not kind:
                value = value.to(kind)
            shape = tuple(value.shape)
            each = value if own == rank else value.reshape((shape[0], *(1,) * (rank - own), *shape[1:]))
        aligned.append(each)
    found = _called(call.op, *aligned, **call.params)
    return tuple(each if each.ndim == rank + 1 else each.expand((call.size, *each.shape[1:])) for each in found)


def _same(call: Call) -> tuple[Tensor, ...]:
    """Ops that take any number of dimensions in front."""
    return _called(call.op, *call.values, **call.params)


def _shifted(dim: object) -> object:
    """A dimension, or several, counted with the batch in front."""
    if isinstance(dim, (tuple, list)):
        return tuple(_shifted(each) for each in dim)
    return dim + 1 if isinstance(dim, int) and dim >= 0 else dim


_DIMS = ("dim", "dim0", "dim1", "dim2")


def _along(call: Call) -> tuple[Tensor, ...] | None:
    """One input, and dimensions among the parameters."""
    if call.ranks[0] == 0:
        return None
    params = {name: _shifted(value) if name in _DIMS else value for name, value in call.params.items()}
    if "size" in params:
        params["size"] = (call.size, *cast("tuple[int, ...]", params["size"]))
    return _called(call.op, *call.values, **params)


def _new_dim(call: Call) -> tuple[Tensor, ...]:
    return _called(call.op, *call.values, dim=_shifted(call.params["dim"]))


def _permute(call: Call) -> tuple[Tensor, ...]:
    rank = call.ranks[0]
    dims = cast("tuple[int, ...]", call.params["dims"])
    return _called(call.op, *call.values, dims=(0, *(each % rank + 1 for each in dims)))


def _view(call: Call) -> tuple[Tensor, ...]:
    return (cast(Tensor, call.values[0]).reshape((call.size, *cast("tuple[int, ...]", call.params["size"]))),)


def _expand(call: Call) -> tuple[Tensor, ...]:
    value = cast(Tensor, call.values[0])
    size = cast("tuple[int, ...]", call.params["size"])
    missing = len(size) - call.ranks[0]
    if missing:
        value = value.reshape((call.size, *(1,) * missing, *value.shape[1:]))
    return _called(call.op, value, size=(call.size, *size))


def _turn(call: Call) -> tuple[Tensor, ...]:
    if call.ranks[0] < 2:
        return (cast(Tensor, call.values[0]),)
    return _called("transpose", *call.values, dim0=1, dim1=2)


def _squeeze(call: Call) -> tuple[Tensor, ...]:
    value = cast(Tensor, call.values[0])
    return (value.reshape((call.size, *(each for each in value.shape[1:] if each != 1))),)


def _whole(name: str) -> Rule:
    def rule(call: Call) -> tuple[Tensor, ...]:
        rank = call.ranks[0]
        if rank == 0:
            return (cast(Tensor, call.values[0]).clone(),)
        return _called(name, *call.values, dim=tuple(range(1, rank + 1)), keepdim=False)

    return rule


def _join(call: Call) -> tuple[Tensor, ...]:
    rank = max(call.ranks) + (call.op.key == "stack")
    dim = cast(int, call.params["dim"]) % rank
    every = [
        each if mapped else cast(Tensor, each).expand((call.size, *cast(Tensor, each).shape))
        for each, mapped in zip(call.values, call.mapped, strict=True)
    ]
    return _called(call.op, *every, dim=dim + 1)


def _mm(call: Call) -> tuple[Tensor, ...]:
    left, right = cast("tuple[Tensor, Tensor]", tuple(call.values[:2]))
    return (left @ right,)


def _mv(call: Call) -> tuple[Tensor, ...]:
    matrix, vector = cast("tuple[Tensor, Tensor]", tuple(call.values))
    return ((matrix @ vector.unsqueeze(-1)).squeeze(-1),)


def _dot(call: Call) -> tuple[Tensor, ...]:
    left, right = cast("tuple[Tensor, Tensor]", tuple(call.values))
    return ((left * right).sum(-1),)


def _addmm(call: Call) -> tuple[Tensor, ...]:
    bias, left, right = cast("tuple[Tensor, Tensor, Tensor]", tuple(call.values))
    if call.mapped[0] and call.ranks[0] < 2:
        bias = bias.reshape((call.size, *(1,) * (2 - call.ranks[0]), *bias.shape[1:]))
    return (bias + left @ right,)


def _bmm(call: Call) -> tuple[Tensor, ...]:
    left, right = cast("tuple[Tensor, Tensor]", tuple(call.values))
    return (left @ right,)


def _index(call: Call) -> tuple[Tensor, ...] | None:
    if call.mapped[0] and not any(call.mapped[1:]):
        place = cast("tuple[object, ...]", call.params["place"])
        params: Params = {**call.params, "place": (slice(None), *place)}
        if "size" in params:
            params["size"] = (call.size, *cast("tuple[int, ...]", params["size"]))
        if any(isinstance(each, slice) for each in place):
            return None  # NumPy puts separated lookups first
        return _called(call.op, *call.values, **params)
    return None


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("clone", "alias_view", "to_copy", "clamp", "tril", "triu", "cholesky_ex", "qr", "inv_ex", "det"), _same
    ),
    **dict.fromkeys(("slogdet", "eigh", "eigvalsh", "svd", "svdvals", "matrix_exp", "cofactor"), _same),
    **dict.fromkeys(
        ("transpose", "slice_", "select", "placed", "sum_dim", "mean_dim", "prod_dim", "var", "squeeze_dim"), _along
    ),
    "unsqueeze": _new_dim,
    "permute": _permute,
    "view": _view,
    "reshape_copy": _view,
    "expand": _expand,
    "t": _turn,
    "squeeze": _squeeze,
    "sum": _whole("sum_dim"),
    "mean": _whole("mean_dim"),
    "cat": _join,
    "stack": _join,
    "mm": _mm,
    "mv": _mv,
    "dot": _dot,
    "bmm": _bmm,
    "addmm": _addmm,
    "index": _index,
    "index_spread": _index,
}
"""The rule of each primitive that has one, by key."""
