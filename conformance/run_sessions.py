# SPDX-License-Identifier: GPL-2.0-only
"""Runs the lines of shell scripts in a guest, and reports what each line that is shown printed.

Runs with the guest's Python alone: ``run_sessions.py NAME...``.  Each session begins with the
cgroup ``/sys/fs/cgroup/web``, an empty bpffs, and the story's program as ``counter.bpf.o``; the
command ``packet CGROUP NUMBER`` sends packets.  It prints a line of JSON for each session.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

WORK = Path("/work")
WEB = Path("/sys/fs/cgroup/web")
PINS = Path("/sys/fs/bpf")
BEGIN, END = "# [begin shown]", "# [end shown]"
MARK = "@@"


def commands(text: str) -> tuple[str, list[str]]:
    """The script that marks what each shown line prints, and these lines."""
    script: list[str] = []
    shown: list[str] = []
    showing = False
    for line in text.splitlines():
        if line in (BEGIN, END):
            showing = line == BEGIN
            script.append(f"echo '{MARK}'" if not showing else "")
        elif showing:
            script.append(f"echo '{MARK}{len(shown)}'")
            script.append(line)
            shown.append(line)
        else:
            script.append(line)
    return "\n".join(script), shown


def outputs(text: str) -> dict[int, str]:
    """What was printed after each mark."""
    found: dict[int, str] = {}
    for part in f"\n{text}".split(f"\n{MARK}")[1:]:
        number, _, printed = part.partition("\n")
        if number:
            found[int(number)] = printed.rstrip("\n")
    return found


def session(name: str) -> dict[str, object]:
    """Run one session."""
    WEB.mkdir()
    ids = [WEB.stat().st_ino]
    shutil.copy(WORK / "objects" / f"{name}.bpf.o", "counter.bpf.o")
    script, shown = commands((WORK / "sessions" / f"{name}.sh").read_text())
    ran = subprocess.run(
        ["timeout", "60", "sh"],
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = outputs(ran.stdout)
    folders = (
        [WEB, *sorted(path for path in WEB.glob("*") if path.is_dir())] if WEB.exists() else []
    )
    ids += [folder.stat().st_ino for folder in folders[1:]]
    for folder in reversed(folders):
        folder.rmdir()
    for path in sorted(PINS.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    rows = [[line, found.get(number, "")] for number, line in enumerate(shown)]
    return {"session": name, "commands": rows, "ids": ids, "status": ran.returncode}


def packet(cgroup: str, number: str) -> None:
    """Send packets from a cgroup, on CPU 0."""
    os.sched_setaffinity(0, {0})
    Path(cgroup, "cgroup.procs").write_text(str(os.getpid()))
    peer = socket.socket(type=socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        for _ in range(int(number)):
            sock.sendto(b"x", peer.getsockname())
            peer.recv(1)


def main(*names: str) -> None:
    """Run the sessions, or be the command that sends packets."""
    if names[:1] == ("packet",):
        packet(*names[1:])
        return
    folder = WORK / "bin"
    folder.mkdir()
    helper = folder / "packet"
    helper.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} packet "$@"\n')
    helper.chmod(0o755)
    os.environ["PATH"] = f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin"
    for name in names:
        print(json.dumps(session(name)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
