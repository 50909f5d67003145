"""Helpers for modules, under PyTorch's name ``torch.nn.utils``; what is not here itself lies in a module of its own."""

from typing import TYPE_CHECKING, NoReturn

from retrograd.missing import missing
from retrograd.nn.utils import parametrizations, parametrize, rnn, stateless
from retrograd.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from retrograd.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from retrograd.nn.utils.layer_summary import summary
from retrograd.nn.utils.skipping import skip_init
from retrograd.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from retrograd.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "summary",
    "vector_to_parameters",
    "weight_norm",
]

if not TYPE_CHECKING:  # a checker knows the names there are

    def __getattr__(name: str) -> NoReturn:
        raise missing(__name__, name, __all__)
