# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance SUBCOMMAND``: run programs on real kernels, in QEMU guests.

``command_line.Exit`` lists the exit statuses, which all subcommands share.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from reference_model.commands import finish
from reference_model.user_error import UserError

from . import (
    check,
    explore,
    go_versions,
    objects,
    packages,
    probe,
    record,
    record_calls,
    record_events,
    sessions,
    stories,
    tools,
    twins,
)
from .command_line import STATUSES, Exit, Progress

SUBCOMMANDS = (
    check,
    stories,
    twins,
    explore,
    record_events,
    record_calls,
    sessions,
    go_versions,
    objects,
    packages,
    probe,
    record,
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Run programs on real kernels, each in a QEMU virtual machine without KVM.",
        epilog=f"SUBCOMMAND --help lists the options of a subcommand.\n\n{STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = options.add_subparsers(metavar="SUBCOMMAND", required=True)
    for module in SUBCOMMANDS:
        module.add_to(commands)
    return options


def main(arguments: Sequence[str] | None = None) -> Exit:
    """Run the command line; return its exit status."""
    options = parser().parse_args(arguments)
    progress = Progress()
    try:
        status: Exit = options.run(options, progress)
    except (UserError, tools.MissingTools) as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        print("stopped, with all virtual machines", file=sys.stderr)
        return Exit.STOPPED
    finally:
        progress.stop()
    return status


if __name__ == "__main__":
    finish(main)
