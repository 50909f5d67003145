"""The modules, one family a file, each found by its ``__all__``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.families import declared

if TYPE_CHECKING:  # a checker walks no folder
    from retrograd.nn.modules.activation import *
    from retrograd.nn.modules.adaptive import *
    from retrograd.nn.modules.attention import *
    from retrograd.nn.modules.class_loss import *
    from retrograd.nn.modules.container import *
    from retrograd.nn.modules.conv import *
    from retrograd.nn.modules.distance import *
    from retrograd.nn.modules.dropout import *
    from retrograd.nn.modules.flatten import *
    from retrograd.nn.modules.fold import *
    from retrograd.nn.modules.lazy import *
    from retrograd.nn.modules.linear import *
    from retrograd.nn.modules.loss import *
    from retrograd.nn.modules.margin_loss import *
    from retrograd.nn.modules.module import *
    from retrograd.nn.modules.normalisation import *
    from retrograd.nn.modules.other_pooling import *
    from retrograd.nn.modules.padding import *
    from retrograd.nn.modules.parameters import *
    from retrograd.nn.modules.pooling import *
    from retrograd.nn.modules.rnn import *
    from retrograd.nn.modules.rnn_cells import *
    from retrograd.nn.modules.shuffle import *
    from retrograd.nn.modules.softmax import *
    from retrograd.nn.modules.sparse import *
    from retrograd.nn.modules.transformer import *
    from retrograd.nn.modules.upsampling import *
else:
    _classes = {name: each for name, each in declared(__name__, __path__).items() if isinstance(each, type)}
    globals().update(_classes)
    __all__ = sorted(_classes)
