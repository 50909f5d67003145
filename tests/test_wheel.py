"""The wheel, installed away from the source tree, carries all it needs and opens the example."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WITHOUT_APP = ("msgspec", "numpy", "platformdirs")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def command(*words: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that knows nothing of the source tree."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**environment, "QT_QPA_PLATFORM": "offscreen"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with the build tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    command(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("retrograd-*.whl")
    return built


def installed(wheel: Path, folder: Path, libraries: Path) -> Path:
    """A new environment in ``folder`` with the wheel, and with ``libraries`` as its third-party packages.

    A path line brings the packages in but not their own .pth files, so an editable install there stays unseen.
    """
    command(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    command(programs / "python", "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel, cwd=folder)
    (site,) = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    (site / "libraries.pth").write_text(f"{libraries}\n", encoding="utf-8")
    return programs


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of an environment with the app lie."""
    return installed(wheel, tmp_path_factory.mktemp("with-app") / "env", Path(sysconfig.get_path("purelib")))


@pytest.fixture(scope="module")
def bare_programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of an environment without the app's extra lie."""
    folder = tmp_path_factory.mktemp("without-app")
    libraries = folder / "libraries"
    libraries.mkdir()
    site = Path(sysconfig.get_path("purelib"))
    for name in WITHOUT_APP:
        tops = {file.parts[0] for file in metadata.distribution(name).files or []}
        for top in tops - {"..", "__pycache__"}:
            (libraries / top).symlink_to(site / top)
    return installed(wheel, folder / "env", libraries)


def test_wheel_carries_assets_and_examples_but_no_screenshots(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for source in (*(ROOT / "assets" / "fonts").iterdir(), *(ROOT / "examples").glob("*.py")):
        assert f"retrograd_debug/_data/{source.relative_to(ROOT).as_posix()}" in names
    assert not [name for name in names if "screenshots" in name]
    assert not [name for name in names if name.startswith(("assets/", "examples/", "tests/", "engine/", "gui/"))]


def test_installed_wheel_runs_and_shows_the_example(programs: Path, tmp_path: Path) -> None:
    find = "from retrograd_debug.assets import data_folder; print(data_folder('examples'))"
    examples = Path(command(programs / "python", "-c", find, cwd=tmp_path).stdout.strip())
    assert ROOT not in examples.parents
    log = tmp_path / "run.retro"
    command(programs / "retrograd", "run", "--log", log, examples / "linear_regression.py", cwd=tmp_path)
    shown = json.loads(command(programs / "retrograd", "show", "--json", log, cwd=tmp_path).stdout)
    assert "linear_regression.py" in json.dumps(shown)


def test_installed_wheel_opens_the_app(programs: Path, tmp_path: Path) -> None:
    find = "from retrograd_debug.assets import data_folder; print(data_folder('examples'))"
    examples = Path(command(programs / "python", "-c", find, cwd=tmp_path).stdout.strip())
    picture = tmp_path / "window.png"
    script = examples / "linear_regression.py"
    command(programs / "retrograd", "app", script, "--offscreen", "--screenshot", picture, cwd=tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(sys.platform == "win32", reason="links to folders need rights there")
def test_without_the_extra_the_command_line_works_and_names_it(bare_programs: Path, tmp_path: Path) -> None:
    log = tmp_path / "run.retro"
    example = ROOT / "examples" / "linear_regression.py"
    command(bare_programs / "retrograd", "run", "--log", log, example, cwd=tmp_path)
    command(bare_programs / "retrograd", "show", log, cwd=tmp_path)
    refused = command(bare_programs / "retrograd", "app", cwd=tmp_path, check=False)
    assert refused.returncode != 0
    assert "[gui]" in refused.stderr
    assert "Traceback" not in refused.stderr
