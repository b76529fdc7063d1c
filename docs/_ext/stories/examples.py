# SPDX-License-Identifier: GPL-2.0-only
"""The example of a story as a reader runs it: on the model as doctests, and in C."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from common.parts import paragraph
from common.sources import home
from common.words import linux
from docutils import nodes
from kernel_tabs import generation, tabs

from reference_model import Release
from reference_model.catalogue import RELEASES, Difference, Recipe, Story

from .code import block, example, opening, read, shown_path
from .listings import files, listings
from .parts import PART, Parts
from .races import among_others


class Examples(Parts):
    """What makes the examples of a page."""

    def where(self, story: Story) -> nodes.paragraph:
        """Where the code comes from."""
        path = shown_path(home(story))
        return nodes.paragraph(
            "",
            "",
            nodes.Text("This code runs on the model and on the tested kernels. It is from "),
            nodes.literal(path, path),
            nodes.Text(", and "),
            nodes.literal("", "from reference_model import *"),
            nodes.Text(" defines the names that it does not create itself."),
        )

    def twin(self) -> Iterator[nodes.Node]:
        """The story in C, which prints the labels and values of the table."""
        yield paragraph(
            "The same example in C, with libbpf. It was compiled and run in virtual machines, and "
            "prints what the table above shows for their releases. Its helper functions are in "
            "docs/examples/example.h."
        )
        yield from listings(files(self.name))

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
        works_on, fails = story.old_release, story.fails_on
        examples = {}
        if story.old is not None:
            examples = {
                f"The old program on {linux([Release(works_on).name])}, where it works:":
                    example(story, "old", works_on, None),
                f"The old program on {linux([Release(fails).name])}, where it fails:":
                    example(story, "old", fails, None),
            }  # fmt: skip
        text = f"The new program on {linux([Release(fails).name])}:"
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
            f"Each is checked on the model. The new program keeps it on {linux(claimed)}. The old "
            f"program keeps it on {linux([Release(story.old_release).name])} and breaks it on "
            f"{linux([fails])}."
        )
        yield from among_others(self.name, Release(story.old_release).name)
