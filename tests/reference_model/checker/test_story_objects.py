# SPDX-License-Identifier: GPL-2.0-only
"""The object of each story shows what the story declares, and loads where its C version loads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support_objects import EXAMPLES, answers, compiled, examined, needs_compiler, pages

from reference_model.catalogue import BreakingChange, stories
from reference_model.checker.examine import Examined
from reference_model.checker.facts import FAULTS
from reference_model.checker.findings import FAULT, page_of
from reference_model.checker.questions import QUESTIONS

STORIES = stories()

pytestmark = needs_compiler


def of_story(name: str) -> bytes:
    return compiled((EXAMPLES / f"{name}.bpf.c").read_text(encoding="utf-8"), "-g", head="")


@pytest.fixture(scope="module")
def objects() -> dict[str, Examined]:
    with ThreadPoolExecutor(2) as pool:
        made = dict(zip(STORIES, pool.map(of_story, STORIES), strict=True))
    return {name: examined(data) for name, data in made.items()}


@pytest.mark.parametrize("name", STORIES)
def test_the_object_shows_what_the_story_declares(objects: dict[str, Examined], name: str) -> None:
    shown = any(finding.page == page_of(name) for finding in objects[name].findings)
    assert shown == (STORIES[name].shown_by == "object")


def test_nothing_of_them_is_in_doubt(objects: dict[str, Examined]) -> None:
    assert {name: found.doubts for name, found in objects.items() if found.doubts} == {}


@pytest.mark.parametrize("name", STORIES)
def test_every_program_is_followed_to_its_end(objects: dict[str, Examined], name: str) -> None:
    assert all(behaviour.complete for behaviour in objects[name].programs.values())


# What the C versions printed on real kernels says where a map or a program is refused; those that
# are not listed load everywhere.  Read in the declarations, and in the outcomes of the stories.
REFUSED = {
    "attach_types_share_with_8_byte_keys": ["4.19-5.8 EINVAL", "5.9-7.3 ok"],
    "cgrp_storage_maps": ["4.19-6.1 EINVAL", "6.2-7.3 ok"],
    "eight_byte_keys_need_5_9": ["4.19-5.8 EINVAL", "5.9-7.3 ok"],
    "maps_can_be_read_only": ["4.19-5.1 EINVAL", "5.2-5.8 EBUSY", "5.9-7.3 EACCES"],
    "percpu_maps": ["4.19-4.19 EINVAL", "4.20-5.8 EBUSY", "5.9-7.3 ok"],
    "programs_may_return_2_and_3": ["4.19-5.2 EINVAL", "5.3-5.11 EINVAL", "5.12-7.3 ok"],
    "read_percpu_totals": ["4.19-4.19 EINVAL", "4.20-7.3 ok"],
    "reattach_keeps_data": ["4.19-7.3 ok"],
    "second_program_may_use_the_map": ["4.19-7.3 EBUSY"],
    "sockopt_programs_have_storages": ["4.19-5.2 EINVAL", "5.3-7.3 ok"],
    "to_cgrp_storage": ["4.19-6.1 EINVAL", "6.2-7.3 ok"],
    "values_may_hold_a_spin_lock": ["4.19-5.0 EINVAL", "5.1-5.8 EBUSY", "5.9-7.3 ok"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_loads_where_its_story_says(objects: dict[str, Examined], name: str) -> None:
    assert answers(objects[name]) == REFUSED[name]


def test_a_place_is_a_line_of_the_source(objects: dict[str, Examined]) -> None:
    found = objects["tail_calls_compare_maps"]
    (finding,) = (one for one in found.findings if "callee" in one.why and "writes" in one.why)
    file, _, line = finding.places[0].partition(":")
    assert file == "<stdin>"
    source = (EXAMPLES / "tail_calls_compare_maps.bpf.c").read_text(encoding="utf-8")
    shown = source.splitlines()[int(line) - 1]
    assert shown == "\t*value = *value * 3 + 2;"


def test_the_names_of_pages_are_those_of_the_site(objects: dict[str, Examined]) -> None:
    docs = Path(__file__).parents[3] / "docs"
    for found in objects.values():
        for finding in found.findings:
            page, _, rule = finding.page.partition("#rule-")
            if rule:
                source = (docs / page.replace(".html", ".rst")).read_text(encoding="utf-8")
                assert f".. rule:: {rule}\n" in source
            elif "#" in page:
                page, _, section = page.partition("#")
                source = (docs / page.replace(".html", ".rst")).read_text(encoding="utf-8")
                assert f"\n{section.replace('-', ' ').capitalize()}\n====" in source
            else:
                assert page.removesuffix(".html").rpartition("/")[2] in STORIES


COPIED = sorted(
    path for name in ("fixes", "guides", "reference") for path in EXAMPLES.glob(f"{name}/*.bpf.c")
)


@pytest.mark.parametrize("path", COPIED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_code_that_readers_copy_has_no_fault(path: Path) -> None:
    found = examined(compiled(path.read_text(encoding="utf-8"), "-g", head=""))
    assert [finding for finding in found.findings if finding.kind == FAULT] == []
    assert found.doubts == []


def test_a_c_version_that_can_lose_an_update_to_an_interrupt_says_so(
    objects: dict[str, Examined],
) -> None:
    places = {
        (name, int(place.partition(":")[2]))
        for name, found in objects.items()
        for finding in found.findings
        if finding.title == FAULTS["interrupted update"][0]
        for place in finding.places
    }
    assert len(places) > 5
    for name, number in places:
        lines = (EXAMPLES / f"{name}.bpf.c").read_text(encoding="utf-8").splitlines()
        assert "not exact if an interrupt adds to it" in lines[number - 2], name


def test_two_maps_of_one_type_have_both_places(objects: dict[str, Examined]) -> None:
    found = objects["second_program_may_use_the_map"]
    assert "map_cgroup_storagerule-load.one-of-each" in pages(found)
    (finding,) = (one for one in found.findings if "one-of-each" in one.page)
    assert len(finding.places) == 2


def test_each_change_that_only_user_space_shows_has_one_question() -> None:
    asked = [name for names in QUESTIONS.values() for name in names]
    shown = [name for name, it in stories(BreakingChange).items() if it.shown_by == "user space"]
    assert sorted(asked) == sorted(shown)
    assert len(QUESTIONS) <= 7
