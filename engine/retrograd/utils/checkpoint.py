"""Trading time for memory: what a part of the forward pass would save is computed again in backward."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from retrograd.autograd.engine import backward
from retrograd.autograd.function import Function
from retrograd.autograd.mode import enable_grad, is_grad_enabled
from retrograd.autograd.saved import saved_tensors_hooks
from retrograd.random import default_generator
from retrograd.tensor import Tensor

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn"]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


class CheckpointError(RuntimeError):
    """The second forward pass did not save what the first one did."""


def noop_context_fn() -> Contexts:
    """No context for either forward pass."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, of which nothing is kept for backward but the arguments.

    Args:
        use_reentrant: True: backward runs a backward pass of its own inside; gradients reach only what is among
            ``args``. False (and the default here): everything works as without a checkpoint.
        context_fn: makes a context for the first and one for the second forward pass.
        determinism_check: "default" compares shapes, dtypes and devices of what both passes save; "none" nothing.
        early_stop: the second pass ends with the last tensor that backward needs.
        preserve_rng_state: the second pass draws the same random numbers.

    Source: ``torch.utils.checkpoint.checkpoint``.
    """
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return _Reentrant.apply(function, preserve_rng_state, *args)
    if not is_grad_enabled():
        return function(*args, **kwargs)
    first, second = context_fn()
    again = _Again(lambda: function(*args, **kwargs), second, determinism_check, early_stop, preserve_rng_state)
    with saved_tensors_hooks(again.pack, again.unpack), first:
        return function(*args, **kwargs)


class _Place:
    """Stands in the graph for a tensor that was not kept."""

    __slots__ = ("__weakref__", "index", "kind")

    def __init__(self, index: int, kind: object) -> None:
        self.index = index
        self.kind = kind


class _Stop(Exception):  # noqa: N818  a signal
    """Everything that is needed is there."""


class _Again:
    """Runs a part of the forward pass a second time when backward first needs something of it."""

    def __init__(
        self,
        run: Callable[[], object],
        context: AbstractContextManager[Any],
        determinism: str,
        early_stop: bool,
        preserve: bool,
    ) -> None:
        self.run = run
        self.context = context
        self.check = determinism != "none"
        self.early_stop = early_stop
        self.state = default_generator.state_bytes() if preserve else None
        self.places: list[weakref.ref[_Place]] = []
        self.found: dict[int, Tensor] = {}

    def pack(self, tensor: Tensor) -> _Place:
        """Keep a place in the tensor's stead."""
        place = _Place(len(self.places), tensor._meta)
        self.places.append(weakref.ref(place))
        return place

    def unpack(self, place: _Place) -> Tensor:
        """The tensor, computed again if need be; each is given out once."""
        if place.index not in self.found:
            self._compute()
        if place.index not in self.found:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation: {len(self.places)} and {len(self.found)}."
            )
        found = self.found.pop(place.index)
        if self.check and found._meta != place.kind:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass: tensor {place.index} was [{place.kind}] and is [{found._meta}] now."
            )
        return found

    def _compute(self) -> None:
        last = max((place.index for ref in self.places if (place := ref()) is not None), default=-1)
        count = 0
        self.found.clear()

        def keep(tensor: Tensor) -> Tensor:
            nonlocal count
            if count < len(self.places) and self.places[count]() is not None:
                self.found[count] = tensor.detach()
            count += 1
            if self.early_stop and count > last:
                raise _Stop
            return tensor

        with _drawing_from(self.state), enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor), self.context:
            try:
                self.run()
            except _Stop:
                return
        if count != len(self.places):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.places)}\nNumber of tensors saved "
                f"during recomputation: {count}."
            )


@contextmanager
def _drawing_from(state: bytes | None) -> Iterator[None]:
    """Random numbers from ``state``, and afterwards as if none had been drawn."""
    if state is None:
        yield
        return
    before = default_generator.state_bytes()
    default_generator.set_state_bytes(state)
    try:
        yield
    finally:
        default_generator.set_state_bytes(before)


class _Reentrant(Function):
    """The form with a backward pass of its own."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        ctx.function = function
        ctx.state = default_generator.state_bytes() if preserve else None
        ctx.places = [place for place, each in enumerate(args) if isinstance(each, Tensor)]
        ctx.args = [None if isinstance(each, Tensor) else each for each in args]
        ctx.save_for_backward(*[each for each in args if isinstance(each, Tensor)])
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        args = list(ctx.args)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        with _drawing_from(ctx.state), enable_grad():
            result = ctx.function(*args)
        outs = result if isinstance(result, tuple) else (result,)
        pairs = [
            (out, grad) for out, grad in zip(outs, grads, strict=True) if isinstance(out, Tensor) and out.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([out for out, _ in pairs], [grad for _, grad in pairs])
        return (None, None, *[each.grad if isinstance(each, Tensor) else None for each in args])


def checkpoint_sequential(
    functions: Iterable[Callable[..., Any]],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Layers one after the other, cut into ``segments`` that are checkpointed, all but the last. Source:
    ``torch.utils.checkpoint.checkpoint_sequential``."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
    layers = list(functions)
    size = len(layers) // segments

    def through(start: int, end: int) -> Callable[[Any], Any]:
        def run(value: Any) -> Any:
            for layer in layers[start:end]:
                value = layer(value)
            return value

        return run

    start = 0
    for _ in range(segments - 1):
        input = checkpoint(
            through(start, start + size), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
        start += size
    return through(start, len(layers))(input)
