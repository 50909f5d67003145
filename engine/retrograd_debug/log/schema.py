"""The shape of a log file: its tables, its marks, and how blobs in it are packed."""

from __future__ import annotations

import zlib

APPLICATION_ID = int.from_bytes(b"RTRD", "big")
SUFFIX = ".retro"
OLDEST_VERSION = 2

CHUNK_EVENTS = 4096
CHUNKS_PER_KEYFRAME = 16
EVENTS_PER_KEYFRAME = 256
KEYFRAME_SHARE = 2
"""An iteration starts with a keyframe unless less than 256 events, or less than twice the last keyframe's own bytes of
events, came since that one. With one at every start, 10,000 iterations of the linear regression take 44 MB instead of
20; 256 events are replayed in 1 ms."""

PAGE_SIZE = 8192
MAX_BLOB = 1 << 30
"""Nothing that unpacks to more than this is believed."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunk (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, iteration INTEGER NOT NULL, events INTEGER NOT NULL,
    packing INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE keyframe (seq INTEGER PRIMARY KEY, packing INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE iteration (
    idx INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, started INTEGER NOT NULL,
    ops INTEGER NOT NULL, loss REAL);
CREATE TABLE scalar (
    seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, thread INTEGER NOT NULL, name TEXT NOT NULL, site INTEGER NOT NULL,
    value REAL, tensor INTEGER NOT NULL);
CREATE TABLE site (
    id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, time INTEGER NOT NULL, thread INTEGER NOT NULL, file TEXT NOT NULL,
    line INTEGER NOT NULL, function TEXT NOT NULL, text TEXT NOT NULL, depth INTEGER NOT NULL,
    direct INTEGER NOT NULL);
CREATE TABLE source (file TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE scope (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, type TEXT NOT NULL, detail TEXT NOT NULL,
    instance INTEGER NOT NULL, site INTEGER NOT NULL);
CREATE TABLE act (
    id INTEGER PRIMARY KEY, after INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
    result TEXT NOT NULL);
CREATE TABLE environment (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE content (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, count INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE value (
    seq INTEGER PRIMARY KEY, tensor INTEGER NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL,
    shape TEXT NOT NULL, dtype TEXT NOT NULL, stride INTEGER NOT NULL, reason TEXT NOT NULL, hash BLOB);
CREATE INDEX value_of ON value (tensor, version);
"""
"""A NULL in scalar.value is a NaN, which SQLite can't hold. A NULL hash: nothing was kept of that value."""

RAW, ZLIB = 0, 1
_WORTH_PACKING = 4096
"""Below this the compressor's own set-up costs more than the bytes."""


def pack(data: bytes) -> tuple[int, bytes]:
    """Compress what is worth it: (packing, bytes)."""
    if len(data) < _WORTH_PACKING:
        return RAW, data
    packed = zlib.compress(data, 1)
    return (ZLIB, packed) if len(packed) < len(data) else (RAW, data)


def unpack(packing: int, data: bytes) -> bytes:
    """Undo ``pack``; ``ValueError`` for what ``pack`` can't have made."""
    if packing == RAW:
        return data
    if packing != ZLIB:
        raise ValueError(f"packing {packing}")
    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(data, MAX_BLOB)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not stream.eof:
        raise ValueError("incomplete")
    return whole


def join_events(count: int, raw: list[bytes]) -> bytes:
    """``count`` encoded events, in pieces of one or more, as one MessagePack array, without decoding them."""
    return b"".join((b"\xdd", count.to_bytes(4, "big"), *raw))


def array_header(data: bytes) -> int:
    """How many bytes of the MessagePack array ``data`` come before its first element."""
    return {0xDC: 3, 0xDD: 5}.get(data[0], 1)
