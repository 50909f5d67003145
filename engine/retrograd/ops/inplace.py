"""In-place forms of primitives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from retrograd import lifting
from retrograd.autograd.mode import mode
from retrograd.autograd.node import Node, Output
from retrograd.autograd.versions import versions_of
from retrograd.dtypes import FLOATING, can_cast, number_dtype
from retrograd.lifting import Untouchable
from retrograd.meta import Array
from retrograd.ops import errors
from retrograd.ops.dispatch import IN_PLACE, NO_PARAMS, make_node, save
from retrograd.ops.primitive import Op, registry
from retrograd.ops.promotion import input_metas, prepare
from retrograd.tensor import Tensor, wrap
from retrograd_events.tap import tap

Compute = Callable[[Tensor], Node | None]


def inplace(op: Op) -> Callable[..., Tensor]:
    """``op`` storing its result in its first input."""
    name = f"{op.name}_"

    def call(input: Tensor, *others: object) -> Tensor:
        def compute(target: Tensor) -> Node | None:
            inputs: tuple[object, ...] = (target, *others)
            edges = _edges(op, inputs)
            if edges is not None and op.saved:  # keep what will be overwritten as it was
                inputs = tuple(
                    wrap(each._data.copy(), each._meta, each._node)
                    if isinstance(each, Tensor) and (each is target or _overlap(each, target))
                    else each
                    for each in inputs
                )
            write(op, target, others)
            versions_of(target).bump(name)
            if edges is None or op.node_type is None:
                return None
            saved = save(op, inputs, (target,), edges)
            return make_node(op.node_type, edges, saved, input_metas(inputs, target._meta), {}, ())

        return change(op, name, input, others, NO_PARAMS, compute)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"In place: {op.forward.__doc__}"
    return call


def change(
    op: Op, name: str, input: Tensor, others: Sequence[object], params: Mapping[str, object], compute: Compute
) -> Tensor:
    """Run ``compute`` on ``input`` as the in-place op ``name``: checked, told, its history set right."""
    from retrograd.autograd.rebase import check_writable, rebase  # it is made of ops

    inputs = (input, *others)
    listener = tap.listener
    started = 0 if listener is None else listener.op_starting(name, inputs, params)
    try:
        check_writable(input, name)
        rebase(input, compute(input))
    except Untouchable:
        return lifting.change(op, name, input, others, params)
    except BaseException as error:  # noqa: BLE001  it is raised again, in words
        raise errors.told(listener, op, inputs, params, error) from None
    if listener is not None:
        listener.op_applied(name, inputs, params, (input,), started, IN_PLACE)
    return input


def _overlap(one: Tensor, other: Tensor) -> bool:
    return one._cell is not None and one._cell is other._cell


def _edges(op: Op, inputs: Sequence[object]) -> tuple[Node | Output | None, ...] | None:
    if not mode.enabled or op.node_type is None:
        return None
    edges = tuple([each._node if isinstance(each, Tensor) else None for each in inputs])
    return edges if any(each is not None for each in edges) else None


def write(op: Op, target: Tensor, others: Sequence[object]) -> None:
    """Compute ``op`` and store the result in ``target``'s memory."""
    ready, device, kind = prepare(op.name, op.result, (target, *others))
    if not can_cast(kind, target._meta.dtype):
        raise RuntimeError(
            f"result type {kind.name} can't be cast to the desired output type {target._meta.dtype.name}"
        )
    array: Array = target._data
    shape = device.xp.broadcast(*ready).shape if others else array.shape
    if tuple(shape) != array.shape:
        raise RuntimeError(f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(shape)}")
    if ready[0] is array:
        op.forward(device.xp, *ready, out=array)
    else:
        array[...] = op.forward(device.xp, *ready)


def scaled_add_(input: Tensor, other: object, alpha: float) -> Tensor:
    """input += alpha * other, as one op."""
    op = registry["add"]
    if isinstance(other, Tensor) and input._meta.category < FLOATING and number_dtype(alpha).category >= FLOATING:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")

    def compute(target: Tensor) -> Node | None:
        edges = _edges(op, (target, other))
        if edges is None:
            if isinstance(other, Tensor) and other._meta is target._meta:
                target._data += other._data * alpha
            else:
                write(op, target, (other * alpha,))  # type: ignore[operator]
            versions_of(target).bump("add_")
            return None
        scaled = _quiet_mul(other, alpha)
        write(op, target, (scaled,))
        versions_of(target).bump("add_")
        edges = (edges[0], scaled._node)
        assert op.node_type is not None
        return make_node(op.node_type, edges, (), input_metas((target, scaled), target._meta), {}, ())

    return change(op, "add_", input, (other,), {"alpha": alpha}, compute)


def _quiet_mul(other: object, alpha: float) -> Tensor:
    return registry["mul"].call(other, alpha)  # type: ignore[return-value]


def recorded_change(
    op: Op,
    input: Tensor,
    others: Sequence[object],
    params: dict[str, object],
    store: Callable[..., None],
) -> Tensor:
    """``op``'s in-place form, where ``store`` writes the result into the first array."""
    name = f"{op.name}_"

    def compute(target: Tensor) -> Node | None:
        inputs = (target, *others)
        edges = _edges(op, inputs)
        store(target._data, *[each._data if isinstance(each, Tensor) else each for each in others], **params)
        versions_of(target).bump(name)
        if edges is None or op.node_type is None:
            return None
        return make_node(op.node_type, edges, save(op, inputs, (target,), edges), None, params, ())

    return change(op, name, input, others, params, compute)


def recomputed(function: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    """``function`` storing its result in its first argument, as the op ``name``; for what has no rule of its own to
    write there."""

    def call(self: Tensor, *others: object, **params: object) -> Tensor:
        def compute(target: Tensor) -> Node | None:
            recorded = mode.enabled and any(
                isinstance(each, Tensor) and each._node is not None for each in (target, *others, *params.values())
            )
            source = wrap(target._data.copy(), target._meta, target._node) if recorded else target
            made = function(source, *others, **params)
            _check_fits(made, target)
            target._data[...] = made._data
            versions_of(target).bump(name)
            return _history(target, made) if recorded else None

        return change(registry["copy"], name, self, others, params, compute)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"In place: {function.__doc__}"
    return call


def _check_fits(made: Tensor, target: Tensor) -> None:
    if made._meta.shape != target._meta.shape:
        raise RuntimeError(
            f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(made.shape)}"
        )
    if not can_cast(made._meta.dtype, target._meta.dtype):
        raise RuntimeError(
            f"result type {made.dtype.name} can't be cast to the desired output type {target.dtype.name}"
        )


def _history(target: Tensor, made: Tensor) -> Node:
    """The node that stands for overwriting ``target`` with ``made``: the one behind ``made`` where it has the
    target's history as its first input, else a copy's."""
    node = made._node
    if isinstance(node, Node) and made._meta is target._meta and node.edges and node.edges[0] is target._node:
        return node
    op = registry["copy"]
    assert op.node_type is not None
    edges = (target._node, node)
    return make_node(op.node_type, edges, save(op, (target, made), (target,), edges), None, {}, ())
