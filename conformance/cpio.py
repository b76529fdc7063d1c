# SPDX-License-Identifier: GPL-2.0-only
"""The cpio "newc" format, which the kernel unpacks as its first file system.

Kernel: ``init/initramfs.c: do_header, do_name``; format:
``Documentation/driver-api/early-userspace/buffer-format.rst``.  Left out: hard
links, checksums ("070702"), files of 4 GiB and more.  Everything belongs to root
and has modification time 0, so equal contents make equal archives.
"""

import posixpath
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAGIC = b"070701"
HEADER = len(MAGIC) + 13 * 8
TRAILER = "TRAILER!!!"
BLOCK = 512
"""Archives are padded to this many bytes, so that one may follow another."""


@dataclass(frozen=True)
class Entry:
    """One file of an archive: ``path`` without leading slash, ``mode`` with the type bits.

    ``data`` is the contents, or the target of a symbolic link; ``device`` is the major and
    minor number of a device node.
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str) -> Entry:
    """Return a directory, mode 755."""
    return Entry(path, stat.S_IFDIR | 0o755)


def regular(path: str, data: bytes, *, executable: bool = False) -> Entry:
    """Return a regular file, mode 644 or, if executable, 755."""
    return Entry(path, stat.S_IFREG | (0o755 if executable else 0o644), data)


def symlink(path: str, target: str) -> Entry:
    """Return a symbolic link to target."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int) -> Entry:
    """Return a character device node, mode 666; writing one into an archive needs no root."""
    return Entry(path, stat.S_IFCHR | 0o666, device=(major, minor))


def with_parents(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries, each after the directories above it that have not been there yet.

    The kernel makes no directories by itself.  An entry that comes twice is an error:
    ValueError.
    """
    seen: dict[str, Entry] = {}
    for entry in entries:
        above = posixpath.dirname(entry.path)
        parents: list[str] = []
        while above and above not in seen:
            parents.append(above)
            above = posixpath.dirname(above)
        for parent in reversed(parents):
            seen[parent] = directory(parent)
            yield seen[parent]
        if entry.path in seen:
            if stat.S_ISDIR(entry.mode) and seen[entry.path] == entry:
                continue
            raise ValueError(f"{entry.path} comes twice")
        seen[entry.path] = entry
        yield entry


def _record(inode: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    numbers = (
        inode, entry.mode, 0, 0, links, 0, len(entry.data),
        0, 0, *entry.device, len(name), 0,
    )  # fmt: skip
    header = MAGIC + b"".join(b"%08X" % number for number in numbers)
    return _padded(header + name, 4) + _padded(entry.data, 4)


def _padded(data: bytes, unit: int) -> bytes:
    return data + bytes(-len(data) % unit)


def pack(entries: Iterable[Entry]) -> bytes:
    """Return the archive of the entries, in their order, padded to BLOCK bytes."""
    records = [_record(number, entry) for number, entry in enumerate(entries, 1)]
    records.append(_record(0, Entry(TRAILER, 0)))
    return _padded(b"".join(records), BLOCK)


def unpack(archive: bytes) -> list[Entry]:
    """Return the entries of one archive, or of several that follow each other.

    Raise ValueError, saying at which byte, if it is not newc or ends too early.
    """
    entries: list[Entry] = []
    at = 0
    ended = True
    while at < len(archive):
        if archive[at] == 0 and ended:
            at += 1
            continue
        header = archive[at : at + HEADER]
        if len(header) < HEADER or not header.startswith(MAGIC):
            raise ValueError(f"byte {at}: no newc header")
        numbers = [int(header[i : i + 8], 16) for i in range(len(MAGIC), HEADER, 8)]
        mode, size, major, minor, name_size = (numbers[i] for i in (1, 6, 9, 10, 11))
        name_at = at + HEADER
        data_at = name_at + name_size + -(HEADER + name_size) % 4
        if data_at + size > len(archive):
            raise ValueError(f"byte {at}: the archive ends inside this entry")
        path = archive[name_at : name_at + name_size - 1].decode()
        ended = path == TRAILER
        if not ended:
            entries.append(Entry(path, mode, archive[data_at : data_at + size], (major, minor)))
        at = data_at + size + -size % 4
    if not ended:
        raise ValueError(f"byte {at}: the archive has no trailer")
    return entries
