"""The language that the engine and the debugger share: event types, the tap, and the door for people's sentences."""

from __future__ import annotations

from retrograd_events.tap import Listener, Tap, tap
from retrograd_events.text import tr, trn

__all__ = ["Listener", "Tap", "tap", "tr", "trn"]
