"""The bar over the canvas: where we are, fit, zoom."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from retrograd_events.text import tr
from retrograd_gui.canvas.measure import fonts, text_width
from retrograd_gui.canvas.nodes import elided
from retrograd_gui.canvas.pens import color
from retrograd_gui.canvas.view import ZOOM_STEP, GraphView
from retrograd_gui.theme.fonts import VALUE, mono_font
from retrograd_gui.theme.icons import icon
from retrograd_gui.theme.tokens import Theme

_HEIGHT = 28


class _Trail(QWidget):
    """The places from the run to what is shown, the last one bright."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._places: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)

    def show_places(self, places: tuple[str, ...]) -> None:
        self._places = places
        self.setAccessibleName(" › ".join(places))
        self.update()

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            painter.setFont(fonts()["plain"])
            x = 10.0
            last = len(self._places) - 1
            for at, place in enumerate(self._places):
                painter.setPen(color(self._theme["text" if at == last else "text2"]))
                room = max(0.0, self.width() - x)
                painter.drawText(
                    QRectF(x, 0, room, self.height()), Qt.AlignmentFlag.AlignVCenter, elided("plain", place, room)
                )
                x += text_width("plain", place) + 7.0
                if at < last:
                    painter.setPen(color(self._theme["text3"]))
                    painter.drawText(QRectF(x, 0, 10, self.height()), Qt.AlignmentFlag.AlignVCenter, "›")
                    x += 13.0
        finally:
            painter.end()


class CanvasBar(QWidget):
    """Shows the trail and the scale of one view, and changes its camera."""

    def __init__(self, view: GraphView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvasBar")
        self._view = view
        self._trail = _Trail(theme, self)
        self._scale = QLabel(self)
        self._scale.setFont(mono_font(VALUE))
        self._scale.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._scale.setFixedWidth(44)
        self._buttons: list[tuple[QToolButton, str]] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 6, 0)
        layout.setSpacing(4)
        layout.addWidget(self._trail, 1)
        layout.addWidget(self._button("msc.screen-full", tr("Fit everything (0)"), self._fit))
        layout.addSpacing(8)
        layout.addWidget(self._button("msc.zoom-out", tr("Smaller (−)"), lambda: view.zoom(1 / ZOOM_STEP)))
        layout.addWidget(self._scale)
        layout.addWidget(self._button("msc.zoom-in", tr("Larger (+)"), lambda: view.zoom(ZOOM_STEP)))
        self.setFixedHeight(_HEIGHT)
        view.camera_changed.connect(self._show_scale)
        view.scene_changed.connect(self._show_place)
        self.show_theme(theme)
        self._show_scale()
        self._show_place()

    def _button(self, name: str, tip: str, act: object) -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setAutoRaise(True)
        button.setIconSize(QSize(16, 16))
        button.setFixedSize(QSize(24, 24))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(act)
        self._buttons.append((button, name))
        return button

    def _fit(self) -> None:
        self._view.fit_again()

    def _show_scale(self) -> None:
        self._scale.setText(f"{100 * self._view.camera.scale:.0f}%")

    def _show_place(self) -> None:
        self._trail.show_places(self._view.scene.place)

    def show_theme(self, theme: Theme) -> None:
        """Dress in another theme."""
        self._trail.show_theme(theme)
        for button, name in self._buttons:
            button.setIcon(icon(name, theme))
