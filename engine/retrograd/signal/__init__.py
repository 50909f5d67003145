"""Signal processing: PyTorch's ``torch.signal``."""

from __future__ import annotations

from retrograd.signal import windows

__all__ = ["windows"]
