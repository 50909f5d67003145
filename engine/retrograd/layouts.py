"""How elements lie in memory, as PyTorch names it. Everything here is dense; the names are accepted where PyTorch takes
them."""

from __future__ import annotations


class _Named(str):
    """A name that prints as PyTorch prints it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"retrograd.{self}"


class memory_format(_Named):  # noqa: N801  PyTorch's name
    """An order of the elements in memory."""

    __slots__ = ()


class layout(_Named):  # noqa: N801  PyTorch's name
    """A way to store elements; all tensors here are ``strided``, the others are named to be refused."""

    __slots__ = ()


_FORMATS = ("preserve_format", "contiguous_format", "channels_last", "channels_last_3d")
PUBLIC: dict[str, memory_format | layout] = {
    **{name: memory_format(name) for name in _FORMATS},
    **{name: layout(name) for name in ("strided", "sparse_coo", "sparse_csr")},
}
"""Public name -> object."""
