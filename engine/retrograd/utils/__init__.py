"""Helpers under PyTorch's name ``torch.utils``."""
