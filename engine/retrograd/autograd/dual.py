"""Dual numbers: a value and its tangent, which every op carries along by its ``jvp`` rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from retrograd.lifting import Lifted, fill
from retrograd.meta import Array
from retrograd.ops.primitive import Op, Rule
from retrograd.tensor import Tensor


class Dual(Lifted):
    """``primal`` with ``tangent`` (None: zero), at one level of forward mode."""

    __slots__ = ()

    what = "forward mode"
    primal: Tensor
    tangent: Tensor | None

    def parts(self) -> tuple[Tensor, ...]:
        """Value and tangent."""
        return (self.primal,) if self.tangent is None else (self.primal, self.tangent)

    def like(self, change: Callable[[Tensor], Tensor]) -> Dual:
        """The same with ``change`` made to value and tangent."""
        return dual(change(self.primal), None if self.tangent is None else change(self.tangent), self._level)

    def process(self, op: Op, inputs: Sequence[object], params: Mapping[str, object]) -> tuple[Tensor, ...]:
        """The op on the values, and on the tangents what its rules say."""
        level = self._level
        primals = [each.primal if isinstance(each, Dual) and each._level == level else each for each in inputs]
        tangents = [each.tangent if isinstance(each, Dual) and each._level == level else None for each in inputs]
        result = op.call(*primals, **params)
        outs: tuple[Tensor, ...] = result if isinstance(result, tuple) else (result,)
        moved: Sequence[Tensor | None] = [None] * len(outs)
        if any(each is not None for each in tangents) and any(out._meta.floating for out in outs):
            moved = _moved(op, primals, tangents, outs, {**op.defaults, **params})
        return tuple(dual(out, _like_output(tangent, out), level) for out, tangent in zip(outs, moved, strict=True))

    def overwrite(self, value: Tensor, name: str) -> None:
        """Take over value and tangent, in place."""
        source, tangent = (value.primal, value.tangent) if isinstance(value, Dual) else (value, None)
        self.primal.copy_(source)
        if self.tangent is None:
            self.tangent = tangent
        elif tangent is None:
            self.tangent.zero_()
        else:
            self.tangent.copy_(tangent)

    def item(self) -> bool | int | float | complex:
        """The only value as a Python number."""
        return self.primal.item()

    def tolist(self) -> object:
        """The values as Python numbers."""
        return self.primal.tolist()

    def numpy(self, *, force: bool = False) -> Array:
        """The values."""
        return self.primal.numpy(force=force)

    def __bool__(self) -> bool:
        return bool(self.primal)

    def __int__(self) -> int:
        return int(self.primal)

    def __index__(self) -> int:
        return self.primal.__index__()

    def __repr__(self) -> str:
        return f"{self.primal!r}, with tangent {self.tangent!r}"


def dual(primal: Tensor, tangent: Tensor | None, level: int) -> Dual:
    """A dual tensor."""
    made = object.__new__(Dual)
    made.primal = primal
    made.tangent = tangent
    fill(made, primal._meta, level)
    return made


def _like_output(tangent: Tensor | None, out: Tensor) -> Tensor | None:
    if tangent is None or not out._meta.floating:
        return None
    if tangent.dtype is not out.dtype:
        tangent = tangent.to(out.dtype)
    return tangent if tangent.shape == out.shape else tangent.expand(out.shape)


def _moved(
    op: Op,
    primals: Sequence[object],
    tangents: Sequence[Tensor | None],
    outs: tuple[Tensor, ...],
    params: dict[str, object],
) -> Sequence[Tensor | None]:
    """The tangent of each output."""
    if op.linear:
        found = op.call(
            *[_still(value) if tangent is None else tangent for value, tangent in zip(primals, tangents, strict=True)],
            **params,
        )
        return found if isinstance(found, tuple) else (found,)
    totals: list[Tensor | None] = [None] * len(outs)
    for place, tangent in enumerate(tangents):
        if tangent is None:
            continue
        name = op.inputs[min(place, len(op.inputs) - 1)]
        rule = op.jvps.get(name)
        if rule is None:
            if name in op.rules:
                raise NotImplementedError(
                    f"Trying to use forward AD with {op.name}, which has no forward rule for {name}"
                )
            continue
        change = _apply(rule, op, tangent, primals, outs, params)
        for index, part in enumerate(change if isinstance(change, tuple) else (change,)):
            before = totals[index]
            if part is not None:
                totals[index] = cast(Tensor, part) if before is None else before + cast(Tensor, part)
    return totals


def _still(value: object) -> object:
    """What stands for an input that does not move, in an op that is linear in all its inputs."""
    if isinstance(value, Tensor):
        return value.detach() * 0 if value._meta.floating else value
    return 0.0 if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _apply(
    rule: Rule,
    op: Op,
    tangent: Tensor,
    primals: Sequence[object],
    outs: tuple[Tensor, ...],
    params: dict[str, object],
) -> object:
    known: dict[str, object] = dict(zip(op.outputs, outs, strict=True))
    last = len(op.inputs) - 1
    for place, name in enumerate(op.inputs):
        rest = op.variadic and place == last
        value = tuple(primals[place:]) if rest else primals[place]
        known[name] = value
        known[f"{name}_meta"] = (
            tuple(each._meta if isinstance(each, Tensor) else None for each in primals[place:])
            if rest
            else value._meta if isinstance(value, Tensor) else None
        )  # fmt: skip
    return rule.function(
        tangent, *(known[name] for name in rule.wants), **{name: params[name] for name in rule.parameters}
    )
