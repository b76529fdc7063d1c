# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance objects``: load objects with libbpf on real kernels.

For each object, what libbpf meets is compared with what ``cgroup-storage check`` says of the
kernel's release: whether it loads, and else the errno, and which map or program is rejected.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from reference_model.checker.examine import examine
from reference_model.releases import Release

from . import guest, languages, tools, twins
from .command_line import Exit, Progress, UsageError, add, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .kernels import KernelImage
from .payload import Payload

SOURCE = Path(__file__).with_name("load_objects.c")
PROGRAM = tools.REPOSITORY / "build" / "conformance" / "load_objects"
LIBRARIES = ("-lbpf", "-lelf", "-lz")
BTF_SINCE = Release("5.4")
"""Libbpf loads no program of twins.NEED_BTF on a kernel without BTF of its own."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Load objects with libbpf on real kernels, and compare with what the check says."
    parser = add(commands, "objects", run, what)
    parser.add_argument(
        "objects",
        nargs="*",
        metavar="FILE",
        help="an object (default: those of all stories)",
    )


def build() -> None:
    """Compile the program that loads, and the objects of the stories."""
    twins.build()
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    command = ["cc", "-O2", "-static", str(SOURCE), "-o", str(PROGRAM), *LIBRARIES]
    made = tools.run(command)
    if made.returncode:
        raise UsageError(f"{SOURCE} does not compile:\n{tools.complaint(made)}")


def payload(objects: Sequence[Path]) -> Payload:
    """The payload that loads these objects."""
    files = {f"objects/{path.name}": path for path in objects}
    return Payload(
        "objects", ("./load_objects", *files), {"load_objects": PROGRAM, **files}, time_limit=300
    )


def said(path: Path, release: Release) -> tuple[int, str] | None:
    """What the check says: 0 or the errno, and the map or program, as libbpf names it.

    None if it cannot tell whether the object loads.
    """
    found = next(examine(str(path), path.read_bytes(), [release]))
    refusal = next((span.refusal for span in found.spans), None)
    if refusal is None or refusal.error is None:
        return None if found.doubts else (0, "")
    kind, name = refusal.step.split()[:2]
    return refusal.error.number, f"{'prog' if kind == 'program' else 'map'} '{name}'"


def differences(
    objects: Iterable[Path], lines: Iterable[str], release: Release, *, has_btf: bool
) -> list[str]:
    """What libbpf met in a guest and the check does not say."""
    met = {Path(line["object"]).name: line for line in map(json.loads, lines)}
    found = []
    for path in objects:
        if path.name.partition(".")[0] in twins.NEED_BTF and not has_btf:
            continue
        if path.name not in met:
            found.append(f"{path.name}: it was not loaded")
            continue
        expected = said(path, release)
        answer = met[path.name]["errno"], met[path.name]["failed"]
        if expected not in (None, answer):
            found.append(f"{path.name}: libbpf met {answer}, and the check says {expected}")
    return found


def ask(kernel: KernelImage, objects: Sequence[Path]) -> list[str]:
    """Load the objects on a kernel; what is not as expected."""
    (result,) = guest.run_all([kernel], payload(objects), jobs=1)
    if not result.ok:
        keep_log(result, 0)
        return [str(result.problem)]
    release = kernel.version if isinstance(kernel.version, Release) else Release(kernel.version)
    return differences(objects, result.lines, release, has_btf=release > BTF_SINCE)


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    for name in options.objects:
        if not Path(name).is_file():
            raise UsageError(f"{name} is not a file")
    wanted = wanted_kernels(options, progress)
    build()
    own = [languages.BUILT / f"{name}.bpf.o" for name in languages.c_names()]
    objects = [Path(name) for name in options.objects] or own
    good = True
    with guest.threads(jobs_of(options)) as pool:
        asked = pool.map(lambda kernel: ask(kernel, objects), wanted.here)
        for kernel, found in zip(wanted.here, asked, strict=True):
            for line in found:
                progress.say(f"  {line}")
            progress.say(f"{kernel.name}: {len(objects) - len(found)} of {len(objects)} agree")
            good &= not found
    return wanted.status(good=good, say=progress.say)
