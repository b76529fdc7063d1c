# SPDX-License-Identifier: GPL-2.0-only
"""What a patch and a series are: claims with their evidence, and the edits that follow."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from records.answers import kernels_of

from .edits import Edit, Swap, Unexpected
from .text import Page, filled, page

CGROUP_STORAGE = "Documentation/bpf/map_cgroup_storage.rst"
CGRP_STORAGE = "Documentation/bpf/map_cgrp_storage.rst"
HEADERS = ("include/uapi/linux/bpf.h", "tools/include/uapi/linux/bpf.h")

BODY_WIDTH = 75


def reference() -> Page:
    """The page of the site that most of the text comes from."""
    return page("map_cgroup_storage")


@dataclass(frozen=True)
class Claim:
    """What a document says or lacks, what is right since when, and how that is known.

    ``source`` is where it was read in the kernel; ``rules`` and ``stories`` are this site's.  An
    example of the kernel's that does not compile is ``compiled`` by a test, to see that.
    """

    document: str
    says: str
    right: str
    since: str
    source: str
    rules: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    compiled: bool = False

    @property
    def traces(self) -> list[str]:
        """The recorded traces that check its rules."""
        found = (trace for name in self.rules for trace in reference().traces[name])
        return list(dict.fromkeys(found))

    @property
    def asked(self) -> list[str]:
        """The real kernels that were asked, oldest first; none if it was read in the source."""
        return kernels_of(self.stories, self.traces)


@dataclass(frozen=True)
class Patch:
    """A patch: its subject, the reasons for it, its claims and its edits.

    ``needs`` names documents that its text refers to: a tree without them does not get the patch.
    """

    name: str
    subject: str
    reasons: str
    claims: tuple[Claim, ...]
    edits: tuple[Edit | Swap, ...]
    fixes: str = ""
    needs: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The files that it changes."""
        return list(dict.fromkeys(edit.passage.path for edit in self.edits))

    @property
    def body(self) -> str:
        """The message of the commit, without its subject and its tags."""
        paragraphs = textwrap.dedent(self.reasons).strip().split("\n\n")
        wrapped = [filled(" ".join(text.split()), width=BODY_WIDTH) for text in paragraphs]
        return "\n\n".join(wrapped) + "\n"

    def applied(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the files with its edits; Unexpected if one of them is not as it was."""
        for path in self.needs:
            if path not in texts:
                raise Unexpected(path, "the tree has no such file, and the patch refers to it")
        done = dict[str, str]()
        for edit in self.edits:
            path = edit.passage.path
            if path not in texts:
                raise Unexpected(path, "the tree has no such file")
            done[path] = edit.apply(done.get(path, texts[path]))
        return done


@dataclass(frozen=True)
class Series:
    """Patches that are sent together: the subject and the text of their cover letter."""

    title: str
    reasons: str
    patches: tuple[Patch, ...]

    @property
    def paths(self) -> list[str]:
        """The files that the patches change or refer to."""
        return sorted({path for patch in self.patches for path in (*patch.paths, *patch.needs)})
