# SPDX-License-Identifier: GPL-2.0-only
"""The safe stories on the machine's own kernel, in cgroups made for them and removed.

Stories marked unsafe, and what only a guest may change, are left to the guests.
"""

from __future__ import annotations

import json

import pytest

import reference_model.linux as linux
from reference_model.catalogue import Story, observed, stories
from reference_model.linux import LinuxKernel, Missing

EVERY: dict[str, Story] = stories()
SAFE = {
    name: story
    for name, story in EVERY.items()
    if not story.unsafe and "unprivileged_bpf_disabled" not in story.kernel
}
LACKING = linux.missing()


@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
@pytest.mark.parametrize("name", SAFE)
def test_story(name: str) -> None:
    story = SAFE[name]
    with LinuxKernel(**story.kernel) as kernel:
        try:
            seen = observed(story.run, kernel)
        except Missing as lacking:  # such as no bpffs for a story that pins
            pytest.skip(str(lacking))
        expected = story.expected(kernel.release).seen
    assert json.loads(json.dumps(seen)) == json.loads(json.dumps(expected))


def test_what_is_left_to_guests() -> None:
    assert {name for name, story in EVERY.items() if story.unsafe} < set(EVERY) - set(SAFE)
    assert len(SAFE) > 25
