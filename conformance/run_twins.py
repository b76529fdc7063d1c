# SPDX-License-Identifier: GPL-2.0-only
"""Runs twins one after the other, each as its own process, and tells what each printed.

Runs inside a guest, with the guest's Python alone: ``run_twins.py DIRECTORY NAME...``, where
``NAME,SETTING=VALUE`` sets ``/proc/sys/kernel/SETTING`` before, ``NAME,BTF`` runs only on a kernel
with BTF of its own, and ``NAME,GO`` asks the program that holds all versions in Go.  A line of
JSON tells which twin begins, then come its own lines, then JSON tells how it ended.  A twin writes
to the serial port itself, and waits until each line is sent: a pipe would lose the last ones when
the kernel breaks.
"""

import errno
import json
import os
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

GO_PROGRAM = "go-examples"
BTF = Path("/sys/kernel/btf/vmlinux")

LIMIT = 30
"""Seconds for one twin."""


def say(**line: object) -> None:
    """Print a line, and wait until the serial port has sent it."""
    print(json.dumps(line), flush=True)
    if os.isatty(1):
        termios.tcdrain(1)


def set_sysctl(file: Path, value: str) -> None:
    """Set a sysctl, unless it has the value.

    Before 5.13 ``unprivileged_bpf_disabled`` has no 2, and a 1 cannot be changed any more.
    """
    if file.read_text().strip() == value:
        return
    try:
        file.write_text(value)
    except OSError as error:
        if error.errno != errno.EINVAL or value != "2":
            raise
        file.write_text("1")


def run(name: str, *program: str) -> bool:
    """Run one twin; whether it ended well."""
    say(story=name)
    command = ["timeout", str(LIMIT), *program]
    with tempfile.TemporaryFile() as errors:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=errors, check=False)
        errors.seek(0)
        complaint = errors.read().decode(errors="replace")
    status = ran.returncode
    say(story=name, status=status, **({"stderr": complaint[-3000:]} if status else {}))
    return status == 0


def main(directory: str, *names: str) -> int:
    """Run them all, also after a failure; 1 if any failed."""
    failed = 0
    for word in names:
        name, *settings = word.split(",")
        if "BTF" in settings:
            settings.remove("BTF")
            if not BTF.exists():
                say(story=name, skipped=f"the kernel has no {BTF}")
                continue
        program = [str(Path(directory, name).absolute())]
        if "GO" in settings:
            settings.remove("GO")
            program = [str(Path(directory, GO_PROGRAM).absolute()), name]
        for setting, _, value in (text.partition("=") for text in settings):
            set_sysctl(Path("/proc/sys/kernel", setting), value)
        failed += not run(name, *program)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
