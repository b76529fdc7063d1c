# SPDX-License-Identifier: GPL-2.0-only
"""The series as mails: each patch a commit on a worktree, written by ``git format-patch``.

A patch whose place in the tree is not as expected is left out, and it is said what was found there.
The mails are complete in their directory, or the directory is as it was.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import tree
from .edits import Unexpected
from .patch import BODY_WIDTH, Patch
from .patches import PATCHES
from .text import filled
from .words import listed

FORMAT = (
    *("--subject-prefix=PATCH bpf-next", "--cover-letter", "--numbered", "--no-thread"),
    *("--no-attach", "--no-signoff", "--no-base", "--no-notes", "--no-color", "--no-ext-diff"),
)
"""Options of the mails, whatever the sender has configured."""

TITLE = "bpf, docs: Bring the documentation of CGROUP_STORAGE up to date"

REASONS = """\
Linux 5.9 changed what BPF_MAP_TYPE_CGROUP_STORAGE shares, and that a storage outlives its
attachment. The documentation follows only in part: one document says the opposite, the examples do
not compile, and that attaching again no longer zeroes stands nowhere.

The text is taken by a script from an executable reference of these maps. Its statements are checked
on a model, and the model is compared with recorded answers of real kernels; each patch names the
kernels, the functions where its statements were read, and what was not tested. The examples compile
without a warning, and were run.
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Series:
    """What was written: the files, the patches in them, and why others were left out."""

    files: list[Path]
    made: list[Patch]
    left_out: dict[str, Unexpected]


def write(
    linux: Path, out: Path, say: Say, patches: Sequence[Patch] = PATCHES, *, revision: int = 1
) -> Series:
    """Write the series for a kernel tree; TreeError, or PageError of a page, before anything is."""
    top = tree.opened(linux)
    sender = tree.sender(top)
    made, left_out = list[Patch](), dict[str, Unexpected]()
    paths = sorted({path for patch in patches for path in patch.paths})
    with tree.worktree(top, present(top, paths)) as place:
        base = tree.git(place, "rev-parse", "HEAD").strip()
        for patch in patches:
            try:
                texts = edited(place, patch)
            except Unexpected as error:
                left_out[patch.name] = error
                say(f"left out: {patch.subject}\n  {error}")
                continue
            for path, text in texts.items():
                (place / path).write_text(text, encoding="utf-8")
            tree.commit(place, sender, message(patch, sender, revision), patch.paths)
            made.append(patch)
        if not made:
            raise tree.TreeError(f"{linux}: no patch has its place here, see above")
        mails = format_patches(place, base, made, addresses(top, made, say), revision)
        files = kept(mails, out)
    return Series(files, made, left_out)


def present(top: Path, paths: Sequence[str]) -> list[str]:
    """Those of the paths that the tree's commit has."""
    return tree.git(top, "ls-tree", "--name-only", "--full-tree", "HEAD", *paths).split()


def edited(place: Path, patch: Patch) -> dict[str, str]:
    """The patched files as they are to be; Unexpected if one of them is not as it was."""
    texts = dict[str, str]()
    for edit in patch.edits:
        path = edit.passage.path
        if path not in texts:
            try:
                texts[path] = (place / path).read_text(encoding="utf-8")
            except FileNotFoundError:
                raise Unexpected(path, "the tree has no such file") from None
        texts[path] = edit.apply(texts[path])
    return texts


def changelog(revision: int) -> str:
    """What stands below the message of each patch: the versions, for a person to fill in.

    >>> print(changelog(2))
    v2: (say what changed)
    v1: first version
    """
    later = [f"v{number}: (say what changed)" for number in range(revision, 1, -1)]
    return "\n".join([*later, "v1: first version"])


def message(patch: Patch, sender: tree.Sender, revision: int) -> str:
    """The message of a commit; what stands below ``---`` goes into the mail, not into history."""
    tags = [f"Fixes: {patch.fixes}"] if patch.fixes else []
    tags.append(f"Signed-off-by: {sender}")
    return "\n".join([patch.subject, "", patch.body, *tags, "---", changelog(revision), ""])


def addresses(top: Path, made: Sequence[Patch], say: Say) -> list[str]:
    """The options that address the mails; none if get_maintainer does not run here."""
    try:
        to, cc = tree.recipients(top, sorted({path for patch in made for path in patch.paths}))
    except tree.TreeError as error:
        say(f"no recipients: {error}; ask scripts/get_maintainer.pl before you send")
        return []
    return [*(f"--to={who}" for who in to), *(f"--cc={who}" for who in cc)]


def format_patches(
    place: Path, base: str, made: Sequence[Patch], addressed: Sequence[str], revision: int
) -> list[tuple[str, str]]:
    """The names and texts of the mails, the cover letter first."""
    mails = Path(tempfile.mkdtemp(dir=place.parent))
    options = [*FORMAT, *addressed]
    options += [f"--reroll-count={revision}"] if revision > 1 else []
    tree.git(place, "format-patch", "--quiet", *options, "-o", str(mails), base)
    found = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(mails.iterdir())]
    name, text = found[0]
    text = text.replace("*** SUBJECT HERE ***", TITLE).replace(
        "*** BLURB HERE ***", blurb(made, revision)
    )
    return [(name, text), *found[1:]]


def blurb(made: Sequence[Patch], revision: int) -> str:
    """The text of the cover letter, with what is done where."""
    reasons = [
        filled(" ".join(text.split()), width=BODY_WIDTH) for text in REASONS.strip().split("\n\n")
    ]
    files = {path.rpartition("/")[2]: None for patch in made for path in patch.paths}
    where = filled(f"The patches change documentation only, in {listed(files)}.", width=BODY_WIDTH)
    return "\n\n".join([*reasons, where, changelog(revision)])


def kept(mails: Sequence[tuple[str, str]], out: Path) -> list[Path]:
    """Write the mails; what was in the directory before is kept beside it, once."""
    out.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{out.name}.", dir=out.parent))
    try:
        for name, text in mails:
            (new / name).write_text(text, encoding="utf-8")
        new.chmod(0o755)
        if out.exists():
            before = out.with_name(f"{out.name}.before")
            shutil.rmtree(before, ignore_errors=True)
            out.rename(before)
        new.rename(out)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return [out / name for name, _ in mails]
