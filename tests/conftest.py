"""What every test gets: its group, a home of its own, and a fault when it leaves something running.

Groups run as processes of their own (``python3 start.py test``), because Qt's offscreen platform and an X server can't
live in one process: ``core`` is everything outside ``tests/gui`` and the view models, ``qt`` the widgets, ``x11`` the
whole app under a virtual screen. A test's folder decides its group; nobody marks it by hand.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import leaks

TESTS = Path(__file__).parent
X11 = TESTS / "gui" / "x11"
QT_FREE = {TESTS / "gui" / "view_models"}
GROUPS = ("core", "qt", "x11")

HAS_TORCH = importlib.util.find_spec("torch") is not None
HAS_CUPY = importlib.util.find_spec("cupy") is not None
ORACLE_REASON = "compares with PyTorch, which is not installed: python3 start.py test --oracle"

# Widgets are tested without a screen, whatever the person's own session offers.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.pop("RETROGRAD_HOME", None)


def group_of(path: Path) -> str:
    """The group that a test file belongs to, by where it lies."""
    if X11 in path.parents:
        return "x11"
    if TESTS / "gui" in path.parents and not QT_FREE.intersection(path.parents):
        return "qt"
    return "core"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that ``start.py test`` passes to each group's process."""
    parser.addoption("--group", choices=GROUPS, help="run this group's tests only")
    parser.addoption("--counts", metavar="FILE", help="write the numbers of passed, failed and skipped tests as JSON")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave other groups' files unread: reading them would load Qt where it must not be."""
    group = config.getoption("--group")
    if group is None or collection_path.suffix != ".py" or collection_path.name == "conftest.py":
        return None
    return True if group_of(collection_path) != group else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by their folder, and skip with a reason what this machine lacks."""
    for item in items:
        group = group_of(item.path)
        if group != "core":
            item.add_marker(group)
        elif item.get_closest_marker("qt") or item.get_closest_marker("x11"):
            raise pytest.UsageError(f"{item.nodeid} needs Qt: it belongs under tests/gui")
        if item.get_closest_marker("oracle") and not HAS_TORCH:
            item.add_marker(pytest.mark.skip(reason=ORACLE_REASON))
        if item.get_closest_marker("gpu") and not HAS_CUPY:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device and CuPy"))
        if group == "x11" and not sys.platform.startswith("linux"):
            item.add_marker(pytest.mark.skip(reason="needs an X server, which this system does not use"))


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, recent files and logs of the app under test lie here, never in the person's own folders."""
    home = leaks.next_home(tmp_path_factory)
    monkeypatch.setenv("RETROGRAD_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def nothing_left_running(request: pytest.FixtureRequest, own_home: Path) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process or (with Qt) a running timer behind."""
    before = leaks.running()
    yield
    timers = group_of(request.path) == "qt"
    left = leaks.left_since(before, timers=timers)
    if left:
        pytest.fail("left running: " + "; ".join(left), pytrace=False)


@pytest.fixture(autouse=True, scope="module")
def no_orphans(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a file whose tests leave a process behind that has lost its parent (a debuggee, a recorder)."""
    yield
    left = leaks.orphans()
    if left:
        pytest.fail("left running: " + "; ".join(left), pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many comparisons with PyTorch were left out, and write the counts where they were asked for."""
    stats = terminalreporter.stats
    skipped = stats.get("skipped", [])
    oracle = sum(ORACLE_REASON in str(report.longrepr) for report in skipped)
    if oracle:
        terminalreporter.write_line(f"{oracle} comparisons with PyTorch skipped: python3 start.py test --oracle")
    target = config.getoption("--counts")
    if target:
        failed = len(stats.get("failed", [])) + len(stats.get("error", []))
        counts = {
            "passed": len(stats.get("passed", [])),
            "failed": failed,
            "skipped": len(skipped),
            "oracle": oracle,
        }
        Path(target).write_text(json.dumps(counts), encoding="utf-8")
