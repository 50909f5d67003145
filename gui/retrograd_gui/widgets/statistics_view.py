"""A tensor's statistics in two columns, and how many of its elements are special."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from retrograd_debug import format as fmt
from retrograd_events.text import tr
from retrograd_gui.theme.fonts import SMALL, VALUE, mono_font, ui_font
from retrograd_gui.theme.tokens import Theme
from retrograd_gui.view_models.statistics import Statistics

CHIP = 22


class CountChip(QWidget):
    """A name, a count, and a tick when the count is nothing to worry about."""

    def __init__(self, name: str, theme: Theme, token: str, worrying: bool) -> None:
        super().__init__()
        self._name, self._theme, self._token, self._worrying = name, theme, token, worrying
        self._count = 0
        self.setMinimumWidth(72)
        self.setFixedHeight(CHIP)

    def sizeHint(self) -> QSize:
        """Equal thirds."""
        return QSize(96, CHIP)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        self._theme = theme
        self.update()

    def show_count(self, count: int, tip: str) -> None:
        """Show ``count``; ``tip`` says it in words."""
        self._count = count
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the chip."""
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            alarm = self._worrying and self._count > 0
            theme = self._theme
            painter.setPen(QPen(QColor(theme[self._token] if alarm else theme["line"]), 1))
            painter.setBrush(QColor(theme[f"{self._token}Fill"] if alarm else theme["chip"]))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.setFont(ui_font(SMALL))
            painter.setPen(QColor(theme["text2"]))
            inner = QRectF(self.rect()).adjusted(8, 0, -24, 0)
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._name)
            painter.setFont(mono_font(VALUE, bold=alarm))
            painter.setPen(QColor(theme[self._token] if alarm else theme["text"]))
            count = fmt.count(self._count)
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count)
            self._paint_glyph(painter, QPointF(self.width() - 13, self.height() / 2), alarm)
        finally:
            painter.end()

    def _paint_glyph(self, painter: QPainter, center: QPointF, alarm: bool) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if alarm:
            painter.setPen(QPen(QColor(self._theme[self._token]), 1.3))
            ends = (QPointF(0, -4.5), QPointF(5, 4), QPointF(-5, 4))
            painter.drawPolygon(QPolygonF([center + end for end in ends]))
        elif self._count == 0:
            painter.setPen(QPen(QColor(self._theme["done"]), 1.5))
            ends = (QPointF(-4.5, 0), QPointF(-1.5, 3.5), QPointF(4.5, -3.5))
            painter.drawPolyline(QPolygonF([center + end for end in ends]))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme["text3"]))
            painter.drawEllipse(center, 2, 2)


class StatisticsView(QWidget):
    """mean std, min max, norm sum; then NaN, Inf and zero."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._values: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        names = (("mean", "std"), ("min", "max"), ("‖g‖₂", "sum"))
        for row, pair in enumerate(names):
            for column, name in enumerate(pair):
                self._add(grid, row, column, name)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(4, 1)
        grid.setColumnMinimumWidth(2, 12)
        self._nan = CountChip(tr("NaN"), theme, "nan", True)
        self._inf = CountChip(tr("Inf"), theme, "error", True)
        self._zero = CountChip(tr("zero"), theme, "text3", False)
        chips = QHBoxLayout()
        chips.setSpacing(6)
        for chip in (self._nan, self._inf, self._zero):
            chips.addWidget(chip, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(grid)
        layout.addLayout(chips)

    def _add(self, grid: QGridLayout, row: int, column: int, name: str) -> None:
        label, value = QLabel(name), QLabel()
        label.setFont(ui_font(SMALL))
        label.setProperty("quiet", True)
        value.setFont(mono_font(VALUE))
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._values[name] = value
        if name == "‖g‖₂":
            self._norm_label = label
        grid.addWidget(label, row, column * 3)
        grid.addWidget(value, row, column * 3 + 1)

    def set_theme(self, theme: Theme) -> None:
        """Use another theme."""
        for chip in (self._nan, self._inf, self._zero):
            chip.set_theme(theme)

    def text(self, name: str) -> str:
        """What stands beside ``name``."""
        return self._values[name].text()

    def show_statistics(self, stats: Statistics, gradient: bool) -> None:
        """Show ``stats``."""
        self._norm_label.setText("‖g‖₂" if gradient else "‖x‖₂")
        numbers = {
            "mean": stats.mean,
            "std": stats.std,
            "min": stats.min,
            "max": stats.max,
            "‖g‖₂": stats.norm,
            "sum": stats.sum,
        }
        finite = stats.count - stats.nan - stats.positive_inf - stats.negative_inf
        for name, number in numbers.items():
            unknown = number != number
            self._values[name].setText("–" if unknown else fmt.number(number))
            self._values[name].setToolTip(
                tr("Not defined for {count} finite elements", count=fmt.count(finite)) if unknown else fmt.exact(number)
            )
        share = f"{{count}} / {fmt.count(stats.count)}"
        infinite = stats.positive_inf + stats.negative_inf
        self._nan.show_count(stats.nan, tr("NaN: ") + share.format(count=fmt.count(stats.nan)))
        self._inf.show_count(
            infinite,
            tr(
                "Infinite: {up} +Inf, {down} −Inf",
                up=fmt.count(stats.positive_inf),
                down=fmt.count(stats.negative_inf),
            ),
        )
        self._zero.show_count(stats.zero, tr("Exactly zero: ") + share.format(count=fmt.count(stats.zero)))
