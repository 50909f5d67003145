"""Set Retrograd up and open it, with nothing but Python's standard library.

    python3 start.py [SCRIPT.py | RUN.retro] [--offscreen --screenshot OUT.png]
        Set up what is missing and open the app (without a file: on examples/linear_regression.py).
    python3 start.py test [--oracle] [--group core|qt|x11] [PYTEST ARGUMENTS]
        Set up and run all tests. --oracle also installs PyTorch to compare with.

Everything goes into .venv beside this file; the system's Python packages are never touched. What needs the system's
package manager is installed by it when run as root; an ordinary user is told the command instead.
"""

import shutil
import sys

if sys.version_info[:2] < (3, 10):  # before anything that an older Python could stumble over, the translations included
    _newer = [name for name in ("python3.13", "python3.12", "python3.11", "python3.10") if shutil.which(name)]
    sys.exit(
        "Retrograd needs Python 3.10 or newer and this is {}.{}; {}".format(
            sys.version_info[0],
            sys.version_info[1],
            "run: {} start.py".format(_newer[0])
            if _newer
            else "install a newer one (Debian, Ubuntu: sudo apt-get install python3), then run: python3 start.py",
        )
    )

import ctypes
import errno
import hashlib
import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
EXAMPLE = Path("examples", "linear_regression.py")
SYSTEM_WHEELS = Path("/usr/share/python-wheels")
GROUPS = ("core", "qt", "x11")
GROUP_LIMIT_S = 30 * 60
"""Seconds after which a group of tests counts as hung; each test has its own, much shorter limit."""

MEGABYTES = {"gui": 900, "dev": 400, "oracle": 1500}
"""Disk that an extra takes while it is installed, generously."""


def _load_tr() -> Callable[..., str]:
    """The package's translate function, read from its file: the package itself is not installed yet."""
    source = Path(__file__).resolve().parent / "engine" / "retrograd_events" / "text.py"
    spec = importlib.util.spec_from_file_location("retrograd_text", source)
    if spec is None or spec.loader is None or not source.is_file():
        sys.exit(f"{source} is missing: this copy of Retrograd is incomplete; get it whole, then run: python3 start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded: Callable[..., str] = module.tr
    return loaded


tr = _load_tr()


class SetupError(Exception):
    """Something that can't be done here; the message says what is missing and the command that mends it."""


def say(text: str) -> None:
    """Tell the person what goes on, at once."""
    print(text, flush=True)


# --- the system's own packages (Linux)


@dataclass(frozen=True)
class Need:
    """A library (by soname) or a program, and the package that brings it by apt-get, dnf and pacman."""

    name: str
    apt: str
    dnf: str
    pacman: str


OFFSCREEN = (
    Need("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Need("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
    Need("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
    Need("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    Need("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    Need("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
)
SCREEN = (
    Need("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
    Need("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    Need("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    Need("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
    Need("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    Need("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
    Need("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    Need("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
    Need("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb"),
    Need("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb"),
    Need("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb"),
    Need("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
)
VIRTUAL_SCREEN = (
    Need("Xvfb", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    Need("openbox", "openbox", "openbox", "openbox"),
)
MANAGERS = {
    "apt": ["apt-get", "install", "-y", "-q", "--no-install-recommends"],
    "dnf": ["dnf", "install", "-y", "-q"],
    "pacman": ["pacman", "-S", "--noconfirm", "--needed"],
}
REFRESH = {"apt": ["apt-get", "update", "-q"], "dnf": ["dnf", "makecache", "-q"], "pacman": ["pacman", "-Sy"]}


def is_there(name: str) -> bool:
    """Whether the library loads, or the program is on the path."""
    if ".so" not in name:
        return shutil.which(name) is not None
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def is_root() -> bool:
    """Whether the package manager may be called."""
    return sys.platform != "win32" and os.geteuid() == 0


def package_manager() -> str | None:
    """Which of the package managers that we know is here."""
    return next((name for name, command in MANAGERS.items() if shutil.which(command[0])), None)


def ensure_system(needs: Sequence[Need]) -> None:
    """Have the system's package manager install what is missing of ``needs``, or say how to."""
    missing = [need for need in needs if not is_there(need.name)]
    manager = package_manager()
    if not missing:
        return
    if manager is None:
        names = ", ".join(need.name for need in missing)
        raise SetupError(tr("Qt needs {names}: install them with this system's package manager", names=names))
    packages = sorted({str(getattr(need, manager)) for need in missing})
    command = [*MANAGERS[manager], *packages]
    if not is_root():
        raise SetupError(
            tr(
                "Qt needs system libraries or programs that are missing here; run: {command}",
                command=shlex.join(["sudo", *command]),
            )
        )
    say(tr("Installing system packages: {packages}", packages=" ".join(packages)))
    if not system_install(manager, command):
        raise SetupError(
            tr(
                "The system's package manager could not install what Qt needs; run it yourself and read its answer: "
                "{command}",
                command=shlex.join(REFRESH[manager]) + " && " + shlex.join(command),
            )
        )


def system_install(manager: str, command: Sequence[str]) -> bool:
    """Run the package manager; refresh its lists and try once more if it fails (a new container has none)."""
    return quietly(command) or (quietly(REFRESH[manager]) and quietly(command))


def quietly(command: Sequence[str], cwd: Path | None = None) -> bool:
    """Run a command without a terminal; True when it went well."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0


# --- the environment in .venv


def venv() -> Path:
    """Where the environment lies."""
    return ROOT / ".venv"


def program(name: str) -> Path:
    """A program of the environment (``python``, ``retrograd``)."""
    return venv() / "Scripts" / f"{name}.exe" if sys.platform == "win32" else venv() / "bin" / name


def base_python() -> str:
    """The interpreter that the environment is built on: this one, or what this one's own environment is built on."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def clean_environment() -> dict[str, str]:
    """The person's environment without what would lead a child Python or pip away from .venv."""
    dropped = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"}
    return {**{key: value for key, value in os.environ.items() if key not in dropped}, "PIP_USER": "0"}


def stamp_now() -> dict[str, str]:
    """What an environment must have been made from to be good now."""
    return {
        "python": f"{sys.version} {sys.base_prefix}",
        "root": str(ROOT),
        "pyproject": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(),
        "extras": "",
    }


def read_stamp() -> dict[str, str]:
    """What the environment was made from; empty when it is not ours, or unreadable."""
    try:
        stamp = json.loads((venv() / "retrograd.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in stamp.items()} if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Record what the environment was made from."""
    (venv() / "retrograd.json").write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def ensure_environment(extras: set[str], *, rebuild: bool = False) -> None:
    """Make, mend or bring up to date the environment, so that it holds the package with ``extras``."""
    have, want = read_stamp(), stamp_now()
    had = set(have.get("extras", "").split(",")) - {""}
    usable = not rebuild and have.get("python") == want["python"] and have.get("root") == want["root"] and python_runs()
    if usable and have.get("pyproject") == want["pyproject"] and extras <= had:
        return
    wanted = extras | had
    ensure_space(wanted)
    try:
        if not usable:
            create_environment(ours=bool(have))
        write_stamp({**want, "pyproject": "", "extras": ",".join(sorted(had))})  # ours, but not finished
        install(wanted)
        write_stamp({**want, "extras": ",".join(sorted(wanted))})
    except OSError as error:
        raise disk_error(error) from error


def disk_error(error: OSError) -> SetupError:
    """Say what kept us from writing the environment."""
    if error.errno == errno.ENOSPC:
        return space_error(sum(MEGABYTES.values()))
    return SetupError(
        tr(
            "{path} can't be written ({reason}); copy the folder to a place of your own and go on there: {command}",
            path=venv(),
            reason=error.strerror or error,
            command=f'cp -r "{ROOT}" ~/retrograd && python3 ~/retrograd/start.py',
        )
    )


def space_error(megabytes: int) -> SetupError:
    """Say how much room is missing."""
    return SetupError(
        tr(
            "The disk that holds {path} lacks room for about {size} MB; free some, then run: {command}",
            path=ROOT,
            size=megabytes,
            command=f'python3 "{ROOT / "start.py"}"',
        )
    )


def ensure_space(extras: set[str]) -> None:
    """Refuse to begin what would fill the disk."""
    needed = sum(MEGABYTES[extra] for extra in extras)
    if shutil.disk_usage(ROOT).free < needed * 1_000_000:
        raise space_error(needed)


def python_runs() -> bool:
    """Whether the environment's interpreter still starts."""
    try:
        return subprocess.run([program("python"), "-c", ""], env=clean_environment(), check=False).returncode == 0
    except OSError:
        return False


def create_environment(*, ours: bool) -> None:
    """A new, empty .venv with pip in it. One that somebody else made is moved aside, not deleted."""
    if venv().exists() or venv().is_symlink():
        if ours or not (venv() / "pyvenv.cfg").exists():
            remove(venv())
        else:
            number = next(n for n in range(1, 1000) if not (ROOT / f".venv-{n}").exists())
            venv().rename(ROOT / f".venv-{number}")
            say(tr("The .venv found here was not made by start.py; it is now .venv-{number}", number=number))
    say(tr("Making an environment in {path}", path=venv()))
    complaint = make_venv()
    if "No module named venv" in complaint and is_root() and package_manager() == "apt":
        system_install("apt", [*MANAGERS["apt"], venv_package()])
        complaint = make_venv()
    if "ensurepip" in complaint:
        complaint = make_venv("--without-pip")
        if not complaint:
            seed_pip()
    if "No module named venv" in complaint:
        raise no_pip()
    if "Permission denied" in complaint or "Read-only" in complaint:
        raise disk_error(PermissionError(errno.EACCES, tr("permission denied")))
    if complaint:
        raise SetupError(tr("Python could not make an environment: {reason}", reason=complaint.splitlines()[-1]))


def make_venv(*options: str) -> str:
    """Run Python's venv module; the empty string, or what it said when it failed."""
    command = [base_python(), "-m", "venv", "--clear", *options, str(venv())]
    made = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    return "" if made.returncode == 0 else (made.stdout + made.stderr).strip() or f"exit code {made.returncode}"


def remove(path: Path) -> None:
    """Delete a file, a link or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def venv_package() -> str:
    """Debian's package of the modules that an environment is made with."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def no_pip() -> SetupError:
    """What to type where Python came without its venv or ensurepip module."""
    return SetupError(
        tr(
            "This Python came without the modules that make an environment; run: {command}",
            command=f"sudo apt-get install {venv_package()}",
        )
    )


def seed_pip() -> None:
    """Put pip into an environment made without ensurepip (Debian splits it off), from the system's own pip wheel.

    The wheel is a plain file: it is read where python3-pip-whl installed it, or unpacked from that package, which
    apt-get hands out without root. The system's pip is not run.
    """
    say(tr("This Python has no ensurepip; taking pip from the system's wheel"))
    with tempfile.TemporaryDirectory() as folder:
        wheels = sorted(SYSTEM_WHEELS.glob("pip-*.whl")) or sorted(download_pip_wheel(Path(folder)))
        if not wheels:
            raise no_pip()
        python = str(program("python"))
        command = [python, str(wheels[-1] / "pip"), "install", "--no-index", "-q", "--disable-pip-version-check"]
        done = subprocess.run([*command, str(wheels[-1])], env=clean_environment(), capture_output=True, check=False)
        if done.returncode != 0:
            raise no_pip()


def download_pip_wheel(folder: Path) -> list[Path]:
    """Fetch and unpack Debian's package of pip's wheel; empty when that can't be done."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return []
    fetch = ["apt-get", "download", "-q", "python3-pip-whl"]
    if not quietly(fetch, folder) and not (is_root() and quietly(REFRESH["apt"]) and quietly(fetch, folder)):
        return []
    for package in folder.glob("*.deb"):
        quietly(["dpkg-deb", "-x", str(package), str(folder / "root")])
    return list(folder.glob("root/usr/share/python-wheels/pip-*.whl"))


def install(extras: set[str]) -> None:
    """Install the package, editable, with ``extras`` into the environment."""
    names = ",".join(sorted(extras))
    say(tr("Installing Retrograd with {extras}; the first time takes minutes", extras=names))
    command = [str(program("python")), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    log = venv() / "setup.log"
    lines: list[str] = []
    pip = subprocess.Popen(
        [*command, "--progress-bar", "off", "--retries", "3", "-e", f"{ROOT}[{names}]"],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with pip, log.open("w", encoding="utf-8") as file:
        for line in pip.stdout or ():
            file.write(line)
            lines.append(line)
            fetched = re.match(r"\s+(?:Downloading|Using cached) .*?([^/\s]+)\.whl", line)
            if fetched:
                say("  " + "-".join(fetched[1].split("-")[:2]))
    if pip.returncode != 0:
        raise pip_error("".join(lines), log)


UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|Max retries exceeded|ProxyError|ReadTimeout"
    r"|ConnectTimeout|ConnectionResetError|Network is unreachable|SSLError|Connection broken"
)


def pip_error(output: str, log: Path) -> SetupError:
    """Say in one sentence why pip could not install."""
    again = f'python3 "{ROOT / "start.py"}"'
    if "No space left on device" in output:
        return space_error(sum(MEGABYTES.values()))
    if UNREACHABLE.search(output):
        return SetupError(
            tr(
                "No Python package index can be reached; connect this machine to the network, then run: {again}",
                again=again,
            )
        )
    absent = re.search(r"No matching distribution found for (\S+)", output)
    if absent:
        return SetupError(
            tr(
                "{package} has no build for Python {version} on this system; install Python 3.13 and run: {command}",
                package=absent[1],
                version=f"{sys.version_info.major}.{sys.version_info.minor}",
                command="python3.13 start.py",
            )
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR")] or [tr("pip ended with an error")]
    return SetupError(
        tr("{reason} (all of it: {log}); when that is mended run: {again}", reason=errors[0], log=log, again=again)
    )


# --- Qt

PROBE = """
import msgspec, numpy, platformdirs
from PySide6.QtWidgets import QApplication
QApplication([])
"""


def probe_qt(*, offscreen: bool) -> str:
    """Start Qt in a child (a dead screen aborts the process); the empty string, or what it said when it died."""
    environment = clean_environment()
    if offscreen:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    try:
        done = subprocess.run(
            [str(program("python")), "-c", PROBE],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "no answer in two minutes"
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def ensure_qt(extras: set[str], *, offscreen: bool) -> None:
    """See that Qt starts; rebuild the environment once when its packages are broken."""
    said = probe_qt(offscreen=offscreen)
    if re.search(r"ModuleNotFoundError|ImportError|SyntaxError", said) and "shared object file" not in said:
        say(tr("The environment is broken ({reason}); making it anew", reason=said.splitlines()[-1]))
        ensure_environment(extras, rebuild=True)
        said = probe_qt(offscreen=offscreen)
    if not said:
        return
    if re.search(r"connect to display|could not open display|Failed to create wl_display", said):
        raise no_screen(tr("The screen {name} can't be reached", name=os.environ.get("DISPLAY", "")))
    raise SetupError(
        tr(
            "Qt does not start here ({reason}); without it there is the command line: {command}",
            reason=said.splitlines()[-1],
            command=f"{program('retrograd')} run {EXAMPLE}",
        )
    )


def no_screen(reason: str) -> SetupError:
    """Name the two ways on where there is no display."""
    return SetupError(
        tr(
            "{reason}. Two ways on: {picture} paints the window into a file; {run} and {show} need no screen",
            reason=reason,
            picture="`python3 start.py --offscreen --screenshot out.png`",
            run=f"`{program('retrograd')} run {EXAMPLE}`",
            show=f"`{program('retrograd')} show RUN.retro`",
        )
    )


def open_app(arguments: list[str]) -> int:
    """Set up and open the app; with no file among the arguments, on the example."""
    offscreen = "--offscreen" in arguments
    if sys.platform.startswith("linux"):
        ensure_system(OFFSCREEN if offscreen else OFFSCREEN + SCREEN)
    ensure_environment({"gui"})
    say(
        tr(
            "Ready. The entry points are in {folder}: retrograd, and python -m retrograd_gui",
            folder=program("python").parent,
        )
    )
    screens = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not offscreen and not screens:
        raise no_screen(tr("There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set)"))
    ensure_qt({"gui"}, offscreen=offscreen)
    chosen = any(a.endswith((".py", ".retro")) for a in arguments) or not (arguments or ["-"])[0].startswith("-")
    command = [str(program("python")), "-m", "retrograd_gui", *arguments, *([] if chosen else [str(ROOT / EXAMPLE)])]
    if sys.platform == "win32":
        return subprocess.call(command)
    os.execv(command[0], command)  # with the person's whole environment: it is the script's too


# --- tests


def run_tests(arguments: list[str]) -> int:
    """Set up and run the groups of tests, each in a process of its own; the sum decides."""
    extras = {"gui", "dev"} | ({"oracle"} if "--oracle" in arguments else set())
    arguments = [a for a in arguments if a != "--oracle"]
    groups: tuple[str, ...] = GROUPS if sys.platform.startswith("linux") else GROUPS[:2]
    if "--group" in arguments:
        at = arguments.index("--group")
        groups = tuple(arguments[at + 1 : at + 2])
        if not set(groups) <= set(GROUPS) or not groups:
            raise SetupError(
                tr("There are three groups of tests; run: {command}", command="start.py test --group core")
            )
        del arguments[at : at + 2]
    if sys.platform.startswith("linux"):
        ensure_system(OFFSCREEN + (SCREEN + VIRTUAL_SCREEN if "x11" in groups else ()))
    ensure_environment(extras)
    ensure_qt(extras, offscreen=True)
    return sum_up([run_group(group, arguments) for group in groups], narrowed=bool(arguments))


@dataclass(frozen=True)
class Counts:
    """How a group of tests went. ``oracle``: comparisons with PyTorch among the skipped; ``code``: pytest's."""

    code: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    oracle: int = 0


def run_group(group: str, arguments: list[str]) -> Counts:
    """Run one group; a crash or a hang counts as one failure more."""
    say(tr("\nTests: {group}", group=group))
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder, "counts.json")
        command = [str(program("python")), "-m", "pytest", "--group", group, "--counts", str(counts), *arguments]
        code = wait_for(subprocess.Popen(command, cwd=ROOT, env=clean_environment(), start_new_session=True))
        try:
            result = Counts(code, **json.loads(counts.read_text(encoding="utf-8")))
        except OSError:
            return Counts(code, failed=1)
    return (
        result if code in (0, 1, 5) else Counts(code, result.passed, result.failed + 1, result.skipped, result.oracle)
    )


def wait_for(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a group; end it with all it started when it hangs or the person gives up."""
    try:
        return process.wait(GROUP_LIMIT_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as reason:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(reason, KeyboardInterrupt):
            raise
        say(tr("No end after {minutes} minutes: this group was killed", minutes=GROUP_LIMIT_S // 60))
        return -1


def sum_up(results: list[Counts], *, narrowed: bool) -> int:
    """Print the sums; 0 when all went well, 5 when nothing ran, else 1.

    A group in which nothing was found is a failure, unless arguments narrowed the choice and another group ran.
    """
    passed, failed = sum(r.passed for r in results), sum(r.failed for r in results)
    skipped, oracle = sum(r.skipped for r in results), sum(r.oracle for r in results)
    if oracle:
        say(tr("{count} comparisons with PyTorch were skipped; run: python3 start.py test --oracle", count=oracle))
    empty = [r for r in results if r.code == 5]
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    if any(r.code not in (0, 5) for r in results):
        return 1
    return 5 if empty and (not narrowed or len(empty) == len(results)) else 0


def main(arguments: list[str]) -> int:
    """What was asked for; the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    try:
        return run_tests(arguments[1:]) if arguments[:1] == ["test"] else open_app(arguments)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
