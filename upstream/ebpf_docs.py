# SPDX-License-Identifier: GPL-2.0-only
"""Patches for the source of docs.ebpf.io, ready to be applied to a branch of it.

They are made as those for the kernel: located by what stands there, in a temporary repository, and
left out where a page has changed.  The words are checked against the list of that project.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from conformance import tools
from reference_model.leftovers import temporary

from . import tree
from .patch import Patch
from .patches.ebpf_docs import EBPF_DOCS, LANDMARKS
from .scratch import scratch
from .series import Choices, Say, Written, committed, kept

WORDS = ".aspell.en.pws"
"""The project's own list of words, which its check of spelling uses."""

NO_PROSE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|:octicons[\w-]*:|\bv\d[\d.]*", re.DOTALL)
"""What the project does not check: code, addresses and icons."""


def write(
    docs: Path,
    out: Path,
    say: Say,
    choices: Choices | None = None,
    patches: Sequence[Patch] = EBPF_DOCS,
) -> Written:
    """Write the patches for a checkout of isovalent/ebpf-docs; TreeError before anything is."""
    top = tree.opened(docs, LANDMARKS, "a checkout of isovalent/ebpf-docs")
    sender, seconds = tree.sender(top), tree.seconds(top)
    texts = tree.files(top, [WORDS, *{path for patch in patches for path in patch.paths}])
    words = texts.pop(WORDS)
    with scratch(texts, sender, seconds) as place:
        made, left_out = committed(place, patches, texts, sender, choices or Choices(), say)
        if not made:
            raise tree.TreeError(f"{docs}: no patch has its place here, see above")
        files = kept(place.mails(["--no-cover-letter", "--subject-prefix=PATCH"]), out)
    for word in unknown(made, words, say):
        say(f"spelling: {word!r} is neither in aspell's dictionary nor in {WORDS}")
    return Written(files, made, left_out)


def unknown(patches: Sequence[Patch], words: str, say: Say) -> list[str]:
    """Return the words of the patches that neither aspell nor the project's list knows."""
    if shutil.which("aspell") is None:
        say("spelling: not checked, aspell is not installed: apt install aspell aspell-en")
        return []
    added = "\n".join(line[1:] for patch in patches for edit in patch.edits for line in edit.shown)
    with temporary("upstream") as home:
        (home / WORDS).write_text(words, encoding="utf-8")
        command = ["aspell", "list", "--lang=en", f"--home-dir={home}", "--encoding=utf-8"]
        done = tools.run(command, input=NO_PROSE.sub(" ", added))
    if done.returncode:
        say(f"spelling: not checked: {tools.complaint(done)}")
    return sorted(set(done.stdout.split()))
