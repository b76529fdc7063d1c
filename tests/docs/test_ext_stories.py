# SPDX-License-Identifier: GPL-2.0-only
"""Pages of stories: one for each, built again when its story changes and not otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape

import pytest
from addresses import source_file
from common.tables import fold
from common.words import in_words
from stories.code import example, opening, parts
from stories.groups import GROUPS
from stories.stubs import page_of, stub
from support_site import ROOT, Site

from records.matrix import labels_of
from reference_model import MAINLINE, Kernel
from reference_model.catalogue import FOLDERS, RELEASES, observed, stories


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site that was built once; it is not changed."""
    site = Site(tmp_path_factory.mktemp("site"))
    status, output = site.build()
    assert (status, re.findall("WARNING.*|ERROR.*", output)) == (0, []), output
    return site


def text_of(page: str) -> str:
    """What a reader of a page sees, in one line."""
    found = re.search(r"(?s)<div class=\"body\".*?<div class=\"clearer\"", page)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


# -- a page for each -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", stories())
def test_every_story_has_one_page(name: str) -> None:
    story = stories()[name]
    folders = [folder for folder, kind in FOLDERS.items() if isinstance(story, kind)]
    assert [f"/{folder}/{name}" for folder in folders] == [page_of(name)]
    text = stub(folders[0], name, story)
    assert text.startswith(".. SPDX-License-Identifier: GPL-2.0-only\n")
    assert text.count(f".. story:: {name}\n") == 1
    assert f"\n{story.title}\n{'=' * len(story.title)}\n" in text


def test_no_page_by_hand_shows_a_story_again() -> None:
    stubs = {f"docs{page_of(name)}.rst" for name in stories()}
    pages = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "docs").rglob("*.rst")}
    for name in pages.keys() - stubs:
        assert not re.search(r"(?m)^ *\.\. story::", pages[name].read_text(encoding="utf-8")), name


WITHDRAWN = ["breaking_changes/values_of_no_bytes_are_refused"]
"""Pages that say why their story is no longer there, at the address that it had."""


def test_git_ignores_the_stubs_and_not_the_indexes() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for folder in FOLDERS:
        assert f"/docs/{folder}/*.rst" in ignored
        assert f"!/docs/{folder}/index.rst" in ignored
    for page in WITHDRAWN:
        assert (ROOT / source_file(page)).is_file()
        assert f"!/{source_file(page)}" in ignored


def test_the_page_of_a_breaking_change(built: Site) -> None:
    page = built.read("build/html/breaking_changes/again.html")
    text = text_of(page)
    headings = re.findall(r"<h2>(.*?)<", page)
    assert headings == [
        "What changed",
        "Are you affected?",
        "What to do",
        "Behaviour by release",
        "Why",
        "Figure",
        "Evidence and full example",
    ]
    facts = "Changed in : Linux 5.9 ( 7d9c3427894f ) Stable kernels : none known Affects : "
    assert f"{facts}both map types, shared and per-CPU You see : a counter does not" in text
    assert "Fix : What to do Tested on : no kernel yet; read from the source" in text
    assert "# C: calls that attach git grep -nE 'attach' -- '*.[ch]'" in unescape(text)
    assert f"observed 4.19 to 5.8 5.9 to {MAINLINE[-1]} first 1 1 second 1 2 changed" in text
    assert page.count("<svg ") == page.count("<desc ") == 2
    assert "_made" in text
    assert "unused" not in text
    assert 'href="../recipes/zero.html"' in page
    assert "Write zeros" in text, "the role :story: gives the title"
    assert "override-replace" in text
    assert "From the kernel’s source, not tested:" in text
    assert '<meta content="The old values stay. So it is." name="description" />' in page
    assert page.count('data-sync-id="k5.9"') == 1


def test_the_page_of_an_addition(built: Site) -> None:
    page = built.read("build/html/additions/short.html")
    assert re.findall(r"<h2>(.*?)<", page) == [
        "What is new",
        "How to check for it",
        "What to do without it",
        "Behaviour by release",
        "Details",
        "Figure",
        "Evidence and full example",
    ]
    text = text_of(page)
    assert "Tested on : no kernel yet; read from the source" in text
    assert f"observed 4.19 to 5.8 5.9 to {MAINLINE[-1]} create EINVAL ok changed" in text


def test_the_page_of_a_recipe(built: Site) -> None:
    page = built.read("build/html/recipes/zero.html")
    text = text_of(page)
    assert re.findall(r"<h2>(.*?)<", page) == [
        "Problem",
        "When to use it",
        "Solution",
        "Works on",
        "Pitfalls",
        "How it works",
        "Related changes",
        "Evidence and full example",
    ]
    claimed = f"Linux 4.19 to {MAINLINE[-1]}, and the July 2020 proposal"
    assert f"The new program keeps it on {claimed} . The old program" in text
    assert f"keeps it on Linux 5.8 and breaks it on Linux {MAINLINE[-1]}" in text
    assert page.count("<svg ") == 2
    assert "No kernel was tested" in text
    assert "Related changes ¶ Attaching goes on" in text
    assert f"observed 4.19 to {MAINLINE[-1]} first 1 second 1" in text


def test_the_evidence_is_folded_and_whole(built: Site) -> None:
    page = built.read("build/html/breaking_changes/again.html")
    _, _, folded = page.partition('<details class="folded"><summary>')
    assert page.count('<details class="folded">') == 1
    assert re.findall(r"<h3>([A-Z].*?)<a", folded) == [
        "Model code",
        "Run it yourself",
        "Sources",
        "Tested kernels",
    ]
    assert "crashes some kernels" not in folded


def test_the_code_of_a_fix_is_in_tabs_of_languages(site: Site) -> None:
    """One language needs no tab; the first of several is C."""
    fix = "docs/examples/fixes/again"
    site.write(f"{fix}.c", "/* [begin shown] */\nint fixed_in_c;\n/* [end shown] */\n")
    status, output = site.build()
    assert status == 0, output
    page = site.read("build/html/breaking_changes/again.html")
    assert "fixed_in_c" in page
    assert 'data-sync-group="language"' not in page
    site.write("docs/examples/go/again/copy.go", "// [begin shown]\nvar x int\n// [end shown]\n")
    status, output = site.build()
    assert status == 0, output
    page = site.read("build/html/breaking_changes/again.html")
    assert re.findall(r'data-sync-group="language" data-sync-id="(\w+)"', page) == ["C", "Go"]
    assert page.index("fixed_in_c") < page.index("var")
    assert "begin shown" not in page


def test_ids_on_a_page_are_unique(built: Site) -> None:
    for path in (built.path / "build" / "html").rglob("*.html"):
        ids = re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8"))
        assert len(ids) == len(set(ids)), path.name


def test_the_indexes_lead_to_every_story(built: Site) -> None:
    changes = built.read("build/html/breaking_changes/index.html")
    assert "counter does not start at zero" in text_of(changes)
    assert "Linux 5.9 ¶ Attaching goes on The old values stay." in text_of(changes)
    assert changes.count('href="again.html"') >= 2
    additions = text_of(built.read("build/html/additions/index.html"))
    assert "An errno ¶ EINVAL from an old kernel Keys may be short (5.9)" in additions
    recipes = text_of(built.read("build/html/recipes/index.html"))
    assert "Write zeros It goes on. For every release." in recipes


@pytest.mark.parametrize("folder", GROUPS)
def test_every_story_is_in_one_group_of_the_menu(folder: str) -> None:
    grouped = [name for names in GROUPS[folder].values() for name in names]
    assert sorted(grouped) == sorted(stories(FOLDERS[folder]))


def test_the_inventory_lists_the_stories(built: Site) -> None:
    from sphinx.util.inventory import InventoryFile

    content = (built.path / "build" / "html" / "objects.inv").read_bytes()
    found = InventoryFile.loads(content, uri="").data["std:story"]
    assert set(found) == {"again", "short", "zero"}


def test_without_figures_the_words_remain(site: Site) -> None:
    status, output = site.build("text")
    assert status == 0, output
    page = site.read("build/text/breaking_changes/again.txt")
    words = "prog_attach(web, count, egress): count on web, egress is created; storage"
    assert " ".join(page.split()).count(words) >= 2


# -- doctests --------------------------------------------------------------------------------------


def test_the_examples_run_and_fail_at_the_story(site: Site) -> None:
    status, output = site.build("doctest")
    assert status == 0, output
    assert "16 examples ran" in output
    module = "reference_model/catalogue/breaking_changes/again.py"
    site.edit(module, '{"first": 1, "second": 2}', '{"first": 1, "second": 7}')
    status, output = site.build("doctest")
    assert status == 1
    line = next(
        number
        for number, text in enumerate(site.read(module).splitlines(), start=1)
        if text.startswith("STORY")
    )
    assert f'File "{module}", line {line}, in default' in output
    assert "{'first': 1, 'second': 7}" in output


@pytest.mark.parametrize("name", stories())
def test_an_example_says_what_the_outcome_says(name: str) -> None:
    story = stories()[name]
    seen = story.expected("latest").seen
    text = example(story, "run", "latest", seen)
    assert text.startswith(">>> ")
    assert all(len(line) <= 100 for line in text.splitlines()), "readable"
    namespace: dict[str, object] = {"story": story, "observed": observed, "Kernel": Kernel}
    assert eval(text.partition("\n")[2], namespace) == seen
    assert ("import pprint" in opening(name, [text])) == ("pprint(" in text)


# -- faults ----------------------------------------------------------------------------------------


FAULTS = {
    ".. story:: nobody": "no such story: nobody (known: again, short, zero)",
    ".. story-list:: by-colour recipes": "no such order of recipes: by-colour",
    ".. story-list:: by-release elsewhere": "no such folder: elsewhere",
    ".. story-toctree:: elsewhere": "no such folder: elsewhere",
    ".. limit:: height": "no such limit: height",
    ".. session:: nothing": "no kernel ran the session nothing (known: ",
    ".. drawing:: gone.svg": "gone.svg is not a drawing in SVG: [Errno 2] No such file",
    ".. rule:: not.checked\n\n   A rule.": "nothing checks rule not.checked: write an example",
    ":story:`nobody`": "there is no story 'nobody'",
    ":story:`agan`": "there is no story 'agan'; do you mean again?",
    ":change:`SHARED_STORGE`": "there is no change 'SHARED_STORGE'; do you mean SHARED_STORAGE or ",
    ":rule:`no.such`": "there is no rule 'no.such'",
    ".. tab-set::\n   :sync-group: kernel\n\n"
    "   .. tab-item:: x\n      :sync: k3\n\n      x": "no such generation: k3",
}


def test_a_fault_is_an_error_of_the_page_and_its_line(site: Site) -> None:
    """An unknown story, and each other name that the directives look up."""
    head = ":orphan:\n\nExtra\n=====\n\n"
    site.write("docs/extra.rst", head + "\n\n".join(FAULTS) + "\n")
    status, output = site.build()
    lines = site.read("docs/extra.rst").splitlines()
    assert status == 1
    for text, fault in FAULTS.items():
        first = lines.index(text.splitlines()[0]) + 1
        place = rf"docs/extra\.rst:{first}: .*{re.escape(fault)}"
        assert re.search(place, output), (place, output)


def test_a_fault_in_prose_is_reported_where_it_was_written(site: Site) -> None:
    module = "reference_model/catalogue/breaking_changes/again.py"
    site.edit(module, "The old values stay. So it is.", "The old values stay.\n\n* so ``it is.")
    status, output = site.build()
    lines = site.read(module).splitlines()
    number = lines.index("* so ``it is.") + 1
    assert status == 1
    assert re.search(rf"again\.py:{number}: WARNING: Inline literal start-string", output)


def test_a_program_that_cannot_run_is_an_error_of_its_page(site: Site) -> None:
    module = "reference_model/catalogue/breaking_changes/again.py"
    site.edit(module, "    for label in", "    kernel.fire(None, 99)\n    for label in")
    status, output = site.build()
    number = site.read(module).splitlines().index("    kernel.fire(None, 99)") + 1
    assert status == 1
    assert f"{site.path / module}:{number}: on Linux 5.8: TypeError: fire(): where: " in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"""No story."""\n', ": it has no STORY that is a Recipe"),
        ("x = 1\ndef run(:\n", ":2: SyntaxError: invalid syntax"),
        ("x = 1\n\nSTORY = Recipe()\n", ":3: NameError: name 'Recipe' is not defined"),
        (
            "from ..story import Recipe\n"
            'STORY = Recipe(title="T", summary="", run=print, outcomes=(), details="")\n',
            ": its page needs outcomes; shown_by, one of object, user space, neither; nav, a title "
            "of at most 30 characters for menus; problem; when",
        ),
    ],
    ids=["none", "no Python", "a name", "parts"],
)
def test_a_story_that_cannot_be_used_is_named(site: Site, text: str, said: str) -> None:
    name = "reference_model/catalogue/recipes/broken.py"
    site.write(name, text)
    status, output = site.build()
    assert status == 2
    assert f"{site.path / name}{said}" in output
    assert "Traceback" not in output
    command = ["-m", "reference_model", "export"]
    done = subprocess.run(
        [sys.executable, *command], cwd=site.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"{site.path / name}{said}")
    assert done.stderr.count("\n") == 1


def test_a_name_that_is_taken_is_named(site: Site) -> None:
    story = site.read("reference_model/catalogue/recipes/zero.py")
    site.write("reference_model/catalogue/recipes/again.py", story)
    status, output = site.build()
    assert status == 2
    assert "recipes/again.py: another story has the name again: rename one" in output


def test_a_trace_that_is_not_there_is_named(site: Site) -> None:
    module = "reference_model/catalogue/breaking_changes/again.py"
    site.edit(module, '"override-replace"', '"no-such-trace"')
    status, output = site.build()
    assert status == 1
    assert "no such trace: 'no-such-trace'" in output


# -- building again --------------------------------------------------------------------------------


def read_again(output: str) -> set[str]:
    return set(re.findall(r"(?m)^.*reading sources\.\.\. \[ *\d+%\] (?:\x1b.*?m)?(\S+)", output))


def test_nothing_changed_nothing_read(site: Site) -> None:
    status, output = site.build()
    assert (status, read_again(output)) == (0, set())


def test_editing_a_story_reads_its_page_and_the_indexes(site: Site) -> None:
    module = "reference_model/catalogue/recipes/zero.py"
    site.edit(module, "That is all.", "That is all there is.")
    status, output = site.build()
    assert status == 0, output
    assert read_again(output) == {"recipes/zero", "recipes/index"}
    assert "That is all there is." in text_of(site.read("build/html/recipes/zero.html"))


def test_another_title_reads_the_pages_that_show_it(site: Site) -> None:
    site.edit("reference_model/catalogue/recipes/zero.py", '"Write zeros"', '"Put zeros"')
    status, output = site.build()
    assert status == 0, output
    indexes = {f"{folder}/index" for folder in FOLDERS}
    assert read_again(output) == {"recipes/zero", "breaking_changes/again", *indexes}
    assert "Put zeros" in text_of(site.read("build/html/breaking_changes/again.html"))


def test_a_new_story_gets_a_page_and_a_link_back(site: Site) -> None:
    text = site.read("reference_model/catalogue/breaking_changes/again.py")
    text = text.replace("Attaching goes on", "And again")
    site.write("reference_model/catalogue/breaking_changes/anew.py", text)
    status, output = site.build()
    assert status == 0, output
    assert "recipes/zero" in read_again(output)
    assert "And again" in text_of(site.read("build/html/recipes/zero.html"))
    assert "And again" in text_of(site.read("build/html/breaking_changes/index.html"))


def test_a_stub_goes_with_its_story(site: Site) -> None:
    site.edit("reference_model/catalogue/breaking_changes/again.py", ", see :story:`zero`", "")
    site.edit("reference_model/catalogue/breaking_changes/again.py", '"zero",', "")
    (site.path / "reference_model/catalogue/recipes/zero.py").unlink()
    site.write("docs/recipes/withdrawn.rst", ":orphan:\n\nWithdrawn\n=========\n")
    status, output = site.build()
    assert status == 0, output
    stubs = {path.name for path in (site.path / "docs" / "recipes").iterdir()}
    assert stubs == {"index.rst", "withdrawn.rst"}
    assert "How-to guides" not in site.read("build/html/breaking_changes/again.html")


# -- parts -----------------------------------------------------------------------------------------


def test_neighbours_that_agree_are_one_range() -> None:
    story = stories()["reattach_keeps_data"]
    spans = fold(lambda release: story.expected(release).seen)
    assert [str(span) for span in spans] == ["4.19 to 5.8", f"5.9 to {MAINLINE[-1]}", "proposal"]
    assert [name for span in spans for name in span.releases] == list(RELEASES)


def test_the_same_outcome_with_another_between_makes_three_ranges() -> None:
    spans = fold(lambda release: release == "5.0")
    assert [str(span) for span in spans] == [
        "4.19 and 4.20",
        "5.0",
        f"5.1 to {MAINLINE[-1]}",
        "proposal",
    ]


@pytest.mark.parametrize("name", stories())
def test_the_table_loses_no_release(name: str) -> None:
    story = stories()[name]
    spans = fold(lambda release: story.expected(release).seen)
    told = {release: span.outcome for span in spans for release in span.releases}
    assert told == {release: story.expected(release).seen for release in RELEASES}
    assert set(labels_of(story)) == {label for o in story.outcomes for label in o.seen}


@pytest.mark.parametrize("name", stories())
def test_the_code_is_shown_whole(name: str) -> None:
    """Each name of a module that the shown code uses is shown, or imported."""
    story = stories()[name]
    shown = {found for found, _, _, _ in parts(story.run)}
    assert "run" in shown
    assert "STORY" not in shown


def test_ranges_in_words() -> None:
    assert in_words(["5.9"]) == "5.9"
    assert in_words(["5.9", "5.10", "5.11", "6.1"]) == "5.9 to 5.11, 6.1"
