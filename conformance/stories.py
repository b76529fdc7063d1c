# SPDX-License-Identifier: GPL-2.0-only
"""Every story on real kernels: ``python -m conformance.stories``.

Safe stories share one guest per kernel; each unsafe one gets a guest of its own, which is thrown
away.  Exit status: 0 all agree, 1 something differs, 2 a tool is missing, 3 a kernel was not run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from records import results
from records.digests import digest
from reference_model.catalogue import UNDEFINED, Story, stories

from . import guest, kernels, offers, tools
from .__main__ import chosen
from .kernels import Kernel
from .offers import NotRun
from .payload import Payload

FILES = {
    "reference_model": tools.REPOSITORY / "reference_model",
    "conformance": tools.REPOSITORY / "conformance",
}


def payload(names: Iterable[str], *, crash: bool = False) -> Payload:
    """The payload that tells the stories named."""
    wanted = tuple(names)
    return Payload(
        name="stories" if len(wanted) > 1 else wanted[0],
        argv=(tools.PYTHON, "-m", "conformance.tell", *wanted),
        files=FILES,
        time_limit=400,  # seconds: on a busy machine a guest may take minutes
        expect_crash=crash,
    )


def told(lines: Iterable[str], *, crashed: bool) -> dict[str, dict[str, Any]]:
    """What each story observed; a label that was tried when the kernel broke is undefined."""
    seen: dict[str, dict[str, Any]] = {}
    pending: tuple[str, str] | None = None
    for line in lines:
        if not line.startswith("{"):
            continue
        said = json.loads(line)
        observed = seen.setdefault(said["story"], {})
        if "failed" in said:
            del seen[said["story"]]
        elif "tries" in said:
            pending = said["story"], said["tries"]
        elif "label" in said:
            observed[said["label"]] = said["value"]
            pending = None
    if crashed and pending is not None:
        seen[pending[0]][pending[1]] = UNDEFINED
    return seen


def breaks(story: Story, kernel: Kernel) -> bool:
    """Whether the model says that the story breaks this kernel."""
    return UNDEFINED in story.expected(kernel.version).seen.values()


def tasks(kernel: Kernel, known: dict[str, Story]) -> Iterator[Payload]:
    """The guests that a kernel needs: one for all safe stories, one for each unsafe one."""
    safe = [name for name, story in known.items() if not story.unsafe]
    if safe:
        yield payload(safe)
    for name, story in known.items():
        if story.unsafe:
            yield payload([name], crash=breaks(story, kernel))


def record(
    kernel: Kernel, known: dict[str, Story], say: offers.Say
) -> tuple[dict[str, Any], list[str]]:
    """Run the stories on a kernel; its record, and what went wrong beside the answers."""
    seen: dict[str, dict[str, Any]] = {}
    digests = {name: digest(story) for name, story in known.items()}  # before they run
    problems = []
    seconds = 0.0
    for task in tasks(kernel, known):
        (result,) = guest.run_all([kernel], task, jobs=1)
        seconds += result.seconds
        seen.update(told(result.lines, crashed=result.crashed or bool(result.warnings)))
        say(f"{kernel.name}: {task.name}: {'ok' if result.ok else result.problem}")
        if not result.ok:
            problems.append(f"{kernel.version}: {task.name}: {result.problem}")
    return {
        "kernel": {
            "version": kernel.version,
            "release": kernel.release,
            "package": kernel.package,
            "package_version": kernel.package_version,
            "config_sha256": kernel.config_sha256,
        },
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seconds": round(seconds, 1),
        "stories": {
            name: {"digest": digests[name], "observed": observed}
            for name, observed in sorted(seen.items())
        },
    }, problems


def kept(kernel: Kernel) -> dict[str, Any]:
    """What the kernel's record holds beside the stories: the C twins."""
    for record in results.read():
        if record["kernel"]["version"] == kernel.version:
            return {"twins": record["twins"]} if "twins" in record else {}
    return {}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m conformance.stories", description=__doc__)
    parser.add_argument("--kernels", help="as of python -m conformance; default: all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="guests at a time")
    parser.add_argument("--record", action="store_true", help="write records/kernels/")
    parser.add_argument("stories", nargs="*", metavar="STORY", help="default: all")
    options = parser.parse_args(arguments)
    every: dict[str, Story] = stories()
    known = {name: story for name, story in every.items() if name in (options.stories or every)}
    if unknown := sorted(set(options.stories) - set(every)):
        parser.error(f"no such story: {', '.join(unknown)}")
    if options.record and options.stories:
        parser.error("a record holds every story: leave out the names, or --record")
    try:
        branches, paths = chosen(options.kernels)
        tools.require([*tools.TO_BUILD, *tools.TO_BOOT])
        wanted: list[Kernel | NotRun] = []
        if branches:
            wanted += kernels.get(branches, say=print)
        wanted += kernels.own(paths) + kernels.own_from_environment()
    except (tools.MissingTools, ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    faults: list[str] = []
    here = [kernel for kernel in wanted if isinstance(kernel, Kernel)]
    not_run = [kernel for kernel in wanted if isinstance(kernel, NotRun)]
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        told_by = pool.map(lambda kernel: record(kernel, known, print), here)
        for kernel, (made, problems) in zip(here, told_by, strict=True):
            missing = sorted(set(known) - set(made["stories"]))
            problems += [f"{kernel.version}: {name}: told nothing" for name in missing]
            problems += results.differences(made)
            agreed = len(known) - len({problem.split(": ")[1] for problem in problems})
            print(f"{kernel.name}: {agreed} of {len(known)} stories agree, {made['seconds']} s")
            if options.record and not problems:
                path = results.write({**kept(kernel), **made})
                print(f"    recorded in {path.relative_to(tools.REPOSITORY)}")
            faults += problems
    for missed in not_run:
        print(f"{missed.branch}: NOT RUN: {missed.reason}")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    return 3 if not_run or not here else 0


if __name__ == "__main__":
    sys.exit(main())
