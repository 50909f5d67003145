"""Learning rates that change while training, under PyTorch's name ``torch.optim.lr_scheduler``."""

from retrograd.optim.lr_scheduler.base import LRScheduler
from retrograd.optim.lr_scheduler.composed import ChainedScheduler, SequentialLR
from retrograd.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from retrograd.optim.lr_scheduler.cyclic import CyclicLR
from retrograd.optim.lr_scheduler.decay import ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR
from retrograd.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
from retrograd.optim.lr_scheduler.one_cycle import OneCycleLR
from retrograd.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
