# SPDX-License-Identifier: GPL-2.0-only
"""Programs of readers, and those that the pages of the stories show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from run_here import PROGRAMS, programs
from stories.code import code

from playground import mine
from playground.answers import answer
from playground.examples import Block
from playground.examples import run as run_examples
from playground.objects import check
from playground.programs import run
from reference_model import Kernel
from reference_model.catalogue import RELEASES, Recipe, observed, stories

SOME = ["4.19", "5.8", "5.9", "6.6", RELEASES[-2], "proposal"]


def ran(text: str, *releases: str, **options: Any) -> Any:
    """What a run shows on 5.9, or on some releases."""
    return run(text, list(releases or ["5.9"]), **options)


@pytest.mark.parametrize("name", stories())
def test_the_program_of_a_page_observes_what_its_story_does(name: str) -> None:
    story, program = stories()[name], programs()[name]
    entry = story.run.__name__
    settings = ", ".join(f"{key}={value!r}" for key, value in story.kernel.items())
    text = f"# Kernel({settings})\n{program['text']}" if settings else program["text"]
    found = ran(text, *SOME, name=entry)
    assert [it["error"] for it in found["releases"]] == [""] * len(SOME)
    for number, release in enumerate(SOME):
        values = {row["label"]: row["values"][number] for row in found["rows"]}
        seen = {key: str(value) for key, value in story.expected(release).seen.items()}
        assert {k: v for k, v in values.items() if v != "not reached"} == seen, release


@pytest.mark.parametrize(
    "name", [name for name, story in stories(Recipe).items() if story.old is not None]
)
def test_a_page_shows_all_of_the_old_program(name: str) -> None:
    """In the blocks of the new program and of the old one."""
    story = stories(Recipe)[name]
    assert story.old is not None
    found = ran(old_and_new(story), story.old_release, name=story.old.__name__)
    wanted = observed(story.old, Kernel(story.old_release, **story.kernel))
    assert [row["values"][0] for row in found["rows"]] == [str(it) for it in wanted.values()]


def old_and_new(story: Recipe) -> str:
    """The code that the page of a recipe shows."""
    assert story.old is not None
    blocks, shown = code(story.run)
    more, _ = code(story.old, shown)
    nodes = [*blocks, *more]
    return "\n\n\n".join(node.astext() for node in nodes if "language" in node)  # type: ignore[operator]


def test_values_and_errors_of_statements_are_shown() -> None:
    found = ran("web = kernel.mkdir('web')\n1 + 1\nweb\nkernel.rmdir(web)\nkernel.rmdir(web)")
    assert [(row["label"], row["values"]) for row in found["rows"]] == [
        ("line 2", ["2"]),
        ("line 5", ["ENOENT"]),
    ]
    assert found["rows"][1]["code"] == "kernel.rmdir(web)"
    assert found["reasons"] == {"line 5": "ENOENT: the cgroup has been removed"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1\nkernel.mkdir('web').no", "Line 2: AttributeError: "),
        ("kernel = kernel.map_create(MapType(99), U64, U64)", "Line 1: ValueError: "),
        ("web = kernel.rmdir(kernel.mkdir('a', 1))", "Line 1: "),
        ("2\nraise SystemExit(3)", "Line 2: SystemExit: 3"),
    ],
)
def test_a_program_that_ends_early_says_where(text: str, error: str) -> None:
    (one,) = ran(text)["releases"]
    assert one["error"].startswith(error)


def test_text_that_is_no_program_is_named() -> None:
    assert ran("a = (") == {"error": "Line 1: '(' was never closed"}
    (one,) = ran("a = 1", name="run")["releases"]
    assert one["error"] == "The program must define run(kernel, observe)."


def test_what_is_printed_is_shown() -> None:
    assert ran("print('hello')")["releases"][0]["printed"] == "hello\n"


def test_the_programs_of_the_playground_run() -> None:
    found = ran(PROGRAMS["Count packets (tutorial)"], "5.8", "5.9", everywhere=True)
    assert [row["values"] for row in found["rows"]] == [["3", "3"], ["ENOENT", "3"]]
    assert len(found["svg"]) == 2
    assert [span["title"] for span in found["everywhere"]] == [
        "Linux 4.19 to 5.8",
        f"Linux 5.9 to {RELEASES[-2]}",
        "July 2020 proposal",
    ]
    empty = ran(PROGRAMS["Empty kernel"])
    assert (empty["rows"], empty["releases"][0]["error"], "svg" in empty) == ([], "", False)


def test_a_first_line_that_is_no_setting_is_named() -> None:
    for line in ("# Kernel(speed=9)", "# Kernel(cpus=x)", "# Kernel() or (1)"):
        assert ran(f"{line}\n1")["error"].startswith("Line 1: "), line


VENDOR = """{"profile": 1, "kernel": "5.4.0-vendor", "nearest": "5.4",
 "changes": {"SHARED_STORAGE": true}}"""


def test_the_kernel_of_a_reader_is_one_of_the_releases() -> None:
    mine.give(VENDOR)
    found = ran(PROGRAMS["Count packets (tutorial)"], "5.4", "mine")
    assert [one["title"] for one in found["releases"]] == ["Linux 5.4", "my kernel (5.4.0-vendor)"]
    assert [row["values"] for row in found["rows"]] == [["3", "3"], ["ENOENT", "3"]]
    block: Block = {"text": ">>> from reference_model import *\n>>> Kernel('5.8')\n..."}
    results: Any = run_examples([block], "mine")["blocks"]
    assert results[0][1]["got"] == "Kernel('5.4.0-vendor')\n"
    checked: Any = check("empty.o", "", "mine", "5.8")
    assert checked["lines"][0] == "empty.o: cannot tell"


def test_a_profile_that_cannot_be_used() -> None:
    request = {"do": "examples", "blocks": [], "release": "mine", "profile": "{}"}
    found = json.loads(answer(json.dumps(request)))
    assert found == {"error": "The profile of your kernel cannot be used: it has no 'profile'."}
