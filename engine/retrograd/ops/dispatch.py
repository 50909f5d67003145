"""Calling primitives: computing, recording for backward, telling the tap. The hot path of the engine.

``freeze`` gives every primitive its ``call``, specialised to its arity and to what its rules save. Each call tests
``tap.listener`` once and then computes; only inputs that differ in kind, or are numbers of a higher category, leave
the straight path (``retrograd.ops.promotion``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter_ns
from typing import cast

from retrograd.autograd.mode import disabled, mode, special
from retrograd.autograd.node import Node, Output
from retrograd.autograd.sites import ENGINE_FILES, users_frame
from retrograd.autograd.versions import tick, versions_of
from retrograd.devices import Device, Namespace, cpu, xp_of_type
from retrograd.dtypes import FLOATING, bool_
from retrograd.lifting import Lifted, Untouchable, interpret
from retrograd.meta import Array, Meta, find, meta_of
from retrograd.ops import announce, errors
from retrograd.ops.primitive import Op
from retrograd.ops.promotion import common_device, input_metas, prepare
from retrograd.ops.special import asked, pack
from retrograd.tensor import Tensor, alias, wrap
from retrograd_events.tap import Listener, tap

VIEW = 1
IN_PLACE = 2
NO_PARAMS: Mapping[str, object] = {}
_NOTHING = find((), bool_, cpu)

_new = object.__new__
_getframe = sys._getframe
_ndarray = cpu.backend.array_type
_numpy = cpu.xp


def entry(op: Op) -> Callable[..., object]:
    """What a primitive's name stands for in the ops modules: raw arrays are computed on, tensors go to ``call``."""
    forward = op.forward

    def enter(*inputs: object, **params: object) -> object:
        first = inputs[0]
        if type(first) is _ndarray:
            return forward(_numpy, *inputs, **params)
        for each in inputs:
            if isinstance(each, Tensor):
                return op.call(*inputs, **params)
        return forward(_namespace(inputs), *inputs, **params)

    enter.__name__ = enter.__qualname__ = op.key
    enter.__doc__ = op.forward.__doc__
    return enter


def _namespace(inputs: Sequence[object]) -> Namespace:
    for each in inputs:
        found = xp_of_type.get(type(each))
        if found is not None:
            return found
    return _numpy


def freeze(op: Op) -> None:
    """Give ``op`` its node type and its call."""
    from retrograd.ops.rules import build

    if op.differentiable:
        op.takes = _takes(op)
        run, run_recorded = build(op)
        members: dict[str, object] = {"__slots__": (), "op_name": op.name, "run": run, "run_recorded": run_recorded}
        members["conjugates"] = op.holomorphic
        members["frees"] = any(not name.endswith(("_meta", "_turned")) for name in op.saved)
        if op.elementwise and not _has_params(op):
            members |= {
                "shares": True,
                "params": NO_PARAMS,
                "outputs": (),
            }  # the same for all: nothing to store in each
        op.node_type = type(op.node, (Node,), members)
    function: Callable[..., object]
    if op.elementwise and not op.variadic and not op.defaults and len(op.inputs) == 2 and not _has_params(op):
        function = _binary(op)
    elif op.elementwise and len(op.inputs) == 1 and not op.defaults and not _has_params(op):
        function = _unary(op)
    else:
        function = _general(op)
    function.__name__ = function.__qualname__ = op.torch.rpartition(".")[2] or op.name
    function.__doc__ = op.forward.__doc__
    function.__module__ = "retrograd"
    op.call = function
    setattr(op.entry, "call", function)  # noqa: B010  a function's attribute


def _has_params(op: Op) -> bool:
    code = op.forward.__code__
    return bool(code.co_kwonlyargcount)


def place(node: Node) -> None:
    """Note on ``node`` the user's line that is running."""
    frame = users_frame(_getframe(2))
    if frame is not None:
        node.code = frame.f_code
        node.lasti = frame.f_lasti


def make_node(
    kind: type[Node],
    edges: tuple[Node | Output | None, ...],
    saved: tuple[object, ...],
    metas: tuple[Meta | tuple[Meta, ...] | None, ...] | None,
    params: dict[str, object],
    outputs: tuple[Meta, ...],
) -> Node:
    """A node, numbered and placed."""
    node = _new(kind)
    node.edges = edges
    node.saved = saved
    node.metas = metas
    if not kind.shares:
        node.params = params
        node.outputs = outputs
    node.hooks = None
    node._nid = 0
    node.code = None
    node.lasti = 0
    node.seq = tick()
    place(node)
    if special:
        pack(node)
    return node


class _Probe:
    """Stands for an array library, to learn whether a forward is one of its functions and nothing more."""

    def __getattr__(self, name: str) -> Callable[..., tuple[str, tuple[object, ...]]]:
        return lambda *arguments: (name, arguments)


def on_host(op: Op) -> Callable[..., Array]:
    """``op``'s forward for NumPy: where it is one of NumPy's functions and nothing more, that function itself."""
    marks = [object() for _ in op.inputs]
    try:
        found = op.forward(_Probe(), *marks)
    except (TypeError, AttributeError, ValueError, RuntimeError):  # it computes with what it is given
        found = None
    if isinstance(found, tuple) and len(found) == 2 and found[1] in (tuple(marks), (*marks, None)):
        return cast("Callable[..., Array]", getattr(_numpy, str(found[0])))
    return partial(cast("Callable[..., Array]", op.forward), _numpy)


def _unary(op: Op) -> Callable[[Tensor], Tensor]:  # noqa: C901  as below
    forward, host = cast("Callable[[Namespace, Array], Array]", op.forward), on_host(op)
    name, kind, to_bool, lowest = (
        op.name,
        op.node_type,
        op.result == "bool",
        2 if op.result in ("float", "angle") else 0,
    )
    saves_input = op.saved == (op.inputs[0],)
    saves_output = op.saved == op.outputs
    plain = not op.saved

    def call(input: Tensor) -> Tensor:
        listener = tap.listener
        started = 0
        if listener is not None:
            started = listener.op_starting(name, (input,), NO_PARAMS) if listener.armed else perf_counter_ns()
        try:
            meta = out_meta = input._meta
            metas = None
            if listener is not None and meta.numel > announce.SMALL:
                announce.elementwise(listener, name, (input,))
            if meta.rank < lowest:
                array, out_meta, metas = mixed(op, (input,), None)
            else:
                array = host(input._data) if meta.xp is _numpy else forward(meta.xp, input._data)
                if to_bool:
                    out_meta = meta.as_bool
            if meta.scalar:
                array = meta.xp.asarray(array)
            out = _new(Tensor)
            out._data = array
            out._meta = out_meta
            out._node = None
            out._cell = None
            out._base = None
            out._grad = None
            out._tid = 0
            edge = input._node
            if special and asked(op, (input,), (out,), metas, NO_PARAMS):
                pass
            elif edge is not None and kind is not None and (not disabled or mode.enabled):
                node = _new(kind)
                node.edges = (edge,)
                if plain:
                    node.saved = ()
                elif saves_output:
                    node.saved = (alias(out),)
                elif saves_input:
                    node.saved = (input,)
                else:
                    node.saved = save(op, (input,), (out,), (edge,))
                node.metas = metas
                node.hooks = None
                node._nid = 0
                frame = _getframe(1)
                code = frame.f_code
                if code.co_filename in ENGINE_FILES:
                    frame = users_frame(frame) or frame
                    code = frame.f_code
                node.code = code
                node.lasti = frame.f_lasti
                node.seq = tick()
                out._node = node
        except Untouchable:
            return cast(Tensor, interpret(op, (input,), NO_PARAMS))
        except BaseException as error:  # noqa: BLE001  it is raised again, in words
            raise errors.told(listener, op, (input,), NO_PARAMS, error) from None
        if listener is not None:
            listener.op_applied(name, (input,), NO_PARAMS, (out,), started, 0)
        return out

    return call


def _binary(op: Op) -> Callable[[Tensor, object], Tensor]:  # noqa: C901  a call less is a tenth of an op
    forward, host = cast("Callable[[Namespace, Array, object], Array]", op.forward), on_host(op)
    name, kind, result = op.name, op.node_type, op.result
    to_bool = result == "bool"
    lowest = 2 if result == "float" else 0
    tensors_only = op.inputs[1] not in op.numbers
    lowest_with_int = FLOATING + 1 if tensors_only else 2 if result == "float" else 1
    lowest_with_float = FLOATING + 1 if tensors_only else 2
    plain = not op.saved
    crossed = tuple(op.rules[each].wants for each in op.inputs if each in op.rules) == tuple(
        (each,) for each in op.inputs[::-1]
    )

    def call(input: Tensor, other: object) -> Tensor:  # noqa: C901
        listener = tap.listener
        started = 0
        if listener is not None:
            started = listener.op_starting(name, (input, other), NO_PARAMS) if listener.armed else perf_counter_ns()
        try:
            number = type(other)
            value: object = None
            try:
                meta = input._meta
                left = input._node
                if number is float or number is int:
                    value, right = other, None
                    straight = meta.rank >= (lowest_with_float if number is float else lowest_with_int)
                else:
                    value, right = other._data, other._node  # type: ignore[attr-defined]  # or AttributeError
                    straight = meta is other._meta and meta.rank >= lowest  # type: ignore[attr-defined]
            except AttributeError:  # not two tensors
                meta, straight = _NOTHING, False
                left, right = getattr(input, "_node", None), getattr(other, "_node", None)
            if straight:
                if listener is not None and meta.numel > announce.SMALL:
                    announce.elementwise(listener, name, (input, other))
                array = host(input._data, value) if meta.xp is _numpy else forward(meta.xp, input._data, value)
                if meta.scalar:
                    array = meta.xp.asarray(array)
                if to_bool:
                    meta = meta.as_bool
                metas = None
            else:
                array, meta, metas = mixed(op, (input, other), listener)
            out = _new(Tensor)
            out._data = array
            out._meta = meta
            out._node = None
            out._cell = None
            out._base = None
            out._grad = None
            out._tid = 0
            if special and asked(op, (input, other), (out,), metas, NO_PARAMS):
                pass
            elif (left is not None or right is not None) and kind is not None and (not disabled or mode.enabled):
                node = _new(kind)
                node.edges = edges = (left, right)
                if plain:
                    node.saved = ()
                elif crossed:
                    node.saved = (other if left is not None else None, input if right is not None else None)
                else:
                    node.saved = save(op, (input, other), (out,), edges)
                node.metas = metas
                node.hooks = None
                node._nid = 0
                frame = _getframe(1)
                code = frame.f_code
                if code.co_filename in ENGINE_FILES:
                    frame = users_frame(frame) or frame
                    code = frame.f_code
                node.code = code
                node.lasti = frame.f_lasti
                node.seq = tick()
                out._node = node
        except Untouchable:
            return cast(Tensor, interpret(op, (input, other), NO_PARAMS))
        except BaseException as error:  # noqa: BLE001  it is raised again, in words
            raise errors.told(listener, op, (input, other), NO_PARAMS, error) from None
        if listener is not None:
            listener.op_applied(name, (input, other), NO_PARAMS, (out,), started, 0)
        return out

    return call


def mixed(
    op: Op, inputs: Sequence[object], listener: Listener | None, params: Mapping[str, object] = NO_PARAMS
) -> tuple[Array, Meta, tuple[Meta | None, ...] | None]:
    """Compute an elementwise op on inputs of different kinds: (array, its meta, the inputs' metas to go back to)."""
    for name, each in zip(op.inputs, inputs):  # noqa: B905  a variadic op has more of the last
        if name not in op.numbers and not isinstance(each, Tensor):
            raise TypeError(f"{op.name}(): argument '{name}' must be Tensor, not {type(each).__name__}")
    ready, device, kind = prepare(op.name, op.result, inputs)
    if listener is not None:
        announce.elementwise(listener, op.name, inputs)
    array = device.xp.asarray(op.forward(device.xp, *ready, **params))
    if op.result == "bool":
        return array, find(array.shape, bool_, device), None
    if op.result in ("real", "angle"):
        kind = kind.to_real()
    if array.dtype != kind.numpy:
        array = array.astype(kind.numpy)
    meta = find(array.shape, kind, device)
    return array, meta, input_metas(inputs, meta)


def _takes(op: Op) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
    """For each of ``op.saved``: whether it is an input, an output, an input's meta or its order in memory, which one,
    and the inputs whose rules name it."""
    found = []
    for name in op.saved:
        users = tuple(
            place for place, each in enumerate(op.inputs) if each in op.rules and name in op.rules[each].wants
        )
        if name in op.outputs:
            found.append(("output", op.outputs.index(name), users))
        elif name in op.inputs:
            found.append(("input", op.inputs.index(name), users))
        elif name.endswith("_turned"):
            found.append(("turned", op.inputs.index(name.removesuffix("_turned")), users))
        else:
            found.append(("meta", op.inputs.index(name.removesuffix("_meta")), users))
    return tuple(found)


def save(op: Op, inputs: Sequence[object], outs: Sequence[Tensor], edges: Sequence[object]) -> tuple[object, ...]:
    """What the rules that will run name, in ``op.saved``'s order; None for what only other rules name."""
    last = len(op.inputs) - 1 if op.variadic else -1  # the input that stands for all the rest
    saved: list[object] = []
    for kind, index, users in op.takes:
        for user in users:
            if edges[user] is not None if user != last else any(each is not None for each in edges[user:]):
                break
        else:
            saved.append(None)
            continue
        if kind == "output":
            saved.append(alias(outs[index]))
        elif kind == "turned":
            saved.append(_is_turned(inputs[index]))
        elif index == last:
            rest = tuple(inputs[index:])
            saved.append(rest if kind == "input" else tuple([_meta_of(each) for each in rest]))
        else:
            saved.append(inputs[index] if kind == "input" else _meta_of(inputs[index]))
    return tuple(saved)


def _is_turned(value: object) -> bool:
    """Whether an array lies in memory with its first dimension innermost."""
    return isinstance(value, Tensor) and not isinstance(value, Lifted) and value._data.flags.fnc


def _meta_of(value: object) -> Meta | None:
    return value._meta if isinstance(value, Tensor) else None


def _general(op: Op) -> Callable[..., object]:
    name, kind, single, elementwise, view = op.name, op.node_type, len(op.outputs) == 1, op.elementwise, op.view
    lone = len(op.inputs) == 1 and not op.variadic
    forward, defaults = op.forward, op.defaults
    flags = VIEW if view else 0

    def call(*inputs: object, **params: object) -> object:
        if defaults:
            params = {**defaults, **params}
        listener = tap.listener
        started = 0
        if listener is not None:
            started = listener.op_starting(name, inputs, params) if listener.armed else perf_counter_ns()
        try:
            metas: tuple[Meta | None, ...] | None = None
            first = inputs[0]
            if elementwise:
                array, meta, metas = mixed(op, inputs, listener, params)
                outs: tuple[Tensor, ...] = (wrap(array, meta, None),)
            else:
                if lone and isinstance(first, Tensor):
                    device = first._meta.device
                    arrays: Sequence[object] = (first._data,)
                    odd = first._meta.rank < 0
                else:
                    device = common_device(name, inputs)
                    arrays = [each._data if isinstance(each, Tensor) else each for each in inputs]
                    odd = _special(inputs)
                if listener is not None:
                    announce.other(listener, op, inputs, params)
                if odd:
                    metas = tuple([_meta_of(each) for each in inputs])
                    result = widened(op, device.xp, arrays, metas, params)
                else:
                    result = forward(device.xp, *arrays, **params)
                outs = (wrap_on(result, device),) if single else tuple([wrap_on(each, device) for each in result])  # type: ignore[attr-defined]  # several
            if view:
                _link(first, outs)  # type: ignore[arg-type]  # a view's first input is a tensor
            if special and asked(op, inputs, outs, metas, params):
                pass
            elif kind is not None and (not disabled or mode.enabled):
                edges = tuple([each._node if isinstance(each, Tensor) else None for each in inputs])
                if edges.count(None) < len(edges):
                    record(op, inputs, outs, edges, metas, params)
        except Untouchable:
            return interpret(op, inputs, params)
        except BaseException as error:  # noqa: BLE001  it is raised again, in words
            raise errors.told(listener, op, inputs, params, error) from None
        if listener is not None:
            listener.op_applied(name, inputs, params, outs, started, flags)
        return outs[0] if single else outs

    return call


def _special(inputs: Sequence[object]) -> bool:
    """Whether any of them is complex, or stored in less than 32 bits."""
    for each in inputs:  # noqa: SIM110  a generator costs more than the loop
        if isinstance(each, Tensor) and each._meta.rank < 0:
            return True
    return False


def widened(
    op: Op,
    xp: Namespace,
    arrays: Sequence[object],
    metas: Sequence[Meta | None],
    params: Mapping[str, object],
) -> object:
    """``op`` computed in 32 bits on what is stored in 16, and its results stored likewise."""
    narrow = next((meta.dtype for meta in metas if meta is not None and meta.dtype.narrow), None)
    if narrow is None or op.moves:
        return op.forward(xp, *arrays, **params)
    wide = [
        cast(Array, array).astype(meta.dtype.working) if meta is not None and meta.dtype.narrow else array
        for array, meta in zip(arrays, metas, strict=True)
    ]
    result = op.forward(xp, *wide, **params)

    def stored(each: object) -> object:
        return cast(Array, each).astype(narrow.numpy) if getattr(each, "dtype", None) == narrow.working else each

    return tuple([stored(each) for each in result]) if isinstance(result, tuple) else stored(result)


def wrap_on(result: object, device: Device) -> Tensor:
    """A tensor of what a forward gave: an array of ``device``, or NumPy's scalar for a 0-dimensional one."""
    array = cast(Array, result if type(result) is device.array_type else device.xp.asarray(result))
    made = _new(Tensor)
    made._data = array
    made._meta = device.metas.get((array.shape, array.dtype)) or meta_of(array, device)
    made._node = None
    made._cell = None
    made._base = None
    made._grad = None
    made._tid = 0
    return made


def record(
    op: Op,
    inputs: Sequence[object],
    outs: Sequence[Tensor],
    edges: tuple[Node | Output | None, ...],
    metas: tuple[Meta | None, ...] | None,
    params: dict[str, object],
) -> None:
    """Leave a node behind ``outs``, if a gradient can reach it through them."""
    assert op.node_type is not None
    if not (outs[0]._meta.floating or any(each._meta.floating for each in outs)):
        return
    node = make_node(op.node_type, edges, save(op, inputs, outs, edges), metas, params, ())
    if len(outs) == 1:
        outs[0]._node = node
    else:
        node.outputs = tuple([each._meta for each in outs])
        for index, each in enumerate(outs):
            if each._meta.floating:
                each._node = Output(node, index)


def _link(base: Tensor, outs: Sequence[Tensor]) -> None:
    """Make ``outs`` views of ``base``: one storage, one version counter, changes seen by both."""
    cell = versions_of(base)
    root = base if base._base is None else base._base
    for each in outs:
        if each._data is base._data:
            each._data = base._data.view()
        each._cell = cell
        each._base = root
    cell.follow(outs)
