"""A theme as Qt understands it: palette and style sheet, built from tokens."""

from __future__ import annotations

from string import Template

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from retrograd_debug.assets import data_folder
from retrograd_gui.theme.fonts import MONO, UI
from retrograd_gui.theme.icons import blend
from retrograd_gui.theme.tokens import Theme

_ROLES: tuple[tuple[QPalette.ColorRole, str], ...] = (
    (QPalette.ColorRole.Window, "header"),
    (QPalette.ColorRole.WindowText, "text"),
    (QPalette.ColorRole.Base, "panel"),
    (QPalette.ColorRole.AlternateBase, "chip"),
    (QPalette.ColorRole.Text, "text"),
    (QPalette.ColorRole.PlaceholderText, "text3"),
    (QPalette.ColorRole.Button, "header"),
    (QPalette.ColorRole.ButtonText, "text"),
    (QPalette.ColorRole.BrightText, "text"),
    (QPalette.ColorRole.ToolTipBase, "card"),
    (QPalette.ColorRole.ToolTipText, "text"),
    (QPalette.ColorRole.Highlight, "select"),
    (QPalette.ColorRole.HighlightedText, "text"),
    (QPalette.ColorRole.Link, "accent"),
    (QPalette.ColorRole.LinkVisited, "accent"),
    (QPalette.ColorRole.Light, "hover"),
    (QPalette.ColorRole.Midlight, "line"),
    (QPalette.ColorRole.Mid, "line"),
    (QPalette.ColorRole.Dark, "lineStrong"),
    (QPalette.ColorRole.Shadow, "app"),
    (QPalette.ColorRole.Accent, "accent"),
)


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Dress the whole application in ``theme``."""
    if app.style().objectName() != "fusion":
        app.setStyle("fusion")
    app.setPalette(palette(theme))
    app.setStyleSheet(style_sheet(theme))


def palette(theme: Theme) -> QPalette:
    """The palette, for what is painted by hand and for widgets that the style sheet leaves alone."""
    result = QPalette()
    for role, token in _ROLES:
        result.setColor(role, QColor(theme[token]))
    faint = QColor(blend(theme["text3"], theme["panel"], 0.55))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, faint)
    return result


def style_sheet(theme: Theme) -> str:
    """The application's style sheet."""
    values = dict(theme.colors)
    values["ui"] = UI
    values["mono"] = MONO
    values["faint"] = blend(theme["text3"], theme["header"], 0.55)
    values["scroll"] = blend(theme["lineStrong"], theme["panel"], 0.6)
    values["dockLine"] = theme["line"] if theme.name == "highContrast" else "transparent"
    values["dockWidth"] = "1px" if theme.name == "highContrast" else "0px"
    icons = data_folder("assets") / "icons"
    values["arrow"] = (icons / f"chevron-{theme.name}.png").as_posix()
    values["tick"] = (icons / f"tick-{theme.name}.png").as_posix()
    return Template(_SHEET).substitute(values)


_SHEET = """
* { outline: none; }
QMainWindow, QDialog { background: $header; }
QWidget#workspace { background: $app; }
QWidget[panel="true"] { background: $panel; border: $dockWidth solid $dockLine; }
QToolTip { background: $card; color: $text; border: 1px solid $lineStrong; padding: 4px 8px; }

QMenuBar { background: $header; color: $text; padding: 0 8px; }
QMenuBar::item { padding: 4px 8px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenuBar::item:pressed { background: $select; }
QMenu { background: $card; color: $text; border: 1px solid $lineStrong; padding: 4px 0; }
QMenu::item { padding: 4px 24px 4px 8px; min-height: 16px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: $select; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; padding-left: 6px; }

QWidget#toolbar { background: $header; }
QFrame#separator { background: $line; border: none; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 3px 6px; }
QToolButton { color: $text; }
QToolButton:hover { background: $hover; }
QToolButton:pressed, QToolButton:checked { background: $select; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $faint; }
QToolButton[emphasis="true"] { background: $select; }
QToolButton[emphasis="true"]:disabled { background: transparent; }
QToolButton::menu-indicator { image: none; }

QStatusBar { background: $header; color: $text; min-height: 24px; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $text2; }
QStatusBar QLabel#sentence { color: $text; }
QWidget#galleryMain { background: $panel; }
QWidget#gallerySide { background: $header; border-left: 1px solid $line; }
QWidget#message { background: $chip; }
QLabel#problem { color: $error; }
QDialog#palette { background: $card; border: 1px solid $lineStrong; }
QDialog#palette QListView { background: $card; }
QPushButton#way { color: $accent; padding: 1px 8px; }

QDockWidget { color: $text2; background: $panel; }
QMainWindow::separator { background: $app; width: 2px; height: 2px; }
QMainWindow::separator:hover { background: $accent; }
QSplitter::handle { background: $app; }
QSplitter::handle:hover { background: $accent; }

QTabWidget::pane { border: $dockWidth solid $dockLine; background: $panel; }
QTabBar { background: $header; }
QTabBar::tab {
  background: $header; color: $text2; height: 26px; padding: 0 12px; border: none; border-top: 2px solid transparent;
}
QTabBar::tab:hover { color: $text; background: $hover; }
QTabBar::tab:selected { color: $text; background: $panel; border-top: 2px solid $accent; }
QTabBar::tab:focus { color: $accent; }
QTabBar QToolButton { background: $header; border: none; border-radius: 0; }

QPushButton {
  background: $chip; color: $text; border: 1px solid $lineStrong; border-radius: 4px; padding: 4px 12px;
  min-height: 16px;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $select; }
QPushButton:focus { border: 2px solid $accent; padding: 3px 11px; }
QPushButton:default { background: $accent; color: $onAccent; border-color: $accent; font-weight: 600; }
QPushButton:default:focus { border: 2px solid $text; }
QPushButton:disabled { color: $faint; border-color: $line; }
QPushButton[flat="true"] { background: transparent; border-color: transparent; color: $accent; }
QPushButton[flat="true"]:hover { background: $hover; }
QPushButton[flat="true"]:focus { border-color: $accent; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox {
  background: $field; color: $text; border: 1px solid $lineStrong; border-radius: 4px; padding: 2px 6px;
  selection-background-color: $select; selection-color: $text;
}
QLineEdit { min-height: 18px; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus {
  border: 1px solid $accent;
}
QLineEdit:disabled { color: $faint; border-color: $line; }
QComboBox {
  background: $chip; color: $text; border: 1px solid $line; border-radius: 4px; padding: 2px 8px; min-height: 18px;
}
QComboBox:hover { border-color: $lineStrong; }
QComboBox:focus { border-color: $accent; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url("$arrow"); width: 12px; height: 12px; }
QComboBox QAbstractItemView {
  background: $card; color: $text; border: 1px solid $lineStrong; selection-background-color: $select;
  selection-color: $text;
}
QCheckBox, QRadioButton, QLabel, QGroupBox { color: $text; background: transparent; }
QLabel[quiet="true"] { color: $text2; }
QLabel[faint="true"] { color: $text3; }
QCheckBox:focus, QRadioButton:focus { color: $accent; }

QCheckBox::indicator, QAbstractItemView::indicator {
  width: 14px; height: 14px; border: 1px solid $lineStrong; border-radius: 3px; background: $field;
}
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {
  background: $accent; border-color: $accent; image: url("$tick");
}
QCheckBox::indicator:focus { border-color: $accent; }
QCheckBox::indicator:disabled { border-color: $line; }

QHeaderView { background: $panel; }
QHeaderView::section {
  background: $panel; color: $text2; border: none; border-bottom: 1px solid $line; padding: 3px 6px;
}
QAbstractItemView {
  background: $panel; color: $text; border: none; alternate-background-color: $panel;
  selection-background-color: $select; selection-color: $text; gridline-color: $line;
}
QAbstractItemView::item:hover { background: $hover; }
QAbstractItemView::item:selected { background: $select; color: $text; }
QTableView#listing::item { padding: 0 6px; }
QAbstractItemView:focus { border: 1px solid $accent; }

QScrollArea { background: transparent; border: none; }
QWidget[panel="true"] QScrollArea > QWidget, QWidget[panel="true"] QScrollArea > QWidget > QWidget {
  background: transparent;
}
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $scroll; border-radius: 3px; margin: 2px; min-height: 24px; min-width: 24px; }
QScrollBar::handle:hover { background: $lineStrong; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }
QProgressBar { background: $field; border: 1px solid $line; border-radius: 2px; height: 4px; }
QProgressBar::chunk { background: $done; }
"""
