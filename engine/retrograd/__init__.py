"""Retrograd's engine."""
