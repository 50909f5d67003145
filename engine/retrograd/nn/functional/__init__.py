"""The functions behind the modules, under PyTorch's name ``torch.nn.functional``; one family a file, each found by its
``__all__``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from retrograd.families import declared
from retrograd.missing import missing

if TYPE_CHECKING:  # a checker walks no folder
    from retrograd.nn.functional.activation import *
    from retrograd.nn.functional.adaptive_pooling import *
    from retrograd.nn.functional.attention import *
    from retrograd.nn.functional.basic import *
    from retrograd.nn.functional.class_loss import *
    from retrograd.nn.functional.conv import *
    from retrograd.nn.functional.dropout import *
    from retrograd.nn.functional.embedding import *
    from retrograd.nn.functional.interpolation import *
    from retrograd.nn.functional.loss import *
    from retrograd.nn.functional.margin_loss import *
    from retrograd.nn.functional.normalisation import *
    from retrograd.nn.functional.padding import *
    from retrograd.nn.functional.pooling import *
    from retrograd.nn.functional.vision import *
else:
    _functions = declared(__name__, __path__)
    globals().update(_functions)
    __all__ = sorted(_functions)

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
