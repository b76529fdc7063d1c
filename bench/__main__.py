# SPDX-License-Identifier: GPL-2.0-only
"""Measures the model and the site; ``make bench`` prints what is found.  Nothing here is asserted.

Machines are shared and noisy: look at the ratios, which compare two times of one run.
"""

from __future__ import annotations

import argparse
import doctest
import gc
import gzip
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import records.files
from conformance import tools
from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    AttachType,
    Cgroup,
    Kernel,
    Release,
    traces,
)
from reference_model.commands import ENDINGS, cores, finish, positive
from reference_model.divergence import search, world

from . import objects, pages
from .running import running

ROOT = Path(__file__).parent.parent
TRACES = records.files.TRACES / "linux.jsonl.gz"
REPEATS = 5

Key = tuple[int, AttachType]
Pairs = list[tuple[Cgroup, Key]]
Operation = Callable[[Cgroup, Key], object]


def seconds(work: Callable[[], object]) -> float:
    """The shortest of a few runs, without the garbage collector, in seconds of CPU time."""
    times = []
    for _ in range(REPEATS):
        gc.collect()
        gc.disable()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
        gc.enable()
    return min(times)


def replay() -> None:
    """Answers of all recorded kernels, replayed in one process."""
    answers = sum(score.answers for score in traces.replay([TRACES]).values())
    taken = seconds(lambda: traces.replay([TRACES]))
    print(f"replay: {answers} answers in {taken:.2f} s, {answers / taken:,.0f} a second")


class Machine:
    """A kernel with many cgroups, each with an attached program and a storage."""

    def __init__(self, cgroups: int) -> None:
        self.kernel = kernel = Kernel("latest")
        self.counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
        self.prog = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(self.counts))
        self.cgroups = [kernel.mkdir() for _ in range(cgroups)]
        for cgroup in self.cgroups:
            self.attach(cgroup)
        self.some = self.cgroups[:: max(1, cgroups // 1000)]
        self.keys = [(cgroup.id, BPF_CGROUP_INET_EGRESS) for cgroup in self.some]

    def attach(self, cgroup: Cgroup) -> None:
        self.kernel.prog_attach(cgroup, self.prog, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)

    def operations(self) -> dict[str, Operation]:
        kernel, counts = self.kernel, self.counts

        def attach(cgroup: Cgroup, key: Key) -> None:
            kernel.prog_detach(cgroup, self.prog, BPF_CGROUP_INET_EGRESS)
            self.attach(cgroup)

        return {
            "detach and attach": attach,
            "fire": lambda cgroup, key: kernel.fire(cgroup, BPF_CGROUP_INET_EGRESS),
            "lookup": lambda cgroup, key: kernel.map_lookup_elem(counts, key),
            "update": lambda cgroup, key: kernel.map_update_elem(counts, key, 1),
            "next key": lambda cgroup, key: kernel.map_get_next_key(counts, key),
        }


def scaling(few: int, many: int) -> None:
    """Microseconds of each operation among few and among many cgroups: flat is a ratio near 1."""
    small, large = Machine(few), Machine(many)
    print(f"{'microseconds at':<20} {few:>9,} {many:>9,} cgroups    ratio")
    for name in small.operations():
        costs = []
        for machine in (small, large):
            operation = machine.operations()[name]
            pairs = list(zip(machine.some[:-1], machine.keys[1:], strict=True))

            def work(operation: Operation = operation, pairs: Pairs = pairs) -> None:
                for cgroup, key in pairs:
                    operation(cgroup, key)

            costs.append(seconds(work) / len(pairs) * 1e6)
        print(f"{name:<20} {costs[0]:>9.2f} {costs[1]:>9.2f} {costs[1] / costs[0]:>16.2f}")


def memory(storages: int) -> None:
    """Bytes that one more storage of 8 bytes takes, beside its cgroup and attachment."""
    kernel = Kernel("latest")
    progs = []
    for _ in range(2):
        counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
        progs.append(kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts)))
    cgroups = [kernel.mkdir() for _ in range(storages)]
    for cgroup in cgroups:  # the first storage of a cgroup pays for the hook as well
        kernel.prog_attach(cgroup, progs[0], BPF_CGROUP_INET_EGRESS)
    kernel.close(progs[0])
    gc.collect()
    tracemalloc.start()
    for cgroup in cgroups:
        kernel.prog_attach(cgroup, progs[1], BPF_CGROUP_INET_EGRESS)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(f"memory: {used / storages:.0f} bytes a storage (value of 8 bytes, {storages:,} of them)")


def examples() -> None:
    """``make doctest`` against the examples of pages and docstrings run bare, by doctest alone.

    Stories' examples are made when the pages are, so only Sphinx runs them: compare per example.
    """
    parser = doctest.DocTestParser()
    files = [*ROOT.glob("docs/*.rst"), *ROOT.glob("reference_model/**/*.py")]
    texts = {path: path.read_text() for path in files}
    tests = [parser.get_doctest(text, {}, path.name, None, 0) for path, text in texts.items()]
    count = sum(len(test.examples) for test in tests)
    start = time.perf_counter()
    for test in tests:
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=lambda text: None)
    bare = (time.perf_counter() - start) / count
    start = time.perf_counter()
    made = tools.run(["make", "-s", "doctest"], cwd=ROOT, must_succeed=True)
    whole = time.perf_counter() - start
    ran = int(re.findall(r"(\d+) examples ran", made.stdout + made.stderr)[0])
    print(
        f"examples: {count} bare, {1000 * bare:.1f} ms each; make doctest {ran} in {whole:.1f} s, "
        f"{1000 * whole / ran:.1f} ms each (wall, with the start of Sphinx), "
        f"ratio {whole / ran / bare:.1f}"
    )


def guests() -> None:
    """Seconds of a real kernel in a guest: all stories, and random steps with the model."""
    commands = {
        "all stories on the newest kernel": ["stories", "--kernels", "newest"],
        "300 random steps on the newest kernel": ["explore", "--kernels", "newest"],
    }
    for what, arguments in commands.items():
        result = timed(what, "conformance", *arguments)
        if result is not None:
            taken, said = result
            print(f"{what}: {taken:.1f} s from start to result; {said.splitlines()[-1]}")


def timed(what: str, module: str, *arguments: str) -> tuple[float, str] | None:
    """Wall time of a module's command, and what it printed; if it failed None, and it says why."""
    start = time.perf_counter()
    command = [sys.executable, "-m", module, *arguments]
    made = tools.run(command, cwd=ROOT)
    if made.returncode:
        print(f"{what}: not measured: {(made.stderr or made.stdout).strip()[-200:]}")
        return None
    return time.perf_counter() - start, made.stdout.strip()


def upstream() -> None:
    """Seconds from a kernel tree to mails; LINUX in the environment names the tree."""
    linux = os.environ.get("LINUX", "")
    if not linux:
        print("upstream: not measured: name a tree, make bench LINUX=/path/to/linux")
        return
    with tempfile.TemporaryDirectory() as name:
        result = timed("upstream", "upstream", "series", linux, "--out", f"{name}/mails")
        if result is not None:
            mails = len(list(Path(name, "mails").iterdir()))
            print(f"upstream: {mails} mails in {result[0]:.1f} s (wall)")


def divergence(limit: float) -> None:
    """Transitions a second of the search for differences, its memory, and how deep it comes."""
    old, new, where = Release("5.8"), Release("5.9"), world.load(world.DEFAULT)
    start, cpu = time.perf_counter(), time.process_time()
    found = search.search(old, new, where, 6)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    start = time.perf_counter()
    search.search(old, new, where, 6, cores())
    ratio = wall / (time.perf_counter() - start)
    print(
        f"divergence: {found.transitions / cpu:,.0f} transitions a second of CPU time on one core; "
        f"{cores()} processes are {ratio:.2f} times as fast (wall)"
    )
    peaks, states = [], []
    for depth in (5, 6):
        tracemalloc.start()
        states.append(sum(search.search(old, new, where, depth).states))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    more = (peaks[1] - peaks[0]) / (states[1] - states[0])
    print(f"divergence: {more:.0f} bytes for one more state")

    def stop(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    found = search.search(old, new, where, 20, cores())
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(
        f"divergence: all programs of up to {found.depth} operations in {limit:.0f} s, "
        f"{sum(found.states):,} states, {found.transitions:,} transitions"
    )


PAGES = {
    "index": "index",
    "reference": "map_cgroup_storage",
    "story": "breaking_changes/reattach_keeps_data",
    "recipe": "recipes/zero_explicitly",
    "errors": "errors",
    "sharing": "sharing",
    "history": "history",
    "api": "api",
    "tutorial": "tutorial",
}


def site() -> None:
    """CPU time of builds of a copy of the site as ratios to a cold one, and its pages' weight."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in (
            "conformance",
            "docs",
            "playground",
            "records",
            "reference_model",
            "tests",
            "upstream",
        ):
            shutil.copytree(ROOT / part, copy / part)
        for part in ("conf.py", "README.md"):
            shutil.copy(ROOT / part, copy)
        story = copy / "reference_model" / "catalogue" / f"{PAGES['story']}.py"

        def built(builder: str = "html") -> float:
            start = os.times()
            command = [sys.executable, "-m", "sphinx", "-q", "-c", ".", "-d", "trees"]
            command += ["-b", builder, "docs", builder]
            tools.run(command, cwd=copy, must_succeed=True)
            end = os.times()
            return sum(end[2:4]) - sum(start[2:4])

        cold, warm, doctests = built(), built(), built("doctest")
        text = story.read_text()
        story.write_text(text.replace('summary="""', 'summary="""Edited. ', 1))
        assert story.read_text() != text, f"{story}: no summary to edit"
        edited = built()
        pages = len([it for it in (copy / "html").rglob("*.html") if "_modules" not in it.parts])
        print(
            f"site: {pages} pages; cold build {cold:.1f} s of CPU time; of that: warm "
            f"{warm / cold:.2f}, one story edited {edited / cold:.2f}, doctest after html "
            f"{doctests / cold:.2f}"
        )
        weights = {
            kind: len(gzip.compress((copy / "html" / f"{page}.html").read_bytes())) / 1000
            for kind, page in PAGES.items()
        }
        print("kB gzipped: " + ", ".join(f"{kind} {kb:.1f}" for kind, kb in weights.items()))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the model, the site and the commands, and print what is found.",
        epilog=f"Exit status: 0 what could be measured is printed, 2 an option is wrong. {ENDINGS}",
    )
    parser.add_argument("--few", type=positive, default=1_000, help="cgroups of the small machine")
    parser.add_argument("--many", type=positive, default=100_000, help="cgroups of the large one")
    options = parser.parse_args()
    replay()
    scaling(options.few, options.many)
    memory(20_000)
    divergence(60)
    running(1_000)
    examples()
    objects.measure()
    site()
    pages.measure()
    upstream()
    guests()
    return 0


if __name__ == "__main__":
    finish(main)
