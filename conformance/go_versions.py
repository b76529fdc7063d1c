# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance go``: compile the examples in Go with other versions of their library.

The system's own Debian has one version of cilium/ebpf; other suites have later ones, each with the
Go that it needs.  They are unpacked into ``build``, and nothing is installed.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from . import apt, tools
from .command_line import Exit, Progress, UsageError, add
from .languages import GO_PROGRAM, LIBRARY, library_version
from .twins import missing_tools

PLACE = tools.CACHE / "go"
SUITES = ("trixie", "sid")
"""Suites with a later version than Debian 12 has."""

LIBRARIES = (LIBRARY, "golang-golang-x-sys-dev", "golang-golang-x-exp-dev")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Compile the examples in Go with other versions of their library."
    add(commands, "go", run, what).add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"a suite (default: {', '.join(SUITES)})"
    )


def wanted(packages: dict[str, dict[str, str]]) -> list[str]:
    """The packages of a suite to unpack: the libraries, and Go as golang-go depends on it."""
    found = re.search(r"\b(golang-[0-9.]+)-go\b", packages["golang-go"].get("Depends", ""))
    if not found:
        raise UsageError("golang-go depends on no package with Go")
    return [f"{found[1]}-go", f"{found[1]}-src", *(n for n in LIBRARIES if n in packages)]


def unpack(suite: str) -> Path:
    """Fetch Go and the library of a suite; the directory with ``usr``."""
    place = PLACE / suite
    source = apt.source_of(suite, apt.system_sources())
    root = apt.AptRoot(place / "apt", suite, source)
    packages = {stanza["Package"]: stanza for stanza in root.index()}
    for name in wanted(packages):
        stanza = packages[name]
        package = place / Path(stanza["Filename"]).name
        if not package.exists():
            fetched = package.with_suffix(".new")
            root.download(stanza["Filename"], stanza["SHA256"], fetched)
            tools.run(["dpkg-deb", "-x", fetched, place / "root"], must_succeed=True)
            fetched.replace(package)
    return place / "root" / "usr"


def compile_with(usr: Path) -> str:
    """Compile the examples with Go and the library below a directory: what make complains of."""
    (program,) = usr.glob("lib/go-*/bin/go")
    out = usr.parents[1] / "examples"
    settings = {"GO": str(program), "GO_LIBRARY": str(usr / "share" / "gocode")}
    command = ["make", "-s", "-B", "-C", str(tools.REPOSITORY / "docs/examples"), f"OUT={out}"]
    for target in (f"{out}/{GO_PROGRAM}", "vet"):
        made = tools.run([*command, target], env={**os.environ, **settings})
        if made.returncode:
            return tools.complaint(made)
    return ""


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    tools.require(tools.TO_FETCH)
    if lacking := missing_tools():
        raise lacking
    good = True
    if unknown := [name for name in options.suites if not re.fullmatch(r"[a-z][a-z-]*", name)]:
        raise UsageError(f"{unknown[0]!r} is no name of a suite, such as {SUITES[0]}")
    for suite in options.suites or SUITES:
        try:
            usr = unpack(suite)
        except apt.AptError as error:
            progress.say(f"{suite}: {error}")
            return Exit.NOT_RUN
        complaint = compile_with(usr)
        version = library_version(usr / "share" / "gocode")
        progress.say(
            f"{suite}: cilium/ebpf {version}: {complaint or 'compiles, and passes go vet'}"
        )
        good &= not complaint
    return Exit.GOOD if good else Exit.FAILED
