# SPDX-License-Identifier: GPL-2.0-only
"""Every story's C twin on real kernels: ``python -m conformance.twins``.

Compiles ``docs/examples``, runs the twins in guests, each a process of its own, and compares what
each prints with what its story expects of that kernel.  With ``--record`` that goes into the
kernel's record, which ``python -m conformance.stories --record`` made.  Those of safe stories
share a guest; one that is to break the kernel has a guest to itself.  Exit status: 0 all agree, 1
something differs, 2 a tool is missing, 3 a kernel was not run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from records import results
from records.digests import twin_digest
from records.files import KERNELS
from reference_model.catalogue import UNDEFINED, Observations, Story, stories

from . import guest, kernels, run_twins, tools
from .__main__ import chosen, keep_log
from .kernels import Kernel
from .offers import NotRun
from .payload import Payload

SOURCES = tools.REPOSITORY / "docs" / "examples"
BUILT = tools.REPOSITORY / "build" / "examples"

PACKAGE_OF = {"clang": "clang", "cc": "gcc", "make": "make"}
LIBRARIES = {"libbpf.a": "libbpf-dev", "libelf.a": "libelf-dev", "libz.a": "zlib1g-dev"}


def missing_tools() -> tools.MissingTools | None:
    """What is needed to compile the twins and is not installed, with the packages that have it."""
    lacking = {name: package for name, package in PACKAGE_OF.items() if not shutil.which(name)}
    if "cc" not in lacking:
        lacking |= {name: package for name, package in LIBRARIES.items() if not _library(name)}
    return tools.MissingTools(tuple(lacking), tuple(lacking.values())) if lacking else None


def _library(name: str) -> bool:
    """Whether the compiler finds a library: then it tells its path, else just the name."""
    command = ["cc", f"-print-file-name={name}"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return os.path.isabs(found)


def build(out: Path = BUILT) -> None:
    """Compile all twins; MissingTools, or RuntimeError with what the compilers said."""
    if lacking := missing_tools():
        raise lacking
    command = ["make", "-s", "-C", str(SOURCES), f"-j{os.cpu_count()}", f"OUT={out}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode or result.stderr:
        raise RuntimeError(f"docs/examples does not compile:\n{result.stdout}{result.stderr}")


def names() -> list[str]:
    """The twins that are there: those with both files."""
    found = (path.name.removesuffix(".bpf.c") for path in SOURCES.glob("*.bpf.c"))
    return sorted(name for name in found if (SOURCES / f"{name}.c").exists())


@dataclass
class Told:
    """What one twin printed, and how it ended: None, the kernel broke before its end."""

    lines: list[str] = field(default_factory=list)
    status: int | None = None
    stderr: str = ""

    def difference(self, expected: Observations, *, crashed: bool = False) -> str:
        """Why this is not what the story expects, in words; "" if it is."""
        wanted = {label: str(value) for label, value in expected.items()}
        split = [line.partition(": ") for line in self.lines]
        seen = {label: value for label, _, value in split}
        if len(seen) != len(split):
            return f"a label was printed twice: {self.lines}"
        left = [label for label in wanted if label not in seen]
        if crashed and self.status != 0 and left:
            seen[left[0]] = UNDEFINED  # a label is printed after its operation
        if UNDEFINED in wanted.values():
            if not crashed:
                return f"the kernel was expected to break; printed {seen}"
        elif self.status != 0:
            return f"ended with {self.status}; printed {seen}; {self.stderr.strip()}"
        if seen != wanted:
            return "; ".join(
                f"{label}: printed {seen.get(label, 'nothing')}, "
                f"expected {wanted.get(label, 'nothing')}"
                for label in {**wanted, **seen}
                if seen.get(label) != wanted.get(label)
            )
        return ""


def told(lines: Iterable[str]) -> dict[str, Told]:
    """What run_twins.py told, by twin."""
    found: dict[str, Told] = {}
    twin = Told()
    for line in lines:
        if not line.startswith("{"):
            twin.lines.append(line)
            continue
        said = json.loads(line)
        twin = found.setdefault(said["story"], Told())
        if "status" in said:
            twin.status, twin.stderr = said["status"], said.get("stderr", "")
            twin = Told()
    return found


SYSCTLS = ("unprivileged_bpf_disabled",)
"""What a story may ask of its kernel that is a setting; a twin sets its own limits itself."""


def with_settings(name: str, story: Story) -> str:
    """A twin as run_twins.py wants it named."""
    settings = [f"{key}={value}" for key, value in story.kernel.items() if key in SYSCTLS]
    return ",".join((name, *settings))


def payload(wanted: Sequence[str], known: dict[str, Story], *, crash: bool = False) -> Payload:
    """The payload that runs these twins."""
    files = {
        f"twins/{name}{suffix}": BUILT / f"{name}{suffix}"
        for name in wanted
        for suffix in ("", ".bpf.o")
    }
    run = (with_settings(name, known[name]) for name in wanted)
    return Payload(
        name="twins" if len(wanted) > 1 else f"twin-{wanted[0]}",
        argv=(tools.PYTHON, "run_twins.py", "twins", *run),
        files={"run_twins.py": Path(run_twins.__file__), **files},
        time_limit=180,
        expect_crash=crash,
    )


def tasks(kernel: Kernel, known: dict[str, Story]) -> Iterator[tuple[list[str], Payload]]:
    """The guests that a kernel needs, each with its twins.

    One for the twins of safe stories, one for those that are unsafe, but not on this kernel, and
    one for each that is to break it.
    """
    safe = [name for name, story in known.items() if not story.unsafe]
    breaks = [
        name
        for name, story in known.items()
        if UNDEFINED in story.expected(kernel.version).seen.values()
    ]
    unsafe = [name for name in known if name not in {*safe, *breaks}]
    for together in filter(None, (safe, unsafe)):
        yield together, payload(together, known)
    for name in breaks:
        yield [name], payload([name], known, crash=True)


@dataclass
class Report:
    """What came of all twins on one kernel: by twin "" or what differs; and other problems."""

    kernel: Kernel
    twins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0


def run(kernel: Kernel, known: dict[str, Story]) -> Report:
    """Run the twins of these stories on a kernel."""
    report = Report(kernel)
    for number, (run_here, task) in enumerate(tasks(kernel, known)):
        (result,) = guest.run_all([kernel], task, jobs=1)
        crashed = result.crashed or bool(result.warnings)
        report.seconds += result.seconds
        found = told(result.lines)
        for name in run_here:
            expected = known[name].expected(kernel.version).seen
            twin = found.get(name, Told())
            report.twins[name] = twin.difference(expected, crashed=crashed)
        if not result.ok:
            keep_log(result, number)
        if not result.ok and (result.warnings or not any(report.twins.values())):
            report.problems.append(f"{task.name}: {result.problem}")
    return report


def as_json(report: Report) -> dict[str, Any]:
    """A report as plain data: the kernel, and by twin what differs, or "" if nothing does."""
    kernel = report.kernel
    return {
        "version": kernel.version,
        "release": kernel.release,
        "package": kernel.package,
        "package_version": kernel.package_version,
        "config_sha256": kernel.config_sha256,
        "twins": report.twins,
        "problems": report.problems,
        "seconds": round(report.seconds, 1),
    }


def add_to_record(report: Report, folder: Path = KERNELS) -> Path | None:
    """Write the twins into the record of their kernel; None if it has none yet."""
    for record in results.read(folder):
        if record["kernel"]["version"] == report.kernel.version:
            twins = {
                name: {"digest": twin_digest(name), "differs": differs}
                for name, differs in report.twins.items()
            }
            return results.write({**record, "twins": twins}, folder)
    return None


def show(report: Report, *, verbose: bool) -> None:
    """Print what came of a kernel: each twin that differs, on request all."""
    for name, difference in report.twins.items():
        if difference or verbose:
            print(f"  {name}: {difference or 'agrees'}")
    for problem in report.problems:
        print(f"  {problem}")
    agree = sum(not difference for difference in report.twins.values())
    print(
        f"{report.kernel.name}: {agree} of {len(report.twins)} twins agree, {report.seconds:.1f} s",
        flush=True,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m conformance.twins", description=__doc__)
    parser.add_argument("--kernels", help="as of python -m conformance; default: all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="guests at a time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--record", action="store_true", help="write records/kernels/")
    parser.add_argument("--verbose", action="store_true", help="name each twin, also if it agrees")
    parser.add_argument("twins", nargs="*", metavar="NAME", help="default: all that are there")
    options = parser.parse_args(arguments)
    every: dict[str, Story] = stories()
    try:
        if unknown := [name for name in options.twins if name not in names()]:
            raise ValueError(f"no such twin: {', '.join(unknown)}")
        if options.record and options.twins:
            raise ValueError("a record holds every twin: leave out the names, or --record")
        known = {name: every[name] for name in options.twins or names()}
        branches, paths = chosen(options.kernels)
        tools.require([*tools.TO_BUILD, *tools.TO_BOOT])
        build()
        wanted: list[Kernel | NotRun] = []
        if branches:
            wanted += kernels.get(branches, say=print)
        wanted += kernels.own(paths) + kernels.own_from_environment()
    except (tools.MissingTools, ValueError, RuntimeError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    here = [kernel for kernel in wanted if isinstance(kernel, Kernel)]
    not_run = [kernel for kernel in wanted if isinstance(kernel, NotRun)]
    good, reports = True, []
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        for report in pool.map(lambda kernel: run(kernel, known), here):
            show(report, verbose=options.verbose)
            good = good and not report.problems and not any(report.twins.values())
            reports.append(as_json(report))
            if options.record and not report.problems:
                path = add_to_record(report)
                where = (
                    path.relative_to(tools.REPOSITORY) if path else "nowhere: record the stories"
                )
                print(f"    recorded in {where}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")
    for missing in not_run:
        print(f"{missing.branch}: NOT RUN: {missing.reason}")
    if not good:
        return 1
    return 3 if not_run or not here else 0


if __name__ == "__main__":
    sys.exit(main())
