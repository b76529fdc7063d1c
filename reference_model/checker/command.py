# SPDX-License-Identifier: GPL-2.0-only
"""The command ``check``: its arguments, and what it runs."""

from __future__ import annotations

import argparse
from typing import Any

from ..commands import UserError


def add(added: Any) -> None:
    """Add the command to the subparsers of a parser."""
    command = added.add_parser(
        "check",
        help="find out whether your program is affected by what releases changed",
        description="Check compiled BPF objects, or binaries that contain them.",
    )
    command.add_argument(
        "files", nargs="*", metavar="FILE", help="a BPF object, or a binary with objects in it"
    )
    command.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    raise UserError(f"check cannot read {options.files} yet")
