"""Layers, losses and starting values under PyTorch's name ``torch.nn``."""

from typing import TYPE_CHECKING, NoReturn

from retrograd.missing import missing
from retrograd.nn import functional, init
from retrograd.nn.modules.activation import ReLU, Sigmoid, Tanh
from retrograd.nn.modules.container import Sequential
from retrograd.nn.modules.distance import CosineSimilarity, PairwiseDistance
from retrograd.nn.modules.linear import Identity, Linear
from retrograd.nn.modules.loss import L1Loss, MSELoss
from retrograd.nn.modules.module import Module
from retrograd.nn.parameter import Buffer, Parameter

__all__ = [
    "Buffer",
    "CosineSimilarity",
    "Identity",
    "L1Loss",
    "Linear",
    "MSELoss",
    "Module",
    "PairwiseDistance",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "functional",
    "init",
]


if not TYPE_CHECKING:  # a checker knows the names there are

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
