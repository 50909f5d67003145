"""Nodes of the backward graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from types import CodeType
from typing import TYPE_CHECKING, ClassVar, final

from retrograd.autograd import sites
from retrograd.autograd.hooks import NodeHooks
from retrograd.autograd.versions import Versions, tick
from retrograd.utils.hooks import RemovableHandle, register

if TYPE_CHECKING:
    from retrograd.meta import Array, Meta
    from retrograd.tensor import Tensor


class Node:
    """What one op left behind for backward; each primitive has a subclass, named as PyTorch names it.

    ``edges`` say where gradients go, one per differentiable input: a node, an ``Output`` of a node with several
    outputs, or None where none is wanted. ``saved`` is what the rules named (None once freed), ``params`` the op's
    parameters, ``metas`` the kinds of the inputs where they differ from the output's (else None). ``seq`` numbers
    nodes in the order of their making. ``code`` and ``lasti`` are the user's line. ``_nid`` belongs to the debugger.
    """

    __slots__ = (
        "__weakref__", "_nid", "code", "edges", "hooks", "lasti", "metas", "outputs", "params", "saved", "seq",
    )  # fmt: skip

    op_name: ClassVar[str] = ""
    conjugates: ClassVar[bool] = True  # whether rules get the conjugates of the complex numbers that they name
    frees: ClassVar[bool] = True  # whether what it saved holds memory worth freeing
    shares: ClassVar[bool] = False  # whether params and outputs are the type's, the same for all its nodes
    run: ClassVar[Callable[..., Sequence[object]]]
    run_recorded: ClassVar[Callable[..., Sequence[object]]]

    edges: tuple[Node | Output | None, ...]
    saved: tuple[object, ...] | None
    params: dict[str, object]
    metas: tuple[Meta | tuple[Meta, ...] | None, ...] | None
    outputs: tuple[Meta, ...]
    seq: int
    hooks: NodeHooks | None
    code: CodeType | None
    lasti: int
    _nid: int

    def name(self) -> str:
        """PyTorch's name of the node (``MulBackward0``)."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """Where gradients go: (node, which of its outputs) per input; (None, 0) where none is wanted."""
        return tuple(
            (edge.node, edge.index) if isinstance(edge, Output) else (edge, 0)  # one form for both kinds of edge
            for edge in self.edges
        )

    @property
    def line(self) -> str:
        """The user's line that made this node, in words."""
        return sites.describe(self.code, self.lasti)

    def register_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Call ``hook(grads of inputs, grads of outputs)`` after the node ran; a result replaces the former."""
        return register(self._hooks().after, hook)

    def register_prehook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Call ``hook(grads of outputs)`` before the node runs; a result replaces them."""
        return register(self._hooks().before, hook)

    @property
    def metadata(self) -> dict[object, object]:
        """Whatever the user wants to keep with this node."""
        return self._hooks().metadata

    def _sequence_nr(self) -> int:
        """The node's number in the order of making."""
        return self.seq

    def _hooks(self) -> NodeHooks:
        if self.hooks is None:
            self.hooks = NodeHooks()
        return self.hooks

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"


@final
class Output:
    """One output of a node that has several: what a tensor points to instead of the node."""

    __slots__ = ("__weakref__", "index", "node")

    def __init__(self, node: Node, index: int) -> None:
        self.node = node
        self.index = index


class AccumulateGrad(Node):
    """Where gradients of a leaf end: adds them to ``variable.grad``.

    It lives as long as its leaf or a graph that needs it, whichever is longer, and holds the leaf weakly (a strong
    reference would be a cycle, and memory would wait for the collector). A leaf that is gone is made again on demand
    from its array.
    """

    __slots__ = ("_array", "_cell", "_leaf", "_meta", "_revived")

    def __init__(self, leaf: Tensor) -> None:
        self.edges = ()
        self.saved = ()
        self.params = {}
        self.metas = None
        self.outputs = ()
        self.seq = tick()
        self.hooks = None
        self.code = None
        self.lasti = 0
        self._nid = 0
        self._revived: Tensor | None = None
        self.attach(leaf)

    def attach(self, leaf: Tensor) -> None:
        """Follow ``leaf``, also when its array was replaced."""
        self._leaf = weakref.ref(leaf)
        self._array: Array = leaf._data
        self._meta: Meta = leaf._meta
        self._cell: Versions | None = leaf._cell

    @property
    def variable(self) -> Tensor:
        """The leaf."""
        leaf = self._leaf()
        if leaf is None:
            from retrograd.tensor import wrap  # tensors are made of nodes, nodes of tensors

            leaf = wrap(self._array, self._meta, self)
            leaf._cell = self._cell
            self.attach(leaf)
            self._revived = leaf
        return leaf


def below(roots: Iterable[Node]) -> set[Node]:
    """The nodes that gradients of ``roots`` can reach, and these."""
    todo = list(roots)
    reached = set(todo)
    for node in todo:  # it grows meanwhile
        for edge in node.edges:
            target = edge.node if isinstance(edge, Output) else edge
            if target is not None and target not in reached:
                reached.add(target)
                todo.append(target)
    return reached
