# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own programs that use these maps, compiled from Debian's newest source and checked.

``python -m upstream objects`` does the same with all sources that Debian offers.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support_objects import needs_compiler

from conformance import offers
from conformance.offers import NotRun
from upstream import __main__ as command_line
from upstream import guest_tests, objects, sources
from upstream.package import SourcePackage

pytestmark = [
    needs_compiler,
    pytest.mark.slow,
    pytest.mark.skipif(
        not guest_tests.BTF.exists(), reason=f"this kernel has no {guest_tests.BTF}"
    ),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="module")
def headers(debian: SourcePackage, place: Path) -> list[str]:
    return objects.headers(debian.linux, place)


SHOW_NOTHING_MORE = {
    f"cgrp_ls_{name}" for name in ("attach_cgroup", "negative", "sleepable", "tp_btf")
} | {"tailcall_cgrp_storage_owner"}
"""Left to the command: they take seconds, and others of their kind are compiled here."""

FILES = [file for file in objects.EXPECTED if file.stem not in SHOW_NOTHING_MORE]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_object_shows_what_its_source_says(
    debian: SourcePackage, headers: list[str], place: Path, file: Path
) -> None:
    data = objects.compiled(debian.linux / file, headers, place)
    assert objects.said(data) == objects.expected(file, offers.upstream(debian.version))


def test_the_command_names_what_differs(
    debian: SourcePackage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alike, other = list(objects.EXPECTED)[2:4]
    shown = {file: {"5.10": objects.NOTHING} for file in (alike, other)}
    tree = sources.Tree("one", offers.upstream(debian.version), debian.linux)
    monkeypatch.setattr(objects, "EXPECTED", shown)
    monkeypatch.setattr(sources, "packages", lambda say, refresh: [NotRun("6.1", "no"), tree])
    assert command_line.main(["objects"]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"6.1: not run: no\n  {other}: the check says ")
    assert said.endswith(f"Linux {tree.release}: 1 differences\n")
    monkeypatch.setattr(sources, "packages", lambda say, refresh: [NotRun("6.1", "no")])
    assert command_line.main(["objects"]) == 3


def test_what_was_not_read_in_a_source_is_not_expected() -> None:
    assert objects.expected(objects.SELFTESTS / "progs" / "lsm_cgroup.c", "5.10.262") is None
