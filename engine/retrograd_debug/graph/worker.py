"""The layout process: requests in on stdin, layouts out on stdout, each a length and a MessagePack body.

Apart from the app because graphlay holds the interpreter's lock while it works. It ends when its stdin closes.
"""

from __future__ import annotations

import struct
import sys
from typing import BinaryIO

import msgspec

from retrograd_debug.graph.geometry import Layout, Request
from retrograd_debug.graph.layered import choose
from retrograd_debug.graph.layout import lay_out

HEADER = struct.Struct("<II")
"""Before each body: its length in bytes and the request's number."""


def frame(number: int, body: bytes) -> bytes:
    """A message ready to send."""
    return HEADER.pack(len(body), number) + body


def _read(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size:
        part = stream.read(size)
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def answer(body: bytes) -> bytes:
    """Lay out one encoded request; the encoded layout."""
    request = msgspec.msgpack.decode(body, type=Request)
    layout: Layout = lay_out(request, choose)
    return msgspec.msgpack.encode(layout)


def main() -> None:
    """Serve until stdin closes."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while header := _read(source, HEADER.size):
        length, number = HEADER.unpack(header)
        body = _read(source, length)
        if not body:
            return
        sink.write(frame(number, answer(body)))
        sink.flush()


if __name__ == "__main__":
    main()
