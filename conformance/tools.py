# SPDX-License-Identifier: GPL-2.0-only
"""The programs that the harness runs, and the Debian package that has each.

A missing program is never worked around: it is named with its install line.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_model.user_error import UserError

REPOSITORY = Path(__file__).resolve().parents[1]
CACHE = REPOSITORY / "build" / "conformance"

PYTHON = "/usr/bin/python3"
"""Debian's Python, which the guests run; ``python3`` on PATH may be another one."""

APT_HELPER = "/usr/lib/apt/apt-helper"

PACKAGE_OF = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    PYTHON: "python3",
    "apt-get": "apt",
    "apt-config": "apt",
    APT_HELPER: "apt",
    "dpkg": "dpkg",
    "dpkg-deb": "dpkg",
    "ldd": "libc-bin",
    "setpriv": "util-linux",
}
"""Program (a name on PATH, or an absolute path) to the package that has it."""

TO_FETCH = ("apt-get", "apt-config", APT_HELPER, "dpkg-deb")
TO_BUILD = ("busybox", PYTHON, "ldd", "dpkg")
TO_BOOT = ("qemu-system-x86_64", "setpriv")


@dataclass
class MissingTools(Exception):
    """Programs or files that the harness needs are not installed.

    ``what`` says what is missing, ``packages`` the Debian packages that have it.
    """

    what: tuple[str, ...]
    packages: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.what)
        packages = " ".join(sorted(set(self.packages)))
        return f"missing: {names}\n  apt-get install --no-install-recommends {packages}"


def find(program: str) -> Path | None:
    """Return the path of a program of PACKAGE_OF, or None if it is not installed."""
    if os.path.isabs(program):
        return Path(program) if os.access(program, os.X_OK) else None
    found = shutil.which(program)
    return Path(found) if found else None


def which(program: str) -> bool:
    """Whether a program, by its name on PATH or by its path, can be run."""
    return shutil.which(program) is not None


def require(programs: Iterable[str]) -> None:
    """Raise MissingTools, naming all of them at once, unless every program is installed."""
    missing = [program for program in programs if find(program) is None]
    if missing:
        raise MissingTools(tuple(missing), tuple(PACKAGE_OF[name] for name in missing))


Done = subprocess.CompletedProcess[str]


def run(command: Sequence[str | Path], *, must_succeed: bool = False, **options: Any) -> Done:
    """Run a program and return what it printed; UserError if it was killed.

    What a program prints decides a check, and one that was killed often prints nothing.

    >>> run(["echo", "hello"]).stdout
    'hello\\n'
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode < 0:
        raise UserError(f"{killed(command[0], done.returncode)}; run this command again")
    if must_succeed and done.returncode:
        raise UserError(complaint(done))
    return done


def killed(program: str | Path, status: int) -> str:
    """Say what killed a program, from its negative status.

    >>> killed("/usr/bin/clang", -9), killed("git", -11)
    ('clang was killed by SIGKILL', 'git was killed by SIGSEGV')
    """
    return f"{Path(program).name} was killed by {signal.Signals(-status).name}"


def complaint(done: Done) -> str:
    """Return what a program printed when it failed; "" if it succeeded.

    >>> complaint(run(["false"])), complaint(run(["true"]))
    ('false failed with status 1', '')
    """
    if not done.returncode:
        return ""
    said = f"{done.stdout}{done.stderr}".strip()
    return said or f"{Path(done.args[0]).name} failed with status {done.returncode}"
