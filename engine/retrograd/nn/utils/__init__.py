"""Helpers for modules, under PyTorch's name ``torch.nn.utils``; what is not here itself lies in a module of its own."""

from typing import TYPE_CHECKING, NoReturn

from retrograd.missing import missing
from retrograd.nn.utils import parametrizations, parametrize, rnn, stateless
from retrograd.nn.utils.skipping import skip_init
from retrograd.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from retrograd.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "weight_norm",
]

if not TYPE_CHECKING:  # a checker knows the names there are

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
