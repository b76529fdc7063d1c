# SPDX-License-Identifier: GPL-2.0-only
"""``python -m upstream``: write patches for other projects or check them, and read sources.

Exit status: 0 all checks passed, 1 a check failed, 2 an option, a tool or a tree cannot be used,
3 the check was not run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from reference_model.commands import ENDINGS, finish, up_to
from reference_model.user_error import UserError

from . import ebpf_docs, series
from .patches import SERIES
from .text import DOCS, PageError
from .tree import TreeError

BUILD = DOCS.parent / "build"

EPILOG = f"""\
examples:
  python -m upstream series ~/src/bpf-next   writes build/upstream/*.patch
  python -m upstream series ~/src/bpf-next --series 2
  git send-email --dry-run build/upstream/*.patch
  python -m upstream ebpf-docs ~/src/ebpf-docs
                                             writes build/ebpf-docs/*.patch
  python -m upstream check                   checks them on Debian's newest linux-source
  python -m upstream sources                 compares changes.py with the kernel sources that
                                             Debian offers, or with your own trees: LINUX ...
  python -m upstream objects                 compiles the kernel's own programs with these maps
                                             from those sources, and checks them

SOURCE_DATE_EPOCH in the environment dates the mails; otherwise they have the date of the
tree's commit.  The same tree and options give the same mails.

exit status: 0 all checks passed, 1 a check failed, 2 an option, a tool or a tree cannot be used,
3 the check was not run, {ENDINGS}
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    options = argparse.ArgumentParser(
        prog="python -m upstream",
        description="Write and check documentation patches for the kernel, made from the site.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = options.add_subparsers(dest="command", required=True, metavar="COMMAND")
    make = commands.add_parser("series", help="write the patches for a kernel tree")
    make.add_argument(
        "linux", type=Path, metavar="LINUX", help="a checkout of bpf-next or mainline"
    )
    make.add_argument(
        "--out",
        type=Path,
        default=BUILD / "upstream",
        help="the directory to write to (default: %(default)s)",
    )
    make.add_argument(
        "--series",
        type=int,
        choices=SERIES,
        default=1,
        help="1: corrections; 2: a selftest and more documentation (default: 1)",
    )
    make.add_argument(
        "--revision",
        type=up_to(99),
        default=1,
        metavar="N",
        help="version of the series; 2 gives [PATCH v2] (default: 1)",
    )
    make.add_argument(
        "--signoff",
        choices=("yes", "no"),
        default="no",
        help="add your Signed-off-by, which certifies the origin of the work (default: no)",
    )
    make.add_argument(
        "--assisted-by",
        default="",
        metavar="TOOL",
        help="add Assisted-by: TOOL, as the kernel requires for advanced coding tools; "
        '"no" if there were none',
    )
    make.add_argument(
        "--site", default="", metavar="URL", help="name this address in the cover letter"
    )
    docs = commands.add_parser("ebpf-docs", help="write patches for the source of docs.ebpf.io")
    docs.add_argument(
        "docs", type=Path, metavar="EBPF_DOCS", help="a checkout of isovalent/ebpf-docs"
    )
    docs.add_argument(
        "--out",
        type=Path,
        default=BUILD / "ebpf-docs",
        help="the directory to write to (default: %(default)s)",
    )
    docs.add_argument("--signoff", choices=("yes", "no"), default="no", help="as for series")
    check = commands.add_parser("check", help="check the patches on Debian's newest linux-source")
    check.add_argument("--refresh", action="store_true", help="look for a newer package first")
    compare = commands.add_parser("sources", help="compare changes.py with kernel sources")
    compare.add_argument(
        "linux",
        type=Path,
        nargs="*",
        metavar="LINUX",
        help="your own kernel tree (default: Debian's sources)",
    )
    compare.add_argument("--refresh", action="store_true", help="look for newer packages first")
    objects = commands.add_parser("objects", help="check the kernel's own programs with these maps")
    objects.add_argument("--refresh", action="store_true", help="look for newer packages first")
    return options


def choices(given: argparse.Namespace) -> series.Choices:
    """Return what the sender decides; UserError if an option cannot stand in a mail."""
    for name, text in (("ASSISTED_BY", given.assisted_by), ("SITE", given.site)):
        if not text.isprintable():
            raise UserError(f"{name} is {text!r}: give it one line of text")
    if given.site and not given.site.startswith(("https://", "http://")):
        raise UserError(f"SITE is {given.site!r}: give it an address that begins with https://")
    return series.Choices(
        given.revision, given.signoff == "yes", given.assisted_by.strip(), given.site
    )


def write(given: argparse.Namespace) -> None:
    """Write the series and print what to do with it."""
    chosen = choices(given)
    written = series.write(given.linux.expanduser(), given.out, warn, SERIES[given.series], chosen)
    for path in written.files:
        print(path)
    if not chosen.signoff:
        warn("No Signed-off-by: read the patches, then run this again with SIGNOFF=yes.")
    if not chosen.assisted_by:
        warn(
            "No Assisted-by: it must name the advanced coding tools that helped, if any. Run this "
            "again with ASSISTED_BY=TOOL, or with ASSISTED_BY=no if there were none."
        )
    print(f"Read them, then: git send-email {given.out}/*.patch")


def write_ebpf_docs(given: argparse.Namespace) -> None:
    """Write the patches for docs.ebpf.io and print what to do with them."""
    docs = given.docs.expanduser()
    chosen = series.Choices(signoff=given.signoff == "yes")
    for path in ebpf_docs.write(docs, given.out, warn, chosen).files:
        print(path)
    print(f"Read them, then on a branch: git -C {docs} am {given.out.resolve()}/*.patch")


def warn(text: str) -> None:
    """Print a warning or a reason."""
    print(text, file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "series":
            write(options)
            return 0
        if options.command == "ebpf-docs":
            write_ebpf_docs(options)
            return 0
        if options.command == "sources":
            from . import markers

            return markers.main(
                [path.expanduser() for path in options.linux], refresh=options.refresh
            )
        if options.command == "objects":
            from . import objects

            return objects.main(refresh=options.refresh)
        from . import check  # it needs the harness that fetches packages

        return check.main(refresh=options.refresh)
    except (TreeError, PageError) as error:
        print(f"python -m upstream: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    finish(main)
