"""The libraries that compute, under PyTorch's name ``torch.backends``: what scripts ask of them and switch in them."""

from __future__ import annotations

from retrograd.backends import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
