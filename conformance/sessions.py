# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance bpftool``: run the shell lines of the pages on real kernels.

The scripts are ``docs/examples/*/NAME.sh``; what they printed goes into ``records/``.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from records import sessions
from records.digests import EXAMPLES, session_digest
from reference_model.outputs import Output

from . import guest, run_sessions, tools, twins
from .command_line import Exit, Progress, UsageError, add, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .languages import BUILT
from .payload import WORK, Payload

THERE = ("libc.so", "ld-linux")
"""Libraries that a guest has for its Python."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    parser = add(
        commands,
        "bpftool",
        run,
        "Run the bpftool commands of the pages on real kernels, and record their output.",
    )
    parser.add_argument("sessions", nargs="*", metavar="NAME", help="a page (default: all)")


def scripts() -> dict[str, Path]:
    """The script of each story that has one."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*/*.sh"))}


def known(wanted: Sequence[str]) -> dict[str, Path]:
    """The scripts of these names, or all; UsageError names those that do not exist."""
    found = scripts()
    if unknown := [name for name in wanted if name not in found]:
        raise UsageError(f"no such script: {', '.join(unknown)}")
    return {name: found[name] for name in wanted or found}


def bpftool() -> Path:
    """The path of bpftool; MissingTools if it is not installed."""
    found = shutil.which("bpftool") or shutil.which("bpftool", path="/usr/sbin:/sbin")
    if found is None:
        raise tools.MissingTools(("bpftool",), ("bpftool",))
    return Path(found)


def libraries(program: Path) -> dict[str, Path]:
    """The libraries that a program needs and a guest does not have, by their places there."""
    said = tools.run(["ldd", program], must_succeed=True).stdout
    paths = [Path(found) for found in re.findall(r"=> (/\S+)", said)]
    return {f"lib/{p.name}": p.resolve() for p in paths if not p.name.startswith(THERE)}


def payload(wanted: Sequence[str]) -> Payload:
    """The payload that runs these scripts."""
    program, found = bpftool(), known(wanted)
    return Payload(
        name="bpftool",
        argv=(tools.PYTHON, "run_sessions.py", *found),
        files={
            "run_sessions.py": Path(run_sessions.__file__),
            "/usr/sbin/bpftool": program,
            **libraries(program),
            **{f"sessions/{name}.sh": path for name, path in found.items()},
            **{f"objects/{name}.bpf.o": BUILT / f"{name}.bpf.o" for name in found},
        },
        env={"LD_LIBRARY_PATH": f"/{WORK}/lib"},
        time_limit=600,
    )


def record_of(lines: list[str]) -> dict[str, Any]:
    """The sessions of a kernel, from what the guest printed."""
    made = {}
    for ran in map(json.loads, lines):
        commands = [[line, sessions.plain(out, ran["ids"])] for line, out in ran["commands"]]
        name = ran["session"]
        made[name] = {"digest": session_digest(name), "commands": commands}
    return made


def version() -> str:
    """The version of bpftool, such as "7.1.0"."""
    said = tools.run([bpftool(), "version"], must_succeed=True)
    return said.stdout.split()[1].removeprefix("v")


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    good = True
    known(options.sessions)
    with Output(sessions.FILE):  # only to see that it can be written
        wanted = wanted_kernels(options, progress)
    twins.build()
    kernels = sessions.read()["kernels"]
    for number, result in enumerate(
        guest.run_all(wanted.here, payload(options.sessions), jobs=jobs_of(options))
    ):
        progress.say(f"{result.kernel.name}: {result.problem or 'ok'}, {result.seconds:.0f} s")
        if result.ok:
            earlier = kernels.get(result.kernel.version, {}) if options.sessions else {}
            kernels[result.kernel.version] = {**earlier, **record_of(list(result.lines))}
            sessions.write(version(), kernels)
        else:
            keep_log(result, number)
        good &= result.ok
    return wanted.status(good=good, say=progress.say)
