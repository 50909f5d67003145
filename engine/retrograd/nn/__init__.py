"""Layers, losses and starting values under PyTorch's name ``torch.nn``."""

from typing import TYPE_CHECKING, NoReturn

from retrograd.missing import missing
from retrograd.nn import (
    functional,
    init,
    modules,
    parameter,
    utils,  # last: it is made of the modules
)
from retrograd.nn.modules import *
from retrograd.nn.parameter import *

if not TYPE_CHECKING:  # a checker knows the names there are
    __all__ = [*modules.__all__, *parameter.__all__, "functional", "init", "modules", "parameter", "utils"]

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
