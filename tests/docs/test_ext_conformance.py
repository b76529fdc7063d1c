# SPDX-License-Identifier: GPL-2.0-only
"""The page of conformance: it claims what a record holds, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import conformance_page
import pytest
from docutils import nodes
from stories.evidence import confirmations
from stories.folded import folded
from support_site import ROOT, Site

from records import answers, results
from records import matrix as cells
from records.archive import Archive, committed
from records.digests import digest, twin_digest
from records.files import KERNELS
from reference_model import Release
from reference_model.catalogue import UNDEFINED, Story, stories
from reference_model.traces import Trace, read

STORIES = stories()

PAGE = "Conformance\n===========\n" + "".join(
    f"\n.. conformance:: {part}\n" for part in conformance_page.PARTS
)


real = cells.committed_matrix


@cache
def traces() -> dict[str, Trace]:
    files = (ROOT / "records" / "traces").glob("*.jsonl*")
    return {found.id: found for path in files for found in read(path)}


def asked(kernel: str, names: set[str]) -> bool:
    """Whether a kernel answered, or broke on, one of these traces."""
    found = (traces()[name] for name in names)
    return any(kernel in {*one.answers, *one.undefined} for one in found)


# -- cells and records -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORIES)
def test_no_cell_without_a_record(name: str) -> None:
    """Looked up in the files themselves, in another way than the page does."""
    told: dict[str, Any] = {}
    for path in KERNELS.glob("*.json"):
        told[path.stem] = json.loads(path.read_text(encoding="utf-8"))["stories"].get(name)
    own = {found for found in traces() if found.partition("@")[0] == name}
    evidence = {found.trace for found in STORIES[name].evidence}
    row = real().cells[name]
    assert list(row) == real().kernels
    for kernel, cell in row.items():
        held = told.get(kernel)
        if cell.agreement is cells.AGREES:
            assert held is not None
            assert held["observed"] == cell.seen, kernel
            assert UNDEFINED not in cell.seen.values()
        elif cell.agreement is cells.REPLAYED:
            assert any(kernel in traces()[found].answers for found in own), kernel
        elif cell.agreement is cells.PART:
            assert asked(kernel, evidence), kernel
            assert cell.seen
        elif cell.agreement is cells.BREAKS:
            assert UNDEFINED in STORIES[name].expected(kernel).seen.values()
            by_trace = any(kernel in traces()[found].undefined for found in own | evidence)
            assert held is not None or by_trace, kernel
        elif cell.agreement is cells.NOT_RUN:
            assert cell == cells.Comparison(cells.NOT_RUN, "not run")
            assert held is None
            assert not asked(kernel, own), kernel


def test_what_guests_observed_is_shown() -> None:
    for record in results.read():
        kernel = record["kernel"]["version"]
        for name in record["stories"]:
            assert real().cells[name][kernel].agreement in (cells.AGREES, cells.BREAKS), (
                name,
                kernel,
            )


def test_every_difference_is_explained_and_nothing_else() -> None:
    found = {(name, kernel) for name, kernel, _ in real().differences()}
    assert found == set(cells.EXPLAINED)


def test_kernels_are_in_order() -> None:
    assert real().kernels == sorted(real().kernels, key=Release)


def test_totals_are_of_all_cells() -> None:
    size = len(real().cells) * len(real().kernels)
    assert sum(real().count(state) for state in cells.AGREEMENTS) == size
    for kernel in real().kernels:
        assert sum(real().count(state, kernel) for state in cells.AGREEMENTS) == len(STORIES)


# -- what a cell says ------------------------------------------------------------------------------


def story() -> tuple[Story, dict[str, Any]]:
    found = STORIES["reattach_keeps_data"]
    return found, dict(found.expected("5.9").seen)


def test_a_kernel_that_does_something_else_differs() -> None:
    found, seen = story()
    assert cells.whole(found, "5.9", seen, cells.AGREES).agreement is cells.AGREES
    cell = cells.whole(found, "5.9", {**seen, "before detach": 7}, cells.AGREES)
    assert cell.agreement is cells.DIFFERS
    assert cell.words == f"before detach: observed 7, expected {seen['before detach']}"


def test_a_kernel_that_breaks_agrees_with_nothing() -> None:
    found, seen = story()
    broken = {**seen, "before detach": UNDEFINED}
    assert cells.whole(found, "5.9", broken, cells.AGREES).agreement is cells.DIFFERS
    assert cells.whole(found, "5.9", None, cells.REPLAYED).agreement is cells.DIFFERS
    unsafe = STORIES["link_update_compares_maps"]
    expected = unsafe.expected("5.10.262").seen
    assert cells.whole(unsafe, "5.10.262", expected, cells.AGREES).agreement is cells.BREAKS
    assert cells.whole(unsafe, "5.10.262", None, cells.REPLAYED).agreement is cells.BREAKS


def test_a_trace_that_says_something_else_differs() -> None:
    found = STORIES["entries_outlive_detach"]
    wrong = replace(found, outcomes=(found.outcomes[0]._replace(seen={"after detach": "EBUSY"}),))
    differing = [cell for _, cell in cells.in_traces(wrong, committed()) if cell is not None]
    assert differing
    assert {cell.agreement for cell in differing} == {cells.DIFFERS}


def test_a_trace_of_the_whole_story_counts_where_no_guest_ran(tmp_path: Path) -> None:
    """As for kernels that no distribution ships any more."""
    shutil.copytree(ROOT / "records" / "traces", tmp_path / "traces")
    archive = Archive(tmp_path)
    row = cells.matrix(archive).cells["link_update_compares_maps"]
    assert (row["7.3.4"].agreement, row["7.3.4"].words) == (cells.REPLAYED, "EINVAL")
    assert row["5.10.262"] == cells.Comparison(cells.BREAKS, UNDEFINED), "no more is known of it"
    unsafe = STORIES["link_update_compares_maps"]
    found = answers.confirmed("link_update_compares_maps", unsafe, archive)
    assert (found.ran, found.twins) == ([], [])
    assert "7.3.4" in found.traced
    assert found.crashed == ["5.7.14", "5.8.18", "proposal", "5.9.1", "5.10.262", "6.19.14"]
    assert [text.astext().partition(",")[0] for text in confirmations(found)] == [
        "Its operations",
        "In a virtual machine",
    ]


# -- the tables ------------------------------------------------------------------------------------


def texts(table: nodes.Node) -> list[list[str]]:
    return [[entry.astext() for entry in row.children] for row in table.findall(nodes.row)]


def test_each_cell_of_the_page_has_a_mark_and_words() -> None:
    parts = conformance_page.whole(real(), "conformance")
    rows = [row for table in parts[::2] for row in texts(table)[1:]]
    assert len(rows) == len(STORIES)
    for name, row in zip(STORIES, rows, strict=True):
        shown = row[1:]
        for kernel, text in zip(real().kernels, shown, strict=True):
            cell = real().cells[name][kernel]
            mark, _, words = text.partition(" ")
            assert mark == cell.agreement.mark
            assert " ".join(words.split()) == " ".join(cell.words.split()), (name, kernel)
            assert words


def test_the_words_of_each_cell_are_folded_below_the_table() -> None:
    parts = conformance_page.whole(real(), "conformance")
    assert {type(part) for part in parts[1::2]} == {folded}
    items = [item.astext() for part in parts[1::2] for item in part.findall(nodes.list_item)]
    assert len(items) == len(STORIES)
    for name, item in zip(STORIES, items, strict=True):
        for kernel in real().kernels:
            assert kernel in item
            assert real().cells[name][kernel].words in item


def test_rules_on_kernels() -> None:
    table, _ = conformance_page.rules(real(), "conformance")
    rows = {row[0]: row[1:] for row in texts(table)[1:]}
    assert set(rows) == {rule for story in STORIES.values() for rule in story.rules}
    assert all(text for row in rows.values() for text in row)


def test_what_stories_say_of_a_rule_together() -> None:
    def text(*states: cells.Agreement) -> str:
        agreement, said = conformance_page.together(list(states))
        return f"{agreement.mark} {said}"

    assert text(cells.AGREES, cells.PART, cells.NOT_RUN) == "● 2 of 3"
    assert text(cells.BREAKS, cells.NOT_RUN) == "‡ undefined"
    assert text(cells.AGREES, cells.DIFFERS) == "≠ differs"
    assert text(cells.NOT_RUN) == "– not run"


def test_marks_and_words_are_all_different() -> None:
    assert len({state.mark for state in cells.AGREEMENTS}) == len(cells.AGREEMENTS)
    assert len({state.word for state in cells.AGREEMENTS}) == len(cells.AGREEMENTS)


# -- a site ----------------------------------------------------------------------------------------


def record(**observed: dict[str, Any]) -> dict[str, Any]:
    """A record of a site's own stories."""
    return {
        "kernel": {
            "version": "5.10.262",
            "release": "5.10.0-46-cloud-amd64",
            "package": "linux-image-5.10.0-46-cloud-amd64",
            "package_version": "5.10.262-1",
            "config_sha256": "ab" * 32,
        },
        "date": "2020-07-21",
        "seconds": 1.0,
        "stories": {
            name: {"digest": seen.pop("digest"), "observed": seen}
            for name, seen in observed.items()
        },
    }


def digests(site: Site) -> dict[str, str]:
    """The digests of the two stories of a site, as they are there."""
    found = {}
    for name, path in (("again", "breaking_changes/again.py"), ("zero", "recipes/zero.py")):
        code = compile("def run(): pass", f"{site.path}/reference_model/catalogue/{path}", "exec")
        namespace: dict[str, Any] = {}
        exec(code, namespace)
        found[name] = digest(replace(STORIES["walk_all_keys"], run=namespace["run"]))
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with a kernel on which one story agrees and one differs; it is built once."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.edit("docs/index.rst", "   history\n", "   history\n   conformance\n")
    site.write("docs/conformance.rst", PAGE)
    known = digests(site)
    made = record(
        again={"digest": known["again"], "first": 1, "second": 2},
        zero={"digest": known["zero"], "first": 1, "second": 9},
    )
    results.write(made, site.path / "records" / "kernels")
    status, output = site.build()
    assert status == 0, output
    return site


def words(site: Site, page: str) -> str:
    text = re.sub(r"<[^>]+>", " ", site.read(f"build/html/{page}.html"))
    return " ".join(text.split())


def test_the_page_of_a_site(built: Site) -> None:
    text = words(built, "conformance")
    assert "Each program ran on 2020-07-21 in virtual machines with Linux 5.10.262." in text
    assert (
        "Write zeros , Linux 5.10.262: second: observed 9, expected 1. This is not explained yet."
    ) in text
    assert "1 agree in full and" in text
    assert "– not run" in text
    assert "linux-image-5.10.0-46-cloud-amd64 5.10.262-1" in text
    assert 'href="results.json"' in built.read("build/html/conformance.html")


def test_the_page_of_a_story_names_the_kernels_that_confirmed_it(built: Site) -> None:
    confirmed = "The example ran in virtual machines on 5.10.262 (2020-07-21), with the results"
    assert confirmed in words(built, "breaking_changes/again")
    assert confirmed not in words(built, "recipes/zero"), "it observed something else"


def test_a_twin_is_confirmed_where_it_printed_the_same_as_it_is() -> None:
    name = "reattach_keeps_data"
    current = {"digest": twin_digest(name), "differs": ""}
    told = {
        "5.10.262": {name: current},
        "6.1.192": {name: {**current, "differs": "it printed 1"}},
        "6.12.117": {name: {**current, "digest": "0" * 16}},
        "6.19.14": {},
    }
    known = [{"kernel": {"version": kernel}, "twins": twins} for kernel, twins in told.items()]
    assert answers.agreeing_twins(name, known) == ["5.10.262"]
    text = words_of_story(name)
    assert "The C version, compiled and run there, printed the same." in text


def words_of_story(name: str) -> str:
    """What a story's section on real kernels says, of the committed records."""
    found = answers.confirmed(name, STORIES[name], committed())
    return " ".join(part.astext() for part in confirmations(found))


def test_the_file_beside_the_page(built: Site) -> None:
    data = json.loads(built.read("build/html/results.json"))
    (kernel,) = (found for found in data["kernels"] if found["version"] == "5.10.262")
    assert kernel["release"] == "5.10.0-46-cloud-amd64"
    assert kernel["package_version"] == "5.10.262-1"
    assert kernel["config_sha256"] == "ab" * 32
    assert kernel["date"] == "2020-07-21"
    assert kernel["stories"]["again"] == {
        "state": "agrees",
        "observed": {"first": 1, "second": 2},
        "expected": {"first": 1, "second": 2},
        "page": "breaking_changes/again.html",
    }
    assert kernel["stories"]["zero"]["state"] == "differs"
    assert kernel["totals"]["agrees"] == 1
    for found in data["kernels"]:
        assert sum(found["totals"].values()) == 3
    assert sum(data["totals"].values()) == 3 * len(data["kernels"])


def test_a_record_of_another_story_claims_nothing(site: Site) -> None:
    """A story that changed after its record is shown as one that was not run."""
    story = "reference_model/catalogue/breaking_changes/again.py"
    made = '    return kernel.mkdir("web"), counts, count\n'
    site.edit(story, made, f'    kernel.mkdir("db")\n{made}')
    status, output = site.build()
    assert status == 0, output
    data = json.loads(site.read("build/html/results.json"))
    (kernel,) = (found for found in data["kernels"] if found["version"] == "5.10.262")
    assert kernel["stories"]["again"]["state"] == "not run"
    assert kernel["stories"]["again"]["observed"] == {}
    assert "The example ran" not in words(site, "breaking_changes/again")


def test_pages_follow_when_a_record_comes_or_goes(site: Site) -> None:
    folder = site.path / "records" / "kernels"
    made = json.loads((folder / "5.10.262.json").read_text(encoding="utf-8"))
    made["kernel"]["version"] = "6.1.192"
    results.write(made, folder)
    (folder / "5.10.262.json").unlink()
    status, output = site.build()
    assert status == 0, output
    assert "in virtual machines with Linux 6.1.192." in words(site, "conformance")
    assert "on 6.1.192 (2020-07-21)" in words(site, "breaking_changes/again")


def test_an_unknown_part_is_an_error(site: Site) -> None:
    site.write("docs/conformance.rst", PAGE + "\n.. conformance:: nothing\n")
    status, output = site.build()
    assert status != 0
    assert "no such part: nothing (known: oracle," in output
