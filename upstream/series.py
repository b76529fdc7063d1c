# SPDX-License-Identifier: GPL-2.0-only
"""A series as mails: commits in a temporary repository, written by ``git format-patch``.

A patch whose place in the tree is not as expected is left out, and the reason is printed.  The
mails are complete in their directory, or the directory is as it was.  The same tree, site and
options give the same mails, byte for byte.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reference_model import Release

from . import tree
from .edits import Unexpected
from .patch import BODY_WIDTH, Patch, Series
from .scratch import Scratch, scratch
from .text import filled

Say = Callable[[str], None]


@dataclass(frozen=True)
class Choices:
    """What the sender decides: the version of the series, the tags, and an address to name.

    ``signoff`` adds Signed-off-by.  ``assisted_by`` is the value of Assisted-by, "no" for no tag,
    or "" if the sender did not say.  ``site`` is the address of the reference, or "".
    """

    revision: int = 1
    signoff: bool = False
    assisted_by: str = ""
    site: str = ""


@dataclass(frozen=True)
class Written:
    """What was written: the files, the patches in them, and why others were left out."""

    files: list[Path]
    made: list[Patch]
    left_out: dict[str, Unexpected]


def write(
    linux: Path, out: Path, say: Say, series: Series, choices: Choices | None = None
) -> Written:
    """Write the series for a kernel tree; TreeError, or PageError of a page, before anything is."""
    choices = choices or Choices()
    top = tree.opened(linux)
    sender, seconds = tree.sender(top), tree.seconds(top)
    if doubt := tree.doubt(top):
        say(f"warning: {doubt}: patches that apply here may not apply to bpf-next")
    texts = tree.files(top, series.paths)
    with scratch(texts, sender, seconds) as place:
        made, left_out = committed(place, series.patches, texts, sender, choices, say)
        if not made:
            raise tree.TreeError(f"{linux}: no patch has its place here, see above")
        options = ["--subject-prefix=PATCH bpf-next", "--cover-letter", "--numbered"]
        options += addresses(top, made, say)
        options += [f"--reroll-count={choices.revision}"] if choices.revision > 1 else []
        files = kept(covered(place.mails(options), series, made, choices), out)
    return Written(files, made, left_out)


def committed(
    place: Scratch,
    patches: Sequence[Patch],
    texts: dict[str, str],
    sender: tree.Sender,
    choices: Choices,
    say: Say,
) -> tuple[list[Patch], dict[str, Unexpected]]:
    """Commit the patches that have their place; these, and why the others were left out."""
    made, left_out = list[Patch](), dict[str, Unexpected]()
    for patch in patches:
        try:
            changed = patch.applied(texts)
        except Unexpected as error:
            left_out[patch.name] = error
            say(f"left out: {patch.subject}\n  {error}")
            continue
        texts = texts | changed
        place.commit(changed, message(patch, sender, choices))
        made.append(patch)
    return made, left_out


def message(patch: Patch, sender: tree.Sender, choices: Choices) -> str:
    """Return the message of a commit, with the tags that the sender asked for."""
    tags = [f"Fixes: {patch.fixes}"] if patch.fixes else []
    tags += [f"Assisted-by: {choices.assisted_by}"] if choices.assisted_by not in ("", "no") else []
    tags += [f"Signed-off-by: {sender}"] if choices.signoff else []
    return "\n".join([patch.subject, "", patch.body, *tags]).rstrip("\n") + "\n"


def addresses(top: Path, made: Sequence[Patch], say: Say) -> list[str]:
    """Return the options that address the mails; none if get_maintainer does not run here."""
    try:
        to, cc = tree.recipients(top, sorted({path for patch in made for path in patch.paths}))
    except tree.TreeError as error:
        say(f"no recipients: {error}; ask scripts/get_maintainer.pl before you send")
        return []
    return [*(f"--to={who}" for who in to), *(f"--cc={who}" for who in cc)]


def covered(
    mails: Sequence[tuple[str, str]], series: Series, made: Sequence[Patch], choices: Choices
) -> list[tuple[str, str]]:
    """Return the mails with the text of the cover letter in the first."""
    (name, text), *others = mails
    text = text.replace("*** SUBJECT HERE ***", series.title)
    return [(name, text.replace("*** BLURB HERE ***", blurb(series, made, choices))), *others]


def blurb(series: Series, made: Sequence[Patch], choices: Choices) -> str:
    """Return the text of the cover letter: of the patches that are in the series, and no others."""
    found = {name for patch in made for claim in patch.claims for name in claim.asked}
    asked = sorted((name for name in found if not Release(name).proposal), key=Release)
    texts = series.reasons.strip().split("\n\n")
    if asked:
        texts += [
            "The behaviour described was checked by running it on kernels from Linux "
            f"{asked[0]} to {asked[-1]}, {len(asked)} in all."
        ]
    paragraphs = [filled(" ".join(text.split()), width=BODY_WIDTH) for text in texts]
    if choices.site:
        paragraphs += [f"An executable reference of these maps, with the evidence:\n{choices.site}"]
    if choices.revision > 1:
        later = (f"v{number}: (say what changed)" for number in range(choices.revision, 1, -1))
        paragraphs += ["\n".join([*later, "v1: first version"])]
    return "\n\n".join(paragraphs)


def inside(folder: Path) -> list[Path]:
    """Return what a folder holds, if there is one; TreeError if it is none."""
    try:
        return list(folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise tree.TreeError(f"{folder} cannot be written: {error.strerror}") from None


def kept(mails: Sequence[tuple[str, str]], out: Path) -> list[Path]:
    """Write the mails; the mails that the directory had before are kept beside it, once.

    TreeError if the directory holds anything else, or cannot be written.
    """
    out = out.resolve()
    before = out.with_name(f"{out.name}.before")
    for folder in (out, before):
        if others := [path.name for path in inside(folder) if path.suffix != ".patch"]:
            raise tree.TreeError(
                f"{folder} holds {others[0]}, which is no patch: name another directory"
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{out.name}.", dir=out.parent))
    try:
        for name, text in mails:
            (new / name).write_text(text, encoding="utf-8")
        new.chmod(0o755)
        if out.exists():
            shutil.rmtree(before, ignore_errors=True)
            out.rename(before)
        new.rename(out)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return [out / name for name, _ in mails]
