# SPDX-License-Identifier: GPL-2.0-only
"""``python -m upstream``: write the patch series for a kernel tree or check it, and read sources.

Exit status: 0 all checks passed, 1 a check failed, 2 an option, a tool or a tree cannot be used,
3 the check was not run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from reference_model.commands import ENDINGS, finish

from . import series
from .text import DOCS, PageError
from .tree import TreeError

BUILD = DOCS.parent / "build"

EPILOG = f"""\
examples:
  python -m upstream series ~/src/bpf-next   writes build/upstream/*.patch
  git send-email --dry-run build/upstream/*.patch
  python -m upstream check                   checks them on Debian's newest linux-source
  python -m upstream sources                 compares changes.py with the kernel sources that
                                             Debian offers, or with your own trees: LINUX ...

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
        "--revision",
        type=int,
        default=1,
        metavar="N",
        help="version of the series; 2 gives [PATCH v2] (default: 1)",
    )
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
    return options


def write(linux: Path, out: Path, revision: int) -> None:
    """Write the series and say what to do with it."""
    written = series.write(linux, out, lambda text: print(text, file=sys.stderr), revision=revision)
    for path in written.files:
        print(path)
    print(f"Read them, then: git send-email {out}/*.patch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "series":
            write(options.linux.expanduser(), options.out, options.revision)
            return 0
        if options.command == "sources":
            from . import markers

            return markers.main(
                [path.expanduser() for path in options.linux], refresh=options.refresh
            )
        from . import check  # it needs the harness that fetches packages

        return check.main(refresh=options.refresh)
    except (TreeError, PageError) as error:
        print(f"python -m upstream: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    finish(main)
