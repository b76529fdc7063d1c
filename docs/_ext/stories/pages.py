# SPDX-License-Identifier: GPL-2.0-only
"""``.. story:: NAME``: the page of a story, made from its module.

Prose is parsed as if it stood on the page, but faults in it are reported where it was written.
What is said of releases comes from the outcomes, figures from runs of the model, examples are
doctests, and what real kernels answered is read from the recorded traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import timeline
from common.parts import paragraph
from common.sources import home, note, note_facts
from common.words import linux
from docutils import nodes
from kernel_tabs import generation, tabs
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from reference_model import Release
from reference_model.catalogue import (
    RELEASES,
    Addition,
    BreakingChange,
    Difference,
    Recipe,
    Story,
    stories,
)
from upstream.words import listed

from .code import block, code, example, opening, parts, read, shown_path
from .links import helped_by, titles
from .listings import EXAMPLES, files, listings
from .parts import PART, Parts
from .races import among_others
from .stubs import plain


def sources(name: str, story: Story) -> Iterator[str]:
    """Return the files that a story's page alone is made from."""
    yield home(story)
    runs = [story.run]
    if isinstance(story, Recipe) and story.old is not None:
        runs.append(story.old)
    yield from (path for run in runs for _, path, _, _ in parts(run))
    yield from map(str, (*files(name), *EXAMPLES.glob("example.[ch]")))


class StoryDirective(Parts):
    """The sections of a page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.name = self.arguments[0]
        story = stories().get(self.name)
        if story is None:
            raise self.error(f"no such story: {self.name} (known: {', '.join(stories())})")
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
        return list(chain(self.opening(story), sections))

    # -- the kinds of pages -------------------------------------------------------------------

    def opening(self, story: Story) -> Iterator[nodes.Node]:
        """What the page answers."""
        if isinstance(story, Difference):
            since = [o.since for o in story.outcomes if o.since and o.since.first is not None]
            when = listed(list(dict.fromkeys(str(change.first) for change in since)))
            came = f" in Linux {when}" * bool(when)
            text = f"What changed{came}, for whom, and the way out."
            if isinstance(story, Addition):
                text = f"What came{came}, how to ask for it, and what to do where it is not."
            yield paragraph(
                f"{text} What you may have seen: {'; '.join(map(plain, story.symptoms))}."
            )
        elif isinstance(story, Recipe):
            claimed = [release for release in RELEASES if story.claims(release)]
            yield paragraph(
                "What to write instead, what it promises, where the old program fails and what to "
                f"mind; for {linux(claimed)}."
            )
        if story.unsafe:
            text = "This breaks some kernels: run it only on a machine that you can spare."
            yield nodes.warning("", paragraph(text))

    def breaking_change(self, story: BreakingChange) -> Iterator[nodes.Node]:
        """The page of a breaking change."""
        yield self.section("Summary", self.prose(story, "summary"))
        yield self.section("Who is affected", self.prose(story, "affected"))
        yield from self.before_and_after(story)
        yield self.section("How to find it in your code", self.prose(story, "find"))
        found = self.links(story.recipes) or [paragraph("None: what to do is said above.")]
        yield self.section("Recipes that help", found)
        yield from self.run_it(story)

    def addition(self, story: Addition) -> Iterator[nodes.Node]:
        """The page of an addition."""
        yield self.section("Summary", self.prose(story, "summary"))
        yield self.section("How to ask for it", self.prose(story, "probe"))
        yield self.section("Where it is not there", self.prose(story, "without"))
        yield from self.before_and_after(story)
        if story.recipes:
            yield self.section("Recipes that help", self.links(story.recipes))
        yield from self.run_it(story)

    def before_and_after(self, story: Difference) -> Iterator[nodes.Node]:
        """What a difference is, and what comes of it on which release."""
        yield self.section("Details", self.prose(story, "details"), self.rules(story))
        before, after = story.before, story.after
        yield self.section(
            "Before and after",
            [paragraph(f"The same program on both. {timeline.LEGEND}")],
            self.figure(story, story.run, before, f"Before: {linux([before])}"),
            self.figure(story, story.run, after, f"After: {linux([after])}"),
        )
        yield self.section("Outcome on every release", self.outcomes(story))

    def run_it(self, story: Difference) -> Iterator[nodes.Node]:
        """The program of a difference, in Python and in C, and who ran it."""
        blocks, _ = code(story.run)
        yield self.section("The code", [self.where(story)], blocks)
        yield self.section("Run it yourself", self.try_it(story, (story.before, story.after)))
        if files(self.name):
            yield self.section("In C", self.twin())
        yield self.section("Seen on real kernels", self.evidence(story))

    def recipe(self, story: Recipe) -> Iterator[nodes.Node]:
        """The page of a recipe."""
        yield self.section("Problem", self.prose(story, "problem"))
        blocks, shown = code(story.run)
        yield self.section("Recipe", self.prose(story, "summary"), [self.where(story)], blocks)
        if story.old is not None:
            old, _ = code(story.old, shown)
            known = "" if len(old) else " The code above does it too."
            home_of = linux([Release(story.old_release).name])
            text = f"The program before the migration, right at home on {home_of}"
            yield self.section("The old program", [paragraph(f"{text}.{known}")], old)
        yield self.section("Promises", self.promises(story))
        yield self.section("Outcome on every release", self.outcomes(story))
        fails = Release(story.fails_on).name
        figures = []
        if story.old is not None:
            figures = self.figure(story, story.old, fails, f"The old program on {linux([fails])}")
        yield self.section(
            "Old program and recipe",
            [paragraph(f"Both on the same release, where the old one fails. {timeline.LEGEND}")],
            figures,
            self.figure(story, story.run, fails, f"The recipe on {linux([fails])}"),
        )
        yield self.section("Run it yourself", self.try_both(story))
        if files(self.name):
            yield self.section("In C", self.twin())
        yield self.section("Pitfalls", self.prose(story, "pitfalls"))
        yield self.section("Details", self.prose(story, "details"), self.rules(story))
        yield self.section("Seen on real kernels", self.evidence(story))
        found = self.links(helped_by(self.name)) or [paragraph("None names this recipe.")]
        yield self.section("Changes that lead here", found)

    # -- code and examples --------------------------------------------------------------------

    def where(self, story: Story) -> nodes.paragraph:
        """Where the code comes from."""
        path = shown_path(home(story))
        return nodes.paragraph(
            "",
            "",
            nodes.Text("From "),
            nodes.literal(path, path),
            nodes.Text(", for any kernel with the model's interface; the names come with "),
            nodes.literal("", "from reference_model import *"),
            nodes.Text("."),
        )

    def twin(self) -> Iterator[nodes.Node]:
        """The story in C, which prints the labels and values of the table."""
        yield paragraph(
            "The same for a real kernel, with libbpf. It is compiled and run in guests, and prints "
            "what the table above says of their releases; what is not the point stands in "
            "docs/examples/example.h."
        )
        yield from listings(self.name)

    def doctest(self, story: Story, text: str) -> nodes.literal_block:
        """An example, reported at the story's declaration if it fails."""
        return block(text, home(story), read(home(story)).statements["STORY"].lineno)

    def try_it(self, story: Difference, releases: Iterable[str]) -> Iterator[nodes.Node]:
        """The run on a release from before and one from after."""
        examples = {r: example(story, "run", r, story.expected(r).seen) for r in releases}
        yield self.doctest(story, opening(self.name, list(examples.values())))
        blocks = {r: self.doctest(story, text) for r, text in examples.items()}
        by_key: dict[str, tuple[str, PART]] = {
            generation(r): (linux([r]), [found]) for r, found in blocks.items()
        }
        if len(by_key) == len(blocks):
            yield tabs(self, by_key)
        else:
            yield from blocks.values()

    def try_both(self, story: Recipe) -> Iterator[nodes.Node]:
        """The old program at home and where it fails, and the recipe there."""
        home_of, fails = story.old_release, story.fails_on
        examples = {}
        if story.old is not None:
            examples = {
                f"The old program where it is at home, on {linux([Release(home_of).name])}:":
                    example(story, "old", home_of, None),
                f"The old program on {linux([Release(fails).name])}:":
                    example(story, "old", fails, None),
            }  # fmt: skip
        text = f"The recipe on {linux([Release(fails).name])}:"
        examples[text] = example(story, "run", fails, story.expected(fails).seen)
        yield self.doctest(story, opening(self.name, list(examples.values())))
        for caption, lines in examples.items():
            yield paragraph(caption)
            yield self.doctest(story, lines)

    def promises(self, story: Recipe) -> Iterator[nodes.Node]:
        """Each promise, and where it is checked."""
        claimed = [release for release in RELEASES if story.claims(release)]
        items = [
            nodes.list_item("", paragraph(promise.text.rstrip(".") + "."))
            for promise in story.promises
        ]
        yield nodes.bullet_list("", *items)
        fails = Release(story.fails_on).name
        yield paragraph(
            f"Each is checked on the model: the recipe keeps it on {linux(claimed)}; the old "
            f"program keeps it on {linux([Release(story.old_release).name])} and breaks it on "
            f"{linux([fails])}."
        )
        yield from among_others(self.name, Release(story.old_release).name)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    for name in ("kernel_tabs", "stories.links", "timeline"):
        app.setup_extension(name)
    app.add_directive_to_domain("std", "story", StoryDirective, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
