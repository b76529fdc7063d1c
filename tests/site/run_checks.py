# SPDX-License-Identifier: GPL-2.0-only
"""Examples that run in the page: all of them in node, and their buttons in Chromium and Firefox.

Starting Python takes seconds, so each browser starts it once for all checks of a page.
"""

from __future__ import annotations

import ast
import base64
import doctest
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium as chromium_driver
import pytest
from chromium import Chromium, chromium, served
from firefox import firefox
from strict_doctest import docstrings
from support_objects import compiled, needs_compiler

from playground import bundle
from playground.node import asked, blocks
from playground.objects import check

ROOT = Path(__file__).parent.parent.parent
SITE = Path(os.environ.get("SITE", ROOT / "build" / "html")).resolve()
AXE = ROOT / "build" / "site-tools" / "node_modules" / "axe-core" / "axe.min.js"
TUTORIAL, LIFETIME = "tutorial.html", "lifetime.html"
NARROW = 360  # pixels


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    """Wait longer, as Python starts slowly beside other tests."""
    before, chromium_driver.PATIENCE = chromium_driver.PATIENCE, 120
    yield
    chromium_driver.PATIENCE = before


# In node


def pages() -> dict[str, list[dict[str, str]]]:
    """The pages with examples."""
    own = (path for path in sorted(SITE.rglob("*.html")) if "_modules" not in path.parts)
    found = {path.relative_to(SITE).as_posix(): blocks(path) for path in own}
    return {name: examples for name, examples in found.items() if examples}


def texts() -> Iterator[dict[str, str]]:
    """The docstrings of the model that have examples; those of modules for real kernels aside."""
    for path in sorted((ROOT / "reference_model").rglob("*.py")):
        if {"linux", "probe"} & {*path.parts}:
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for owner, text in docstrings(ast.parse(path.read_text(encoding="utf-8")), name):
            if ">>>" in str(text.value):
                yield {"text": str(text.value), "docstring": owner}


def whole_model() -> dict[str, str]:
    """The files of the model as they are, with those that no page needs."""
    files = (ROOT / "reference_model").rglob("*")
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in files
        if path.suffix in {".py", ".json"}
    }


def test_python_in_node_answers_as_the_pages_say() -> None:
    """Examples of pages with the files that pages load, those of docstrings with all files.

    And the check of objects answers as the command does: here to what is no object; in a browser,
    below, an object is checked.
    """
    found = pages()
    assert len(found) > 50
    wanted = {**found, "docstrings": [*texts()]}
    steps: list[dict[str, Any]] = [
        {"request": {"do": "examples", "blocks": examples}} for examples in wanted.values()
    ]
    steps[0]["files"] = bundle.model() | bundle.figures() | bundle.stories()
    steps[-1]["files"] = whole_model()
    no_object = base64.b64encode(b"\x7fELF").decode()
    request = {"do": "check", "name": "a.o", "data": no_object}
    steps.insert(1, {"files": bundle.checker(), "request": request})
    answers = [step["answer"] for step in asked(steps)["steps"]]
    assert answers.pop(1) == check("a.o", no_object)
    parser, wrong = doctest.DocTestParser(), []
    for (name, examples), answer in zip(wanted.items(), answers, strict=True):
        results = [result for block in answer["blocks"] for result in block]
        assert len(results) == sum(len(parser.get_examples(it["text"])) for it in examples), name
        wrong += [(name, result) for result in results if result["same"] is not True]
    assert not wrong, "\n".join(map(str, wrong[:20]))


# In Chromium


def bar(number: int, selector: str) -> str:
    """A control of an example."""
    return f"document.querySelectorAll('.run-bar')[{number}].querySelector('{selector}')"


def status(number: int) -> str:
    """What is said about the run of an example."""
    return bar(number, ".run-status") + ".textContent"


def output(number: int) -> str:
    """Where the results of an example are shown."""
    return f"document.querySelectorAll('.run-output')[{number}]"


def editor(number: int) -> str:
    """The code of an example that is edited."""
    return f"document.querySelectorAll('.run-bar')[{number}].previousElementSibling"


def click(browser: Any, number: int, button: str) -> None:
    """Click a button of an example."""
    browser.evaluate(bar(number, f".run-{button}") + ".click()")


def ran(browser: Any, number: int) -> str:
    """What is said when an example has run."""
    running = "document.querySelector('.run-bar.running')"
    found: str = browser.wait_for(f"!{running} && {status(number)}")
    return found


def write(browser: Any, number: int, code: str) -> None:
    """Put code into the editor of an example."""
    browser.evaluate(f"({editor(number)}.value = {json.dumps(code)}, 0)")


def release(browser: Any, number: int) -> str:
    """The list of releases of an example; a reader has come to it."""
    bar = f"document.querySelectorAll('.run-bar')[{number}]"
    browser.evaluate(f"{bar}.dispatchEvent(new Event('pointerenter'))")
    return f"{bar}.querySelector('span > select')"


def chosen(browser: Any, number: int) -> str:
    """The release that is chosen at an example."""
    found: str = browser.evaluate(release(browser, number) + ".value")
    return found


def choose(browser: Any, number: int, name: str) -> None:
    """Choose a release at an example."""
    select = release(browser, number)
    browser.evaluate(
        f"({select}.value = '{name}', "
        f"{select}.dispatchEvent(new Event('change', {{bubbles: true}})))"
    )


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    assert (SITE / "_static" / "python").is_dir(), "make playground comes first"
    with served(SITE) as address:
        yield address


def outside(browser: Chromium, root: str) -> list[str]:
    """What a page asked for that is not in the site."""
    return [it for it in browser.requests if not it.startswith((root, "blob:", "data:"))]


CONTROL, SHIFT = 2, 8
"""Modifiers of a key event."""

TELL = """
(window.told = [], new MutationObserver(() => told.push(STATUS.textContent)).observe(STATUS,
    {childList: true}))
"""


@pytest.fixture(scope="module")
def page(base: str) -> Iterator[Chromium]:
    """The page about lifetimes, after its second example ran as written."""
    with chromium() as browser:
        browser.size(1280)
        browser.open(base + LIFETIME)
        assert [it for it in browser.requests if "/python/" in it] == []
        browser.evaluate(TELL.replace("STATUS", bar(1, ".run-status")))
        click(browser, 1, "run")
        assert ran(browser, 1) == "Ran. All results are as on the page."
        yield browser
        assert outside(browser, base) == []
        assert [it for it in browser.complaints if "404" not in it] == []  # the site has no icon


def test_it_says_what_it_loads(page: Chromium) -> None:
    told = page.evaluate("told")
    for stage in ("Loading Python", "Starting Python", "Loading the model", "Ran"):
        assert [text for text in told if text.startswith(stage)], told
    assert sum("/python/" in address for address in page.requests) == 2


def test_results_equal_to_the_page_are_marked_and_announced(page: Chromium) -> None:
    assert page.evaluate(output(1) + ".getAttribute('aria-live')") == "polite"
    assert page.evaluate(bar(1, ".run-status") + ".role") == "status"
    assert "5.8 None 0" in page.evaluate(output(1) + ".innerText")
    assert not page.evaluate(output(1) + ".querySelector('.differs')")


def test_another_release_is_marked_and_remembered(page: Chromium) -> None:
    choose(page, 1, "5.4")
    page.wait_for(f"{status(1)}.includes('Linux 5.4')")
    assert ran(page, 1) == "Ran on Linux 5.4. 1 of 1 results differ from the page."
    shown = page.evaluate(output(1) + ".innerText")
    assert "the page shows" in shown
    assert "5.9 None 0" in shown
    assert page.evaluate("new URL(location).searchParams.get('kernel')") == "5.4"
    assert page.evaluate("localStorage.getItem('sphinx-design-tab-id-kernel')") == "k4.19"
    choose(page, 1, "")
    page.wait_for(f"{status(1)}.startsWith('Ran. ')")


PROFILE = '{"profile": 1, "kernel": "5.14.0-503.el9", "nearest": "5.14", "changes": {}}'
GIVE = """
((input, text, name) => {
    const files = new DataTransfer();
    files.items.add(new File([text], name));
    input.files = files.files;
    input.dispatchEvent(new Event("change"));
})
"""


def give(browser: Any, number: int, text: str, name: str) -> None:
    """Choose the file of a profile in the list of an example."""
    choose(browser, number, "load")
    focused = "document.activeElement"
    assert browser.evaluate(f"{focused}.type") == "file"
    assert "is not uploaded" in browser.evaluate(f"{focused}.labels[0].textContent")
    browser.evaluate(f"{GIVE}({focused}, {json.dumps(text)}, {json.dumps(name)}), 0")


def test_a_profile_is_a_choice_beside_the_releases(page: Chromium) -> None:
    """It is kept for all pages, and removed by the keyboard."""
    give(page, 1, "{}", "notes.json")
    wrong = page.wait_for("document.querySelector('.run-profile [role=status]').textContent")
    assert wrong == "notes.json is not a profile that cgroup-storage probe wrote."
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    for scheme in ("dark", "light"):
        page.media(scheme=scheme)
        assert page.evaluate("axe.run({resultTypes: ['violations']})")["violations"] == []
    page.media()
    give(page, 1, PROFILE, "mine.json")
    page.wait_for(f"{status(1)}.includes('your kernel')")
    assert ran(page, 1).startswith("Ran on your kernel, 5.14.0-503.el9.")
    select = release(page, 1)
    assert page.evaluate(f"{select}.selectedOptions[0].text") == "My kernel: 5.14.0-503.el9"
    assert page.evaluate("document.activeElement === " + select)
    assert chosen(page, 0) == "mine"
    assert page.evaluate("new URL(location).searchParams.get('kernel')") is None
    assert page.evaluate("localStorage.getItem('kernel-profile')") == PROFILE
    page.press("Tab", 9)
    assert page.evaluate("document.activeElement.textContent") == "Remove my kernel"
    page.press("Enter", 13)
    page.wait_for(f"{status(1)}.startsWith('Ran. ')")
    assert page.evaluate("localStorage.getItem('kernel-profile')") == ""
    assert chosen(page, 0) == chosen(page, 1) == ""


def test_code_can_be_edited_shared_and_reset(page: Chromium) -> None:
    click(page, 1, "edit")
    assert page.evaluate(editor(1) + ".value").startswith("for release in")
    write(page, 1, "print(machine('5.9')[0])\n1 / 0")
    page.press("Enter", 13, CONTROL)
    page.wait_for(output(1) + ".innerText.includes('ZeroDivisionError')")
    assert "Kernel('5.9')" in page.evaluate(output(1) + ".innerText")
    click(page, 1, "share")
    page.wait_for("location.hash.startsWith('#run=1.')")
    page.evaluate(editor(1) + ".focus()")
    page.press("Escape", 27)
    assert page.evaluate("document.activeElement.textContent") == "Edit"
    assert not page.evaluate(output(1) + ".innerText")
    page.evaluate("dispatchEvent(new HashChangeEvent('hashchange'))")
    page.wait_for(f"{status(1)}.startsWith('This code is from the address')")
    assert "machine('5.9')" in page.evaluate("document.activeElement.value")
    page.press("Escape", 27)


def test_stop_ends_an_endless_loop(page: Chromium) -> None:
    """By keyboard alone."""
    page.evaluate(bar(1, ".run-edit") + ".focus()")
    page.press("Enter", 13)
    write(page, 1, "while True: pass")
    page.press("Enter", 13, CONTROL)
    page.wait_for(f"{status(1)}.startsWith('Running')")
    assert page.evaluate("document.activeElement.textContent") == "Stop"
    page.press("Enter", 13)
    assert ran(page, 1) == "Stopped."
    page.press("Escape", 27)
    assert page.evaluate("document.activeElement.textContent") == "Edit"


def test_python_starts_again_after_a_stop(page: Chromium) -> None:
    page.press("Tab", 9, SHIFT)
    page.press("Tab", 9, SHIFT)
    page.press("Enter", 13)
    page.wait_for(f"{status(1)}.startsWith('Ran')")


@pytest.mark.parametrize(("scheme", "width"), [("light", NARROW), ("dark", 1280)])
def test_axe_finds_nothing(page: Chromium, scheme: str, width: int) -> None:
    """Also with results that differ, and with an editor."""
    page.size(width)
    page.media(scheme=scheme)
    choose(page, 1, "5.4")
    click(page, 1, "run")
    page.wait_for(f"{status(1)}.includes('differ')")
    click(page, 0, "edit")
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    result = page.evaluate("axe.run({resultTypes: ['violations']})")
    found = [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in result["violations"]]
    assert not found, "\n".join(found)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    click(page, 0, "reset")
    choose(page, 1, "")
    page.size(1280)
    page.media()


@pytest.fixture
def browser() -> Iterator[Chromium]:
    """A browser in which nothing runs yet."""
    with chromium() as found:
        yield found


def test_without_web_assembly_it_says_so(browser: Chromium, base: str) -> None:
    browser.send("Page.addScriptToEvaluateOnNewDocument", source="delete globalThis.WebAssembly")
    browser.open(base + TUTORIAL)
    click(browser, 0, "run")
    assert ran(browser, 0).startswith("This browser cannot run Python: it has no WebAssembly")
    assert [it for it in browser.requests if "/python/" in it] == []


def test_stop_ends_the_loading_too(browser: Chromium, base: str) -> None:
    browser.open(base + TUTORIAL)
    click(browser, 0, "run")
    click(browser, 0, "stop")
    assert ran(browser, 0) == "Stopped."
    assert not browser.evaluate("Python.isReady")


def test_controls_are_large_on_touch_and_not_printed(browser: Chromium, base: str) -> None:
    browser.size(NARROW)
    browser.send("Emulation.setTouchEmulationEnabled", enabled=True)
    browser.open(base + TUTORIAL)
    click(browser, 0, "edit")
    sizes = browser.evaluate(
        "[...document.querySelectorAll('.run-bar :is(button, select)')].map(it => "
        "it.getBoundingClientRect()).filter(box => box.width).flatMap(it => [it.width, it.height])"
    )
    assert len(sizes) > 10
    assert min(sizes) >= 44
    browser.media("print")
    shown = "[...document.querySelectorAll('.run-bar, .run-editor')].filter(it => it.offsetHeight)"
    assert browser.evaluate(f"{shown}.length") == 0


def test_the_address_chooses_a_release(browser: Chromium, base: str) -> None:
    browser.open(f"{base}{TUTORIAL}?kernel=5.10")
    assert chosen(browser, 0) == "5.10"
    browser.open(base + LIFETIME)
    assert chosen(browser, 0) == "5.10"
    browser.open(f"{base}{TUTORIAL}?kernel=k4.19")
    assert chosen(browser, 0) == ""


def test_a_tab_and_the_release_stay_in_step(browser: Chromium, base: str) -> None:
    label = "input:checked + label[data-sync-group=kernel]"
    tab = f"document.querySelector('{label}').dataset.syncId"
    browser.open(f"{base}breaking_changes/reattach_keeps_data.html?kernel=5.4")
    assert browser.evaluate(tab) == "k4.19"
    browser.evaluate("document.querySelector('label[data-sync-id=\"k5.9\"]').click()")
    assert chosen(browser, 1) == ""
    assert browser.evaluate("new URL(location).searchParams.get('kernel')") is None
    choose(browser, 1, "6.1")
    assert browser.evaluate(tab) == "k5.9"


# Programs


STATUS = "document.querySelector('.run-status').textContent"
RESULTS = "[...document.querySelectorAll('.run-program-output table')].at(-1).innerText"


def finished(browser: Chromium, button: str) -> str:
    """What is said after a click on a button of a program."""
    browser.evaluate(f"document.querySelector('.run-{button}').click()")
    return told(browser)


def told(browser: Chromium) -> str:
    """What is said when the program has run."""
    found: str = browser.wait_for(
        f"!document.querySelector('.run-bar.running') && {STATUS}.startsWith('Ran') && {STATUS}"
    )
    return found


@pytest.fixture(scope="module")
def story() -> Iterator[Chromium]:
    """A page of a story that was opened from the disk, after its program ran."""
    root = f"{SITE.as_uri()}/"
    with chromium() as browser:
        browser.open(f"{root}breaking_changes/reattach_keeps_data.html")
        assert finished(browser, "run") == "Ran on Linux 5.8 and Linux 5.9. 3 of 4 results differ."
        yield browser
        assert outside(browser, root) == []
        assert browser.complaints == []


def test_a_page_runs_its_program_on_two_releases(story: Chromium) -> None:
    links = story.evaluate("[...document.querySelectorAll('.run-program-output td a')]"
                           ".map(link => link.href)")  # fmt: skip
    assert links == [f"{SITE.as_uri()}/errors.html#enoent"]
    assert story.evaluate("document.querySelectorAll('.run-program-output svg').length") == 2
    story.evaluate("document.querySelector('.run-edit').click()")
    story.evaluate("(area => { area.value = area.value.replace('range(3)', 'range(7)'); })"
                   "(document.querySelector('.run-editor'))")  # fmt: skip
    finished(story, "all")
    assert "7" in story.evaluate(RESULTS)


def test_a_page_from_the_disk_runs_its_examples(story: Chromium) -> None:
    """All that a page from a server does; the first controls are those of the program."""
    click(story, 2, "run")
    story.wait_for(f"{status(2)} === 'Ran. All results are as on the page.'")
    choose(story, 2, "6.1")
    story.wait_for(f"{status(2)} === 'Ran on Linux 6.1. 1 of 1 results differ from the page.'")
    click(story, 2, "edit")
    write(story, 2, "print('mine')")
    click(story, 2, "run")
    story.wait_for(
        "[...document.querySelectorAll('.run-output')].some(it => /mine/.test(it.textContent))"
    )
    click(story, 2, "share")
    story.wait_for("location.hash.startsWith('#run=1.') && new URL(location).protocol === 'file:'")
    write(story, 2, "while True: pass")
    click(story, 2, "run")
    click(story, 2, "stop")
    story.wait_for(f"{status(2)} === 'Stopped.'")


def test_the_playground_runs_and_shares_programs(browser: Chromium, base: str) -> None:
    """Chosen, written and from an address; the results follow what is written."""
    browser.open(f"{base}playground.html")
    assert [it for it in browser.requests if "/python/" in it] == []
    assert finished(browser, "all") == "Ran on Linux 5.8 and Linux 5.9. 1 of 2 results differ."
    assert "Linux 4.19 to 5.8" in browser.evaluate(RESULTS)
    area = "document.querySelector('.run-editor')"
    write = (
        f"({area}.value = 'kernel.obj_get(\"/none\")', {area}.dispatchEvent(new Event('input')))"
    )
    browser.evaluate(write)
    assert browser.wait_for(f"{STATUS}.includes('the same') && {STATUS}")
    assert "ENOENT: no object is pinned at this path" in browser.evaluate(
        "document.querySelector('.run-program-output').innerText"
    )
    browser.evaluate("document.querySelector('.run-share').click()")
    browser.wait_for("location.hash.startsWith('#program=5.8/5.9/')")
    browser.evaluate("document.querySelector('.run-reset').click()")
    assert "Add(counts)" in browser.evaluate(f"{area}.value")
    browser.evaluate("dispatchEvent(new HashChangeEvent('hashchange'))")
    assert browser.evaluate(f"{area}.value") == 'kernel.obj_get("/none")'
    browser.evaluate("(select => { select.value = 'zero_explicitly';"
                     "select.dispatchEvent(new Event('change')); })"
                     "(document.querySelector('.playground select'))")  # fmt: skip
    browser.wait_for(f"{area}.value.includes('def run(kernel')")
    finished(browser, "run")
    browser.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    for scheme, width in (("light", NARROW), ("dark", 1280)):
        browser.media(scheme=scheme)
        browser.size(width)
        violations = browser.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        found = [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in violations]
        assert not found, "\n".join(found)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert outside(browser, base) == []


# In Firefox


def test_firefox_runs_examples(base: str) -> None:
    with firefox() as browser:
        browser.open(base + LIFETIME)
        click(browser, 1, "run")
        assert ran(browser, 1) == "Ran. All results are as on the page."
        choose(browser, 1, "5.4")
        browser.wait_for(f"{status(1)}.includes('differ')")
        give(browser, 1, "{}", "notes.json")
        browser.wait_for("document.querySelector('.run-profile [role=status]').textContent")
        give(browser, 1, PROFILE, "mine.json")
        browser.wait_for(f"{status(1)}.startsWith('Ran on your kernel, 5.14.0-503.el9.')")
        assert chosen(browser, 0) == "mine"
        assert browser.evaluate("localStorage.getItem('kernel-profile')") == PROFILE
        browser.evaluate("document.activeElement.nextElementSibling.click()")
        browser.wait_for(f"{status(1)}.startsWith('Ran. ')")
        assert chosen(browser, 0) == chosen(browser, 1) == ""
        click(browser, 0, "edit")
        write(browser, 0, "1 + 1")
        click(browser, 0, "run")
        browser.wait_for(output(0) + ".innerText.includes('2')")
        click(browser, 0, "share")
        browser.wait_for("location.hash.startsWith('#run=0.')")
        write(browser, 0, "while True: pass")
        click(browser, 0, "run")
        click(browser, 0, "stop")
        browser.wait_for(f"{status(0)} === 'Stopped.'")


# The check of objects

OBJECT = "document.querySelector('#object-to-check')"
CHECKED = "document.querySelector('.check-output').innerText"
DROP = """
(data => {
    const found = atob(data), files = new DataTransfer();
    const bytes = Uint8Array.from(found, letter => letter.charCodeAt(0));
    files.items.add(new File([bytes], "count.bpf.o"));
    const box = document.querySelector(".check-drop");
    box.dispatchEvent(new DragEvent("drop", {dataTransfer: files, cancelable: true}));
})
"""
SOURCE = ROOT / "docs" / "examples" / "attach_types_share_with_8_byte_keys.bpf.c"


@needs_compiler
@pytest.mark.parametrize("by", ["http", "file"])
def test_an_object_is_checked_in_the_page(browser: Chromium, base: str, by: str) -> None:
    root = base if by == "http" else f"{SITE.as_uri()}/"
    browser.open(f"{root}check.html")
    assert [it for it in browser.requests if "/python/" in it] == []
    data = base64.b64encode(compiled(SOURCE.read_text(encoding="utf-8"), "-g", head="")).decode()
    browser.evaluate(f"{DROP}({json.dumps(data)}), 0")
    browser.wait_for(f"{STATUS} === 'Checked in this page. Nothing was uploaded.'")
    shown = browser.evaluate(CHECKED)
    assert shown.startswith("count.bpf.o: affected\n")
    assert "it loads on Linux 5.9 to 7.3." in shown
    link = browser.evaluate("document.querySelector('.check-output a').href")
    assert link == f"{root}errors.html#errors-map-create"
    browser.evaluate("document.querySelector('.run-list').click()")
    give(browser, 0, PROFILE, "mine.json")
    browser.wait_for(f"{CHECKED}.includes('it loads on Linux 5.14.0-503.el9.')")
    browser.wait_for(f"{STATUS} === 'Checked in this page. Nothing was uploaded.'")
    outside = [it for it in browser.requests if not it.startswith((root, "blob:", "data:"))]
    assert outside == []
    browser.size(NARROW)
    browser.media(scheme="dark")
    browser.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    result = browser.evaluate("axe.run({resultTypes: ['violations']})")
    found = [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in result["violations"]]
    assert not found, "\n".join(found)
    assert browser.evaluate("document.documentElement.scrollWidth") <= NARROW
