"""A table of a module's layers, with the shapes that they give and the parameters that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrograd.autograd.mode import no_grad
from retrograd.devices import Device
from retrograd.dtypes import dtype as DType
from retrograd.functional.random import rand
from retrograd.nn.modules.module import Module
from retrograd.random import fork_rng
from retrograd.tensor import Tensor
from retrograd_events.text import tr

__all__ = ["Layer", "Summary", "summary"]


@dataclass
class Layer:
    """A row: ``depth`` in the tree, ``output``: shapes as text ("" for one that did not run), ``params``: its own and
    those below it, ``again``: its parameters were counted in a row above."""

    name: str
    kind: str
    depth: int
    params: int
    again: bool
    output: str = ""


@dataclass
class Summary:
    """What ``summary`` found; prints as a table."""

    layers: list[Layer]
    total_params: int
    trainable_params: int
    param_bytes: int
    input_bytes: int = 0
    output_bytes: int = 0

    def __str__(self) -> str:
        head = (tr("Layer (type)"), tr("Output shape"), tr("Parameters"))
        rows = [(_label(each), each.output, _count(each)) for each in self.layers]
        first, second, third = (max(len(row[column]) for row in [head, *rows]) for column in range(3))
        line = "=" * (first + second + third + 4)
        table = [f"{a:<{first}}  {b:<{second}}  {c:>{third}}".rstrip() for a, b, c in [head, *rows]]
        totals = [
            tr("Parameters: {count}", count=f"{self.total_params:,}"),
            tr("Trainable: {count}", count=f"{self.trainable_params:,}"),
            tr("Not trainable: {count}", count=f"{self.total_params - self.trainable_params:,}"),
            tr("Parameters: {size} MB", size=_megabytes(self.param_bytes)),
        ]
        if any(each.output for each in self.layers):
            totals += [
                tr("Input: {size} MB", size=_megabytes(self.input_bytes)),
                tr("Outputs of the layers: {size} MB", size=_megabytes(self.output_bytes)),
            ]
        return "\n".join([line, table[0], line, *table[1:], line, *totals, line])


def summary(
    model: Module,
    input_size: Sequence[Any] | None = None,
    input_data: object = None,
    *,
    depth: int | None = None,
    device: Device | str | None = None,
    dtypes: Sequence[DType] | None = None,
    verbose: bool = True,
) -> Summary:
    """The tree of a module's layers: shapes of what they give, numbers of parameters, totals.

    Args:
        input_size: the shape of the input, or a list of shapes of several; the module runs once on random numbers.
        input_data: a tensor, or tuple or dict of arguments, to run on instead. Without either, nothing runs and shapes
            are left out.
        depth: how deep to show the tree (default: all of it).
        device, dtypes: of the random input.
        verbose: print the table.

    Neither grad mode, nor training mode, nor random numbers, nor buffers are different after it: it runs in evaluation
    mode. What a module raises on that input is raised.
    """
    seen: set[int] = set()
    layers: dict[int, Layer] = {}
    for name, module, level in _walk("", model, 0):
        params = list(module.parameters())
        fresh = [each for each in module.parameters() if id(each) not in seen] if not _children(module) else params
        layer = Layer(
            name, type(module).__name__, level, sum(each.numel() for each in params), bool(params) and not fresh
        )
        if not _children(module):
            seen.update(map(id, params))
        layers.setdefault(id(module), layer)
    sizes = [0, 0]
    if input_data is not None or input_size is not None:
        with fork_rng():
            given = _given(input_size, dtypes, device) if input_data is None else input_data
            _run(model, given, layers, sizes)
    every = list(model.parameters())
    found = Summary(
        [each for each in layers.values() if depth is None or each.depth <= depth],
        sum(each.numel() for each in every),
        sum(each.numel() for each in every if each.requires_grad),
        sum(each.nbytes for each in every),
        *sizes,
    )
    if verbose:
        print(found)
    return found


def _walk(name: str, module: Module, level: int) -> list[tuple[str, Module, int]]:
    rows = [(name, module, level)]
    for child, part in _children(module):
        rows += _walk(child, part, level + 1)
    return rows


def _children(module: Module) -> list[tuple[str, Module]]:
    return list(module.named_children())


def _given(sizes: Sequence[Any] | None, kinds: Sequence[DType] | None, device: Device | str | None) -> object:
    shapes = [] if sizes is None else list(sizes)
    if shapes and isinstance(shapes[0], int):
        shapes = [shapes]
    made = []
    for place, shape in enumerate(shapes):
        drawn = rand(*shape, device=device)
        made.append(drawn.to(kinds[place]) if kinds else drawn)
    return tuple(made)


def _run(model: Module, given: object, layers: Mapping[int, Layer], sizes: list[int]) -> None:
    def note(module: Module, args: object, output: object) -> None:
        layer = layers[id(module)]
        tensors = _tensors(output)
        if not layer.output:
            layer.output = ", ".join(str(list(each.shape)) for each in tensors) or "--"
        if not _children(module):
            sizes[1] += sum(each.nbytes for each in tensors)

    modules = list(model.modules())
    training = [each.training for each in modules]
    handles = [each.register_forward_hook(note) for each in modules]
    sizes[0] = sum(each.nbytes for each in _tensors(given))
    try:
        model.eval()
        with no_grad():
            if isinstance(given, Mapping):
                model(**given)
            else:
                model(*(given if isinstance(given, (tuple, list)) else (given,)))
    finally:
        for handle in handles:
            handle.remove()
        for module, was in zip(modules, training, strict=True):
            module.training = was


def _tensors(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [found for each in value for found in _tensors(each)] if isinstance(value, (list, tuple)) else []


def _label(layer: Layer) -> str:
    name = f" ({layer.name})" if layer.name else ""
    return f"{'    ' * layer.depth}{layer.kind}{name}"


def _count(layer: Layer) -> str:
    if layer.again:
        return tr("shared")
    return f"{layer.params:,}" if layer.params else "--"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.2f}"
