"""Appearance: tokens, palette, style sheet, fonts, icons."""
