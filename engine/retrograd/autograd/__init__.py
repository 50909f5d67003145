"""Differentiation: the graph, the backward pass, grad mode. Read ``backward_pass.py`` first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.autograd.mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

if TYPE_CHECKING:
    from retrograd.autograd.engine import backward, grad

__all__ = ["backward", "enable_grad", "grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]


def __getattr__(name: str) -> object:
    """``backward`` and ``grad`` come at first use: they are made of tensors, and tensors of this package's nodes."""
    if name in ("backward", "grad"):
        from retrograd.autograd import engine

        return getattr(engine, name)
    from retrograd.missing import missing

    raise missing(__name__, name, __all__)
