# SPDX-License-Identifier: GPL-2.0-only
"""Some directories of a large ``tar.xz``, without decompressing the whole of it.

Debian compresses a kernel's source in some sixty blocks that can be read each by itself, and sorts
its files by name.  So the blocks of a directory are found by halving.
"""

from __future__ import annotations

import lzma
import tarfile
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path

from xz import XZError, XZFile

ROW = tarfile.BLOCKSIZE
"""Bytes; headers begin at its multiples."""


class ArchiveError(Exception):
    """An archive is damaged, or its files are not sorted by name."""


def unpack(archive: Path, members: Iterable[str], place: Path) -> None:
    """Unpack directories and files without the first part of their names.

    Members that the archive lacks are left out.
    """
    try:
        with XZFile(archive) as content:
            _unpack(content, list(members), place)
    except (XZError, lzma.LZMAError, tarfile.TarError, EOFError) as error:
        raise ArchiveError(str(error)) from None


def _before(content: XZFile, member: str) -> int:
    """Where to begin to read for a member: the first header of a block, before the member's."""
    starts = content.block_boundaries
    after = bisect_right(starts, member, key=lambda start: _header(content, start)[1])
    for start in reversed(starts[:after]):
        place, name = _header(content, start)
        if len(name) < tarfile.LENGTH_NAME:  # else its end may stand in the block before
            return place
    return 0


def _header(content: XZFile, place: int) -> tuple[int, str]:
    """The first header at a place or behind it: where it stands, and the name of its file."""
    begin = None
    for start in range(-(-place // ROW) * ROW, len(content), ROW):
        content.seek(start)
        try:
            found = tarfile.TarInfo.frombuf(content.read(ROW), "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            continue  # the content of a file
        begin = start if begin is None else begin
        if found.type in tarfile.REGULAR_TYPES or found.isdir() or found.issym():
            return begin, found.name  # other headers say more of the file that follows
    return len(content), "\uffff"


def _unpack(content: XZFile, members: Sequence[str], place: Path) -> None:
    inside = tuple(f"{member}/" for member in members)
    here: tarfile.TarInfo | None = None
    for start, end in sorted((_before(content, member), f"{member}/") for member in members):
        if here is None or here.offset < start:
            content.seek(start)
            files = tarfile.open(fileobj=content, mode="r:")  # noqa: SIM115
            files.extraction_filter = lambda found, _: found  # Debian signs its packages
            here = files.next()
        while here is not None and (here.name < end or here.name.startswith(end)):
            name = here.name
            if name in members or name.startswith(inside):
                here.name = name.partition("/")[2]
                files.extract(here, place)
            here = files.next()
            if here is not None and here.name < name:
                raise ArchiveError(f"{here.name} stands behind {name}")
