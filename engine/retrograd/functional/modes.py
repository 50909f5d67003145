"""Questions and settings of differentiation that PyTorch has at its top level."""

from __future__ import annotations

from retrograd.autograd import anomaly, mode
from retrograd.func.vmapping import vmap
from retrograd.functional.surface import function
from retrograd.tensor import Tensor

for _setting in (
    mode.inference_mode,
    mode.is_inference_mode_enabled,
    anomaly.is_anomaly_enabled,
    anomaly.is_anomaly_check_nan_enabled,
    vmap,
):
    function(_setting)


@function
def is_inference(input: Tensor) -> bool:
    """Whether it was made in inference mode."""
    return input.is_inference()
