"""Derivatives of a fused op by way of its decomposition: of tensors that are recorded, and of tangents.

A fused op whose rule on arrays writes into buffers has these as its differentiable form.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from retrograd.autograd.mode import enable_grad
from retrograd.ops.primitive import Primitive
from retrograd.ops.shape import alias_view
from retrograd.tensor import Tensor

Whole = Callable[..., tuple[Tensor, ...]]


def recorded(value: object) -> bool:
    """Whether a rule was given tensors, and not raw arrays."""
    return isinstance(value, Tensor)


def gradients(
    op: Primitive,
    inputs: Sequence[Tensor | None],
    g: Sequence[Tensor | None],
    needs: Sequence[bool],
    **params: object,
) -> list[Tensor | None]:
    """The recorded gradients to the ``inputs`` that need one, from those to the outputs.

    Each input goes in as an alias, so that one computed from another does not count as a way to it.
    """
    from retrograd.autograd.engine import grad  # the engine asks the registry of ops, which is being filled

    with enable_grad():
        given = [alias_view(each) if need else each for each, need in zip(inputs, needs, strict=True)]
        outs = cast("Whole", op.op.decomposition)(*given, **params)
        pairs = [(out, seed) for out, seed in zip(outs, g, strict=True) if seed is not None and out.requires_grad]
        wanted = [each for each, need in zip(given, needs, strict=True) if need and each is not None]
        found = iter(
            grad([out for out, _ in pairs], wanted, [seed for _, seed in pairs], create_graph=True, allow_unused=True)
        )
    return [next(found) if need else None for need in needs]


def forward_mode(op: Primitive) -> None:
    """Let every input's tangent go the way of ``op``'s decomposition."""
    keywords = [each for each in inspect.signature(op.op.forward).parameters.values() if each.kind is each.KEYWORD_ONLY]
    positional = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("t", *op.op.inputs)]
    for place, name in enumerate(op.op.inputs):
        rule = partial(_moved, op, place)
        rule.__signature__ = inspect.Signature([*positional, *keywords])  # type: ignore[attr-defined]  # what it takes
        op.jvp(name)(rule)


def _moved(op: Primitive, place: int, t: Tensor, *inputs: Tensor | None, **params: object) -> tuple[Tensor, ...]:
    """How the outputs move when the input at ``place`` moves by ``t``."""
    from retrograd.func.gradients import jvp  # as above

    whole = cast("Whole", op.op.decomposition)

    def moving(value: Tensor) -> tuple[Tensor, ...]:
        return whole(*inputs[:place], value, *inputs[place + 1 :], **params)

    tangents: tuple[Tensor, ...] = jvp(moving, (inputs[place],), (t,))[1]
    return tangents
