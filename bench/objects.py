# SPDX-License-Identifier: GPL-2.0-only
"""Measures the check of objects: one, a thousand in one call, and one in a binary of 100 MB."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reference_model import MAINLINE
from reference_model.checker.examine import examine
from reference_model.releases import release

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
MANY = 1000
LARGE = 100 << 20
REPEATS = 5


def compiled() -> list[bytes]:
    """The objects of all stories."""
    include = f"-idirafter/usr/include/{platform.machine()}-linux-gnu"
    command = ["clang", "-O2", "-g", "-target", "bpf", include, "-o", "-", "-c"]
    return [
        subprocess.run([*command, source], check=True, capture_output=True).stdout
        for source in sorted(EXAMPLES.glob("*.bpf.c"))
    ]


def used(*command: str | Path, repeats: int = REPEATS) -> float:
    """The shortest of a few runs of a command, in seconds of CPU time.

    Python keeps its bytecode, as it does for what pip installs.
    """
    times, given = [], {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, env=given, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def measure() -> None:
    """Print what the check of objects takes."""
    if not shutil.which("clang"):
        print("check: not measured, clang is not installed")
        return
    objects, releases = compiled(), [release(name) for name in MAINLINE]
    begun = time.process_time()
    for number in range(MANY):
        list(examine("one.o", objects[number % len(objects)], releases))
    each = (time.process_time() - begun) / MANY
    with tempfile.TemporaryDirectory() as folder:
        one, large = Path(folder, "one.o"), Path(folder, "large")
        one.write_bytes(objects[0])
        with large.open("wb") as file:
            file.write(bytes(range(256)) * (LARGE // 256) + objects[0])
        many = []
        for number in range(MANY):
            many.append(Path(folder, f"{number}.o"))
            many[-1].write_bytes(objects[number % len(objects)])
        start = used(sys.executable, "-c", "pass")
        check = (sys.executable, "-m", "reference_model", "check")
        alone, big = used(*check, one) - start, used(*check, large) - start
        all_of_them = used(*check, *many, repeats=1) - start
    print(f"check: {1000 * each:.1f} ms an object in one process, for {len(releases)} releases")
    print(
        f"check, CPU time: one object {1000 * alone:.0f} ms beyond Python's start, which takes "
        f"{1000 * start:.0f} ms, so {alone / start:.1f} times that; {MANY} objects in one call "
        f"{all_of_them:.1f} s, one in a binary of 100 MB {1000 * big:.0f} ms"
    )
