# SPDX-License-Identifier: GPL-2.0-only
"""The languages in which stories are written beside Python, and the programs of each.

A C version is a program of its own; all versions in Go are one program, as each would be 4 MB.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from records.digests import EXAMPLES, go_digest, go_names, twin_digest

from . import tools

BUILT = tools.REPOSITORY / "build" / "examples"
GO_PROGRAM = "go-examples"
LIBRARY = "golang-github-cilium-ebpf-dev"
GO_PACKAGES = {"go": "golang-go", "github.com/cilium/ebpf": LIBRARY}


@dataclass(frozen=True)
class Language:
    """How the versions of stories in a language are found, run and recorded."""

    name: str
    part: str
    """The key of a record that holds them."""
    names: Callable[[], list[str]]
    digest: Callable[[str], str]
    """Sixteen digits that change with what is compiled for a story."""
    files: Callable[[Sequence[str]], dict[str, Path]]
    """What a guest needs for these stories: the path there, and the file here."""
    word: str = ""
    """What run_twins.py must know, if anything."""


def c_names() -> list[str]:
    """The stories that have both files of a C version."""
    found = (path.name.removesuffix(".bpf.c") for path in EXAMPLES.glob("*.bpf.c"))
    return sorted(name for name in found if (EXAMPLES / f"{name}.c").exists())


def _objects(wanted: Sequence[str]) -> dict[str, Path]:
    return {f"twins/{name}.bpf.o": BUILT / f"{name}.bpf.o" for name in wanted}


C = Language(
    "C", "twins", c_names, twin_digest,
    lambda wanted: {**_objects(wanted), **{f"twins/{name}": BUILT / name for name in wanted}},
)  # fmt: skip
GO = Language(
    "Go", "go", go_names, go_digest,
    lambda wanted: {**_objects(wanted), f"twins/{GO_PROGRAM}": BUILT / GO_PROGRAM},
    word="GO",
)  # fmt: skip


def go_library() -> Path:
    """The folder in which the Go library is looked for, as docs/examples/Makefile does."""
    return Path(os.environ.get("GO_LIBRARY", "/usr/share/gocode"))


def missing_go() -> tools.MissingTools | None:
    """What is needed to compile the versions in Go and is not installed; None if all is there."""
    there = {
        "go": tools.which(os.environ.get("GO", "go")),
        "github.com/cilium/ebpf": (go_library() / "src/github.com/cilium/ebpf").is_dir(),
    }
    lacking = tuple(name for name, found in there.items() if not found)
    packages = tuple(GO_PACKAGES[name] for name in lacking)
    return tools.MissingTools(lacking, packages) if lacking else None


def library_version(library: Path | None = None) -> str:
    """The version of the Go library, from Debian's changelog of it: "0.9.1"; "" if unknown."""
    changelog = (library or go_library()).parent / "doc" / LIBRARY / "changelog.Debian.gz"
    if not changelog.is_file():
        return ""
    with gzip.open(changelog, "rt", encoding="utf-8") as file:
        found = re.search(r"\(([0-9.]+)", file.readline())
    return found[1] if found else ""


def reads_btf_of_today() -> bool:
    """Whether the Go library can read the BTF of kernels since 6.0: before 0.10 it does not."""
    return library_version().split(".")[:2] not in (["0", "8"], ["0", "9"])
