# SPDX-License-Identifier: GPL-2.0-only
"""The table of events, against what real kernels passed."""

from __future__ import annotations

import events_table

from conformance.events import distinct, label
from records import events as records
from reference_model.events import EVENTS

NEWEST = list(records.read().values())[-1]


def test_each_event_stands_there_once() -> None:
    words = [words for words, _ in events_table.rows()]
    assert len(words) == len(set(words)) == len(set(EVENTS.values()))


def test_the_hooks_are_those_that_the_newest_kernel_passed() -> None:
    shown = dict(zip(dict.fromkeys(EVENTS.values()), events_table.rows(), strict=True))
    compared = 0
    for name, (_, event) in distinct().items():
        assert label(event) == name
        _, hooks = shown[event]
        if name in NEWEST["events"]:
            compared += 1
            assert [str(hook) for hook in hooks] == NEWEST["events"][name]["passes"]
    assert compared > 15
