# SPDX-License-Identifier: GPL-2.0-only
"""Where in a file the BPF objects are: the file itself, or images inside a binary.

Libbpf skeletons, bpf2go and Rust's ``include_bytes!`` all put the whole object into the binary as
it is, so it is found by its first bytes, also in a stripped binary.  Left out: compressed images
and light skeletons, which contain no ELF image.

>>> [image.offset for image in images(b"no object in here")]
[]
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\x7fELF"
EM_BPF = 247
ET_REL = 1
LARGEST = 64 << 20
"""Bytes: a larger image is cut off here."""
MOST = 4096
"""Images of one file that are read."""

_HEADER = 64
_SECTION = 64


class Image(NamedTuple):
    """A BPF object inside a file."""

    offset: int
    """The byte of the file at which it begins."""
    data: bytes


def images(data: bytes | mmap.mmap) -> Iterator[Image]:
    """Every image of a BPF object in a file, by offset; an image inside another one is left out."""
    at, count = data.find(MAGIC), 0
    while at >= 0 and count < MOST:
        size = _size(data, at)
        if size:
            count += 1
            yield Image(at, bytes(data[at : at + size]))
        at = data.find(MAGIC, at + max(size, len(MAGIC)))


def _size(data: bytes | mmap.mmap, at: int) -> int:
    """The size of the BPF object that begins here, in bytes; 0 if there is none."""
    header = bytes(data[at : at + _HEADER])
    if len(header) < _HEADER or header[4] != 2 or header[5] not in (1, 2) or header[6] != 1:
        return 0
    order = "<" if header[5] == 1 else ">"
    kind, machine = struct.unpack_from(f"{order}HH", header, 16)
    if (kind, machine) != (ET_REL, EM_BPF):
        return 0
    (table,) = struct.unpack_from(f"{order}Q", header, 40)
    each, count = struct.unpack_from(f"{order}HH", header, 58)
    end: int = max(_HEADER, table + each * count)
    left = min(len(data) - at, LARGEST)
    if each < _SECTION or end > left:
        return 0 if at else left  # the whole file, to say what is wrong with it
    for number in range(count):
        (kind,) = struct.unpack_from(f"{order}I", data, at + table + number * each + 4)
        offset, size = struct.unpack_from(f"{order}QQ", data, at + table + number * each + 24)
        if kind != 8:  # SHT_NOBITS takes no room in the file
            end = max(end, offset + size)
    return min(end, left)
