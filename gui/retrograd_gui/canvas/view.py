"""The graph canvas: a picture that a person looks around in, with mouse, trackpad and keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from retrograd_debug.graph.model import EdgeKind, Item, ItemKind
from retrograd_gui.canvas.picture import Route
from retrograd_gui.canvas.picture_view import PictureView
from retrograd_gui.canvas.walk import Way, next_key
from retrograd_gui.canvas.words import tip_of, tip_of_route
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.selection import NOTHING, Selection

ZOOM_STEP = 1.25
_REACH = 6.0


class GraphView(PictureView):
    """``choose`` is called with what a person selects."""

    def __init__(self, theme: Theme, choose: Callable[[Selection], None], parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._choose = choose
        self._drag: QPointF | None = None
        self._pressed = QPointF()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

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

    # --- mouse and trackpad

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
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._tip(event.pos())
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
