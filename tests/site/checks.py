# SPDX-License-Identifier: GPL-2.0-only
"""The built site as a reader gets it, in a real Chromium: ``make site-test``.

``make unit`` does not collect this file, as it needs more than Python: see ``make site-test``.
"""

from __future__ import annotations

import ast
import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from chromium import Chromium, chromium, served
from sphinx.util.inventory import InventoryFile

ROOT = Path(__file__).parent.parent.parent
SITE = Path(os.environ.get("SITE", ROOT / "build" / "html")).resolve()
TOOLS = ROOT / "build" / "site-tools" / "node_modules"

KINDS = {
    "index": "index.html",
    "reference": "map_cgroup_storage.html",
    "stories": "breaking_changes/index.html",
    "story": "breaking_changes/reattach_keeps_data.html",
    "additions": "additions/index.html",
    "addition": "additions/links_own_attachments.html",
    "recipes": "recipes/index.html",
    "recipe": "recipes/zero_explicitly.html",
    "errors": "errors.html",
    "sharing": "sharing.html",
    "history": "history.html",
    "api": "api.html",
    "tutorial": "tutorial.html",
    "rules": "rules.html",
    "search": "search.html",
    "results": "search.html?q=EBUSY",
    "not found": "404.html",
}
"""An example of each kind of page."""

SOUGHT = {
    "CGROUP_STORAGE": "map_cgroup_storage.html",
    "EBUSY": "breaking_changes/second_program_may_use_the_map.html",
    "ENOENT": "errors.html",
    "ENOENT lookup": "errors.html",
    "invalid argument": "errors.html",
    "key size": "breaking_changes/eight_byte_keys_need_5_9.html",
    "cgroup id": "recipes/get_the_cgroup_id.html",
    "cgroup id path": "recipes/get_the_cgroup_id.html",
    "st_ino": "recipes/get_the_cgroup_id.html",
    "per-cpu": "percpu_cgroup_storage.html",
    "per-CPU read": "recipes/read_percpu_totals.html",
    "reset": "recipes/zero_explicitly.html",
    "zero": "recipes/zero_explicitly.html",
    "bpf_get_local_storage": "bpf_get_local_storage.html",
    "counters survive restart": "breaking_changes/reattach_keeps_data.html",
    "counter restart": "breaking_changes/reattach_keeps_data.html",
    "524": "errors.html",
    "Unknown error 524": "errors.html",
    "uint64": "breaking_changes/eight_byte_keys_need_5_9.html",
    "u64 key": "breaking_changes/eight_byte_keys_need_5_9.html",
    "EINVAL uint64 key": "breaking_changes/eight_byte_keys_need_5_9.html",
    "CGRP_STORAGE": "recipes/to_cgrp_storage.html",
    "migrate": "recipes/to_cgrp_storage.html",
    "BPF_F_REPLACE": "breaking_changes/replacing_keeps_data.html",
    "link update": "breaking_changes/link_update_compares_maps.html",
    "replace program reset data": "breaking_changes/replacing_keeps_data.html",
    "kernel documentation wrong": "upstream.html",
    "kernel doc errors": "upstream.html",
    "cilium": "breaking_changes/eight_byte_keys_need_5_9.html",
    "cilium EINVAL create map": "breaking_changes/eight_byte_keys_need_5_9.html",
    "bpftool": "recipes/walk_all_keys.html",
    "docker": "recipes/get_the_cgroup_id.html",
    "container cgroup id": "recipes/get_the_cgroup_id.html",
    "systemd": "recipes/know_what_is_attached.html",
    "runc": "recipes/know_what_is_attached.html",
    "runc stack corruption": "recipes/know_what_is_attached.html",
    "inet_sock_release counter": "events.html",
}
"""What a reader may search for, and a page that must be among the first three found."""

FIRST_PAGE = 200_000  # bytes, gzipped, with all that it loads
CHANGE_PAGE = 40_000  # bytes, gzipped
NARROW = 360  # pixels


def pages() -> list[str]:
    """Every page of the site, by its address in the site."""
    return sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))


class Page(HTMLParser):
    """What a page has that another can point to, and what it points to.

    Read from the file, not in the browser: there are hundreds of pages and tens of thousands of
    links.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.title = self.description = ""
        self.in_title = False
        self.feed((SITE / name).read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.add(values.get("id", ""))
        self.in_title = tag == "title" and not self.title  # a figure has titles as well
        if tag in {"a", "link"} and "href" in values:
            self.links.append(values["href"])
        if tag == "meta" and values.get("name") == "description":
            self.description = values.get("content", "")

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.title += data


@pytest.fixture(scope="session")
def read() -> dict[str, Page]:
    return {name: Page(name) for name in pages()}


@pytest.fixture(scope="session")
def base() -> Iterator[str]:
    assert (SITE / "index.html").is_file(), "make html comes first"
    with served(SITE) as address:
        yield address


@pytest.fixture(scope="session")
def one_browser() -> Iterator[Chromium]:
    with chromium() as found:
        yield found


@pytest.fixture
def browser(one_browser: Chromium) -> Chromium:
    """The browser, as a reader with a large screen has it."""
    one_browser.size(1280)
    one_browser.media()
    return one_browser


# What the files say


def test_every_internal_link_resolves(read: dict[str, Page]) -> None:
    broken = []
    for name, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = (SITE / name).parent / unquote(parts.path) if parts.path else SITE / name
            target = Path(os.path.normpath(path))
            if not target.is_file():
                broken.append(f"{name}: {link}: no such page")
            elif parts.fragment and target.suffix == ".html":
                there = read[target.relative_to(SITE).as_posix()].ids
                if unquote(parts.fragment) not in there:
                    broken.append(f"{name}: {link}: no such place")
    assert not broken, "\n".join(broken)


def test_everything_in_the_inventory_is_there(read: dict[str, Page]) -> None:
    inventory = InventoryFile.loads((SITE / "objects.inv").read_bytes(), uri="")
    broken = []
    for kind, items in inventory.data.items():
        for item, found in items.items():
            name, _, place = found.uri.partition("#")
            if name not in read or (place and place not in read[name].ids):
                broken.append(f"{kind} {item}: {found.uri}")
    assert not broken, "\n".join(broken)


def test_each_page_has_a_title_and_a_description_of_its_own(read: dict[str, Page]) -> None:
    made = {"genindex.html", "py-modindex.html", "search.html"}  # they have no text of their own
    own = {name: page for name, page in read.items() if not name.startswith("_modules/")}
    assert [name for name, page in own.items() if not page.title.strip()] == []
    written = {name: page for name, page in own.items() if name not in made}
    assert [name for name, page in written.items() if not page.description] == []
    for seen in ("title", "description"):
        texts = [getattr(page, seen) for page in written.values()]
        assert sorted(text for text in set(texts) if texts.count(text) > 1) == []


def test_html_is_valid() -> None:
    """What the W3C's checker says of every page; one message is sphinx-design's, and known."""
    jar = next(TOOLS.glob("vnu-jar/build/dist/vnu.jar"))
    command = ["java", "-jar", str(jar), "--skip-non-html", "--errors-only", "--format", "json"]
    result = subprocess.run(
        [*command, "--exit-zero-always", str(SITE)], capture_output=True, text=True, check=True
    )
    messages = json.loads(result.stderr or result.stdout)["messages"]
    found = [
        f"{message['url'].rpartition(SITE.name + '/')[2]}:{message.get('lastLine')}: "
        f"{message['message']}"
        for message in messages
        if not is_known(message)
    ]
    assert not found, "\n".join(found)


def is_known(message: dict[str, Any]) -> bool:
    """Whether it is that message: the label of a tab has no need of aria-controls."""
    return "aria-controls" in message["message"] and "sd-tab-label" in message.get("extract", "")


# What a browser does


@pytest.mark.parametrize("words", SOUGHT)
def test_search_finds(browser: Chromium, base: str, words: str) -> None:
    browser.open(f"{base}search.html?q={words}")
    browser.wait_for("document.querySelector('.search-summary')?.textContent.includes('finished')")
    found = browser.evaluate(
        "[...document.querySelectorAll('#search-results ul.search li > a')].map("
        "link => link.pathname.slice(1))"
    )
    assert SOUGHT[words] in found[:3]


def test_search_falls_back_to_single_words(browser: Chromium, base: str) -> None:
    browser.open(f"{base}search.html?q=EBUSY+nosuchword")
    browser.wait_for("document.querySelector('.search-summary')?.textContent.includes('finished')")
    assert browser.evaluate("document.querySelectorAll('#search-results ul.search li').length")


KNOWN_OF_FILES = 'URL scheme "file" is not supported'
"""The search asks for the pages that it found, for excerpts; of files a browser refuses that."""


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_pages_keep_to_their_policy(browser: Chromium, base: str, scheme: str) -> None:
    """No page breaks its policy or asks for what is not the site's, and the policy refuses that."""
    root = base if scheme == "http" else f"{SITE.as_uri()}/"
    known = KNOWN_OF_FILES if scheme == "file" else None
    for page in KINDS.values():
        browser.open(root + page)
        assert [it for it in browser.complaints if known is None or known not in it] == [], page
        assert len(browser.requests) > 5
        assert [it for it in browser.requests if not it.startswith((root, "data:"))] == []
    browser.evaluate(f"{ADD_SCRIPT}({{textContent: 'window.added = true'}})")
    browser.evaluate(f"{ADD_SCRIPT}({{src: 'http://127.0.0.1:1/a.js'}})")
    browser.wait_for("window.refused && window.refused.length == 2")
    assert not browser.evaluate("window.added")


ADD_SCRIPT = """
(what => {
    window.refused ||= [];
    document.onsecuritypolicyviolation = event => window.refused.push(event.blockedURI);
    document.body.append(Object.assign(document.createElement("script"), what));
})
"""


def test_first_page_is_light(browser: Chromium, base: str) -> None:
    browser.open(base)
    assert 20_000 < browser.weight < FIRST_PAGE, browser.requests


def test_pages_of_changes_are_light() -> None:
    weights = {
        name: len(gzip.compress((SITE / name).read_bytes()))
        for name in pages()
        if name.startswith(("breaking_changes/", "additions/"))
    }
    assert len(weights) > 30
    assert {name: weight for name, weight in weights.items() if weight >= CHANGE_PAGE} == {}


UNFOLD = "document.querySelectorAll('details').forEach(part => { part.open = true; })"

COPIES = """
[...document.querySelectorAll('.highlight button.copybtn')].map(button => {
    let copied = null;
    const keep = () => { copied = document.getSelection().toString()
        || document.activeElement.value; };
    document.addEventListener('copy', keep, {once: true});
    button.click();
    document.removeEventListener('copy', keep);
    return [button.parentElement.querySelector('pre').innerText, copied];
})
"""


@pytest.mark.parametrize("kind", ["reference", "story", "recipe", "tutorial"])
def test_copy_buttons_skip_prompts_and_output(browser: Chromium, base: str, kind: str) -> None:
    browser.open(base + KINDS[kind])
    browser.wait_for("!!document.querySelector('.highlight button.copybtn')")
    browser.evaluate(UNFOLD)  # what is folded has no text to compare with
    examples = 0
    for shown, copied in browser.evaluate(COPIES):
        prompts = (">>> ", "... ")
        lines = [line for line in shown.splitlines() if line.startswith((*prompts, "$ "))]
        if not lines:
            assert copied.split() == shown.split()
            continue
        wanted = [line[2:] if line.startswith("$ ") else line[4:] for line in lines]
        assert [line.rstrip() for line in copied.splitlines() if line.strip()] == [
            line.rstrip() for line in wanted if line.strip()
        ]
        if lines[0].startswith(prompts):
            ast.parse(copied)
            examples += 1
    assert examples


SETTLED = """
new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
    requestAnimationFrame(done)))).then(() => document.getAnimations()
    .filter(it => it instanceof CSSTransition).forEach(it => it.finish()))
"""
"""Wait until a page has taken a new size or scheme: ``focus.js`` needs two frames, colours fade."""

AXE = """
axe.run({resultTypes: ['violations']}).then(found => ({
    passes: found.passes.length,
    violations: found.violations.flatMap(violation => violation.nodes.slice(0, 4).map(node =>
        `${violation.id}: ${node.target}: ${node.html.slice(0, 120)}: `
        + [...node.any, ...node.all, ...node.none].map(why => why.message).join('; ')))
}))
"""

VIEWS = {"light": ("light", 1280), "dark": ("dark", 1280), "small": ("light", NARROW)}
"""How a page is looked at: scheme and width."""


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(browser: Chromium, base: str, kind: str) -> None:
    browser.open(base + KINDS[kind])
    if kind == "results":
        browser.wait_for("document.querySelectorAll('#search-results p.context').length > 5")
    browser.evaluate(UNFOLD)
    browser.evaluate((TOOLS / "axe-core" / "axe.min.js").read_text(encoding="utf-8") + ";0")
    violations = []
    for view, (scheme, width) in VIEWS.items():
        browser.media(scheme=scheme)
        browser.size(width)
        browser.evaluate(SETTLED)
        result = browser.evaluate(AXE)
        assert result["passes"] > 0
        violations += [f"{view}: {violation}" for violation in result["violations"]]
    assert not violations, "\n".join(violations)


FIRST = {"breaking_changes": "#what-to-do", "recipes": ".highlight-c"}
"""What a reader of a kind of page must see soon: the fix, or the first C."""


def test_the_reference_begins_with_a_declaration(browser: Chromium, base: str) -> None:
    browser.size(1440)
    browser.open(base + KINDS["reference"])
    first = "document.querySelector('.highlight-c')"
    assert "__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE)" in browser.evaluate(f"{first}.innerText")
    assert browser.evaluate(f"{first}.getBoundingClientRect().bottom") < 900


class Measured(NamedTuple):
    """Where things stand on a page as it opens, at some width."""

    top: float | None
    """Of what a reader of this kind of page must see soon."""
    wide: list[str]
    """What is wider than the screen."""
    width: int
    figures: list[list[list[float]]]
    """With the evidence unfolded, of each drawing that is shown: scale, cut inside, cut outside."""
    scrolls: bool
    """With the evidence unfolded, whether a table is wider than the text."""


WIDTHS = (1440, NARROW)
PAPER = 718  # A4 less the margins


@pytest.fixture(scope="session")
def measured(one_browser: Chromium, base: str) -> dict[int, dict[str, Measured]]:
    """Open each page once, for all checks that measure pages: at each width, by its name.

    At the width of paper it is measured as it is printed: the evidence is open.
    """
    one_browser.media()
    one_browser.size(WIDTHS[0])
    found: dict[int, dict[str, Measured]] = {width: {} for width in (*WIDTHS, PAPER)}
    for name in pages():
        if name.startswith("_modules/"):
            continue
        one_browser.open(base + name)
        first = FIRST.get(name.partition("/")[0], "html")
        closed = {}
        for width in (*WIDTHS, PAPER):
            one_browser.size(width)
            one_browser.media("print" if width == PAPER else "screen")
            closed[width] = (
                one_browser.evaluate(
                    f"document.querySelector('{first}')?.getBoundingClientRect().top"
                ),
                one_browser.evaluate(WIDE.replace("WIDTH", str(width))),
                one_browser.evaluate("Math.max(innerWidth, document.documentElement.scrollWidth)"),
            )
        one_browser.media()
        found[PAPER][name] = Measured(*closed[PAPER], [], False)
        one_browser.evaluate(UNFOLD)
        for width in reversed(WIDTHS):
            one_browser.size(width)
            unfolded = one_browser.evaluate(FIGURES), one_browser.evaluate(SCROLLS)
            found[width][name] = Measured(*closed[width], *unfolded)
    return found


@pytest.mark.parametrize(("width", "most"), [(1440, 900), (NARROW, 2000)])
@pytest.mark.parametrize("folder", FIRST)
def test_the_answer_comes_first(
    measured: dict[int, dict[str, Measured]], folder: str, width: int, most: int
) -> None:
    """On a large screen without scrolling, on a small one soon."""
    found = {
        name: page.top
        for name, page in measured[width].items()
        if name.startswith(folder) and not name.endswith("/index.html")
    }
    assert found
    assert {name: top for name, top in found.items() if top is None or top >= most} == {}


QUESTIONS = {
    "breaking_changes/reattach_keeps_data": "Write zeros after attaching",
    "breaking_changes/second_program_may_use_the_map": "give each program its own map",
    "breaking_changes/eight_byte_keys_need_5_9": "fall back to the 16-byte key",
    "recipes/read_percpu_totals": "one slot for each possible CPU",
    "recipes/get_the_cgroup_id": "name_to_handle_at(2)",
    "errors.html#enoent-on-lookup": "another attach type",
    "errors.html#errno-524": "A batch command",
    "breaking_changes/replacing_keeps_data": "continues with the old data",
    "recipes/to_cgrp_storage": "the descriptor of the cgroup",
    "breaking_changes/link_update_compares_maps": "the new program uses another",
    "upstream": "deletes a storage when the program",
}
"""For what a reader asks: the page to which the landing page leads, and words of the answer."""


@pytest.mark.parametrize("target", QUESTIONS)
def test_a_question_is_answered_within_one_click(browser: Chromium, base: str, target: str) -> None:
    """And without scrolling; the features by kernel stand on the landing page itself."""
    browser.size(1440)
    browser.open(base)
    link = f"document.querySelector('[role=main] a[href^=\"{target}\"]')"
    address = browser.evaluate(f"{link}?.href")
    assert address is not None
    browser.open(address)
    top = browser.evaluate(
        "[...document.querySelectorAll('[role=main] :is(p, li, td)')].find(part => "
        f"part.innerText.replace(/\\s+/g, ' ').includes('{QUESTIONS[target]}'))"
        "?.getBoundingClientRect().bottom"
    )
    assert top is not None
    assert 0 < top <= 900


def test_the_first_key_offers_to_skip_the_menu(browser: Chromium, base: str) -> None:
    browser.open(base + KINDS["reference"])
    link = "document.activeElement"
    browser.press("Tab", 9)
    assert browser.evaluate(f"{link}.textContent") == "Skip to the content"
    assert browser.evaluate(f"{link}.getBoundingClientRect().left") >= 0
    browser.press("Enter", 13)
    browser.wait_for(f"{link}.id === 'content'")
    browser.press("Tab", 9)
    assert browser.evaluate(f"document.querySelector('#content').contains({link})")


FOCUS = """
(element => {
    document.getAnimations().forEach(it => it.finish());
    const shown = element.matches('.sd-tab-set > input') ? element.nextElementSibling : element;
    const frame = style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
    const seen = [style, getComputedStyle(shown, '::after')].some(frame) && style.opacity > 0
        && box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0;
    return [element.tagName, seen || element.outerHTML.slice(0, 160)];
})(document.activeElement)
"""
"""What has the focus, and whether a reader sees that: a tab by its label, a card by its frame."""


@pytest.mark.parametrize("kind", ["index", "story", "recipe", "tutorial", "errors"])
def test_what_has_the_focus_is_seen(browser: Chromium, base: str, kind: str) -> None:
    """Whatever the tabulator leads to, until it comes back to the page itself."""
    browser.open(base + KINDS[kind])
    hidden, count = [], 0
    for _ in range(2000):
        browser.press("Tab", 9)
        name, seen = browser.evaluate(FOCUS)
        if name == "BODY":
            break
        count += 1
        hidden += [] if seen is True else [seen]
    else:
        pytest.fail("the focus never left the page")
    assert hidden == []
    assert count > 50


def test_the_menu_works_by_keyboard(browser: Chromium, base: str) -> None:
    browser.size(NARROW)
    browser.open(base + KINDS["reference"])
    state = "document.querySelector('.menu-button').getAttribute('aria-expanded')"
    assert browser.evaluate(state) == "false"
    browser.evaluate("document.querySelector('.menu-button').click()")
    browser.wait_for(f"{state} === 'true'")
    assert browser.evaluate("document.activeElement.name") == "q"
    browser.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))")
    browser.wait_for(f"{state} === 'false'")
    assert browser.evaluate("document.activeElement.className").startswith("menu-button")


@pytest.mark.parametrize(
    ("kind", "group", "first"),
    [
        ("story", "Linux 5.9", "Re-attach keeps data"),
        ("recipe", "Read and iterate", "Get the cgroup id"),
    ],
)
def test_the_menu_shows_groups(
    browser: Chromium, base: str, kind: str, group: str, first: str
) -> None:
    browser.open(base + KINDS[kind])
    found = browser.evaluate(
        "[...document.querySelectorAll('.wy-menu-vertical .menu-group')].map(it => "
        "[it.innerText, it.nextElementSibling.innerText])"
    )
    assert len(found) == 5
    assert [group, first] in found


def test_a_slash_goes_to_the_search_box(browser: Chromium, base: str) -> None:
    browser.open(base + KINDS["reference"])
    browser.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))"
    )
    assert browser.evaluate("document.activeElement.name") == "q"


@pytest.mark.parametrize("selector", [".menu-button", ".copybtn", ".wy-menu-vertical li > a"])
def test_targets_are_large_on_touch(browser: Chromium, base: str, selector: str) -> None:
    browser.size(NARROW)
    browser.send("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        browser.open(base + KINDS["tutorial"])
        browser.wait_for("!!document.querySelector('.copybtn')")
        heights = browser.evaluate(
            f"[...document.querySelectorAll('{selector}')].map(it => it.getBoundingClientRect())"
            ".filter(box => box.height).map(box => box.height)"
        )
    finally:
        browser.send("Emulation.setTouchEmulationEnabled", enabled=False)
    assert heights
    assert min(heights) >= 44


NOT_LISTED = ("index.html", "404.html", "breaking_changes/values_of_no_bytes_are_refused.html")
"""Pages that no menu leads to: the first page itself, and pages at addresses of old links."""


def test_each_page_has_a_plain_text(read: dict[str, Page]) -> None:
    made = {"genindex.html", "py-modindex.html", "search.html"}
    own = {name for name in read if not name.startswith("_modules/")} - made
    listed = (SITE / "llms.txt").read_text(encoding="utf-8")
    for name in own:
        text = name.replace(".html", ".txt")
        assert len((SITE / text).read_text(encoding="utf-8")) > 200, text
        assert f"({text})" in listed or name in NOT_LISTED, text


def test_the_evidence_opens_for_a_link_into_it(browser: Chromium, base: str) -> None:
    page = base + KINDS["story"]
    open_now = "document.querySelector('#evidence-and-full-example details.folded').open"
    browser.open(page)
    assert not browser.evaluate(open_now)
    browser.evaluate("document.querySelector('a[href=\"#tested-kernels\"]').click()")
    browser.wait_for(open_now)
    for place in ("tested-kernels", "seen-on-real-kernels"):  # the second is an old name
        browser.open(f"{page}#{place}")
        browser.wait_for(open_now)
    top = browser.evaluate("document.querySelector('#tested-kernels').getBoundingClientRect().top")
    assert 0 <= top < 900


def test_the_evidence_is_printed_without_scripts(browser: Chromium, base: str) -> None:
    evidence = "document.querySelector('#evidence-and-full-example details.folded')"
    height = f"{evidence}.getBoundingClientRect().height"
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(base + KINDS["story"])
        assert browser.evaluate(height) < 100, "closed"
        browser.media("print")
        assert browser.evaluate(height) > 1000
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)


WIDE = """
[...document.querySelectorAll('.wy-nav-content-wrap *')].filter(element => {
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.right + scrollX <= WIDTH + 1) return false;
    for (let outer = element; outer; outer = outer.parentElement) {
        const style = getComputedStyle(outer);
        if (outer !== element && outer.matches('.wy-nav-content *')
            && ['auto', 'scroll', 'hidden'].includes(style.overflowX)) return false;
        if (style.position === 'absolute' && style.opacity === '0') return false;
    }
    return true;
}).slice(0, 5).map(element => element.outerHTML.slice(0, 160))
"""


@pytest.mark.parametrize("width", [NARROW, PAPER])
def test_no_page_is_wider_than_a_small_screen_or_paper(
    measured: dict[int, dict[str, Measured]], width: int
) -> None:
    """What is wider than paper is cut, or the whole page is printed smaller."""
    found = measured[width]
    assert len(found) > 70
    assert {name: it for name, it in found.items() if it.wide or it.width > width} == {}


SCROLLS = """
[...document.querySelectorAll('.wide, .wide .wy-table-responsive')].some(
    box => box.scrollWidth > box.clientWidth + 1)
"""


def test_only_tables_of_all_kernels_scroll_on_a_small_screen(
    measured: dict[int, dict[str, Measured]],
) -> None:
    """The others are narrow enough, or their cells stand below each other."""
    found = {name for name, page in measured[NARROW].items() if page.scrolls}
    assert found == {"conformance.html", "divergence.html"}


@pytest.mark.parametrize(("width", "beside"), [(1440, True), (NARROW, False)])
def test_sections_are_listed(browser: Chromium, base: str, width: int, beside: bool) -> None:
    """Beside the text where there is room; else above it, in a list that a reader can open."""
    browser.size(width)
    browser.open(base + KINDS["reference"])
    link = "document.querySelector('.on-this-page a[href=\"#usage\"]')"
    assert browser.evaluate(f"{link}.checkVisibility()") is beside
    if not beside:
        browser.evaluate("document.querySelector('.on-this-page summary').click()")
        assert browser.evaluate(f"{link}.checkVisibility()")


FIGURES = """
[...document.querySelectorAll('.timeline-box')].map(box => [...box.querySelectorAll('svg')].filter(
    svg => svg.getBoundingClientRect().width).map(svg => [
    svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
    svg.getBBox().x + svg.getBBox().width - svg.viewBox.baseVal.width,
    svg.getBoundingClientRect().right - box.getBoundingClientRect().right]))
"""


@pytest.mark.parametrize("width", [1440, NARROW])
def test_figures_are_whole_and_readable(
    measured: dict[int, dict[str, Measured]], width: int
) -> None:
    """Each figure is shown in one of its drawings, not much smaller than drawn, and not cut."""
    seen = 0
    for name, page in measured[width].items():
        for shown in page.figures:
            ((scale, beyond, outside),) = shown
            assert scale > 0.95, name
            assert max(beyond, outside) <= 1, name
            seen += 1
    assert seen > 30


CUT = """
[...document.querySelectorAll('table.facts')].filter(table => table.getBoundingClientRect().width)
    .map(table => table.getBoundingClientRect().right
        - table.closest('.rst-content').getBoundingClientRect().right)
"""


@pytest.mark.parametrize(("kind", "width"), [("screen", 1440), ("print", PAPER)])
def test_the_matrix_shows_all_kernels(browser: Chromium, base: str, kind: str, width: int) -> None:
    """Also on paper."""
    browser.size(width)
    browser.media(kind)
    browser.open(f"{base}conformance.html")
    browser.wait_for(f"{CUT.strip()}.every(beyond => beyond <= 0)")
    assert len(browser.evaluate(CUT)) > 6
    marks = browser.evaluate(
        "[...document.querySelectorAll('table.conformance td abbr')].map(mark => mark.title)"
    )
    assert len(marks) > 1000
    assert all(marks)


def test_the_release_comparison_folds_each_pair(browser: Chromium, base: str) -> None:
    browser.open(f"{base}divergence.html")
    height = "document.querySelector('.rst-content').getBoundingClientRect().height"
    closed = browser.evaluate(height)
    browser.evaluate(UNFOLD)
    assert closed < browser.evaluate(height) / 3


TABS = """
[...document.querySelectorAll('.sd-tab-set > label[data-sync-group="kernel"]')].map(label => [
    label.dataset.syncId,
    document.getElementById(label.htmlFor).checked,
    getComputedStyle(label.nextElementSibling).display !== 'none'])
"""


@pytest.fixture(scope="session")
def tabbed() -> list[str]:
    """The pages with tabs of kernel generations."""
    mark = 'data-sync-group="kernel"'
    names = [name for name in pages() if mark in (SITE / name).read_text(encoding="utf-8")]
    assert len(names) > 1
    return names


@pytest.mark.parametrize("key", ["k4.19", "k5.9"])
def test_tabs_stay_in_step(browser: Chromium, base: str, tabbed: list[str], key: str) -> None:
    """The address of one page chooses for that page and for those that are opened next."""
    for name, query in ((tabbed[0], f"?kernel={key}"), (tabbed[0], ""), (tabbed[-1], "")):
        browser.open(base + name + query)
        tabs = browser.evaluate(TABS)
        assert {chosen for sync, chosen, shown in tabs if sync == key} == {True}
        assert all(chosen == shown == (sync == key) for sync, chosen, shown in tabs)


def test_a_chosen_tab_chooses_all_of_its_page(
    browser: Chromium, base: str, tabbed: list[str]
) -> None:
    name = next((it for it in tabbed if it == KINDS["tutorial"]), tabbed[0])
    for key in ("k4.19", "k5.9"):
        browser.open(base + name)
        browser.evaluate(f"document.querySelector('label[data-sync-id=\"{key}\"]').click()")
        chosen = {sync for sync, chosen, _ in browser.evaluate(TABS) if chosen}
        assert chosen == {key}


def test_print_shows_all_tabs(browser: Chromium, base: str, tabbed: list[str]) -> None:
    for name in tabbed:
        browser.media("print")
        browser.open(base + name)
        assert {shown for _, _, shown in browser.evaluate(TABS)} == {True}, name


def test_all_tabs_are_shown_without_scripts(
    browser: Chromium, base: str, tabbed: list[str]
) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(base + tabbed[0])
        assert {shown for _, _, shown in browser.evaluate(TABS)} == {True}
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
