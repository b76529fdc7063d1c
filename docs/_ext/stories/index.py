# SPDX-License-Identifier: GPL-2.0-only
"""Lists of stories: ``.. story-list:: ORDER FOLDER``.

``by-release`` and ``by-symptom`` list breaking changes or additions, ``by-problem`` the recipes.
``.. story-toctree:: FOLDER`` puts the pages of a folder into the contents of the site: in groups
if the folder has some, else in the order in which the changes came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from common.parts import section
from common.sources import note_facts, note_stories
from common.words import linux
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model import MAINLINE, Release, changes
from reference_model.catalogue import (
    FOLDERS,
    RELEASES,
    BreakingChange,
    Difference,
    Recipe,
    Story,
    stories,
)
from reference_model.releases import Change

from .groups import GROUPS, grouped
from .links import link, titles
from .stubs import first_sentence, page_of, plain


def place(change: Change) -> int:
    """The position of a change in time; one that was never released is last."""
    return MAINLINE.index(change.first) if change.first else len(MAINLINE)


def changes_of(story: Difference) -> list[Change]:
    """The changes that bring another outcome, in order."""
    return sorted((o.since for o in story.outcomes if o.since is not None), key=place)


def by_age(kind: type[Difference]) -> list[str]:
    """The differences of a kind in the order of the release after which each is shown."""
    found = stories(kind)
    return sorted(found, key=lambda name: (Release(found[name].after), name))


def effect_in(story: Difference, first: str | None) -> str:
    """What a change did in one release: its summary may describe several steps.

    >>> effect_in(stories(Difference)["values_may_exceed_a_page"], "4.20")
    'Per-CPU maps can be created, with values of up to 4096 bytes.'
    """
    if len(set(changes_of(story))) == 1:
        return first_sentence(story.summary)
    said = [
        outcome.step or outcome.since.effect
        for outcome in story.outcomes
        if outcome.since is not None and outcome.since.first == first
    ]
    return " ".join(dict.fromkeys(said))


KINDS = {
    "An errno": r"E[A-Z0-9]{3,}\b",
    "A crash or a warning": r".*(crash|WARNING|NULL pointer)",
    "Values and entries that you did not expect": r"",
}
"""What a reader may see, and the words of such a symptom; the first that fits."""


def kind_of(symptom: str) -> str:
    """Under which of KINDS a symptom stands.

    >>> kind_of("EINVAL at load"), kind_of("WARNING in f"), kind_of("each packet counts twice")
    ('An errno', 'A crash or a warning', 'Values and entries that you did not expect')
    """
    return next(kind for kind, words in KINDS.items() if re.match(words, plain(symptom)))


def catchword(symptom: str) -> str:
    """What a symptom is sorted by.

    >>> catchword("a walk over the map shows ``<no entry>``")
    'walk over the map shows <no entry>'
    """
    return re.sub(r"^(a|an|the) ", "", plain(symptom).lower())


class FolderDirective(SphinxDirective):
    """About the stories of a folder."""

    def kind(self, folder: str) -> type[Story]:
        """Which stories a folder holds."""
        if folder not in FOLDERS:
            raise self.error(f"no such folder: {folder} (known: {', '.join(FOLDERS)})")
        return FOLDERS[folder]


class StoryList(FolderDirective):
    """``.. story-list:: ORDER FOLDER``"""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        wanted, folder = self.arguments
        kind = self.kind(folder)
        orders: dict[str, Callable[[], Iterator[nodes.Node]]] = {}
        if issubclass(kind, Difference):
            orders["by-release"] = partial(self.by_release, kind)
            orders["by-symptom"] = partial(self.by_symptom, kind)
        else:
            orders["by-problem"] = self.by_problem
        order = orders.get(wanted)
        if order is None:
            raise self.error(f"no such order of {folder}: {wanted} (known: {', '.join(orders)})")
        shown = kind if issubclass(kind, Difference) else Story
        note_stories(self.env, shown)
        note_facts(self.env, titles)
        return list(order())

    def by_release(self, kind: type[Difference]) -> Iterator[nodes.Node]:
        """A section for each release, newest first; 5.9, which broke most, precedes them."""
        found: dict[str | None, list[str]] = {}
        for name in by_age(kind):
            for change in changes_of(stories(kind)[name]):
                names = found.setdefault(change.first, [])
                if name not in names:
                    names.append(name)
        known = [*reversed(MAINLINE), None]
        if kind is BreakingChange:
            known.insert(0, changes.SHARED_STORAGE.first)
        for first in sorted(found, key=known.index):
            title = f"Linux {first}" if first else "Proposed and never released"
            yield section(self, title, self.entries(found[first], first))

    def by_symptom(self, kind: type[Difference]) -> Iterator[nodes.Node]:
        """What a reader sees, and the change behind it."""
        symptoms: dict[str, list[str]] = {}
        for name in by_age(kind):
            for symptom in stories(kind)[name].symptoms:
                symptoms.setdefault(symptom, []).append(name)
        for title in KINDS:
            items = [
                self.symptom(symptom, symptoms[symptom])
                for symptom in sorted(symptoms, key=catchword)
                if kind_of(symptom) == title
            ]
            if items:
                found = nodes.definition_list("", *items, classes=["story-list", "symptoms"])
                yield section(self, title, found)

    def symptom(self, symptom: str, names: list[str]) -> nodes.definition_list_item:
        """A symptom, and links to what may be behind it with the releases that brought it."""
        text, messages = self.parse_inline(symptom, lineno=self.lineno)
        found = nodes.paragraph("", "")
        for name in names:
            steps = changes_of(stories(Difference)[name])
            when = ", ".join(dict.fromkeys(change.first for change in steps if change.first))
            found += [nodes.Text("; ")] * bool(len(found))
            found += [link(name, self.env.docname), nodes.Text(f" ({when})")]
        term = nodes.term("", "", *text, *messages)
        return nodes.definition_list_item("", term, nodes.definition("", found))

    def by_problem(self) -> Iterator[nodes.Node]:
        """The guides by groups, with the problem of each and for which releases it is."""
        for title, names in grouped("recipes").items():
            yield section(self, title, self.guides(names))

    def guides(self, names: list[str]) -> nodes.definition_list:
        """Links to guides, with their problems and releases."""
        found, items = stories(Recipe), []
        for name in names:
            story = found[name]
            problem = " ".join(story.problem.strip().partition("\n\n")[0].split())
            text, messages = self.parse_inline(problem, lineno=self.lineno)
            term = nodes.term("", "", link(name, self.env.docname))
            claimed = [release for release in RELEASES if story.claims(release)]
            where = linux(claimed) if len(claimed) < len(RELEASES) else "every release"
            body = nodes.paragraph("", "", *text, *messages, nodes.Text(f" For {where}."))
            items.append(nodes.definition_list_item("", term, nodes.definition("", body)))
        return nodes.definition_list("", *items, classes=["story-list"])

    def entries(self, names: list[str], first: str | None) -> nodes.definition_list:
        """Links to changes, with what each changed in this release."""
        items = []
        for name in names:
            said = effect_in(stories(Difference)[name], first)
            text, messages = self.parse_inline(said, lineno=self.lineno)
            term = nodes.term("", "", link(name, self.env.docname))
            body = nodes.definition("", nodes.paragraph("", "", *text, *messages))
            items.append(nodes.definition_list_item("", term, body))
        return nodes.definition_list("", *items, classes=["story-list"])


def entry(name: str) -> str:
    """A page as an entry of a table of contents, with its title in menus if it has one."""
    nav = stories()[name].nav
    return f"{nav} <{page_of(name)}>" if nav else page_of(name)


class StoryToctree(FolderDirective):
    """``.. story-toctree:: FOLDER``"""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        folder = self.arguments[0]
        kind = self.kind(folder)
        note_facts(self.env, titles)
        if folder in GROUPS:
            names = [name for names in grouped(folder).values() for name in names]
        else:
            assert issubclass(kind, Difference)
            names = by_age(kind)
        pages = "".join(f"   {entry(name)}\n" for name in names)
        if not names:
            return []
        return list(self.parse_text_to_nodes(f".. toctree::\n   :hidden:\n\n{pages}"))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives."""
    app.setup_extension("stories.links")
    app.add_js_file("filter.js")
    app.add_directive("story-list", StoryList)
    app.add_directive("story-toctree", StoryToctree)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
