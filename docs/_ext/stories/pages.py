# SPDX-License-Identifier: GPL-2.0-only
"""``.. story:: NAME``: the page of a story, made from its module.

Prose is parsed as if it stood on the page, but faults in it are reported where it was written.
What is said of releases comes from the outcomes, figures from runs of the model, examples are
doctests, and what real kernels answered is read from the recorded traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import run_here
import timeline
from common.parts import paragraph
from common.sources import home, note, note_facts
from common.words import linux
from docutils import nodes
from kernel_tabs import tabs
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from records import sessions
from records.archive import committed
from reference_model import Release
from reference_model.catalogue import (
    LANGUAGES,
    Addition,
    BreakingChange,
    Difference,
    Recipe,
    Sign,
    Story,
    stories,
)
from reference_model.catalogue.story import Run, StoryError
from reference_model.timeline import Timeline

from .code import code, parts, ran
from .examples import Examples
from .facts import box
from .folded import folded
from .links import helped_by, titles
from .listings import EXAMPLES, files, listing, to_copy
from .parts import PART
from .shell import recorded


def sources(name: str, story: Story) -> Iterator[str]:
    """Return the files that a story's page alone is made from."""
    yield home(story)
    runs = [story.run]
    if isinstance(story, Recipe) and story.old is not None:
        runs.append(story.old)
    yield from (path for run in runs for _, path, _, _ in parts(run))
    for copied in (to_copy("fixes", name), to_copy("guides", name)):
        yield from (str(path) for paths in copied.values() for path in paths)
        if "bpftool" in copied:
            yield str(sessions.FILE)
    yield from map(str, (*files(name), *EXAMPLES.glob("example.[ch]")))


class StoryDirective(Examples):
    """The sections of a page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.name = self.arguments[0]
        story = stories().get(self.name)
        if story is None:
            raise self.error(f"no such story: {self.name} (known: {', '.join(stories())})")
        for evidence in story.evidence:
            try:
                committed().trace(evidence.trace)
            except KeyError as error:
                raise self.error(f"{home(story)}: no such trace: {error}") from error
        note(self.env, *sources(self.name, story))
        note_facts(self.env, titles, self.name)
        standard = self.env.domains.standard_domain
        standard.note_object("story", self.name, "", location=self.get_location())
        if isinstance(story, BreakingChange):
            sections: Iterable[nodes.Node] = self.breaking_change(story)
        elif isinstance(story, Addition):
            sections = self.addition(story)
        else:
            assert isinstance(story, Recipe)
            sections = self.recipe(story)
        try:
            return list(sections)
        except StoryError as error:
            raise self.error(str(error)) from error

    # -- the kinds of pages -------------------------------------------------------------------

    def breaking_change(self, story: BreakingChange) -> Iterator[nodes.Node]:
        """The page of a breaking change."""
        yield box(self, self.name, story)
        yield self.section("What changed", self.prose(story, "summary"))
        find = self.prose(story, "find") if story.find else []
        affected = self.prose(story, "affected")
        yield self.section("Are you affected?", affected, self.signs(story), find)
        yield self.section("What to do", self.what_to_do(story))
        yield from self.rest(story, "Why")

    def addition(self, story: Addition) -> Iterator[nodes.Node]:
        """The page of an addition."""
        yield box(self, self.name, story)
        yield self.section("What is new", self.prose(story, "summary"))
        yield self.section("How to check for it", self.prose(story, "probe"))
        guides = self.links(story.recipes)
        yield self.section("What to do without it", self.prose(story, "without"), guides)
        yield from self.rest(story, "Details")

    def signs(self, story: BreakingChange) -> Iterator[nodes.Node]:
        """Commands that find the affected code: first in the languages of most programs."""
        if not story.signs:
            return
        what = "*.bpf.o" if story.shown_by == "object" else "--source ."
        first = [sign for sign in story.signs if sign.language in ("C", "Go")]
        others = [sign for sign in story.signs if sign not in first]
        yield self.shell([*self.commands(first), f"cgroup-storage check {what}"])
        if others:
            languages = ", ".join(dict.fromkeys(sign.language for sign in others))
            yield folded("", self.shell(self.commands(others)), summary=f"Other code: {languages}")

    def commands(self, signs: Sequence[Sign]) -> list[str]:
        """The command that finds each sign, below a comment."""
        lines = []
        for sign in signs:
            files = " ".join(f"'{pattern}'" for pattern in LANGUAGES[sign.language])
            lines += [f"# {sign.language}: {sign.shows}"]
            lines += [f"git grep -nE '{sign.pattern}' -- {files}"]
        return lines

    def shell(self, lines: list[str]) -> nodes.Node:
        """A block of shell lines."""
        text = "\n".join(lines)
        return nodes.literal_block(text, text, language="sh")

    def what_to_do(self, story: BreakingChange) -> Iterator[nodes.Node]:
        """The fix of a change, its code, and the guides that help."""
        for part in ("fix", "no_fix"):
            if getattr(story, part):
                yield from self.prose(story, part)
        yield from self.code_to_copy("fixes")
        if story.recipes:
            yield paragraph("How-to guides:")
        yield from self.links(story.recipes)

    def rest(self, story: Difference, why: str) -> Iterator[nodes.Node]:
        """What follows the fix: the reasons and the evidence."""
        yield self.section("Behaviour by release", [self.behaviour(story)])
        yield self.section(why, self.prose(story, "details"), self.rules(story))
        runs = {
            f"Before: {linux([story.before])}": self.ran(story, story.run, story.before),
            f"After: {linux([story.after])}": self.ran(story, story.run, story.after),
        }
        yield self.section(
            "Figure",
            [paragraph("The same program before and after the change:"), self.figure(runs)],
            [run_here.place(self.name, story)],
        )
        blocks, _ = code(story.run)
        yield self.folded(
            story,
            self.section("Model code", [self.where(story)], blocks),
            self.section("Run it yourself", self.try_it(story, (story.before, story.after))),
        )

    def ran(self, story: Story, run: Run, release: str) -> Timeline:
        """The timeline of a program on a release."""
        return ran(story, release, lambda: timeline.record(run, release, **story.kernel))

    def recipe(self, story: Recipe) -> Iterator[nodes.Node]:
        """The page of a recipe."""
        yield self.section("Problem", self.prose(story, "problem"))
        if story.when:
            yield self.section("When to use it", self.prose(story, "when"))
        found = self.code_to_copy("guides")
        yield self.section("Solution", self.prose(story, "summary"), found)
        here = run_here.place(self.name, story)
        yield self.section("Works on", [box(self, self.name, story), here])
        yield self.section("Pitfalls", self.prose(story, "pitfalls"))
        yield self.section("How it works", self.prose(story, "details"), self.rules(story))
        changes = self.links(helped_by(self.name))
        if changes:
            yield self.section("Related changes", changes)
        blocks, shown = code(story.run)
        sections = [
            self.section("Promises", self.promises(story)),
            self.section("Model code", [self.where(story)], blocks),
        ]
        fails = Release(story.fails_on).name
        runs = {}
        if story.old is not None:
            old, _ = code(story.old, shown)
            works_on = linux([Release(story.old_release).name])
            text = f"This is the program that the guide replaces. It works on {works_on}."
            known = "" if len(old) else " The code above contains it."
            sections.append(self.section("The old program", [paragraph(text + known)], old))
            runs["The old program"] = self.ran(story, story.old, fails)
        runs["The new program"] = self.ran(story, story.run, fails)
        runs = {f"{title} on {linux([fails])}": run for title, run in runs.items()}
        text = "Both programs" if len(runs) > 1 else "The program"
        text += " on a release where the old one fails:"
        sections += [
            self.section("Behaviour by release", [self.behaviour(story)]),
            self.section("Figure", [paragraph(text), self.figure(runs)]),
            self.section("Run it yourself", self.try_both(story)),
        ]
        yield self.folded(story, *sections)

    def code_to_copy(self, folder: str) -> Iterator[nodes.Node]:
        """The files of ``fixes`` or ``guides`` for this page, in tabs if there are several."""
        found = to_copy(folder, self.name)
        if len(found) > 1:
            contents: dict[str, tuple[str, PART]] = {
                name: (name, [*self.shown(name, paths)]) for name, paths in found.items()
            }
            yield tabs(self, contents, group="language")
        else:
            yield from (part for name, paths in found.items() for part in self.shown(name, paths))

    def shown(self, language: str, paths: Iterable[Path]) -> Iterator[nodes.Node]:
        """Files, or for bpftool what it printed."""
        if language == "bpftool":
            yield from recorded(self.name)
        else:
            yield from map(listing, paths)

    def folded(self, story: Story, *sections: nodes.Node) -> nodes.section:
        """The evidence: sections of this kind of page, then those that all pages have."""
        content: PART = [*sections]
        if story.unsafe:
            text = "This crashes some kernels. Run it only on a machine that you can spare."
            content.insert(0, nodes.warning("", paragraph(text)))
        if files(self.name):
            content.append(self.section("C version", self.twin()))
        content += [
            self.section("Sources", self.sources(story)),
            self.section("Tested kernels", self.evidence(story)),
        ]
        words = "Show the model code, the examples, the C files, the sources and the tested kernels"
        return self.section("Evidence and full example", [folded("", *content, summary=words)])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    for name in (
        "kernel_tabs",
        "stories.folded",
        "stories.links",
        "stories.shell",
        "timeline",
        "run_here",
    ):
        app.setup_extension(name)
    app.add_directive_to_domain("std", "story", StoryDirective, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
