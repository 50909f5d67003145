"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from retrograd.ops.primitive import registry
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.nn import Module


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with the given tensors in place of its parameters and buffers of these names.

    Args:
        args: a tuple of arguments, or one argument.
        tie_weights: a tensor given for one of several names of a parameter stands for all of them.
        strict: every parameter and buffer must be given, and nothing else.

    Source: ``torch.func.functional_call``.
    """
    given: dict[str, Tensor] = {}
    for each in (
        [parameter_and_buffer_dicts] if isinstance(parameter_and_buffer_dicts, Mapping) else parameter_and_buffer_dicts
    ):
        twice = given.keys() & each.keys()
        if twice:
            raise ValueError(
                f"{sorted(twice)} appear in multiple dictionaries; behavior of functional call is ambiguous"
            )
        given.update(each)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, given, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


@contextmanager
def _swapped(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    homes: dict[str, tuple[dict[str, Any], str]] = {}
    for path, owner in module.named_modules(remove_duplicate=False):
        for members in cast("tuple[dict[str, Any], dict[str, Any]]", (owner._parameters, owner._buffers)):
            for name in members:
                homes[f"{path}.{name}" if path else name] = (members, name)
    unknown = sorted(given.keys() - homes.keys())
    if unknown and strict:
        raise RuntimeError(f"Unexpected key(s): {', '.join(unknown)}.")
    absent = sorted(homes.keys() - given.keys())
    if strict and absent:
        raise RuntimeError(f"Missing key(s): {', '.join(absent)}.")
    if unknown:
        raise KeyError(f"the module has no parameter or buffer {', '.join(unknown)}; it has {', '.join(sorted(homes))}")
    if tie_weights:
        tied = {id(homes[path][0][homes[path][1]]): value for path, value in given.items()}
        given = {
            path: given.get(path, tied.get(id(members[name])))  # type: ignore[misc]
            for path, (members, name) in homes.items()
            if path in given or (members[name] is not None and id(members[name]) in tied)
        }
    before = {path: homes[path][0][homes[path][1]] for path in given}
    for path, value in given.items():
        homes[path][0][homes[path][1]] = value
    try:
        yield
    finally:
        for path, old in before.items():
            members, name = homes[path]
            members[name] = old


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of models of one class, stacked along a new first dimension: what ``vmap`` of
    ``functional_call`` maps over. Source: ``torch.func.stack_module_state``."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not all(each.training for each in models) and any(each.training for each in models):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(each) for each in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    stack = registry["stack"].call

    def stacked(found: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        made = {}
        for name in found[0]:
            column = [each[name] for each in found]
            whole = cast(Tensor, stack(*[each.detach() for each in column], dim=0))
            made[name] = whole.requires_grad_(column[0].requires_grad)
        return made

    return (
        stacked([dict(each.named_parameters()) for each in models]),
        stacked([dict(each.named_buffers()) for each in models]),
    )
