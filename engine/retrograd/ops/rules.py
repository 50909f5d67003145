"""Running the rules of a node: taking out what was saved, checking versions, undoing broadcasting and promotion.

Each primitive's node type gets two functions from here: ``run(node, grad)`` on raw arrays, and
``run_recorded(node, grad)`` on tensors, which is itself recorded (``create_graph``). They return a gradient per edge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from retrograd.autograd.node import Node, Output
from retrograd.devices import cpu
from retrograd.dtypes import bfloat16, float16, float32
from retrograd.meta import Array, Meta
from retrograd.ops.primitive import Op, Rule
from retrograd.tensor import Tensor

Run = Callable[[Node, object], Sequence[object]]


class InplaceError(RuntimeError):
    """A tensor that backward needs was changed after it was saved."""


def freed(node: Node) -> RuntimeError:
    """The error of a second backward through a graph that was let go."""
    return RuntimeError(
        f"Trying to backward through the graph a second time: {node.name()} (made at {node.line}) has freed what it "
        "saved. Specify retain_graph=True if you need to backward through the graph a second time."
    )


def changed(node: Node, saved: Tensor) -> InplaceError:
    """The error of a saved tensor that was changed in place, naming the op, its line and the line that changed it."""
    cell = saved._cell
    assert cell is not None
    if saved.is_inference():
        return InplaceError(
            f"Inference tensors cannot be saved for backward, but {node.name()} (made at {node.line}) needs one "
            f"[{saved._meta}]. To work around you can make a clone to get a normal tensor and use it in autograd."
        )
    version, op, place = cell.first_change_after(node.seq)
    return InplaceError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{node.name()} (made at {node.line}) saved a tensor [{saved._meta}] at version {version - 1}, but {op} at "
        f"{place} changed it; it is at version {cell.count} now. Use an out-of-place operation there, or clone() the "
        "tensor before."
    )


def check(node: Node, saved: Tensor) -> Array:
    """The array of a saved tensor, unless it was changed."""
    cell = saved._cell
    if cell is not None and cell.stamp > node.seq:
        raise changed(node, saved)
    return saved._data if saved._meta.rank >= 0 else _as_used(node, saved)


def _as_used(node: Node, saved: Tensor) -> Array:
    """Complex numbers conjugate, since a gradient is (PyTorch, "Autograd for complex numbers"); others in 32 bits."""
    dtype = saved._meta.dtype
    if dtype.is_complex:
        return saved._meta.xp.conj(saved._data) if node.conjugates else saved._data
    return saved._data.astype(dtype.working)


def _wide(grad: object) -> object:
    """A gradient as rules compute with it: in no less than 32 bits."""
    if isinstance(grad, list):
        return [_wide(each) for each in grad]
    kind = getattr(grad, "dtype", None)
    return grad.astype(float32.numpy) if kind == float16.numpy or kind == bfloat16.numpy else grad  # type: ignore[attr-defined]  # it has a dtype


def conform(grad: Array, meta: Meta) -> Array:
    """Bring a raw gradient to the kind of an input: sum over what was broadcast, cast, move."""
    if grad.shape != meta.shape:
        grad = _sum_to(grad, meta.shape)
    if grad.dtype.kind == "c" and not meta.dtype.is_complex:
        grad = grad.real
    if grad.dtype != meta.numpy_dtype:
        grad = grad.astype(meta.numpy_dtype)
    return grad


def _sum_to(grad: Array, shape: tuple[int, ...]) -> Array:
    extra = grad.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + axis for axis, length in enumerate(shape) if length == 1 and grad.shape[extra + axis] != 1
    )
    summed: Array = grad.sum(axis=axes, keepdims=True) if axes else grad
    return summed.reshape(shape)


def conform_recorded(grad: Tensor, meta: Meta) -> Tensor:
    """The same with recorded ops."""
    if grad._meta.shape != meta.shape:
        grad = grad.sum_to_size(meta.shape)
    if grad._meta.dtype.is_complex and not meta.dtype.is_complex:
        grad = cast(Tensor, grad.real)
    if grad._meta.dtype is not meta.dtype or grad._meta.device is not meta.device:
        grad = grad.to(meta.device, meta.dtype)
    return grad


def _home(grad: object, meta: Meta | None, node: Node) -> object:
    """``conform`` for gradients that may be absent or need to change device."""
    if grad is None or meta is None:
        return grad
    result = conform(grad, meta)  # type: ignore[arg-type]  # raw here
    made_on = node.outputs[0].device if node.outputs else meta.device
    return made_on.to_host(result) if made_on is not meta.device else result


def build(op: Op) -> tuple[Run, Run]:
    """The two functions of ``op``'s nodes; the raw one specialised to what its rules ask."""
    return _raw(op), _recorded(op)


def _raw(op: Op) -> Run:
    wants = tuple(op.rules[name].wants if name in op.rules else ("?",) for name in op.inputs)
    simple = op.elementwise and all(not rule.needs and not rule.parameters for rule in op.rules.values())
    functions = tuple(op.rules[name].function if name in op.rules else None for name in op.inputs)
    first = functions[0]
    if simple and len(op.inputs) == 1 and first is not None:
        if len(wants[0]) == 1 and not wants[0][0].endswith("_meta"):
            return _unary_saving(first, _general(op))
        if not wants[0]:
            return lambda node, grad: (first(grad) if node.metas is None else _home(first(grad), node.metas[0], node),)  # type: ignore[arg-type]
    if simple and len(op.inputs) == 2 and None not in functions:
        second = functions[1]
        assert first is not None
        assert second is not None
        if wants == ((), ()):
            return _binary_plain(first, second)
        if wants == ((op.inputs[1],), (op.inputs[0],)):
            return _binary_crossed(first, second, _general(op))
    rule = op.rules.get(op.inputs[0])
    if len(op.inputs) == 1 and not op.variadic and rule is not None and not rule.needs:
        return _lone(rule)
    return _general(op)


def _lone(rule: Rule) -> Run:
    """The only input's rule, whatever it saves and takes."""
    function, parameters, saves = rule.function, rule.parameters, bool(rule.wants)

    def run(node: Node, grad: object) -> Sequence[object]:
        arguments: Sequence[object] = ()
        if node.metas is not None:
            grad = _wide(grad)
        if saves:
            if node.saved is None:
                raise freed(node)
            arguments = [_array(node, each) for each in node.saved]
        if parameters:
            params = node.params
            grad = function(grad, *arguments, **{name: params[name] for name in parameters})
        else:
            grad = function(grad, *arguments)
        return (grad if node.metas is None else _home(grad, node.metas[0], node),)  # type: ignore[arg-type]

    return run


def _unary_saving(rule: Callable[..., object], general: Run) -> Run:
    def run(node: Node, grad: object) -> Sequence[object]:
        if node.metas is not None:
            return general(node, grad)
        saved = node.saved
        if saved is None:
            raise freed(node)
        value: Tensor = saved[0]  # type: ignore[assignment]
        cell = value._cell
        if cell is not None and cell.stamp > node.seq:
            raise changed(node, value)
        return (rule(grad, value._data),)

    return run


class _Mark:
    """Stands for a value, to learn what a rule does with it."""

    def __mul__(self, other: object) -> object:
        return "product", self, other


def _passes(rule: Callable[..., object]) -> bool:
    """Whether a rule hands its gradient on as it is."""
    mark = _Mark()
    try:
        return rule(mark) is mark
    except (TypeError, AttributeError):  # it computes
        return False


def _multiplies(rule: Callable[..., object]) -> bool:
    """Whether a rule is ``g * other`` and nothing more."""
    g, other = _Mark(), _Mark()
    try:
        return rule(g, other) == ("product", g, other)
    except (TypeError, AttributeError):  # it computes something else
        return False


def _binary_plain(first: Callable[..., object], second: Callable[..., object]) -> Run:
    passes = _passes(first)

    def run(node: Node, grad: object) -> Sequence[object]:
        left, right = node.edges
        grads = (
            None if left is None else grad if passes else first(grad),
            None if right is None else second(grad),
        )
        return grads if node.metas is None else _homes(node, grads)

    return run


def _binary_crossed(first: Callable[..., object], second: Callable[..., object], general: Run) -> Run:
    """Each rule needs the other input, as a product's do: ``saved`` is (other, input)."""
    product = _multiplies(first) and _multiplies(second)
    multiply, host = cpu.xp.multiply, cpu.array_type

    def run(node: Node, grad: object) -> Sequence[object]:
        if node.metas is not None:
            return general(node, grad)
        saved = node.saved
        if saved is None:
            raise freed(node)
        left, right = node.edges
        to_input = to_other = None
        if left is not None:
            other = saved[0]
            if isinstance(other, Tensor):
                cell = other._cell
                if cell is not None and cell.stamp > node.seq:
                    raise changed(node, other)
                other = other._data
            to_input = multiply(grad, other) if product and type(grad) is host else first(grad, other)
        if right is not None:
            input = saved[1]
            to_other = second(grad, check(node, input) if isinstance(input, Tensor) else input)
        return to_input, to_other

    return run


def _homes(node: Node, grads: Sequence[object]) -> Sequence[object]:
    metas = node.metas
    assert metas is not None
    return [_home(grad, meta, node) for grad, meta in zip(grads, metas, strict=True)]  # type: ignore[arg-type]


class _Plan:
    """How to call a primitive's rules: each with what it serves and where its saved values lie."""

    __slots__ = ("inputs", "names", "outputs", "rules", "variadic")

    def __init__(self, op: Op) -> None:
        saved = op.saved
        self.names = saved
        self.inputs = op.inputs
        self.variadic = op.variadic
        self.outputs = {saved.index(name): index for index, name in enumerate(op.outputs) if name in saved}
        rules: dict[int, tuple[Rule, tuple[int, ...], tuple[int, ...]]] = {}
        for rule in op.rules.values():
            serves = tuple(op.inputs.index(name) for name in rule.serves)
            rules[id(rule)] = (rule, serves, tuple(saved.index(name) for name in rule.wants))
        self.rules = tuple(rules.values())

    def call(self, node: Node, grad: object, values: Sequence[object]) -> list[object]:
        """A gradient per edge, from the rules that are needed."""
        if self.variadic:
            return self._call_variadic(node, grad, values)
        edges = node.edges
        grads: list[object] = [None] * len(edges)
        for rule, serves, places in self.rules:
            wanted = [edges[each] is not None for each in serves]
            if True not in wanted:
                continue
            arguments = [values[each] for each in places]
            if rule.needs:
                arguments.append(tuple(wanted))
            if rule.parameters:
                params = node.params
                result = rule.function(grad, *arguments, **{name: params[name] for name in rule.parameters})
            else:
                result = rule.function(grad, *arguments)
            if rule.needs:
                for each, part in zip(serves, result, strict=True):  # type: ignore[call-overload]
                    grads[each] = part
            else:
                for each, want in zip(serves, wanted, strict=True):
                    if want:
                        grads[each] = result
        return grads

    def _call_variadic(self, node: Node, grad: object, values: Sequence[object]) -> list[object]:
        """The same where the last input stands for any number of them; its rule asks for all at once."""
        edges = node.edges
        grads: list[object] = [None] * len(edges)
        last = len(self.inputs) - 1
        for rule, serves, places in self.rules:
            rest = serves == (last,)
            wanted = tuple(edge is not None for edge in (edges[last:] if rest else [edges[each] for each in serves]))
            if True not in wanted:
                continue
            arguments = [grad, *(values[each] for each in places)]
            if rule.needs:
                arguments.append(wanted)
            result = rule.function(*arguments, **{name: node.params[name] for name in rule.parameters})
            if rest:
                grads[last:] = result  # type: ignore[call-overload]
            else:
                for each, part in zip(serves, result if rule.needs else [result] * len(serves), strict=True):  # type: ignore[call-overload]
                    grads[each] = part
        return grads


def _general(op: Op) -> Run:
    plan = _Plan(op)
    saves = bool(plan.names)

    def run(node: Node, grad: object) -> Sequence[object]:
        values: Sequence[object] = ()
        if node.metas is not None:
            grad = _wide(grad)
        if saves:
            if node.saved is None:
                raise freed(node)
            values = [_array(node, each) for each in node.saved]
        grads = plan.call(node, grad, values)
        return grads if node.metas is None else _homes(node, grads)

    return run


def _array(node: Node, saved: object) -> object:
    if isinstance(saved, Tensor):
        return check(node, saved)
    if type(saved) is tuple:
        return tuple([_array(node, each) for each in saved])
    return saved.conjugate() if type(saved) is complex and node.conjugates else saved


def _recorded(op: Op) -> Run:
    plan = _Plan(op)
    saves = bool(plan.names)

    def run(node: Node, grad: object) -> Sequence[object]:
        values: list[object] = []
        if saves:
            if node.saved is None:
                raise freed(node)
            values = [_tensor(node, each) for each in node.saved]
            for place, index in plan.outputs.items():
                values[place] = _conjugate(node, _as_output(node, node.saved[place], index))
        grads = plan.call(node, grad, values)
        if node.metas is not None:
            grads = [
                conform_recorded(each, meta) if isinstance(each, Tensor) and isinstance(meta, Meta) else each
                for each, meta in zip(grads, node.metas, strict=True)
            ]
        return grads

    return run


def _tensor(node: Node, saved: object) -> object:
    if isinstance(saved, Tensor):
        check(node, saved)
        return _conjugate(node, saved)
    if type(saved) is tuple:
        return tuple([_tensor(node, each) for each in saved])
    return saved.conjugate() if type(saved) is complex and node.conjugates else saved


def _conjugate(node: Node, saved: object) -> object:
    """What a rule that is recorded gets of a tensor."""
    if isinstance(saved, Tensor) and saved._meta.dtype.is_complex and node.conjugates:
        return saved.conj()
    return saved


def _as_output(node: Node, saved: object, index: int) -> object:
    """A saved output as it was: with this node behind it (saved without, since that would be a cycle)."""
    if not isinstance(saved, Tensor):
        return saved
    return saved._shadow(Output(node, index) if len(node.outputs) > 1 else node)
