# SPDX-License-Identifier: GPL-2.0-only
"""What a patch is: its claims, with their evidence, and the edits that follow from them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from records.answers import kernels_of
from reference_model import Release

from .edits import Edit
from .text import Page, filled, page
from .words import listed

CGROUP_STORAGE = "Documentation/bpf/map_cgroup_storage.rst"
CGRP_STORAGE = "Documentation/bpf/map_cgrp_storage.rst"
HEADERS = ("include/uapi/linux/bpf.h", "tools/include/uapi/linux/bpf.h")

BODY_WIDTH = 75


def reference() -> Page:
    """The page of the site that most of the text comes from."""
    return page("map_cgroup_storage")


@dataclass(frozen=True)
class Claim:
    """What the kernel's text says or lacks, what kernels do instead, and how that is known.

    ``source`` is where it was read in the kernel; ``rules`` and ``stories`` are this site's.  An
    example of the kernel's that does not compile is ``compiled`` by a test, to see that.
    """

    text: str
    kernels: str
    source: str
    rules: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    compiled: bool = False

    @property
    def traces(self) -> list[str]:
        """The recorded traces that check its rules."""
        found = (trace for name in self.rules for trace in reference().rule(name).traces)
        return list(dict.fromkeys(found))

    @property
    def asked(self) -> list[str]:
        """The real kernels that were asked, oldest first; none if it was read in the source."""
        return kernels_of(self.stories, self.traces)


@dataclass(frozen=True)
class Patch:
    """A patch: its subject, the reasons for it, its claims and its edits.

    ``untested`` names what of its text was only read in the source of the kernel.
    """

    name: str
    subject: str
    reasons: str
    untested: str
    claims: tuple[Claim, ...]
    edits: tuple[Edit, ...]
    fixes: str = ""

    @property
    def paths(self) -> list[str]:
        """The files that it changes."""
        return list(dict.fromkeys(edit.passage.path for edit in self.edits))

    @property
    def body(self) -> str:
        """The message of the commit, without its subject and its tags."""
        asked = sorted({name for claim in self.claims for name in claim.asked}, key=Release)
        paragraphs = textwrap.dedent(self.reasons).strip().split("\n\n")
        paragraphs.append(
            f"Tested on Linux {listed(asked)}, except for {self.untested}: "
            "that was read in the source."
        )
        wrapped = [filled(" ".join(text.split()), width=BODY_WIDTH) for text in paragraphs]
        return "\n\n".join(wrapped) + "\n"
