# SPDX-License-Identifier: GPL-2.0-only
"""``python -m reference_model``: the commands of the model, installed as ``cgroup-storage``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import NoReturn

from . import __version__, commands

COMMANDS = {
    "replay": ("traces.command", "replay recorded kernels and compare every answer"),
    "export": ("traces.export_command", "write stories as traces, operations only"),
    "diverge": ("divergence.command", "search for all differences between two releases"),
    "check": (
        "checker.command",
        "find out whether your program is affected by what releases changed",
    ),
    "probe": ("probe.command", "find out which of the recorded changes the running kernel has"),
}
"""The commands: the module that has the arguments of each, and what it does."""


def main(arguments: list[str] | None = None, prog: str = "python -m reference_model") -> int:
    """Run a command; the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Check whether your program is affected, replay recorded kernels on the model, "
        "export stories, and compare releases.",
        epilog=f"The --help of each command lists its exit statuses. All commands also have these: "
        f"{commands.ENDINGS}",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    added = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, does) in COMMANDS.items():
        command = added.add_parser(name, help=does)
        if name in given:  # a module of another command would only take time
            import_module(f".{module}", __package__).add(command)
    options = parser.parse_args(given)
    status: int = options.run(options)
    return status


def installed() -> NoReturn:
    """Run the command ``cgroup-storage`` that pip installs."""
    commands.finish(lambda: main(prog="cgroup-storage"))


if __name__ == "__main__":
    commands.finish(main)
