# SPDX-License-Identifier: GPL-2.0-only
"""The long commands of the project, and what is left of each that is killed.

``python tests/support_kills.py FOLDER`` kills all of them and prints what it found as JSON. It is a
process of its own, because whatever a killed command leaves becomes its child.  Instead of guests
programs sleep, and nothing is compiled or fetched.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CACHE = ROOT / "build" / "conformance"
PR_SET_CHILD_SUBREAPER = 36
OLD = "old\n"


@dataclass(frozen=True)
class Long:
    """A command that runs for long."""

    words: str
    """Its arguments after ``python -m``; OUT is a file that it would write."""
    processes: int
    """How many processes it starts at least."""
    signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    """What it is killed with, in this order: the next run removes what SIGKILL left."""


EVERY = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
OUTRIGHT = EVERY[:2]

GUEST = "--kernels IMAGE"
LONG = (
    Long("reference_model diverge 5.8 5.9 --depth 30 --jobs 2", 2, EVERY),
    Long("records search --jobs 2", 2, EVERY),
    Long("records questions", 0),
    Long(f"conformance check {GUEST} --json OUT", 1, EVERY),
    Long(f"conformance stories {GUEST} --json OUT", 1),
    Long(f"conformance twins {GUEST} --json OUT", 1),
    Long(f"conformance twins --go {GUEST}", 1),
    Long(f"conformance explore {GUEST} --json OUT", 2, EVERY),
    Long(f"conformance events {GUEST}", 1),
    Long(f"conformance two-faults {GUEST}", 1),
    Long(f"conformance boundaries {GUEST}", 1),
    Long(f"conformance bpftool {GUEST}", 1),
    Long(f"conformance objects {GUEST}", 1),
    Long(f"conformance probe {GUEST}", 1),
    Long(f"conformance record {GUEST}", 1),
    Long(f"conformance record OUT --ops OPS {GUEST}", 1, OUTRIGHT),
    Long("conformance go", 1),
    Long("conformance packages", 1),
    Long("upstream series TREE --out FOLDER/mails", 0),
    Long("tests.mutants --count 60", 4, OUTRIGHT),
)


def processes(parent: int) -> list[int]:
    """The processes below one, without those that have ended."""
    found: list[int] = []
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            for pid in map(int, path.read_text().split()):
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    found += [pid, *processes(pid)]
    return found


def prepare(folder: Path) -> None:
    """Replace what is slow, or is not to be touched, by something that sleeps."""
    from conformance import go_versions, guest, initramfs, objects, packages, payload, record, twins
    from records import questions
    from upstream import series

    def sleep(*_: object, **__: object) -> Any:
        (folder / "begun").touch()
        time.sleep(60)

    nothing: Callable[..., Any] = lambda *_, **__: None  # noqa: E731
    for module, name in (
        (twins, "build"),
        (record, "missing_go"),
        (objects, "build"),
        (go_versions, "missing_tools"),
    ):
        setattr(module, name, nothing)
    payload.Payload.archive = lambda self: b""  # type: ignore[method-assign]
    initramfs.base = lambda cache=folder: folder  # type: ignore[assignment]
    initramfs.write = nothing
    guest.as_nobody = tuple  # type: ignore[assignment]
    guest.QEMU = ("sh", "-c", "exec sleep 60")  # type: ignore[assignment]
    go_versions.unpack = packages.unpack = lambda *_: subprocess.run(["sleep", "60"])  # type: ignore
    series.committed = questions.chosen = sleep


def run(words: Sequence[str], folder: Path) -> None:
    """Be the command."""
    import importlib
    import tempfile

    from reference_model.commands import finish

    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    out = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    tempfile.tempdir = str(folder / "tmp")
    prepare(folder)
    name, *arguments = words
    module = name if name == "tests.mutants" else f"{name}.__main__"
    main = importlib.import_module(module).main
    try:
        finish(lambda: main(arguments))
    except SystemExit as end:
        os._exit(int(end.code or 0))
    finally:
        os._exit(99)


def is_left(folder: Path) -> bool:
    """Whether the process of a folder has ended."""
    return not Path("/proc", folder.name.split("-")[1]).exists()


def is_running(pid: int) -> bool:
    """Whether a child has not ended."""
    return pid in processes(os.getpid())


def waited(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Wait until something is so; whether it became so in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def killed(long: Long, number: signal.Signals, folder: Path) -> dict[str, Any]:
    """Start a command, kill it when it works, and see what is left of it."""
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "out").write_text(OLD)
    (folder / "begun").unlink(missing_ok=True)
    places = {name: str(folder / name.lower()) for name in ("OUT", "IMAGE", "OPS", "TREE")}
    words = [places.get(w, w).replace("FOLDER", str(folder)) for w in long.words.split()]
    pid = os.fork()
    if pid == 0:
        run(words, folder)
    if long.processes:
        waited(lambda: len(processes(pid)) >= long.processes or not is_running(pid))
        works = is_running(pid)
        time.sleep(0.1)  # the last one has its folder
    else:
        waited(lambda: (folder / "begun").exists() or not is_running(pid))
        works = is_running(pid)
    kill = os.killpg if number == signal.SIGINT else os.kill  # as a terminal does
    kill(pid, number)
    ended = waited(lambda: not is_running(pid))
    _, status = os.waitpid(pid, 0) if ended else (0, 0)
    waited(lambda: not processes(os.getpid()), 5)
    left = [Path(f"/proc/{one}/cmdline").read_bytes().decode() for one in processes(os.getpid())]
    for one in processes(os.getpid()):
        os.kill(one, signal.SIGKILL)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return {
        "words": long.words,
        "signal": int(number),
        "works": works,
        "ended": ended,
        "status": os.waitstatus_to_exitcode(status),
        "processes": left,
        "folders": [
            *os.listdir(folder / "tmp"),
            *(path.name for path in CACHE.glob("run-*-*") if is_left(path)),
        ],
        "files": sorted(path.name for path in folder.iterdir() if path.name.startswith(".")),
        "said": (folder / "said").read_text(),
        "output": (folder / "out").read_text(),
    }


def write_inputs(folder: Path) -> None:
    """Write a kernel that states its version, a trace, and a tree."""
    image = bytearray(0x400)
    image[0x202:0x206] = b"HdrS"
    image[0x20E:0x210] = (0x100).to_bytes(2, "little")
    image[0x300:0x306] = b"6.1.9 "
    (folder / "image").write_bytes(image)
    (folder / "ops").write_text(
        '{"id": "a", "ops": [{"op": "mkdir", "cgroup": "c1", "parent": null}], "answers": []}\n'
    )

    documents = ("Documentation/bpf/index.rst", "Documentation/bpf/map_cgroup_storage.rst")
    for name in ("MAINTAINERS", *documents, "include/uapi/linux/bpf.h"):
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / name).write_text("text\n")
    git = ["git", "-C", str(folder / "tree")]
    for words in ("init -q", "config user.name x", "config user.email x", "add .", "commit -qm x"):
        subprocess.run([*git, *words.split()], check=True)


def main(folder: Path) -> None:
    """Kill all commands with all signals."""
    import upstream.__main__  # noqa: F401

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    write_inputs(folder)
    only = sys.argv[2:]
    for long in LONG:
        for number in long.signals:
            if not only or any(word in long.words for word in only):
                print(json.dumps(killed(long, number, folder)), flush=True)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    main(Path(sys.argv[1]))
