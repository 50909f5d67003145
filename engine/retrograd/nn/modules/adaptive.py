"""An approximate softmax over very many classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from retrograd.functional.join import cat
from retrograd.functional.math import choose
from retrograd.nn import functional as F
from retrograd.nn.modules.container import ModuleList, Sequential
from retrograd.nn.modules.linear import Linear
from retrograd.nn.modules.module import Module
from retrograd.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.dtypes import dtype as DType

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class ASMoutput(NamedTuple):
    """``output`` (N): the log probability of each target; ``loss``: less their mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """A linear layer and log softmax over classes in clusters by how frequent they are: frequent ones are told apart
    by the head, rarer ones by a smaller layer for each cluster.

    Args:
        in_features: the size of the input's last dimension.
        n_classes: the classes, the most frequent first.
        cutoffs: where each cluster begins, increasing.
        div_value: by how much each cluster's layer is narrower than that of the one before.
        head_bias: whether the head learns a bias.

    Raises:
        ValueError: when ``cutoffs`` are not increasing integers between 1 and ``n_classes - 1``.

    Source: Grave et al., "Efficient softmax approximation for GPUs", 2017.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        bounds = list(cutoffs)
        if not bounds:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        whole = all(int(each) == each for each in bounds)
        if not whole or bounds != sorted(set(bounds)) or bounds[0] <= 0 or bounds[-1] > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                f"value is between 1 and n_classes-1, but got {bounds} for {n_classes} classes"
            )
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*bounds, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = bounds[0], len(bounds)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for place, (low, high) in enumerate(self._clusters()):
            width = int(in_features // div_value ** (place + 1))
            down = Linear(in_features, width, False, device, dtype)
            self.tail.append(Sequential(down, Linear(width, high - low, False, device, dtype)))

    def _clusters(self) -> list[tuple[int, int]]:
        return list(zip(self.cutoffs, self.cutoffs[1:], strict=False))

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> ASMoutput:
        """The log probability of each target, and the loss.

        Args:
            input_: (N, in_features) or (in_features).
            target_: classes (N) or ().

        Raises:
            RuntimeError: when the shapes don't fit, or a target is no class.
        """
        input, target = _batched(input_, target_)
        head = F.log_softmax(self.head(input), 1)
        parts, places = [], []
        for place, (low, high) in enumerate([(0, self.shortlist_size), *self._clusters()]):
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if not len(rows):
                continue
            column = (target.index_select(0, rows) - low).unsqueeze(1)
            scores = head.index_select(0, rows)
            if place:
                inside = F.log_softmax(self.tail[place - 1](input.index_select(0, rows)), 1)
                parts.append(scores[:, self.shortlist_size + place - 1] + inside.gather(1, column).squeeze(1))
            else:
                parts.append(scores.gather(1, column).squeeze(1))
            places.append(rows)
        if sum(map(len, places)) != len(target):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{int(target.min())}, {int(target.max())}] were found."
            )
        output = cat(parts).index_select(0, cat(places).argsort())
        loss = -output.mean()
        return ASMoutput(output if target_.ndim else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log probabilities (N, n_classes) of all classes for ``input`` (N, in_features)."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for place, tail in enumerate(self.tail):
            column = self.shortlist_size + place
            parts.append(head[:, column : column + 1] + F.log_softmax(tail(input), 1))
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class (N) for each of ``input`` (N, in_features); where the head chooses a cluster, the
        likeliest of all classes."""
        first: Tensor = self.head(input).argmax(1)
        return choose(first < self.shortlist_size, first, self.log_prob(input).argmax(1))


def _batched(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with size "
            f"{list(input.shape)}"
        )
    if target.ndim == 0:
        return input.unsqueeze(0), target.unsqueeze(0)
    if len(input) != len(target):
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    return input, target
