"""Declaring primitives: one record per op, from which its dispatch, its backward and its tests follow.

    @primitive(samples=pairs_of_reals, elementwise=True)
    def mul(xp, input, other, out=None):
        return xp.multiply(input, other, out)

    @mul.vjp("input")
    def _(g, other):
        return g * other

A forward works on a device's arrays: ``xp`` is the array library, arrays are positional, parameters keyword-only. An
elementwise forward that takes ``out`` can also run in place. A rule's positional parameters after ``g`` say what is
saved for it: an input, an output (named in ``outputs``; ``out`` when there is one), or only the kind of an input
(``other_meta``: shape, dtype, device; ``other_turned``: whether it lies in memory with its first dimension innermost);
its keyword-only ones are parameters of the op. A rule that serves several inputs at once takes ``needs`` (a bool per
input it serves) and returns as many gradients. Rules are written with operators and primitives, which work on raw
arrays and on recorded tensors, so that one rule serves every order.

Broadcasting, promotion, device checks, version checks and events happen around the rules (``retrograd.ops.dispatch``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from retrograd.ops.samples import Samples

if TYPE_CHECKING:
    from retrograd.autograd.node import Node
    from retrograd.tensor import Tensor

Function = Callable[..., object]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Rule:
    """A derivative rule. ``serves``: the inputs it is for; ``wants``: what it names after ``g``, in order; ``needs``:
    whether it asks which inputs need a gradient (a joint rule); ``parameters``: the op's parameters it takes."""

    function: Function
    serves: tuple[str, ...]
    wants: tuple[str, ...]
    needs: bool
    parameters: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Op:
    """The record of a primitive."""

    name: str
    key: str
    forward: Function
    inputs: tuple[str, ...]
    variadic: bool
    defaults: dict[str, object]
    outputs: tuple[str, ...]
    samples: Samples
    torch: str
    node: str
    elementwise: bool
    result: str
    view: bool
    writes: bool
    linear: bool
    decomposition: Function | None
    public: bool
    moves: bool
    holomorphic: bool
    numbers: tuple[str, ...]
    rules: dict[str, Rule] = field(default_factory=dict)
    jvps: dict[str, Rule] = field(default_factory=dict)
    call: Function = NotImplemented
    entry: Function = NotImplemented
    node_type: type[Node] | None = None
    takes: tuple[tuple[str, int, tuple[int, ...]], ...] = ()

    @property
    def differentiable(self) -> bool:
        """Whether any input has a rule."""
        return bool(self.rules)

    @property
    def saved(self) -> tuple[str, ...]:
        """Everything that any rule names, once each, in a fixed order."""
        return tuple(dict.fromkeys(name for rule in self.rules.values() for name in rule.wants))


class Primitive(Protocol):
    """A primitive as its module sees it: works on tensors (recorded) and on raw arrays (inside rules)."""

    op: Op
    call: Callable[..., Tensor]

    def __call__(self, *inputs: object, **params: object) -> Tensor:
        """Run it."""
        ...

    def vjp(self, *inputs: str, diagonal: bool = False) -> Callable[[F], F]:
        """Declare the rule that takes the output's gradient to those of ``inputs``. ``diagonal``: the op works
        element by element, so that the same rule is the jvp too."""
        ...

    def jvp(self, *inputs: str) -> Callable[[F], F]:
        """Declare the rule that takes the tangent of each of ``inputs`` to the output's."""
        ...

    def decomposed(self, function: F) -> F:
        """Declare the op in terms of simpler ones, when it fuses several; also its test oracle."""
        ...


_registry: dict[str, Op] = {}
registry: Mapping[str, Op] = MappingProxyType(_registry)
"""Every primitive, by key (its function's name). It does not change after import."""


def primitive(
    *,
    samples: Samples,
    name: str = "",
    torch: str = "",
    node: str = "",
    outputs: Iterable[str] = ("out",),
    elementwise: bool = False,
    result: str = "same",
    view: bool = False,
    linear: bool = False,
    public: bool = True,
    moves: bool = False,
    holomorphic: bool = True,
    numbers: Iterable[str] | None = None,
) -> Callable[[Function], Primitive]:
    """Declare a primitive.

    ``name`` is what events call it (default: the function's), ``torch`` the dotted name below ``torch`` of what it must
    equal (default: ``name``; "-" for none), ``node`` its node's name. ``elementwise``: broadcasts and promotes;
    ``result`` is then the output's type: same (the promoted one), float (at least the default float), real (of the
    promoted one's parts), angle (real and at least the default float) or bool. ``view``: the output shares storage with
    the first input. ``moves``: elements are only put elsewhere or converted, never computed with. ``holomorphic``: in
    complex numbers the derivative is that of the real function, so its rules get the conjugates of what they name;
    where it is not, they get it as it was. ``linear``: in all its inputs together, so that it is its own jvp.
    ``numbers``: the inputs that may be
    plain numbers (default: any, if another is a tensor). ``public`` false: no function of ``retrograd`` by itself (a
    composition offers it).
    """

    def declare(forward: Function) -> Primitive:
        key = forward.__name__
        inputs, variadic, defaults, writes = _signature(forward)
        event_name = name or key
        camel = "".join(part.title() for part in event_name.split("_"))
        op = Op(
            name=event_name, key=key, forward=forward, inputs=inputs, variadic=variadic, defaults=defaults,
            outputs=tuple(outputs), samples=samples, torch="" if torch == "-" else torch or event_name,
            node=node or f"{camel}Backward0", elementwise=elementwise, result=result, view=view, writes=writes,
            linear=linear, decomposition=None, public=public, moves=moves or view, holomorphic=holomorphic,
            numbers=inputs if numbers is None else tuple(numbers),
        )  # fmt: skip
        if _registry.setdefault(key, op) is not op:
            raise ValueError(f"there are two primitives named {key}")
        return _entry(op)

    return declare


def _signature(forward: Function) -> tuple[tuple[str, ...], bool, dict[str, object], bool]:
    inputs: list[str] = []
    variadic = writes = False
    defaults: dict[str, object] = {}
    for each in list(inspect.signature(forward).parameters.values())[1:]:
        if each.kind is each.KEYWORD_ONLY:
            if each.default is not each.empty:
                defaults[each.name] = each.default
        elif each.name == "out":
            writes = True
        else:
            inputs.append(each.name)
            variadic = variadic or each.kind is each.VAR_POSITIONAL
    return tuple(inputs), variadic, defaults, writes


def _entry(op: Op) -> Primitive:
    from retrograd.ops.dispatch import entry  # it needs tensors, which need nodes

    function = entry(op)

    def vjp(*inputs: str, diagonal: bool = False) -> Callable[[F], F]:
        def declare(rule: F) -> F:
            made = _rule(op, rule, inputs)
            for each in inputs:
                op.rules[each] = made
                if diagonal:
                    op.jvps[each] = made
            return rule

        return declare

    def jvp(*inputs: str) -> Callable[[F], F]:
        def declare(rule: F) -> F:
            made = _rule(op, rule, inputs)
            op.jvps.update(dict.fromkeys(inputs, made))
            return rule

        return declare

    def decomposed(decomposition: F) -> F:
        op.decomposition = decomposition
        return decomposition

    for attribute, value in (("op", op), ("vjp", vjp), ("jvp", jvp), ("decomposed", decomposed)):
        setattr(function, attribute, value)
    op.entry = function
    return cast(Primitive, function)


def _rule(op: Op, function: Function, serves: tuple[str, ...]) -> Rule:
    parameters = list(inspect.signature(function).parameters.values())
    positional = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    needs = positional[-1] == "needs"
    wants = tuple(positional[1 : -1 if needs else None])
    known = {*op.inputs, *(f"{each}{what}" for each in op.inputs for what in ("_meta", "_turned")), *op.outputs}
    unknown = [each for each in (*wants, *serves) if each not in known]
    if unknown:
        raise ValueError(f"a rule of {op.key} names {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    keywords = tuple(each.name for each in parameters if each.kind is each.KEYWORD_ONLY)
    return Rule(function, serves, wants, needs, keywords)
