# SPDX-License-Identifier: GPL-2.0-only
"""Measures Python in the pages: what is transferred, when it is ready, and how long a run takes."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from playground import bundle
from playground.answers import answer
from playground.node import asked, blocks

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build" / "html"
TYPICAL = ("index.html", "tutorial.html", "lifetime.html", "map_cgroup_storage.html")
REPEATS = 5
sys.path.insert(0, str(ROOT / "tests" / "site"))


def measure() -> None:
    """Print all of it, or what it needs."""
    scripts = SITE / "_static" / "python"
    if not scripts.is_dir() or shutil.which("node") is None:
        print("playground: not measured: make playground, with npm and node installed")
        return
    weights(scripts)
    runs()
    browser()


def weights(scripts: Path) -> None:
    """Kilobytes, gzipped, that a page loads when something runs, and before."""
    later = {path.name: path for path in sorted(scripts.iterdir())}
    before = {path.name: path for path in sorted((SITE / "_static").glob("run*"))}
    for what, files in (("before a click", before), ("on the first click", later)):
        sizes = {name: len(gzip.compress(path.read_bytes())) / 1000 for name, path in files.items()}
        each = ", ".join(f"{name} {size:.1f}" for name, size in sizes.items())
        print(f"playground: kB gzipped {what}: {each}")


def request(page: str) -> dict[str, Any]:
    """All examples of a page."""
    return {"do": "examples", "blocks": blocks(SITE / page)}


def here(page: str) -> float:
    """The shortest run of the examples of a page in this Python, in seconds of CPU time."""
    text, times = json.dumps(request(page)), []
    for _ in range(REPEATS):
        start = time.process_time()
        answer(text)
        times.append(time.process_time() - start)
    return min(times)


def runs() -> None:
    """CPU time in node: until ready as a ratio to the interpreter's own start, and runs."""
    pages = [page for page in TYPICAL if blocks(SITE / page)]
    first = {"files": bundle.model(), "request": {"do": "examples", "blocks": [{"text": ""}]}}
    again = [{"request": request(page)} for page in pages for _ in range(REPEATS)]
    found = asked([first, {"files": bundle.figures() | bundle.stories()}, *again])
    start, ready = found["start"], found["steps"][0]["seconds"]
    print(
        f"playground: interpreter {start:.1f} s of CPU time, then {ready:.1f} s until ready: "
        f"{1 + ready / start:.2f} times the interpreter's start"
    )
    for number, page in enumerate(pages):
        steps = found["steps"][2 + number * REPEATS :][:REPEATS]
        there, cpython = min(step["seconds"] for step in steps), here(page)
        print(
            f"playground: {page}: {1000 * there:.0f} ms a run, "
            f"{there / cpython:.1f} times as long as in CPython"
        )


def browser() -> None:
    """Wall time from a click to the result in Chromium: cold, from the cache, after a stop."""
    from chromium import MISSING, PROGRAM, chromium, served

    if shutil.which(PROGRAM) is None:
        print(f"playground: not measured in a browser: {MISSING}")
        return
    button = "document.querySelector('.run-{}')"
    status = "document.querySelector('.run-status').textContent"
    times = {}
    with chromium() as tab, served(SITE) as base:
        tab.send("Network.setCacheDisabled", cacheDisabled=False)
        for what in ("cold", "from the cache", "after a stop", "once ready"):
            if what in ("cold", "from the cache"):
                tab.open(f"{base}lifetime.html")
            elif what == "after a stop":
                tab.evaluate("Python.stop()")
            start = time.perf_counter()
            tab.evaluate(button.format("run") + ".click()")
            while tab.evaluate("!!document.querySelector('.run-bar.running')"):
                time.sleep(0.005)
            times[what] = time.perf_counter() - start
            if not tab.evaluate(f"{status}.startsWith('Ran')"):
                print(f"playground: not measured in a browser: {tab.evaluate(status)}")
                return
    cold = times["cold"]
    ratios = ", ".join(f"{what} {taken / cold:.2f}" for what, taken in list(times.items())[1:])
    print(f"playground: Chromium {cold:.1f} s from a click to the result, cold; of that: {ratios}")
