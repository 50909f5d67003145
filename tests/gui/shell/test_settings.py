"""What is kept between starts, and what becomes of damage."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray

from retrograd_gui.settings import RECENT_LIMIT, Settings


def test_settings_are_there_at_the_next_start(own_home: Path) -> None:
    first = Settings()
    first.set_text("theme", "light")
    first.set_flag("seen", True)
    first.set_blob("layout", QByteArray(b"\x00\xff\x01"))
    first.flush()
    second = Settings()
    assert (second.text("theme"), second.flag("seen"), second.blob("layout")) == ("light", True, b"\x00\xff\x01")
    assert own_home in second.folder.parents, "never the person's own folder in a test"


def test_recent_files_are_few_and_newest_first(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    for number in range(RECENT_LIMIT + 3):
        settings.add_recent(Path(f"/runs/{number}.py"))
    settings.add_recent(Path("/runs/5.py"))
    recent = settings.recent()
    assert recent[0] == Path("/runs/5.py")
    assert len(recent) == len(set(recent)) == RECENT_LIMIT
    settings.forget_recent(Path("/runs/5.py"))
    assert Path("/runs/5.py") not in settings.recent()


def test_a_damaged_entry_is_forgotten(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    for damage in ("{", '{"a": 1}', "[1, 2]"):
        settings.set_text("recent", damage)
        assert settings.recent() == []


def test_a_damaged_file_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "retrograd.ini").write_bytes(b"\x00\xff[[[=\n\n%%%")
    settings = Settings(tmp_path)
    assert settings.text("theme", "dark") == "dark"
