"""Operations of the user's own: ``Function``, whose backward is the user's code.

    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, grad):
            (y,) = ctx.saved_tensors
            return grad * y

With ``setup_context(ctx, inputs, output)`` the forward takes no ``ctx``. Source: ``torch.autograd.Function``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

from retrograd.autograd.mode import mode, no_grad, special
from retrograd.autograd.node import AccumulateGrad, Node, Output
from retrograd.autograd.versions import tick, versions_of
from retrograd.meta import Meta
from retrograd.ops.dispatch import IN_PLACE, place
from retrograd.ops.rules import check, conform_recorded, freed
from retrograd.ops.special import pack, unpacked
from retrograd.tensor import Tensor, from_array, wrap
from retrograd_events.tap import tap

Context = Any  # the user's own attributes live on it


class FunctionCtx:
    """What ``forward`` leaves for ``backward``: saved tensors, and any attribute the user sets."""

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs and outputs for backward, where they are ``saved_tensors``."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``jvp``, where they are ``saved_tensors``."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs ``forward`` changed in place; each must be returned."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether gradients that did not arrive come as zeros (the default) or as None."""
        self.materialize_grads = value


class BackwardNode(Node):
    """A node of a ``Function``; it is the ``ctx`` of ``backward`` as well."""

    __slots__ = ("ctx", "function", "output_metas", "shadows")

    frees = True
    ctx: FunctionCtx
    function: type[Function]
    output_metas: tuple[Meta, ...]
    shadows: tuple[int, ...]

    def run(self, grad: object) -> Sequence[object]:
        """On raw arrays."""
        given = grad if self.outputs else (grad,)
        device = self.output_metas[0].device
        tensors = [None if each is None else from_array(each, device) for each in given]  # type: ignore[attr-defined]
        with no_grad():
            found = self._backward(tensors)
        return [None if each is None else each._data for each in found]

    def run_recorded(self, grad: object) -> Sequence[object]:
        """On recorded tensors."""
        return self._backward(grad if self.outputs else (grad,))  # type: ignore[arg-type]

    def _backward(self, grads: Sequence[Tensor | None]) -> list[Tensor | None]:
        ctx = self.ctx
        if ctx.materialize_grads:
            grads = [
                _zeros(meta) if each is None else each for each, meta in zip(grads, self.output_metas, strict=True)
            ]
        result = _backward_of(self.function)(_Opened(self), *grads)
        results = result if isinstance(result, tuple) else (result,)
        count = len(ctx.needs_input_grad)
        if len(results) > count and all(each is None for each in results[count:]):
            results = results[:count]
        if len(results) != count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got "
                f"{len(results)})"
            )
        assert self.metas is not None
        return [
            self._checked(each, meta, place) if wanted else None
            for place, (each, meta, wanted) in enumerate(zip(results, self.metas, ctx.needs_input_grad, strict=True))
        ]

    def _checked(self, grad: object, meta: object, place: int) -> Tensor | None:
        if grad is None:
            return None
        if not isinstance(grad, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(grad).__name__})")
        assert isinstance(meta, Meta)
        try:
            return conform_recorded(grad, meta)
        except (RuntimeError, ValueError):
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {place} - got {list(grad.shape)} but "
                f"expected shape compatible with {list(meta.shape)}"
            ) from None

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") or name == "ctx":
            raise AttributeError(name)
        return getattr(self.ctx, name)

    @property
    def saved_tensors(self) -> tuple[object, ...]:
        """What ``save_for_backward`` was given."""
        return self.saved_values()

    def saved_values(self) -> tuple[object, ...]:
        """What ``save_for_backward`` was given, outputs with this node behind them."""
        if self.saved is None:
            raise freed(self)
        saved = unpacked(self.saved) if self.hooks is not None and self.hooks.packed else self.saved
        found: list[object] = []
        for each, shadow in zip(saved, self.shadows, strict=True):
            if isinstance(each, Tensor):
                check(self, each)
                if shadow >= 0:
                    cell = each._cell
                    each = wrap(each._data, each._meta, Output(self, shadow) if self.outputs else self)
                    each._cell = cell
            found.append(each)
        return tuple(found)


class _Opened:
    """``ctx`` as ``backward`` sees it: the attributes that ``forward`` left, and what was saved."""

    def __init__(self, node: BackwardNode) -> None:
        object.__setattr__(self, "_node", node)

    def __getattr__(self, name: str) -> object:
        node: BackwardNode = object.__getattribute__(self, "_node")
        mine = vars(node.ctx)
        return mine[name] if name in mine else getattr(node, name)

    def __setattr__(self, name: str, value: object) -> None:
        node: BackwardNode = object.__getattribute__(self, "_node")
        setattr(node.ctx, name, value)


def _zeros(meta: Meta) -> Tensor:
    return wrap(meta.xp.zeros(meta.shape, meta.numpy_dtype), meta, None)


def _backward_of(function: type[Function]) -> Callable[..., object]:
    vjp, backward = function.vjp, function.backward
    if vjp is not Function.vjp and backward is not Function.backward:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement "
            "one of them."
        )
    return vjp if vjp is not Function.vjp else backward


class Function:
    """An operation with the user's forward and backward; called by ``apply``."""

    generate_vmap_rule: ClassVar[bool] = False
    _node_type: ClassVar[type[BackwardNode]]

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise RuntimeError(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function is not allowed."
        )

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        cls._node_type = type(f"{cls.__name__}Backward", (BackwardNode,), {"__slots__": (), "op_name": cls.__name__})

    # declared as values, so that a subclass may take what it likes
    @staticmethod
    def _no_forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def _no_setup_context(ctx: Context, inputs: tuple[Any, ...], output: Any) -> Any:
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def _no_backward(ctx: Context, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def _no_jvp(ctx: Context, *grad_inputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def _no_vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        raise NotImplementedError("To use autograd.Function with vmap, you must write its vmap staticmethod.")

    forward: Callable[..., Any] = _no_forward
    setup_context: Callable[..., Any] = _no_setup_context
    backward: Callable[..., Any] = _no_backward
    vjp: Callable[..., Any] = _no_backward
    jvp: Callable[..., Any] = _no_jvp
    vmap: Callable[..., Any] = _no_vmap

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the operation on ``args``; tensors among them get gradients from ``backward``."""
        return _apply(cls, args, kwargs)


def _apply(function: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    listener = tap.listener
    name = function.__name__
    tensors = [each for each in args if isinstance(each, Tensor)]
    started = 0 if listener is None else listener.op_starting(name, tensors, {})
    try:
        ctx, result, outs = _forward(function, args, kwargs)
        dirty = _record(function, ctx, args, outs)
    except BaseException as error:
        if listener is not None:
            listener.op_failed(name, tensors, {}, error)
        raise
    if listener is not None:
        made = [each for each in outs if isinstance(each, Tensor)]
        listener.op_applied(name, tensors, {}, made, started, IN_PLACE if dirty else 0)
    return tuple(outs) if isinstance(result, tuple) else outs[0]


def _forward(
    function: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[FunctionCtx, object, list[object]]:
    """Run the user's forward: its ctx, its result, and the outputs, of which none is an input or a view."""
    ctx = FunctionCtx()
    ctx.needs_input_grad = tuple([isinstance(each, Tensor) and each.requires_grad for each in args])
    with no_grad():
        if function.setup_context is not Function.setup_context:
            result = function.forward(*args, **kwargs)
            function.setup_context(ctx, args, result)
        else:
            result = function.forward(ctx, *args, **kwargs)
    return ctx, result, list(result) if isinstance(result, tuple) else [result]


def _record(
    function: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], outs: list[object]
) -> tuple[Tensor, ...]:
    """Leave a node behind ``outs`` (replaced where they are inputs); answers with the inputs that were changed."""
    dirty: tuple[Tensor, ...] = getattr(ctx, "dirty_tensors", ())
    frozen: tuple[Tensor, ...] = getattr(ctx, "non_differentiable", ())
    node = _make_node(function, ctx, args) if mode.enabled and True in ctx.needs_input_grad else None
    saved: tuple[Any, ...] = getattr(ctx, "to_save", ())
    shadows = tuple(_index_in(outs, each) for each in saved)
    for each in dirty:
        _changed(function, each, outs, recorded=node is not None)
    for index, out in enumerate(outs):
        if isinstance(out, Tensor) and not _is_in(dirty, out) and (_is_in(args, out) or out._base is not None):
            seen = wrap(out._data.view(), out._meta, None)  # an input given back is a view of it
            seen._cell = versions_of(out)
            outs[index] = seen
    if node is None:
        return dirty
    made = [each for each in outs if isinstance(each, Tensor)]
    node.output_metas = tuple(each._meta if isinstance(each, Tensor) else _NONE for each in outs)
    node.outputs = node.output_metas if len(outs) > 1 else ()
    node.shadows = shadows
    node.saved = tuple(_kept(each, shadow) for each, shadow in zip(saved, shadows, strict=True))
    if special:
        pack(node)
    for index, out in enumerate(outs):
        if isinstance(out, Tensor) and out._meta.floating and not _is_in(frozen, out):
            out._node = Output(node, index) if node.outputs else node
    assert made or not outs
    return dirty


def _kept(value: Any, shadow: int) -> object:
    """What a node keeps of a saved tensor: an output without this node, since that would be a cycle."""
    if value is None:
        return None
    if not isinstance(value, Tensor):
        raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(value).__name__}")
    kept = wrap(value._data, value._meta, None if shadow >= 0 else value._node)
    kept._cell = versions_of(value)
    return kept


def _changed(function: type[Function], tensor: Tensor, outs: list[object], *, recorded: bool) -> None:
    if not _is_in(outs, tensor):
        raise RuntimeError(
            f"Some elements marked as dirty during the forward method of {function.__name__} were not returned as "
            "output. The inputs that are modified inplace must all be outputs of the Function."
        )
    if recorded and type(tensor._node) is AccumulateGrad:
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation ({function.__name__})"
        )
    versions_of(tensor).bump(function.__name__)


def _is_in(values: Sequence[object], value: object) -> bool:
    return any(each is value for each in values)


def _index_in(values: Sequence[object], value: object) -> int:
    return next((index for index, each in enumerate(values) if each is value), -1)


_NONE = cast(Meta, None)


def _make_node(function: type[Function], ctx: FunctionCtx, args: tuple[Any, ...]) -> BackwardNode:
    node = object.__new__(function._node_type)
    node.edges = tuple([each._node if isinstance(each, Tensor) else None for each in args])
    node.metas = tuple([each._meta if isinstance(each, Tensor) else None for each in args])
    node.saved = ()
    node.params = {}
    node.outputs = ()
    node.hooks = None
    node._nid = 0
    node.code = None
    node.lasti = 0
    node.seq = tick()
    node.ctx = ctx
    node.function = function
    place(node)
    return node


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Declare that a ``backward`` can't be differentiated again: trying to is an error, not a wrong answer."""

    @functools.wraps(backward)
    def once(ctx: Context, *grads: Tensor | None) -> object:
        recorded = mode.enabled
        with no_grad():
            result = backward(ctx, *grads)
        if not recorded or not any(isinstance(each, Tensor) and each.requires_grad for each in grads):
            return result
        results = result if isinstance(result, tuple) else (result,)
        refusing = tuple(
            _Refusal.apply(each.detach().requires_grad_()) if isinstance(each, Tensor) else each for each in results
        )
        return refusing if isinstance(result, tuple) else refusing[0]

    return once


class _Refusal(Function):
    """Passes values on, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Context, value: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> Tensor:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
