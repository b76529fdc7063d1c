# SPDX-License-Identifier: GPL-2.0-only
"""Which real kernels were asked about what the patches say, from the committed records alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from records import results
from records.digests import digest
from reference_model import Change, Release
from reference_model.catalogue import Story, stories
from reference_model.trace import read

TRACES = Path(__file__).resolve().parents[1] / "records" / "traces"


@cache
def kernels_of_traces() -> dict[str, frozenset[str]]:
    """The releases that answered each recorded trace, by the trace's id."""
    return {
        trace.id: frozenset(name for name in trace.answers if not Release(name).proposal)
        for path in sorted(TRACES.glob("*.jsonl*"))
        for trace in read(path)
    }


@cache
def kernels_of_stories() -> dict[str, frozenset[str]]:
    """The releases that were asked each story, by its name: in a guest, or by traces that show it.

    A record from before the story last changed does not count.
    """
    found: dict[str, frozenset[str]] = {}
    for name, story in stories(Story).items():
        guests = {
            record["kernel"]["version"]
            for record in results.read()
            if record["stories"].get(name, {}).get("digest") == digest(story)
        }
        found[name] = frozenset(guests).union(
            *(kernels_of_traces()[evidence.trace] for evidence in story.evidence)
        )
    return found


def kernels(names: Iterable[str] = (), traces: Iterable[str] = ()) -> list[str]:
    """The releases that were asked any of these stories, by name, or traces, oldest first."""
    asked = [kernels_of_stories()[name] for name in names]
    asked += [kernels_of_traces()[trace] for trace in traces]
    return sorted(frozenset().union(*asked), key=Release)


def commit(change: Change) -> str:
    """A commit as the kernel's documents name it.

    >>> from reference_model import changes
    >>> commit(changes.SHARED_STORAGE)[:38]
    'commit 7d9c3427894f ("bpf: Make cgroup'
    """
    return f'commit {change.commit} ("{change.title}")'


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them.

    >>> listed("abc"), listed("ab"), listed("a")
    ('a, b and c', 'a and b', 'a')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
