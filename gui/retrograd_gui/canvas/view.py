"""The graph canvas: one widget that shows a snapshot's picture and lets a person look around in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from retrograd_debug.graph.build import build
from retrograd_debug.graph.geometry import Layout, Request
from retrograd_debug.graph.model import EdgeKind, Item, ItemKind, Scene, scene_text
from retrograd_debug.session.api import Snapshot
from retrograd_gui.canvas.camera import NEAR, Camera
from retrograd_gui.canvas.facts import Facts
from retrograd_gui.canvas.measure import fonts, request_for
from retrograd_gui.canvas.paint import Lights, Sheet, legend_rects, paint, paint_legends
from retrograd_gui.canvas.pens import color
from retrograd_gui.canvas.picture import Picture, Route, compose
from retrograd_gui.canvas.service import LayoutService
from retrograd_gui.canvas.walk import Way, next_key
from retrograd_gui.canvas.words import tip_of, tip_of_route
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.selection import NOTHING, Selection

_log = logging.getLogger(__name__)
ZOOM_STEP = 1.25
_REACH = 6.0
_READABLE = 0.75
_DATA_ROOM = 134.0


class GraphView(QWidget):
    """Shows pictures; asks for nothing but layouts and recorded values, and changes nothing but its own camera.
    ``choose`` is called with what a person selects."""

    camera_changed = Signal()
    scene_changed = Signal()

    def __init__(self, theme: Theme, choose: Callable[[Selection], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._choose = choose
        self._snapshot: Snapshot | None = None
        self._scene = build(None)
        self._picture = Picture(self._scene)
        self._camera = Camera()
        self._folds: dict[str, bool] = {}
        self._selection = NOTHING
        self._lights = Lights()
        self._fitted = False
        self._request: tuple[str, Request] | None = None
        self._drag: QPointF | None = None
        self._pressed = QPointF()
        self._moved = False
        self._service = LayoutService(self)
        self._service.arrived.connect(self._placed)
        self._facts = Facts(self)
        self._facts.changed.connect(self.update)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(160, 120))
        self._describe()
        service, facts = self._service, self._facts
        self.destroyed.connect(service.stop)
        self.destroyed.connect(facts.finish)
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
        """Show the picture of ``snapshot``."""
        self._snapshot = snapshot
        before = self._scene
        self._scene = build(snapshot, self._folds)
        if before.is_setup != self._scene.is_setup and not self._moved:
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
        """End the layout process and wait for values being read."""
        self._service.stop()
        self._facts.finish()

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
        self._want_facts()
        if not self._fitted:
            self._first_look()
        self._follow()
        self._light(selected=self._key_of(self._selection))
        self._describe()
        self.update()

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

    # --- choosing

    def _select_item(self, item: Item) -> None:
        if item.kind is ItemKind.OP and item.op:
            self._choose(Selection("op", item.op, item.node, item.scope, item.tensor, item.version))
        elif item.kind is ItemKind.MIRROR and item.node:
            self._choose(self._mirror_selection(item))
        elif item.kind in (ItemKind.LEAF, ItemKind.SEED) and item.tensor:
            facet = "gradient" if item.kind is ItemKind.SEED else "value"
            self._light(selected=item.key)
            self._choose(Selection("tensor", tensor=item.tensor, version=item.version, facet=facet))
        elif item.kind is ItemKind.SCOPE:
            self._choose(Selection("scope", scope=item.scope))
        self._light(focused=item.key)

    def _mirror_selection(self, item: Item) -> Selection:
        """A mirror shows the gradient of what its op made, or of its leaf."""
        pair = self._scene.item(item.pair)
        if pair is None:
            return Selection("node", node=item.node, tensor=item.tensor, facet="gradient")
        return Selection("node", pair.op, item.node, pair.scope, pair.tensor, pair.version, "gradient")

    def _select_route(self, route: Route) -> None:
        edge = route.edge
        if not edge.tensor:
            return
        self._light(selected=edge.key)
        facet = "gradient" if edge.kind is EdgeKind.GRADIENT else "value"
        self._choose(Selection("tensor", tensor=edge.tensor, version=edge.version, facet=facet))

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

    def _picture_point(self, point: QPointF) -> tuple[float, float]:
        return self._camera.to_picture(point.x(), point.y())

    def _item_under(self, point: QPointF) -> Item | None:
        return self._picture.item_at(*self._picture_point(point), 2.0 / self._camera.scale)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = event.position()
            self._pressed = event.position()
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            item = self._item_under(event.position())
            self._light(hovered=item.key if item is not None else "")
            return
        far = (event.position() - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if far or self.cursor().shape() == Qt.CursorShape.ClosedHandCursor:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            moved = event.position() - self._drag
            self._moved = True
            self._look(self._camera.moved(moved.x(), moved.y()))
            self._drag = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragged = self.cursor().shape() == Qt.CursorShape.ClosedHandCursor
        self._drag = None
        self.unsetCursor()
        if not dragged and event.button() == Qt.MouseButton.LeftButton:
            self._click(event.position())

    def _click(self, point: QPointF) -> None:
        x, y = self._picture_point(point)
        item = self._item_under(point)
        route = self._picture.route_at(x, y, _REACH / self._camera.scale)
        inside = item is not None and (item.kind is not ItemKind.SCOPE or self._picture.on_head(item, x, y))
        if item is not None and inside:
            rect = self._picture.rect(item.key)
            if item.kind is ItemKind.SCOPE and rect is not None and x < rect[0] + 24:
                self.toggle_fold(item.key)
            self._select_item(item)
        elif route is not None:
            self._select_route(route)
        elif item is not None:
            self._select_item(item)
        else:
            self._light(selected="", focused="")
            self._choose(NOTHING)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        item = self._item_under(event.position())
        if item is not None and item.kind is ItemKind.SCOPE:
            self.toggle_fold(item.key)

    def leaveEvent(self, event: QEvent) -> None:
        self._light(hovered="")
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels = event.pixelDelta()
        self._moved = True
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier) or (
            pixels.isNull() and not event.modifiers()
        ):
            # a mouse's wheel zooms, as in other graph tools; a trackpad pans
            self.zoom(1.0015 ** (event.angleDelta().y() or event.angleDelta().x()), event.position())
        else:
            delta = pixels if not pixels.isNull() else event.angleDelta() / 2
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not delta.x():
                delta = QPoint(delta.y(), 0)
            self._look(self._camera.moved(delta.x(), delta.y()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._moved = True
            self.zoom(1.0 + event.value(), event.position())
            return True
        if event.type() == QEvent.Type.ToolTip:
            self._tip(self.mapFromGlobal(QPoint(event.globalPos())))  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def _tip(self, point: QPoint) -> None:
        x, y = self._picture_point(QPointF(point))
        item = self._item_under(QPointF(point))
        route = self._picture.route_at(x, y, _REACH / self._camera.scale)
        sites = self._snapshot.log.sites if self._snapshot is not None and self._snapshot.log is not None else {}
        if item is not None and (item.kind is not ItemKind.SCOPE or route is None):
            QToolTip.showText(self.mapToGlobal(point), tip_of(item, sites, self._facts.all), self)
        elif route is not None:
            QToolTip.showText(self.mapToGlobal(point), tip_of_route(route, self._scene, self._facts.all), self)
        else:
            QToolTip.hideText()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._light(focused=self._lights.focused or self._scene.focus or next(
                (item.key for item in self._picture.items), ""))  # fmt: skip

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._light(focused="")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._key(event):
            super().keyPressEvent(event)

    def _key(self, event: QKeyEvent) -> bool:
        key, across = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        ways = {
            Qt.Key.Key_Up: Way.UP, Qt.Key.Key_Down: Way.DOWN, Qt.Key.Key_Left: Way.LEFT, Qt.Key.Key_Right: Way.RIGHT,
        }  # fmt: skip
        if key in ways:
            start = self._lights.focused or self._lights.selected or self._scene.focus
            self._go(next_key(self._picture, start, ways[Qt.Key(key)], siblings=across))
            return True
        if across or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return False
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.fit_again()
        elif key == Qt.Key.Key_M:
            self.go_to_mirror()
        elif key == Qt.Key.Key_Space:
            self.fold_at_focus()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            item = self._scene.item(self._lights.focused)
            if item is not None:
                self._select_item(item)
        else:
            return False
        return True

    def fit_again(self) -> None:
        """Show everything, as when a picture is first seen; from here on the camera may follow again."""
        self._moved = False
        self.fit()

    def go_to_mirror(self) -> None:
        """Go from an operation to its backward node, or back."""
        item = self._scene.item(self._lights.focused or self._lights.selected)
        self._go(item.pair if item is not None else "")

    def fold_at_focus(self) -> None:
        """Fold the scope in focus, or the one around the item in focus; unfold it if it is folded."""
        item = self._scene.item(self._lights.focused or self._lights.selected)
        if item is None:
            return
        scope = item.key if item.kind is ItemKind.SCOPE else item.parent
        if scope:
            self.toggle_fold(scope)
            self._light(focused=scope)

    def _go(self, key: str) -> None:
        item = self._scene.item(key)
        rect = self._picture.rect(key)
        if item is not None and rect is not None:
            self._select_item(item)
            self._light(focused=key)
            self._reveal(rect)


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
