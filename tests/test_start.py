"""``start.py`` sets up, mends, and says in one sentence what it can't do."""

from __future__ import annotations

import ast
import ensurepip
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "sample"
version = "1"
"""

# a build backend that needs no package index: an editable wheel of one module
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "sample-1-py3-none-any.whl"
    info = "sample-1.dist-info"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("sample.py", "")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: sample\\nVersion: 1\\n"
                       "Provides-Extra: gui\\nProvides-Extra: dev\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A fresh ``start`` module at work on a small project in a folder of its own."""
    spec = importlib.util.spec_from_file_location("start_under_test", ROOT / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (project / "backend.py").write_text(BACKEND, encoding="utf-8")
    monkeypatch.setattr(module, "ROOT", project)
    monkeypatch.setattr(module, "MEGABYTES", {"gui": 1, "dev": 1, "oracle": 1})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return module


def imports(start: ModuleType, module: str) -> bool:
    return subprocess.run([start.program("python"), "-c", f"import {module}"], check=False).returncode == 0


def made_at(start: ModuleType) -> int:
    created: int = (start.venv() / "pyvenv.cfg").stat().st_ino
    return created


def test_a_second_start_changes_nothing(start: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    start.ensure_environment({"gui"})
    assert imports(start, "sample")
    capsys.readouterr()
    before = made_at(start), (start.venv() / "setup.log").stat().st_mtime_ns
    start.ensure_environment({"gui"})
    assert (made_at(start), (start.venv() / "setup.log").stat().st_mtime_ns) == before
    assert capsys.readouterr().out == ""


def test_environment_is_made_anew_when_moved_or_broken(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    start.ensure_environment({"gui"})
    moved = start.ROOT.with_name("moved")
    start.ROOT.rename(moved)
    monkeypatch.setattr(start, "ROOT", moved)
    start.ensure_environment({"gui"})
    assert imports(start, "sample")
    assert start.read_stamp()["root"] == str(moved)

    start.program("python").unlink()
    start.ensure_environment({"gui"})
    assert imports(start, "sample")


def test_environment_follows_pyproject_python_and_extras(start: ModuleType) -> None:
    start.ensure_environment({"gui"})
    first = made_at(start)
    project = start.ROOT / "pyproject.toml"
    project.write_text(PROJECT + 'description = "changed"\n', encoding="utf-8")
    start.ensure_environment({"gui", "dev"})
    assert made_at(start) == first
    assert start.read_stamp()["extras"] == "dev,gui"
    assert start.read_stamp()["pyproject"] == start.stamp_now()["pyproject"]

    start.write_stamp({**start.read_stamp(), "python": "3.9.0"})
    start.ensure_environment({"gui"})
    assert start.read_stamp()["python"] == start.stamp_now()["python"]
    assert start.read_stamp()["extras"] == "dev,gui"


def test_an_interrupted_installation_is_taken_up_again(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(extras: set[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(start, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start.ensure_environment({"gui"})
    assert not imports(start, "sample")
    start.ensure_environment({"gui"})
    assert imports(start, "sample")


def test_somebody_elses_environment_is_kept_aside(start: ModuleType) -> None:
    start.venv().mkdir()
    (start.venv() / "pyvenv.cfg").write_text("home = elsewhere\n", encoding="utf-8")
    start.ensure_environment({"gui"})
    assert (start.ROOT / ".venv-1" / "pyvenv.cfg").read_text(encoding="utf-8") == "home = elsewhere\n"
    assert imports(start, "sample")


def test_pip_comes_from_the_systems_wheel_where_ensurepip_is_missing(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = start.make_venv

    def without_ensurepip(*options: str) -> str:
        return str(genuine(*options)) if "--without-pip" in options else "ensurepip is not available"

    monkeypatch.setattr(start, "make_venv", without_ensurepip)
    monkeypatch.setattr(start, "SYSTEM_WHEELS", Path(ensurepip.__file__).parent / "_bundled")
    start.ensure_environment({"gui"})
    assert imports(start, "sample")

    monkeypatch.setattr(start, "SYSTEM_WHEELS", Path("/nowhere"))
    monkeypatch.setattr(start, "download_pip_wheel", lambda folder: [])
    with pytest.raises(start.SetupError, match=r"run: sudo apt-get install python3\.\d+-venv$"):
        start.ensure_environment({"gui"}, rebuild=True)


def told(start: ModuleType, monkeypatch: pytest.MonkeyPatch, missing: set[str], root: bool) -> list[str]:
    """The package manager's commands that would run on a machine that lacks ``missing``."""
    ran: list[str] = []

    def record(command: Sequence[str], cwd: Path | None = None) -> bool:
        ran.append(" ".join(command))
        return True

    monkeypatch.setattr(start, "is_there", lambda name: name not in missing)
    monkeypatch.setattr(start, "is_root", lambda: root)
    monkeypatch.setattr(start, "package_manager", lambda: "apt")
    monkeypatch.setattr(start, "quietly", record)
    start.ensure_system(start.OFFSCREEN + start.SCREEN + start.VIRTUAL_SCREEN)
    return ran


def test_root_has_missing_libraries_installed(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(start, monkeypatch, set(), root=True) == []
    assert told(start, monkeypatch, {"libEGL.so.1", "Xvfb"}, root=True) == [
        "apt-get install -y -q --no-install-recommends libegl1 xvfb"
    ]


def test_an_ordinary_user_is_told_the_command(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(start.SetupError, match=r"run: sudo apt-get install .* libegl1$"):
        told(start, monkeypatch, {"libEGL.so.1"}, root=False)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching",
            "connect this machine",
        ),
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "lacks room for about 3 MB"),
        ("ERROR: No matching distribution found for graphlay==0.3.1", "graphlay==0.3.1 has no build for Python"),
        ("ERROR: something else", "ERROR: something else"),
    ],
)
def test_a_failed_installation_is_one_sentence(start: ModuleType, output: str, sentence: str) -> None:
    text = str(start.pip_error(output, Path("setup.log")))
    assert sentence in text
    assert "run" in text
    assert "\n" not in text


def test_no_index_is_said_for_real(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    (start.ROOT / "pyproject.toml").write_text(PROJECT + 'dependencies = ["msgspec"]\n', encoding="utf-8")
    (start.ROOT / "backend.py").write_text(
        BACKEND.replace("Provides-Extra: gui", "Requires-Dist: msgspec\\nProvides-Extra: gui"), encoding="utf-8"
    )
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(start.SetupError, match="No Python package index can be reached"):
        start.ensure_environment({"gui"})
    assert start.read_stamp()["pyproject"] == ""


def test_a_full_disk_is_said_before_anything_begins(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "MEGABYTES", {"gui": 10**12})
    with pytest.raises(start.SetupError, match="free some, then run: python3 "):
        start.ensure_environment({"gui"})
    assert not start.venv().exists()


def test_no_screen_names_the_two_ways_on(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(start, "ensure_system", lambda needs: None)
    monkeypatch.setattr(start, "ensure_environment", lambda extras: None)
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(start.SetupError, match=r"--offscreen --screenshot out\.png.*retrograd run .*retrograd show"):
        start.open_app([])


def test_a_dead_screen_is_found_in_a_child(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "program", lambda name: Path(sys.executable))
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":7999")
    if not sys.platform.startswith("linux"):
        pytest.skip("screens have names on Linux only")
    with pytest.raises(start.SetupError, match=r"The screen :7999 can't be reached.*--offscreen"):
        start.ensure_qt({"gui"}, offscreen=False)
    start.ensure_qt({"gui"}, offscreen=True)


def test_an_old_python_reads_the_file_and_says_so() -> None:
    source = (ROOT / "start.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))
    code = "import runpy, sys; sys.version_info = (3, 8, 2); runpy.run_path('start.py', run_name='__main__')"
    old = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert old.returncode == 1
    assert old.stderr.startswith("Retrograd needs Python 3.10 or newer and this is 3.8;")
    assert len(old.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("codes", "narrowed", "expected"),
    [
        ((0, 0), False, 0),
        ((0, 1), False, 1),
        ((0, 5), False, 5),
        ((0, 5), True, 0),
        ((5, 5), True, 5),
        ((0, -9), True, 1),
    ],
)
def test_groups_sum_up(
    start: ModuleType, capsys: pytest.CaptureFixture[str], codes: tuple[int, ...], narrowed: bool, expected: int
) -> None:
    results = [start.Counts(code, passed=2, failed=int(code not in (0, 5)), skipped=3, oracle=1) for code in codes]
    assert start.sum_up(results, narrowed=narrowed) == expected
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"{len(codes)} comparisons with PyTorch were skipped")
    assert out[-1] == f"{2 * len(codes)} passed, {sum(c not in (0, 5) for c in codes)} failed, {3 * len(codes)} skipped"


def test_a_crashed_group_counts_as_a_failure(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "program", lambda name: Path(sys.executable))
    monkeypatch.setattr(start, "wait_for", lambda process: (process.kill(), process.wait(), -9)[2])
    assert start.run_group("core", []) == start.Counts(-9, failed=1)


def test_counts_are_written_as_start_reads_them(start: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    command = [sys.executable, "-m", "pytest", "-q", "--counts", str(file), "tests/debug/test_format.py"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    counts = start.Counts(0, **json.loads(file.read_text(encoding="utf-8")))
    assert counts.passed > 0
    assert counts.failed == 0
