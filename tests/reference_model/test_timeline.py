# SPDX-License-Identifier: GPL-2.0-only
"""The record of a run: what a Recorder notes, what is said of it, and how it is made shorter."""

from __future__ import annotations

from typing import Any

import pytest
from support_programs import EGRESS, SKB

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_F_NO_PREALLOC,
    BPF_F_REPLACE,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    S32,
    STORAGE_KEY,
    U64,
    Add,
    BpfError,
    Kernel,
    Verdict,
)
from reference_model.catalogue import UNDEFINED, observed, stories
from reference_model.recorder import WATCHED, Recorder, short
from reference_model.timeline import VERBS, Timeline

SHARED = BPF_MAP_TYPE_CGROUP_STORAGE


def counting_machine(release: str = "latest", map_type: Any = SHARED) -> tuple[Any, Any, Any, Any]:
    """A recorded kernel with a cgroup, a map and a program."""
    kernel: Any = Recorder(Kernel(release))
    web = kernel.mkdir("web")
    counts = kernel.map_create(map_type, STORAGE_KEY, U64, map_name="counts")
    return kernel, web, counts, kernel.prog_load(SKB, Add(counts), prog_name="count")


def recorded(name: str, release: str) -> Timeline:
    story = stories()[name]
    recorder = Recorder(Kernel(release, **story.kernel))
    plain = observed(story.run, Kernel(release, **story.kernel))
    assert observed(story.run, recorder, recorder.observing) == plain
    return recorder.timeline


def lanes(timeline: Timeline) -> list[tuple[str, int, int | None]]:
    return [(lane.label, lane.start, lane.end) for lane in timeline.attachments]


def test_operations_that_prepare_make_no_step() -> None:
    kernel, *_ = counting_machine()
    assert kernel.timeline.steps == []


def test_every_operation_that_is_seen_exists() -> None:
    kernel = Kernel()
    assert all(callable(getattr(kernel, name)) for name in VERBS)
    assert set(VERBS) > WATCHED


def test_the_same_operation_again_is_one_step() -> None:
    kernel, web, _, count = counting_machine()
    kernel.prog_attach(web, count, EGRESS)
    kernel.fire(web, EGRESS)
    kernel.fire(web, EGRESS)
    assert [step.caption for step in kernel.timeline.steps] == [
        "prog_attach(web, count, egress)",
        "fire(web, egress), 2 times",
    ]
    (storage,) = kernel.timeline.storages
    assert storage.values == [(0, "0"), (1, "2")]
    assert storage.value_at(0) == "0"


def test_a_look_belongs_to_the_step_before() -> None:
    kernel, web, counts, count = counting_machine()
    kernel.prog_attach(web, count, EGRESS)
    seen: dict[str, Any] = {}

    def observe(label: str, act: Any) -> None:
        seen[label] = act()

    observe.seen = seen  # type: ignore[attr-defined]
    observing = kernel.observing(observe)
    observing("at first", lambda: kernel.map_lookup_elem(counts, (web, EGRESS)))
    observing("event", lambda: kernel.fire(web, EGRESS))
    first, second = kernel.timeline.steps
    assert first.answers == [("at first", "0")]
    assert second.answers == [("event", "None")]
    assert kernel.timeline.sentences()[0].endswith("is created with 0; “at first” is 0.")


def test_a_refusal_is_a_step_and_says_so() -> None:
    kernel, web, counts, _ = counting_machine()
    with pytest.raises(BpfError):
        kernel.map_delete_elem(counts, (web, EGRESS))
    assert kernel.timeline.sentences() == [
        "map_delete_elem(counts, (web, egress)): fails with EINVAL."
    ]


def test_a_denied_event_counts_and_says_so() -> None:
    kernel, web, counts, _ = counting_machine()
    strict = kernel.prog_load(SKB, [Add(counts), Verdict(counts, below=1)], prog_name="strict")
    kernel.prog_attach(web, strict, EGRESS)
    with pytest.raises(PermissionError):
        kernel.fire(web, EGRESS)
    assert (
        kernel.timeline.sentences()[1] == "fire(web, egress): counts[web, egress] is now 1; denied."
    )


def test_a_replaced_program_is_another_attachment() -> None:
    kernel, web, counts, count = counting_machine()
    other = kernel.prog_load(SKB, Add(counts), prog_name="other")
    kernel.prog_attach(web, count, EGRESS, BPF_F_ALLOW_MULTI)
    flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE
    kernel.prog_attach(web, other, EGRESS, flags, replace=count)
    assert lanes(kernel.timeline) == [
        ("count on web, egress", 0, 1),
        ("other on web, egress", 1, None),
    ]
    assert len(kernel.timeline.storages) == 1
    assert kernel.timeline.steps[1].words[-1] == "replace count"


def test_a_link_is_named() -> None:
    kernel, web, _, count = counting_machine()
    kernel.link_create(web, count, EGRESS)
    assert lanes(kernel.timeline) == [("count on web, egress (link 1)", 0, None)]


def test_what_nothing_changes_says_so() -> None:
    kernel, web, _, _ = counting_machine()
    kernel.fire(web, EGRESS)
    assert kernel.timeline.sentences() == [
        "fire(web, egress): no attachment and no storage changes."
    ]


def test_a_per_cpu_storage_holds_a_list() -> None:
    kernel, web, _, count = counting_machine(map_type=BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE)
    kernel.prog_attach(web, count, EGRESS)
    kernel.fire(web, EGRESS, cpu=1)
    (storage,) = kernel.timeline.storages
    assert [value for _, value in storage.values] == ["[0, 0]", "[0, 1]"]


def test_an_element_of_cgrp_storage_that_comes_again_is_another() -> None:
    kernel: Any = Recorder(Kernel())
    web = kernel.mkdir("web")
    found = kernel.map_create(
        BPF_MAP_TYPE_CGRP_STORAGE, S32, U64, map_flags=BPF_F_NO_PREALLOC, btf=True
    )
    for number in (1, 2):
        kernel.map_update_elem(found, web, number)
        kernel.map_update_elem(found, web, number + 10)
        kernel.map_delete_elem(found, web)
    storages = kernel.timeline.storages
    assert [(lane.start, lane.end, lane.label) for lane in storages] == [
        (0, 2, "map 1[web]"),
        (3, 5, "map 1[web]"),
    ]
    assert not storages[0].overlaps(storages[1])


def test_names_of_what_has_none() -> None:
    kernel: Any = Recorder(Kernel())
    web = kernel.mkdir("web")
    found = kernel.map_create(SHARED, STORAGE_KEY, U64)
    kernel.prog_attach(web, kernel.prog_load(SKB, Add(found)), EGRESS)
    (sentence,) = kernel.timeline.sentences()
    assert sentence == (
        "prog_attach(web, prog 1, egress): program 1 on web, egress is created; "
        "storage map 1[web, egress] is created with 0."
    )
    assert short("socket_bind") == "socket_bind"


def test_an_undefined_run_ends() -> None:
    timeline = recorded("link_update_compares_maps", "7.2")
    assert timeline.undefined == len(timeline.steps) - 1
    assert timeline.steps[-1].answers[-1].text == UNDEFINED
    assert timeline.sentences()[-1].endswith(": the behaviour after this step is undefined.")


def many(cgroups: int) -> Timeline:
    kernel, _, _, count = counting_machine()
    made = [kernel.mkdir(f"c{number}") for number in range(cgroups)]
    for cgroup in made:
        kernel.prog_attach(cgroup, count, EGRESS)
    kernel.fire(made[0], EGRESS)
    return kernel.timeline  # type: ignore[no-any-return]


def test_a_short_timeline_stays_as_it_is() -> None:
    timeline = many(4)
    assert timeline.folded() == timeline


def test_many_steps_of_a_kind_become_one() -> None:
    timeline = many(20).folded()
    assert [step.caption for step in timeline.steps] == [
        "prog_attach(…, count, egress), 20 times",
        "fire(c0, egress)",
    ]
    assert [lane.label for lane in timeline.storages] == [
        "counts[c0, egress]",
        "counts[c1, egress] and 18 more",
    ]
    assert lanes(timeline) == [("count on c0, egress and 19 more", 0, None)]
    assert len(timeline.sentences()) == 2


@pytest.mark.parametrize("name", stories())
def test_a_story_fits_into_a_figure(name: str) -> None:
    story = stories()[name]
    for release in {getattr(story, "before", "5.8"), getattr(story, "after", "latest")}:
        timeline = recorded(name, release).folded()
        assert 1 <= len(timeline.steps) <= 16
        assert len(timeline.sentences()) == len(timeline.steps)
        for lane in timeline.attachments + timeline.storages:
            assert 0 <= lane.start < len(timeline.steps)
            assert lane.end is None or lane.start <= lane.end < len(timeline.steps)
