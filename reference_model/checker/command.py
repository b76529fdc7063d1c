# SPDX-License-Identifier: GPL-2.0-only
"""The command ``check``: its arguments, the files it reads, and what it prints."""

from __future__ import annotations

import argparse
import mmap
import os
import stat
from collections.abc import Iterator

from .. import profiles
from ..releases import MAINLINE, Release, release
from ..user_error import UserError
from .examine import Examined, examine
from .sources import Searched, search


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    command.description = (
        "Check compiled BPF objects, binaries that contain them, and source code: on "
        "which releases the objects load, and which changes concern the program. Nothing is "
        "loaded, and no privilege is needed."
    )
    command.epilog = (
        "Exit status: 0 nothing found; 1 a release in question rejects the object, or a "
        "change between these releases or a fault concerns the program; 2 something cannot be "
        "told, such as the maps of an object without BTF, or an argument cannot be used. The "
        "report has a sentence for each reason. If 1 and 2 both apply, the status is 1."
    )
    command.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="a BPF object, or a binary with objects in it, such as a program with a libbpf "
        "skeleton or with bpf2go",
    )
    command.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="DIR",
        help="search the source code below DIR (C, Go, Rust, Python, shell) for signs of changes "
        "that an object cannot show; with FILE, only for those that concern its maps",
    )
    command.add_argument(
        "--running",
        action="store_true",
        help="report the storage maps of this machine with their programs, attachments and "
        "entries, as root; with FILE, those in files of bpftool -j map show, prog show, cgroup "
        "tree and map dump id N (name ends in N), and of find /sys/fs/cgroup -type d -printf "
        "'%%i %%p\\n'. Nothing is changed. Exit status: 1 an entry has no attachment or is "
        "shared, 2 something could not be read",
    )
    command.add_argument(
        "--from", dest="first", metavar="R", help="the oldest release that you support (default: "
        f"{MAINLINE[0]})",
    )  # fmt: skip
    command.add_argument(
        "--to", dest="last", metavar="R", help=f"the newest one (default: {MAINLINE[-1]})"
    )
    command.add_argument(
        "--kernel",
        metavar="R",
        help="check this kernel only: a release such as 6.1.176, or a profile that the command "
        "probe wrote",
    )
    command.add_argument(
        "--verbose", action="store_true", help="also print maps, programs, guides, and questions "
        "that only user space can answer",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument(
        "--site", default="", metavar="ROOT", help="an address or directory of the site, to print "
        "before the path of each page",
    )  # fmt: skip
    command.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from . import document, report, verdict

    if options.running:
        return _running(options)
    if not (options.files or options.source):
        raise UserError("name a file to check, or a directory of source code: --source DIR")
    releases = _releases(options)
    objects = [one for file in options.files for one in _examined(file, releases)]
    searched = [_searched(name, releases, objects) for name in options.source]
    if options.json:
        import json

        print(json.dumps(document.document(objects, searched, releases), indent=1))
    else:
        site = options.site and options.site.rstrip("/") + "/"
        print(report.text(objects, searched, verbose=options.verbose, site=site))
    return verdict.status(verdict.reasons(objects, searched))


def _running(options: argparse.Namespace) -> int:
    """Report on the running system; the exit status."""
    from ..running import command

    others = ("source", "first", "last", "kernel")
    if any(getattr(options, name) for name in others):
        raise UserError("--running takes no option but --verbose, --json and --site")
    site = options.site and options.site.rstrip("/") + "/"
    return command.run(options.files, as_json=options.json, verbose=options.verbose, site=site)


def _releases(options: argparse.Namespace) -> list[Release]:
    """The releases in question, oldest first; UserError if there is none."""
    for option, given in (
        ("--from", options.first), ("--to", options.last), ("--kernel", options.kernel)
    ):  # fmt: skip
        if given == "":
            raise UserError(f"{option} names no release")
    if options.kernel and (options.first or options.last):
        raise UserError("--kernel names one kernel: leave out --from and --to")
    if options.kernel:
        return [_release("--kernel", options.kernel)]
    first = _release("--from", options.first or MAINLINE[0])
    last = _release("--to", options.last or MAINLINE[-1])
    if last < first:
        raise UserError(f"--from {first} is newer than --to {last}: exchange them")
    between = {first, last} | {one for one in map(release, MAINLINE) if first < one < last}
    return sorted(between)


def _release(option: str, name: str) -> Release:
    try:
        return profiles.named(name)
    except profiles.ProfileError:
        raise
    except ValueError as error:
        raise UserError(f"{option}: {error}") from None


def _examined(file: str, releases: list[Release]) -> Iterator[Examined]:
    """What is found in a file; UserError if it cannot be read."""
    try:
        kind = os.stat(file).st_mode
        if stat.S_ISDIR(kind):
            raise UserError(
                f"{file} is a directory: name the objects in it, or search its source code with "
                f"--source {file}"
            )
        if not stat.S_ISREG(kind):  # reading a pipe or a device might never end
            raise UserError(
                f"{file} is not a regular file: write its contents to one, and name that"
            )
        with open(file, "rb") as opened:
            if not os.fstat(opened.fileno()).st_size:
                yield from examine(file, b"", releases)
                return
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield from examine(file, data, releases)
    except ImportError as error:
        if error.name is None or not error.name.startswith("elftools"):
            raise
        from .elf import PACKAGE

        raise UserError(f"reading objects needs a package: pip install {PACKAGE}") from None
    except UserError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{file} cannot be read: {reason}") from None


def _searched(name: str, releases: list[Release], objects: list[Examined]) -> Searched:
    """The signs in a directory; UserError if it is none."""
    if not os.path.isdir(name):
        known = "it is not a directory" if os.path.exists(name) else "there is no such directory"
        raise UserError(f"--source {name}: {known}")
    only = {story for examined in objects for story in examined.user_space}
    return search(name, releases, only if any(one.maps for one in objects) else None)
