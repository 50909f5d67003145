"""The tensor.

For whoever looks inside (the debugger's adapter): ``_data`` is the array; ``_meta`` its kind (shape, dtype, device);
``_node`` the backward node that made it, an ``Output`` of one (``.node``, ``.index``), the ``AccumulateGrad`` of a leaf
that requires grad (``.variable`` is the leaf), or None; ``_cell`` the version counter shared with its views (None:
version 0), so that the version is ``0 if t._cell is None else t._cell.count``; ``_base`` the tensor it is a view of;
``_grad`` the gradient; ``_tid`` is the debugger's own (0: not met).
"""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, SupportsIndex, cast

import numpy as np

from retrograd import dtypes
from retrograd.autograd.mode import mode
from retrograd.autograd.node import AccumulateGrad, Node, Output
from retrograd.autograd.versions import Untracked, Versions
from retrograd.devices import Device
from retrograd.meta import Array, Meta, Size, meta_of
from retrograd.utils.hooks import RemovableHandle, register

if TYPE_CHECKING:
    Method = Callable[..., "Tensor"]

_new = object.__new__


class Tensor:
    """A multi-dimensional array that can be differentiated; see PyTorch's ``torch.Tensor``.

    Methods that compute are attached from ``retrograd.ops`` and ``retrograd.functional``, where they are declared.
    """

    __slots__ = ("__dict__", "__weakref__", "_base", "_cell", "_data", "_grad", "_meta", "_node", "_tid")
    __array_priority__: ClassVar[int] = 1000

    _data: Array
    _meta: Meta
    _node: Node | Output | None
    _cell: Versions | None
    _base: Tensor | None
    _grad: Tensor | None
    _tid: int

    _backward: ClassVar[Callable[..., None]]  # retrograd.autograd.backward, put here by its module

    if TYPE_CHECKING:
        # the methods attached from ops and functional

        def __getattr__(self, name: str) -> Method: ...
        def __add__(self, other: object) -> Tensor: ...
        def __radd__(self, other: object) -> Tensor: ...
        def __iadd__(self, other: object) -> Tensor: ...
        def __sub__(self, other: object) -> Tensor: ...
        def __rsub__(self, other: object) -> Tensor: ...
        def __isub__(self, other: object) -> Tensor: ...
        def __mul__(self, other: object) -> Tensor: ...
        def __rmul__(self, other: object) -> Tensor: ...
        def __imul__(self, other: object) -> Tensor: ...
        def __truediv__(self, other: object) -> Tensor: ...
        def __rtruediv__(self, other: object) -> Tensor: ...
        def __itruediv__(self, other: object) -> Tensor: ...
        def __floordiv__(self, other: object) -> Tensor: ...
        def __mod__(self, other: object) -> Tensor: ...
        def __pow__(self, other: object) -> Tensor: ...
        def __rpow__(self, other: object) -> Tensor: ...
        def __matmul__(self, other: object) -> Tensor: ...
        def __and__(self, other: object) -> Tensor: ...
        def __or__(self, other: object) -> Tensor: ...
        def __xor__(self, other: object) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __lt__(self, other: object) -> Tensor: ...
        def __le__(self, other: object) -> Tensor: ...
        def __gt__(self, other: object) -> Tensor: ...
        def __ge__(self, other: object) -> Tensor: ...
        def __getitem__(self, index: object) -> Tensor: ...
        def __setitem__(self, index: object, value: object) -> None: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]  # element by element
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]

    def __new__(cls, *arguments: object) -> Tensor:
        """``Tensor(2, 3)``: uninitialised, of that shape; ``Tensor([1, 2])``: of these values, in the default dtype."""
        from retrograd.functional.create import legacy

        made = _new(cls)
        source = legacy(arguments)
        _fill(made, source._data, source._meta, None)
        return made

    # --- what it is

    @property
    def shape(self) -> Size:
        """Lengths of the dimensions."""
        return self._meta.shape

    @property
    def dtype(self) -> dtypes.dtype:
        """Element type."""
        return self._meta.dtype

    @property
    def device(self) -> Device:
        """Where it lives."""
        return self._meta.device

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self._meta.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self._meta.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._meta.nbytes

    def dim(self) -> int:
        """Number of dimensions."""
        return len(self._meta.shape)

    def size(self, dim: int | None = None) -> Size | int:
        """The shape, or one length of it."""
        return self._meta.shape if dim is None else self._meta.shape[dim]

    def numel(self) -> int:
        """Number of elements."""
        return self._meta.numel

    nelement = numel

    def element_size(self) -> int:
        """Bytes of an element."""
        return self._meta.dtype.itemsize

    def stride(self, dim: int | None = None) -> tuple[int, ...] | int:
        """Steps between neighbours, in elements."""
        steps = tuple(each // self._data.itemsize for each in self._data.strides)
        return steps if dim is None else steps[dim]

    def is_contiguous(self) -> bool:
        """Whether the elements lie in C order without gaps."""
        return bool(self._data.flags.c_contiguous)

    def data_ptr(self) -> int:
        """Address of the first element."""
        return int(self._data.ctypes.data)

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating type."""
        return self._meta.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the dtype is a complex type."""
        return self._meta.dtype.is_complex

    @property
    def is_cuda(self) -> bool:
        """Whether it lives on a GPU."""
        return self._meta.device.type == "cuda"

    def __len__(self) -> int:
        if not self._meta.shape:
            raise TypeError("len() of a 0-d tensor")
        return self._meta.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._meta.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[index] for index in range(self._meta.shape[0])])

    __hash__ = object.__hash__

    # --- backward

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted for it."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Want a gradient for this leaf (or no longer); returns itself."""
        if requires_grad:
            if not self._meta.floating:
                raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
            if self._node is None:
                if type(self._cell) is Untracked and not mode.inference:
                    raise RuntimeError(
                        "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
                    )
                self._node = AccumulateGrad(self)
        elif self._node is not None:
            if not isinstance(self._node, AccumulateGrad):
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                    "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            self._node = None
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made it."""
        return self._node is None or type(self._node) is AccumulateGrad

    @property
    def grad_fn(self) -> Node | None:
        """The node of the op that made it; None for a leaf."""
        node = self._node
        if type(node) is Output:
            return node.node
        return None if node is None or type(node) is AccumulateGrad else node

    @property
    def output_nr(self) -> int:
        """Which of its node's outputs it is."""
        return self._node.index if isinstance(self._node, Output) else 0

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward brought to this leaf (or to a tensor that retains it)."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got {type(value).__name__}")
            if value._meta != self._meta:
                raise RuntimeError(f"assigned grad is [{value._meta}], but the tensor is [{self._meta}]")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def _version(self) -> int:
        if type(self._cell) is Untracked:
            raise RuntimeError("Inference tensors do not track version counter.")
        return 0 if self._cell is None else self._cell.count

    def is_inference(self) -> bool:
        """Whether it was made in inference mode."""
        return type(self._cell) is Untracked

    @property
    def data(self) -> Tensor:
        """The same storage without history, and with a version counter of its own."""
        return wrap(self._data, self._meta, None)

    @data.setter
    def data(self, value: Tensor) -> None:
        self._data = value._data
        self._meta = value._meta
        if isinstance(self._node, AccumulateGrad):
            self._node.attach(self)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | Tensor | None = None,
    ) -> None:
        """Bring the gradient of this tensor to the leaves it was made from (added to their ``grad``)."""
        self._backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(grad)`` when this tensor's gradient is there; a result replaces it."""
        if self._node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        owner, index = self._place()
        return owner._hooks().on_tensor(index, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook(self)`` after a gradient was added to ``grad`` of this leaf; what it returns does not matter."""
        if self._node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return register(self._node._hooks().accumulated, hook)  # type: ignore[union-attr]  # a leaf's is a node

    def retain_grad(self) -> None:
        """Keep this non-leaf's gradient in ``grad``."""
        if self._node is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if not self.is_leaf:
            owner, index = self._place()
            owner._hooks().retained[index] = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """Whether this non-leaf keeps its gradient."""
        if self._node is None or self.is_leaf:
            return False
        owner, index = self._place()
        held = owner.hooks.retained.get(index) if owner.hooks is not None else None
        return held is not None and held() is self

    def _place(self) -> tuple[Node, int]:
        """The node that made it, and which of its outputs it is."""
        node = self._node
        assert node is not None
        return (node.node, node.index) if isinstance(node, Output) else (node, 0)

    # --- leaving

    def numpy(self, *, force: bool = False) -> Array:
        """The array itself, sharing memory; ``force`` detaches and copies to the host first."""
        if self._node is not None and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self._meta.device.type != "cpu":
            if not force:
                raise TypeError(
                    f"can't convert {self._meta.device} device type tensor to numpy. Use Tensor.cpu() to copy the "
                    "tensor to host memory first."
                )
            return self._meta.device.to_host(self._data)
        return self._data

    def __array__(self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def item(self) -> bool | int | float | complex:
        """The only element as a Python number."""
        if self._meta.numel != 1:
            raise RuntimeError(f"a Tensor with {self._meta.numel} elements cannot be converted to Scalar")
        found: object = self._data.item()
        return cast("bool | int | float | complex", float(found) if self._meta.dtype.narrow else found)  # type: ignore[arg-type]  # ml_dtypes' own number

    def tolist(self) -> object:
        """Nested lists of Python numbers (a number for a 0-dimensional tensor)."""
        array = self._meta.device.to_host(self._data)
        return (array.astype(self._meta.dtype.working) if self._meta.dtype.narrow else array).tolist()

    def __bool__(self) -> bool:
        if self._meta.numel != 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._data.item())

    def __float__(self) -> float:
        return float(self.item())  # type: ignore[arg-type]  # of a complex number it raises, as it should

    def __int__(self) -> int:
        return int(self.item())  # type: ignore[arg-type]  # likewise

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self._meta.category >= dtypes.FLOATING or self._meta.numel != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._data.item())

    def __format__(self, spec: str) -> str:
        if self._meta.scalar:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __repr__(self) -> str:
        from retrograd.printing import show

        return show(self)

    def _shadow(self, node: Node | Output | None) -> Tensor:
        """The same array and version counter, with ``node`` as history."""
        made = wrap(self._data, self._meta, node)
        made._cell = self._cell
        return made

    def __deepcopy__(self, memo: dict[int, object]) -> Tensor:
        known = memo.get(id(self))
        if known is not None:
            return cast(Tensor, known)
        from retrograd.copying import deep_copy

        return deep_copy(self, memo)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[object, ...]:
        raise pickle.PicklingError(
            "a tensor can't be pickled: reading a pickle runs whatever code is in it. Use retrograd.save(tensor, path) "
            "and retrograd.load(path)."
        )


def _fill(tensor: Tensor, data: Array, meta: Meta, node: Node | Output | None) -> None:
    tensor._data = data
    tensor._meta = meta
    tensor._node = node
    tensor._cell = None
    tensor._base = None
    tensor._grad = None
    tensor._tid = 0


def wrap(data: Array, meta: Meta, node: Node | Output | None) -> Tensor:
    """A tensor around an array (shared, not copied) of which ``meta`` is true."""
    made = _new(Tensor)
    made._data = data
    made._meta = meta
    made._node = node
    made._cell = None
    made._base = None
    made._grad = None
    made._tid = 0
    return made


def from_array(data: Array, device: Device) -> Tensor:
    """A tensor around an array of ``device`` (shared, not copied)."""
    return wrap(data, meta_of(data, device), None)


def alias(tensor: Tensor) -> Tensor:
    """The same array and version counter without the node: how a node keeps its own output, without a cycle."""
    cell = tensor._cell
    if cell is None:
        cell = tensor._cell = Versions()
    made = wrap(tensor._data, tensor._meta, None)
    made._cell = cell
    return made
