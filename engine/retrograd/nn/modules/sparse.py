"""Tables of vectors as modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.autograd.mode import no_grad
from retrograd.functional.create import empty
from retrograd.nn import functional as F
from retrograd.nn import init
from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Parameter
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.dtypes import dtype as DType

__all__ = ["Embedding", "EmbeddingBag"]


class Embedding(Module):
    """A learned vector for each of a number of things.

    Args:
        num_embeddings: how many things.
        embedding_dim: the vectors' length.
        padding_idx: one whose vector is 0 and stays as it is.
        max_norm, norm_type: shorten vectors in use to that norm.
        scale_grad_by_freq: divide gradients by how often a vector was used.
        sparse: accepted; gradients are dense here.

    ``weight`` (num_embeddings, embedding_dim) starts from the standard normal distribution.
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx, self.max_norm, self.norm_type = _row(padding_idx, num_embeddings), max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = _table(num_embeddings, embedding_dim, _weight, device, dtype)
        if _weight is None:
            self.reset_parameters()
        self.weight.requires_grad_(not _freeze)

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        _redraw(self.weight, self.padding_idx)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A module around a table that is there; ``freeze``: it is not trained."""
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def forward(self, input: Tensor) -> Tensor:
        """The vectors of the numbers ``input`` (*): (*, embedding_dim)."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        parts += _unusual(self.max_norm, self.norm_type, self.scale_grad_by_freq)
        return ", ".join([*parts, "sparse=True"] if self.sparse else parts)


class EmbeddingBag(Module):
    """The mean, sum or maximum of the vectors of each bag of things.

    Args:
        num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq, sparse, padding_idx: as ``Embedding``;
            a bag leaves ``padding_idx`` out.
        mode: ``mean``, ``sum`` or ``max``.
        include_last_offset: whether the offsets end with the number of all things.
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.padding_idx = _row(padding_idx, num_embeddings)
        self.mode, self.sparse, self.include_last_offset = mode, sparse, include_last_offset
        self.weight = _table(num_embeddings, embedding_dim, _weight, device, dtype)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        _redraw(self.weight, self.padding_idx)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A module around a table that is there; ``freeze``: it is not trained."""
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        made = cls(
            rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset,
            padding_idx,
        )  # fmt: skip
        made.weight.requires_grad_(not freeze)
        return made

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """One vector a bag: (bags, embedding_dim).

        Args:
            input: (bags, things), or the things of all bags one after the other, and
            offsets: where each bag starts.
            per_sample_weights: a factor a thing, in mode ``sum``.
        """
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode,
            self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        parts += _unusual(self.max_norm, self.norm_type, self.scale_grad_by_freq)
        parts.append(f"mode={self.mode!r}")
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        return ", ".join(parts)


def _row(padding_idx: int | None, num_embeddings: int) -> int | None:
    """The row that ``padding_idx`` means, counted from the start."""
    if padding_idx is None:
        return None
    if not -num_embeddings <= padding_idx < num_embeddings:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % num_embeddings


def _table(
    rows: int, columns: int, given: Tensor | None, device: Device | str | None, dtype: DType | None
) -> Parameter:
    """The parameter: ``given``, or one that is yet to be filled."""
    if given is None:
        return Parameter(empty((rows, columns), device=device, dtype=dtype))
    if tuple(given.shape) != (rows, columns):
        raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
    return Parameter(given)


def _redraw(weight: Parameter, padding_idx: int | None) -> None:
    init.normal_(weight)
    if padding_idx is not None:
        with no_grad():
            weight[padding_idx].fill_(0)


def _unusual(max_norm: float | None, norm_type: float, scale_grad_by_freq: bool) -> list[str]:
    """What both kinds say of themselves where it is not as usual."""
    parts = [] if max_norm is None else [f"max_norm={max_norm}"]
    if norm_type != 2:
        parts.append(f"norm_type={norm_type}")
    return [*parts, f"scale_grad_by_freq={scale_grad_by_freq}"] if scale_grad_by_freq else parts
