# SPDX-License-Identifier: GPL-2.0-only
"""The check of objects in Debian's packages; ``python -m conformance packages`` fetches them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support_objects import COUNT, MAP, compiled, needs_compiler

from conformance import apt, packages
from conformance.__main__ import main
from conformance.command_line import Exit

XDP = 'SEC("xdp") int pass(void *ctx) { return 2; }'

pytestmark = needs_compiler


def unpacked(tmp_path: Path, text: str) -> Path:
    """A program with an object in it, beside other files."""
    (tmp_path / "usr" / "sbin").mkdir(parents=True)
    program = tmp_path / "usr" / "sbin" / "agent"
    program.write_bytes(b"#" * 100 + compiled(text))
    (tmp_path / "usr" / "README").write_text("no object")
    (tmp_path / "usr" / "link").symlink_to(program)
    return tmp_path


def test_an_object_without_these_maps(tmp_path: Path) -> None:
    found = packages.checked(unpacked(tmp_path, XDP))
    assert (found.images, found.wrong) == (1, [])


def test_an_object_with_such_a_map_is_found(tmp_path: Path) -> None:
    found = packages.checked(unpacked(tmp_path, MAP + COUNT))
    assert found.wrong[0] == "usr/sbin/agent at byte 100: the map counts was found"


def test_an_object_that_cannot_be_read(tmp_path: Path) -> None:
    folder = unpacked(tmp_path, XDP)
    program = folder / "usr" / "sbin" / "agent"
    image = bytearray(program.read_bytes()[100:])
    image[62] = 0xFF  # e_shstrndx
    program.write_bytes(image)
    (line,) = packages.checked(folder).wrong
    assert "It cannot be read" in line


def test_too_few_objects_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = unpacked(tmp_path, XDP)
    monkeypatch.setattr(packages, "unpack", lambda suite, progress: folder)
    assert main(["packages"]) == Exit.FAILED
    assert "only 2 objects were found, fewer than 100" in capsys.readouterr().out
    assert main(["packages", "bookworm"]) == Exit.GOOD


def test_an_archive_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(suite: str, progress: object) -> Path:
        raise apt.AptError("no address")

    monkeypatch.setattr(packages, "unpack", refuse)
    assert main(["packages"]) == Exit.USAGE
    assert capsys.readouterr().err.endswith("bookworm: no address\n")
