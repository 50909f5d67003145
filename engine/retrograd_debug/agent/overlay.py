"""A private layer over the file system: what a replay writes, renames or deletes goes there, and it reads it back.

Python's own functions are made to look there first. What gets past them (an extension that opens files by itself) the
guard refuses as far as Python tells of it.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from retrograd_events import tr

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
ONE_READ = ("stat", "lstat", "access", "readlink", "statvfs")
ONE_CHANGE = ("chmod", "utime", "truncate", "chown", "lchown")


class Overlay:
    """``folder`` holds the files that are new or changed, under their whole paths, for as long as it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self._gone: set[str] = set()
        self._cwd = os.getcwd()
        self._real: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    # --- where a path leads

    def path(self, path: object) -> str:
        """Whole and plain: the path that a script means."""
        text = os.fsdecode(os.fspath(path))  # type: ignore[call-overload]
        return os.path.normpath(os.path.join(self._cwd, text))

    def mirror(self, path: str) -> str:
        """Where ``path`` lies in the layer, if it does."""
        drive, rest = os.path.splitdrive(path)
        return os.path.join(self.folder, drive.rstrip(":\\/"), rest.lstrip("\\/"))

    def inside(self, path: str) -> bool:
        """Whether ``path`` lies in the layer already, or is no file at all."""
        return path == self.folder or path.startswith(self.folder + os.sep) or path in DEVICES

    def seen(self, path: object) -> Any:
        """What to read where the script reads ``path``."""
        if isinstance(path, int):
            return path
        whole = self.path(path)
        if self.inside(whole):
            return whole
        mirror = self.mirror(whole)
        return mirror if self._there(mirror) or self._is_gone(whole) else whole

    def _there(self, path: str) -> bool:
        try:
            self._real["lstat"](path)
        except (OSError, ValueError):
            return False
        return True

    def _is_gone(self, path: str) -> bool:
        while path not in self._gone:
            above = os.path.dirname(path)
            if above == path:
                return False
            path = above
        return True

    def _lies_below(self, path: str) -> bool:
        """Whether ``path`` is there for the script, by the real file or the layer's."""
        return self._there(self.seen(path))

    def changed(self, path: object, copy: bool) -> Any:
        """What to write to where the script writes to ``path``: in the layer, as a copy of what is there if asked."""
        if isinstance(path, int):
            return path
        whole = self.path(path)
        if self.inside(whole):
            return whole
        mirror, above = self.mirror(whole), os.path.dirname(whole)
        if self._there(mirror):
            return mirror
        if self._lies_below(above) and stat.S_ISDIR(self._real["stat"](self.seen(above)).st_mode):
            self._make_folders(os.path.dirname(mirror))
        if not self._is_gone(whole) and self._there(whole):
            mode = self._real["stat"](whole).st_mode
            if stat.S_ISDIR(mode):
                self._make_folders(mirror)
            elif not stat.S_ISREG(mode):
                raise PermissionError(errno.EACCES, tr("a replay leaves devices and pipes alone"), whole)
            elif copy:
                with self._real["open"](whole, "rb") as source, self._real["open"](mirror, "wb") as target:
                    shutil.copyfileobj(source, target)
                self._real["chmod"](mirror, stat.S_IMODE(mode) | stat.S_IWUSR)
        return mirror

    def _make_folders(self, folder: str) -> None:
        missing = []
        while not self._there(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for each in reversed(missing):
            self._real["mkdir"](each)

    # --- what stands in for Python's functions

    def install(self) -> None:
        """From here on. Folders are removed by path: what works on descriptors would get past the layer."""
        names = (*ONE_READ, *ONE_CHANGE, "mkdir", "rmdir", "remove", "unlink", "rename", "replace", "listdir",
                 "scandir", "link", "symlink", "chdir", "getcwd", "getcwdb")  # fmt: skip
        self._real = {name: getattr(os, name) for name in names if hasattr(os, name)}
        self._real.update(os_open=os.open, open=io.open)
        setattr(builtins, "open", self._open)  # noqa: B010  # put in place, not assigned
        setattr(io, "open", self._open)  # noqa: B010
        setattr(os, "open", self._os_open)  # noqa: B010
        for name in ONE_READ:
            self._put(name, self._reading(name))
        for name in ONE_CHANGE:
            self._put(name, self._changing(name))
        for name in ("remove", "unlink", "rmdir"):
            self._put(name, self._removing(name))
        for name in ("rename", "replace"):
            self._put(name, self._renaming(name))
        for name in ("mkdir", "listdir", "scandir", "symlink", "link", "chdir", "getcwd", "getcwdb"):
            self._put(name, getattr(self, f"_{name}"))
        setattr(shutil, "_use_fd_functions", False)  # noqa: B010

    def _put(self, name: str, function: Callable[..., Any]) -> None:
        if name in self._real:
            setattr(os, name, function)

    def _open(self, file: Any, mode: str = "r", *args: Any, **keywords: Any) -> Any:
        writes = any(letter in mode for letter in "wax+")
        if isinstance(file, int):
            return self._real["open"](file, mode, *args, **keywords)
        if "x" in mode and self._lies_below(self.path(file)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), file)
        target = self.changed(file, copy="w" not in mode) if writes else self.seen(file)
        return self._named(lambda: self._real["open"](target, mode, *args, **keywords), file)

    def _os_open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        self._whole(dir_fd)
        if flags & os.O_CREAT and flags & os.O_EXCL and self._lies_below(self.path(path)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        target = self.changed(path, copy=not flags & os.O_TRUNC) if flags & WRITES else self.seen(path)
        found: int = self._named(lambda: self._real["os_open"](target, flags, mode), path)
        return found

    def _whole(self, dir_fd: object) -> None:
        if dir_fd is not None:
            raise NotImplementedError(tr("A replay knows files by their paths, not by the descriptor of a folder."))

    def _named(self, run: Callable[[], Any], path: Any) -> Any:
        """What ``run`` gives; an error names the file as the script does."""
        try:
            return run()
        except OSError as error:
            error.filename = path
            raise

    def _reading(self, name: str) -> Callable[..., Any]:
        def read(path: Any, *args: Any, dir_fd: int | None = None, **keywords: Any) -> Any:
            self._whole(dir_fd)
            return self._named(lambda: self._real[name](self.seen(path), *args, **keywords), path)

        return read

    def _changing(self, name: str) -> Callable[..., Any]:
        def change(path: Any, *args: Any, dir_fd: int | None = None, **keywords: Any) -> Any:
            self._whole(dir_fd)
            self._must_be_there(path)
            return self._named(lambda: self._real[name](self.changed(path, copy=True), *args, **keywords), path)

        return change

    def _must_be_there(self, path: Any) -> None:
        if not isinstance(path, int) and not self._lies_below(self.path(path)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def _removing(self, name: str) -> Callable[..., Any]:
        def remove(path: Any, *, dir_fd: int | None = None) -> None:
            self._whole(dir_fd)
            self._must_be_there(path)
            whole = self.path(path)
            is_folder = stat.S_ISDIR(self._real["lstat"](self.seen(path)).st_mode)
            if is_folder != (name == "rmdir"):
                number = errno.EISDIR if is_folder else errno.ENOTDIR
                raise OSError(number, os.strerror(number), path)
            if is_folder and self._listdir(path):
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
            mirror = whole if self.inside(whole) else self.mirror(whole)
            if self._there(mirror):
                self._named(lambda: self._real["rmdir" if is_folder else "remove"](mirror), path)
            self._gone.add(whole)

        return remove

    def _renaming(self, name: str) -> Callable[..., Any]:
        def rename(source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
            self._whole(src_dir_fd)
            self._whole(dst_dir_fd)
            self._must_be_there(source)
            old, new = self.path(source), self.path(target)
            moved = self.changed(source, copy=True)
            if os.path.isdir(moved):
                self._copy_below(old)
            if self._lies_below(new) and not os.path.isdir(moved):
                self._gone.add(new)
            placed = self.changed(target, copy=False)
            self._named(lambda: self._real[name](moved, placed), source)
            self._gone.add(old)

        return rename

    def _copy_below(self, folder: str) -> None:
        """Everything in a folder becomes the layer's."""
        for each in self._listdir(folder):
            inner = os.path.join(folder, each)
            if os.path.isdir(self.changed(inner, copy=True)):
                self._copy_below(inner)

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        self._whole(dir_fd)
        if self._lies_below(self.path(path)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        target = self.changed(path, copy=False)
        self._named(lambda: self._real["mkdir"](target, mode), path)

    def _symlink(self, source: Any, target: Any, *args: Any, **keywords: Any) -> None:
        if self._lies_below(self.path(target)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        placed = self.changed(target, copy=False)
        self._named(lambda: self._real["symlink"](source, placed, *args, **keywords), target)

    def _link(self, source: Any, target: Any, **_: Any) -> None:
        """A copy: two names of one file would need the real one."""
        if self._lies_below(self.path(target)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        with self._open(source, "rb") as read, self._open(target, "wb") as written:
            shutil.copyfileobj(read, written)

    def _listdir(self, path: Any = ".") -> list[Any]:
        if isinstance(path, int):
            found: list[Any] = self._real["listdir"](path)
            return found
        names = [entry.name for entry in self._entries("." if path is None else path)]
        return [os.fsencode(each) for each in names] if isinstance(path, bytes) else names

    def _scandir(self, path: Any = ".") -> Any:
        return self._real["scandir"](path) if isinstance(path, int) else _Scan(self._entries(path))

    def _entries(self, path: Any) -> list[Entry]:
        """What the script finds in a folder: the real one's that is left, and the layer's."""
        shown = os.fsdecode(os.fspath(path))
        whole = self.path(path)
        mirror = whole if self.inside(whole) else self.mirror(whole)
        places = [each for each in dict.fromkeys((whole, mirror)) if each != whole or not self._is_gone(whole)]
        found: dict[str, str] = {}
        error: OSError | None = None
        listed = False
        for place in places:
            try:
                names = self._real["listdir"](place)
            except OSError as raised:
                error = error or raised
                continue
            listed = True
            for name in names:
                if place != whole or os.path.join(whole, name) not in self._gone:
                    found[name] = os.path.join(place, name)
        if not listed:
            number = error.errno if error is not None and error.errno else errno.ENOENT
            raise OSError(number, os.strerror(number), path)
        return [Entry(name, os.path.join(shown, name), real, self) for name, real in found.items()]

    def lstat(self, real: str) -> os.stat_result:
        """The system's own answer."""
        found: os.stat_result = self._real["lstat"](real)
        return found

    def _chdir(self, path: Any) -> None:
        target = self.seen(path)
        if not isinstance(path, int) and self.inside(str(target)):
            if not os.path.isdir(target):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            self._cwd = self.path(path)
            return
        self._named(lambda: self._real["chdir"](target), path)
        self._cwd = self._real["getcwd"]()

    def _getcwd(self) -> str:
        return self._cwd

    def _getcwdb(self) -> bytes:
        return os.fsencode(self._cwd)


class Entry:
    """As ``os.DirEntry``."""

    def __init__(self, name: str, path: str, real: str, overlay: Overlay) -> None:
        self.name = name
        self.path = path
        self._real = real
        self._overlay = overlay

    def __fspath__(self) -> str:
        return self.path

    def _mode(self, follow: bool) -> int:
        try:
            return self.stat(follow_symlinks=follow).st_mode
        except FileNotFoundError:
            return 0

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self._mode(follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a plain file."""
        return stat.S_ISREG(self._mode(follow_symlinks))

    def is_symlink(self) -> bool:
        """Whether it is a link."""
        return stat.S_ISLNK(self._mode(False))

    def is_junction(self) -> bool:
        """Nothing in the layer is one."""
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """As ``os.stat``."""
        return os.stat(self._real) if follow_symlinks else self._overlay.lstat(self._real)

    def inode(self) -> int:
        """As ``os.DirEntry.inode``."""
        return self._overlay.lstat(self._real).st_ino


class _Scan:
    """As what ``os.scandir`` gives."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Entry]:
        return self._entries

    def __next__(self) -> Entry:
        return next(self._entries)

    def __enter__(self) -> _Scan:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open."""
