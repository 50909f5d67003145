"""Shows a snapshot's picture: lays it out, paints it, keeps the camera."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QImage,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from retrograd_debug.graph.build import build
from retrograd_debug.graph.geometry import Layout, Request
from retrograd_debug.graph.model import EdgeKind, ItemKind, Scene, scene_text
from retrograd_debug.session.api import Snapshot
from retrograd_gui.canvas.camera import NEAR, Camera
from retrograd_gui.canvas.facts import Facts
from retrograd_gui.canvas.lane import Lane
from retrograd_gui.canvas.measure import fonts, request_for
from retrograd_gui.canvas.paint import Lights, Sheet, legend_rects, paint, paint_legends
from retrograd_gui.canvas.pens import color
from retrograd_gui.canvas.picture import Decor, Picture, compose, decorate
from retrograd_gui.canvas.service import LayoutService
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.selection import NOTHING, Selection

_log = logging.getLogger(__name__)
_READABLE = 0.75
_DATA_ROOM = 138.0
_LARGE = 2_000
_MANY = 120
_TOO_MANY = 4_000


class PictureView(QWidget):
    """Shows pictures; asks for nothing but layouts and recorded values, and changes nothing but its own camera."""

    camera_changed = Signal()
    scene_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._snapshot: Snapshot | None = None
        self._scene = build(None)
        self._picture = Picture(self._scene)
        self._camera = Camera()
        self._folds: dict[str, bool] = {}
        self._selection = NOTHING
        self._lights = Lights()
        self._fitted = False
        self._request: tuple[str, Request] | None = None
        self._decor: tuple[str, Decor] | None = None
        self._asked = self._shown = 0
        self._drafts: Lane[Scene] = Lane(self)
        self._decorations: Lane[Decor] = Lane(self)
        self._moved = False
        self._service = LayoutService(self)
        self._service.arrived.connect(self._placed)
        self._facts = Facts(self)
        self._facts.changed.connect(self.update)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(160, 120))
        self._describe()
        for helper in (self._facts, self._drafts, self._decorations):
            self.destroyed.connect(helper.finish)
        self.destroyed.connect(self._service.stop)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.finish)
        self._service.start()

    # --- what is shown

    @property
    def scene(self) -> Scene:
        """The scene shown last."""
        return self._scene

    @property
    def picture(self) -> Picture:
        """The picture as laid out; may be a moment behind the scene."""
        return self._picture

    @property
    def camera(self) -> Camera:
        """Where the view stands."""
        return self._camera

    def show_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show the picture of ``snapshot``: at once, or, where it takes long to draw up, when it is."""
        self._asked += 1
        ticket, folds = self._asked, dict(self._folds)
        if snapshot is None or len(snapshot.iteration_events) + len(snapshot.previous_events) < _LARGE:
            self._take(ticket, snapshot, build(snapshot, folds))
            return
        self._drafts.submit(lambda: build(snapshot, folds), lambda scene: self._take(ticket, snapshot, scene))

    def _take(self, ticket: int, snapshot: Snapshot | None, scene: Scene) -> None:
        """Show ``scene``, unless a newer one is shown already."""
        if ticket < self._shown:
            return
        self._shown = ticket
        self._snapshot = snapshot
        before, self._scene = self._scene, scene
        if before.is_setup != scene.is_setup and not self._moved:
            # another picture altogether
            self._fitted = False
        self._ask()
        self.scene_changed.emit()

    def show_theme(self, theme: Theme) -> None:
        """Paint with another theme."""
        self._theme = theme
        self.update()

    def show_selection(self, selection: Selection) -> None:
        """Light what is selected, wherever it was selected."""
        self._selection = selection
        self._light(selected=self._key_of(selection))

    def start_over(self) -> None:
        """Forget folds and camera: another run is shown."""
        self._folds.clear()
        self._fitted = self._moved = False
        self._picture = Picture(self._scene)
        self.show_snapshot(None)

    def text(self) -> str:
        """The picture in words."""
        return scene_text(self._scene)

    def finish(self) -> None:
        """End the layout process and whatever runs beside the GUI thread."""
        self._service.stop()
        for helper in (self._facts, self._drafts, self._decorations):
            helper.finish()

    def _ask(self) -> None:
        if not self._scene.items:
            self._request = None
            self._picture = Picture(self._scene)
            self._fitted = False
            self._describe()
            self.update()
            return
        request = request_for(self._scene)
        digest = request.digest()
        self._request = (digest, request)
        layout = self._service.known(digest)
        if layout is None:
            # the picture before stays until the new places are known
            self._service.ask(digest, request)
            return
        self._show(layout)

    @Slot(str, object)
    def _placed(self, digest: str, layout: object) -> None:
        if self._request is not None and self._request[0] == digest:
            self._show(layout)

    def _show(self, layout: object) -> None:
        if not isinstance(layout, Layout):
            return
        self._picture = compose(self._scene, layout)
        self._decorate(layout)
        self._want_facts()
        if not self._fitted:
            self._first_look()
        self._follow()
        self._light(selected=self._key_of(self._selection))
        self._describe()
        self.update()

    def _decorate(self, layout: Layout) -> None:
        """Find places for words and crossings: once a layout, and beside the GUI thread where there are many edges."""
        digest = self._request[0] if self._request is not None else ""
        known = self._decor[1] if self._decor is not None and self._decor[0] == digest else None
        picture = self._picture
        if (known is not None and known.fits(picture)) or len(picture.routes) < _MANY:
            self._decor = (digest, decorate(picture, known))
            return
        if len(picture.routes) > _TOO_MANY:
            return
        scene = picture.scene

        def done(decor: Decor) -> None:
            self._decor = (digest, decor)
            if decor.fits(self._picture) and self._request is not None and self._request[0] == digest:
                decorate(self._picture, decor)
                self.update()

        self._decorations.submit(lambda: decorate(compose(scene, layout), None), done)

    def _want_facts(self) -> None:
        log = self._snapshot.log if self._snapshot is not None else None
        refs = [(route.edge.tensor, route.edge.version) for route in self._picture.routes
                if route.edge.kind is EdgeKind.GRADIENT and route.edge.tensor]  # fmt: skip
        refs += [(item.tensor, item.version) for item in self._picture.items if item.tensor]
        self._facts.want(log, refs)

    def _describe(self) -> None:
        self.setAccessibleName(" › ".join(self._scene.place) or self._scene.empty)
        self.setAccessibleDescription(self.text() if len(self._scene.items) < 400 else "")

    # --- camera

    def fit(self) -> None:
        """Show everything, at 100 % at most."""
        if not self._picture.items or self.width() < 40 or self.height() < 40:
            return
        bounds = self._picture.bounds
        camera = Camera.fitted(bounds, self.width(), self.height())
        if self._covered(camera):
            camera = Camera.fitted(bounds, self.width(), self.height() - 44.0)
            if self._covered(camera):
                left, right = legend_rects(self._picture, self.width(), self.height())
                room = self.height() - max(left.height(), right.height()) - 12
                smaller = Camera.fitted(bounds, self.width(), room)
                camera = smaller if smaller.scale > 0.7 * camera.scale else camera
        self._fitted = True
        self._look(camera)

    def fit_again(self) -> None:
        """Show everything, as when a picture is first seen; from here on the camera may follow again."""
        self._moved = False
        self.fit()

    def _first_look(self) -> None:
        """Everything if that can be read, else the part around the held item at a size that can."""
        self.fit()
        if not self._fitted:
            return
        if self._camera.scale >= NEAR:
            self._leave_room()
            return
        left, top, width, height = self._picture.bounds
        scale = min(1.0, max(_READABLE, (self.width() - 24.0) / width))
        focus = self._picture.rect(self._scene.focus)
        wide, high = self.width() / scale, self.height() / scale
        x = left - (wide - width) / 2 if width < wide else left - 12.0
        y = top - 12.0
        if focus is not None:
            if not x <= focus[0] <= x + wide - focus[2]:
                x = focus[0] + focus[2] / 2 - wide / 2
            y = max(y, min(focus[1] + focus[3] / 2 - high / 2, top + height + 48.0 - high))
        self._look(Camera(x, y, scale))

    def _leave_room(self) -> None:
        """While a run's first picture grows, stand so that what comes right and below finds room."""
        snapshot = self._snapshot
        if snapshot is None or not snapshot.live or snapshot.state.iteration:
            return
        left, top, width, height = self._picture.bounds
        x = min(left, 0.0) - 10.0 if left < 0 else -_DATA_ROOM
        if self._camera.scale == 1.0 and width + left - x < self.width() and height + 32 < self.height():
            self._look(Camera(x, top - 16.0, 1.0))

    def _covered(self, camera: Camera) -> bool:
        """Whether a legend would hide an item."""
        legends = legend_rects(self._picture, self.width(), self.height())
        for box in legends:
            if box.isNull():
                continue
            left, top = camera.to_picture(box.left() - 4, box.top() - 4)
            right, bottom = camera.to_picture(box.right() + 4, box.bottom() + 4)
            if self._picture.visible(left, top, right, bottom):
                return True
        return False

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Larger by ``factor`` around a view point (the middle by default)."""
        point = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        self._look(self._camera.zoomed(factor, point.x(), point.y()))

    def _look(self, camera: Camera) -> None:
        if camera != self._camera:
            self._camera = camera
            self.camera_changed.emit()
            self.update()

    def _follow(self) -> None:
        """Bring the held item into view when it is out of it; nothing else moves the camera by itself."""
        rect = self._picture.rect(self._scene.focus)
        if rect is None or self._sees(rect):
            return
        if not self._moved:
            self._first_look()
        self._reveal(rect)

    def _sees(self, rect: tuple[float, float, float, float]) -> bool:
        left, top, width, height = rect
        x0, y0 = self._camera.to_view(left, top)
        x1, y1 = self._camera.to_view(left + width, top + height)
        return x0 >= 0 and y0 >= 0 and x1 <= self.width() and y1 <= self.height()

    def _reveal(self, rect: tuple[float, float, float, float]) -> None:
        if self._sees(rect):
            return
        middle = self._camera.to_view(rect[0] + rect[2] / 2, rect[1] + rect[3] / 2)
        self._look(self._camera.moved(self.width() / 2 - middle[0], self.height() / 2 - middle[1]))

    # --- lights

    def _light(self, selected: str | None = None, hovered: str | None = None, focused: str | None = None) -> None:
        old = self._lights
        lights = Lights(
            old.selected if selected is None else selected,
            old.hovered if hovered is None else hovered,
            old.focused if focused is None else focused,
        )
        if lights != old:
            self._lights = lights
            self.update()

    def _key_of(self, selection: Selection) -> str:
        """The item or edge that shows a selection, "" when none does."""
        for item in self._scene.items:
            if selection.kind == "op" and selection.op and item.kind is ItemKind.OP and item.op == selection.op:
                return item.key
            if selection.kind == "node" and item.kind is ItemKind.MIRROR and item.node == selection.node != 0:
                return item.key
            if selection.kind == "scope" and item.kind is ItemKind.SCOPE and item.scope == selection.scope != 0:
                return item.key
        if selection.kind == "tensor" and selection.tensor:
            current = self._scene.item(self._lights.selected)
            if current is not None and current.tensor == selection.tensor:
                return current.key
            for kinds in ((ItemKind.LEAF,), (ItemKind.OP,), (ItemKind.SEED,)):
                for item in self._scene.items:
                    if item.kind in kinds and any(ref[0] == selection.tensor for ref in item.outputs):
                        return item.key
            for edge in self._scene.edges:
                if edge.kind is EdgeKind.GRADIENT and edge.tensor == selection.tensor:
                    return edge.key
        return ""

    def toggle_fold(self, key: str) -> None:
        """Fold or unfold a scope."""
        item = self._scene.item(key)
        if item is not None and item.kind is ItemKind.SCOPE:
            self._folds[key] = not item.folded
            self.show_snapshot(self._snapshot)

    def save_picture(self, path: str) -> None:
        """Write the whole picture: SVG by that suffix, else PNG at twice the size. Raises ``OSError`` when it can't."""
        left, top, width, height = self._picture.bounds
        pad = 24.0
        camera = Camera(left - pad, top - pad, 1.0)
        size = QSize(round(width + 2 * pad), round(height + 2 * pad))
        sheet = Sheet(self._picture, camera, self._theme, self._facts.all, Lights())
        if Path(path).suffix.lower() == ".svg":
            _write_svg(path, size, sheet)
            return
        image = QImage(size * 2, QImage.Format.Format_ARGB32)
        image.setDevicePixelRatio(2.0)
        painter = QPainter(image)
        try:
            paint(painter, sheet, size.width(), size.height())
        finally:
            painter.end()
        if not image.save(path):
            raise OSError(f"cannot write {path}")

    # --- Qt's events

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            sheet = Sheet(self._picture, self._camera, self._theme, self._facts.all, self._lights)
            paint(painter, sheet, self.width(), self.height())
            if self._picture.items:
                paint_legends(painter, self._picture, self._theme, self.width(), self.height())
            elif self._scene.empty:
                painter.setFont(fonts()["plain"])
                painter.setPen(color(self._theme["text2"]))
                painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, self._scene.empty)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            # an exception that leaves a paint event ends the process
            _log.exception("the graph could not be painted")
        finally:
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not event.oldSize().isValid() or not self._moved:
            self._first_look()
            self._follow()


def _write_svg(path: str, size: QSize, sheet: Sheet) -> None:
    # in a library of its own, which only this needs
    from PySide6.QtSvg import QSvgGenerator

    generator = QSvgGenerator()
    generator.setFileName(path)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    painter = QPainter()
    if not painter.begin(generator):
        raise OSError(f"cannot write {path}")
    try:
        paint(painter, sheet, size.width(), size.height())
    finally:
        painter.end()
