# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance packages``: check the BPF objects in Debian's packages.

None of them has a map of cgroup storages, so ``cgroup-storage check`` must find nothing in any, and
must read every one.  The packages are unpacked into ``build``, and nothing is installed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reference_model import MAINLINE
from reference_model.checker.examine import Examined, examine
from reference_model.checker.images import MAGIC
from reference_model.releases import release

from . import apt, tools
from .command_line import Exit, Progress, UsageError, add

PLACE = tools.CACHE / "packages"
SUITES = ("bookworm", "trixie")
NAMES = ("bpftool", "bpftrace", "libbpf-tools", "libxdp1", "xdp-tools")
"""Packages with compiled BPF objects, in files of their own or in programs."""

FEWEST = 100
"""BPF objects that the packages of both suites have at least: with fewer, some are overlooked."""


@dataclass
class Checked:
    """What the check said of the files of some packages."""

    images: int = 0
    wrong: list[str] = field(default_factory=list)
    """What it found, or could not read."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Check the BPF objects in Debian's packages: nothing is found, and all can be read."
    add(commands, "packages", run, what).add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"a suite (default: {', '.join(SUITES)})"
    )


def unpack(suite: str, progress: Progress) -> Path:
    """Fetch the packages that a suite has; the directory with their files."""
    place = PLACE / suite
    root = apt.AptRoot(place / "apt", suite, apt.source_of(suite, apt.system_sources()))
    packages = {stanza["Package"]: stanza for stanza in root.index()}
    for name in NAMES:
        if name not in packages:
            progress.say(f"{suite} has no package {name}")
            continue
        stanza = packages[name]
        package = place / Path(stanza["Filename"]).name
        if not package.exists():
            root.download(stanza["Filename"], stanza["SHA256"], package)
        tools.run(["dpkg-deb", "-x", package, place / "root"], must_succeed=True)
    return place / "root"


def files(directory: Path) -> Iterator[Path]:
    """The files below a directory that contain an ELF image somewhere."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink() and MAGIC in path.read_bytes():
            yield path


def checked(directory: Path) -> Checked:
    """Check all files below a directory."""
    releases = [release(name) for name in MAINLINE]
    found = Checked()
    for path in files(directory):
        for one in examine(str(path.relative_to(directory)), path.read_bytes(), releases):
            if one.doubts == ["It contains no BPF object."]:
                continue
            found.images += 1
            found.wrong += said(one)
    return found


def said(one: Examined) -> Iterator[str]:
    """What is wrong with the report on an object without maps of cgroup storages."""
    where = f"{one.file} at byte {one.offset}"
    yield from (f"{where}: the map {it.name} was found" for it in one.maps)
    yield from (f"{where}: {it.title}: {it.why}" for it in one.findings)
    yield from (f"{where}: {doubt}" for doubt in one.doubts)


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    tools.require(["dpkg-deb"])
    total, good = 0, True
    for suite in options.suites or SUITES:
        try:
            directory = unpack(suite, progress)
        except apt.AptError as error:
            raise UsageError(f"{suite}: {error}") from None
        found = checked(directory)
        for line in found.wrong:
            progress.say(f"  {line}")
        progress.say(f"{suite}: {found.images} BPF objects, {len(found.wrong)} reports are wrong")
        total, good = total + found.images, good and not found.wrong
    if total < FEWEST and not options.suites:
        progress.say(f"only {total} objects were found, fewer than {FEWEST}")
        good = False
    return Exit.GOOD if good else Exit.FAILED
