"""Which part of the picture is seen, and how large. Plain numbers, no widgets."""

from __future__ import annotations

from dataclasses import dataclass

LEAST = 0.02
MOST = 4.0
NEAR = 0.7
MIDDLE = 0.3


@dataclass(frozen=True, slots=True)
class Camera:
    """Picture point (x, y) stands at the view's top left corner; ``scale`` is view px a picture px."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """Where a picture point is seen."""
        return (x - self.x) * self.scale, (y - self.y) * self.scale

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """Which picture point is seen at a view point."""
        return x / self.scale + self.x, y / self.scale + self.y

    def moved(self, dx: float, dy: float) -> Camera:
        """Moved so that the picture follows a drag by (dx, dy) view px."""
        return Camera(self.x - dx / self.scale, self.y - dy / self.scale, self.scale)

    def zoomed(self, factor: float, x: float, y: float) -> Camera:
        """Larger by ``factor`` with the point seen at (x, y) kept in place."""
        scale = min(MOST, max(LEAST, self.scale * factor))
        at = self.to_picture(x, y)
        return Camera(at[0] - x / scale, at[1] - y / scale, scale)

    @staticmethod
    def fitted(bounds: tuple[float, float, float, float], width: float, height: float, pad: float = 10.0) -> Camera:
        """All of ``bounds`` (left, top, width, height) in a view, never over 100 %; a small picture stands in the
        middle across and at the top."""
        left, top, wide, high = bounds
        room = max(1.0, width - 2 * pad), max(1.0, height - 2 * pad)
        scale = min(1.0, room[0] / max(wide, 1.0), room[1] / max(high, 1.0))
        scale = min(MOST, max(LEAST, scale))
        x = left - (width / scale - wide) / 2
        y = top - pad / scale if high * scale < room[1] * 0.9 else top - (height / scale - high) / 2
        return Camera(x, y, scale)
