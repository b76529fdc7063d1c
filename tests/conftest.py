# SPDX-License-Identifier: GPL-2.0-only
"""What all tests share."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from _pytest.python import CallSpec2
from _pytest.terminal import TerminalReporter
from coverage import Coverage
from hypothesis import settings
from support_site import Site

from reference_model import MAINLINE

ROOT = Path(__file__).parent.parent
MODEL = Path(__file__).parent / "reference_model"

# A shell that runs tests in the background ignores Ctrl-C in them; what they run is to heed it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# CI walks the same paths every time and keeps nothing; HYPOTHESIS_PROFILE=default explores.
settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# What runs on the machine's own kernel runs in one process, one after the other.
ON_THIS_KERNEL = {
    "test_examples.py",
    "test_go_examples.py",
    "test_host_kernel.py",
    "test_host_probe.py",
    "test_host_running.py",
    "test_host_stories.py",
}

# What reads the kernel tree that the upstream check changes runs in the same process.
IN_THE_TREE = {"test_check.py", "test_selftest_objects.py"}

# What takes longest begins first, so that no process waits for it at the end.
LONG = {
    *("test_guests.py", "test_probe_guest.py", "test_check.py", "test_explore.py"),
    *("test_kills.py", "test_properties.py", "test_inference.py", "test_questions.py"),
    *("test_arguments.py", "test_changing.py", "test_markers.py", "test_mutants.py"),
}

# What builds sites, compiles, boots guests, searches or runs whole records is left out by
# `make quick`, which replays the records by itself; and most repetitions for another release.
BUILDS = {
    *("test_doctest_strictness.py", "test_ext_conformance.py", "test_ext_freshness.py"),
    *(
        "test_ext_rules.py",
        "test_ext_stories.py",
        "test_pages_in_c.py",
        "test_reference_examples.py",
    ),
    *("test_divergence.py", "test_ext_sources.py"),
    *("test_guest_harness.py", "test_interleavings.py", "test_search.py", "test_series.py"),
    *("test_probe_guest.py", "test_record.py", "test_results.py", "test_trace.py"),
    *("test_selftest_objects.py", "test_kernel_selftests.py"),
    *("test_bundle.py", "test_ext_text_forms.py", "test_page.py"),
    *("test_corners.py", "test_findings.py", "test_story_objects.py", "test_variants.py"),
}

SEVERAL = {*MAINLINE[::-12], MAINLINE[0]}
"""Releases that stand for all where a test is repeated for each: others reach the same lines."""


def is_repetition(item: pytest.Item) -> bool:
    """Whether the test is repeated for each release, and this one is not among ``SEVERAL``."""
    repeated: CallSpec2 | None = getattr(item, "callspec", None)
    release = repeated and repeated.params.get("release")
    return release in MAINLINE and release not in SEVERAL


@pytest.fixture
def site(built: Site, tmp_path: Path) -> Iterator[Site]:
    """The ``built`` site of a test file, put back after the test with the times of its files."""
    shutil.copytree(built.path, tmp_path / "before")
    yield built
    shutil.rmtree(built.path)
    shutil.copytree(tmp_path / "before", built.path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With --dist=loadgroup a file stays in one process, which makes its fixtures once."""
    items.sort(key=lambda item: item.path.name not in LONG)
    for item in items:
        name = item.path.name
        group = "tree" if name in IN_THE_TREE else name
        group = "kernel" if name in ON_THIS_KERNEL else group
        item.add_marker(pytest.mark.xdist_group(group))
        if name in LONG | BUILDS | ON_THIS_KERNEL or is_repetition(item):
            item.add_marker(pytest.mark.slow)


MAY_SKIP = (
    "it may break the kernel",
    "kernel.unprivileged_bpf_disabled is",
    "no bpffs is mounted",
    "bpffs is not mounted",
    "the Go library before 0.10 does not read the BTF",
    "a shallow clone has no history",
    "the kernel's text was read in",
)
"""Reasons to skip a test that are no lack of this machine: with REQUIRE_ALL no other one counts."""


def skipped(config: pytest.Config) -> Counter[str]:
    """Why tests were skipped, and how many."""
    reporter: TerminalReporter = config.pluginmanager.getplugin("terminalreporter")
    found = reporter.stats.get("skipped", [])
    return Counter(report.longrepr[2].removeprefix("Skipped: ") for report in found)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With REQUIRE_ALL, as in CI, a test that lacks something to run has failed."""
    if not os.environ.get("REQUIRE_ALL") or hasattr(session.config, "workerinput"):
        return
    lacking = [why for why in skipped(session.config) if not why.startswith(MAY_SKIP)]
    if lacking:
        print("\nREQUIRE_ALL: these did not run:", *lacking, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


ONCE = {
    *("test_arguments.py", "test_interleavings.py", "test_search.py"),
    *("test_events.py", "test_pairs.py"),
}
"""Of a test in these files that is repeated, the first repetition counts."""


def is_counted(item: pytest.Item) -> bool:
    """Whether a test counts for the coverage of the model: it triples what a test costs.

    Tests of other packages, random walks, and tests with the marker ``no_cover`` reach the same
    lines again.
    """
    if item.get_closest_marker("no_cover"):
        return False
    if not item.path.is_relative_to(MODEL) or item.path.name in LONG - ONCE:
        return False
    if item.path.name in ONCE:
        repeated: CallSpec2 | None = getattr(item, "callspec", None)
        return repeated is None or not any(repeated.indices.values())
    return not is_repetition(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage, also of fixtures, where it does not count."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    coverage = plugin.cov_controller if plugin and not is_counted(item) else None
    if coverage:
        coverage.pause()
        if unused := Coverage.current():  # pytest-cov starts another in a worker, and that resumes
            unused.stop()
    try:
        return (yield)
    finally:
        if coverage and not coverage.started:  # pytest-cov resumes by itself after ``no_cover``
            coverage.resume()


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Write why tests were skipped where NOT_RUN says: `make test` prints it at its end."""
    name = os.environ.get("NOT_RUN")
    if name and not hasattr(config, "workerinput"):  # a worker's tests are in the summary of all
        with (ROOT / name).open("a", encoding="utf-8") as file:
            file.writelines(f"{count} tests: {why}\n" for why, count in skipped(config).items())
