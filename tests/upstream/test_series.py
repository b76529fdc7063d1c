# SPDX-License-Identifier: GPL-2.0-only
"""The series, written for a tree that belongs to somebody who works in it."""

from __future__ import annotations

import email
import re
import subprocess
from pathlib import Path

import pytest
from support_upstream import DOCUMENT, FILES, Tree, git

from records import answers
from upstream import __main__ as command_line
from upstream import series, tree
from upstream.edits import Edit, Passage, Where, digest
from upstream.patch import BODY_WIDTH, Claim, Patch, reference
from upstream.patches import PATCHES

CLAIM = Claim("Frogs leave.", "They stay.", "pond.c", stories=("frogs_stay",))


def patch(name: str, begin: str, end: str, words: str, new: str, path: str = DOCUMENT) -> Patch:
    """A patch of one edit."""
    place = Edit(Passage(path, begin, end, words), Where.INSTEAD, name, lambda: new)
    return Patch(
        name, f"ponds: Say {name}", "Somebody\nlooked.\n\nTwice.", "fish", (CLAIM,), (place,)
    )


LEAVE = patch(
    "that frogs stay",
    "A pond is",
    "it freezes.",
    digest("A pond is left by its frogs when it freezes."),
    "Frogs sleep below the ice.",
)
FISH = patch("more of fish", "Fish stay.", "stay.", digest("Fish stay."), "Fish swim.")
CHANGED = patch("what is said", "Nobody knows", "go then.", digest("Nobody cares."), "")
ABSENT = patch("it elsewhere", "x", "", "", "", "Documentation/bpf/lakes.rst")


@pytest.fixture(autouse=True)
def frogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two kernels were asked where frogs stay."""
    real = answers.kernels_of_story

    def kernels(name: str) -> frozenset[str]:
        return frozenset({"7.3.4", "5.8.18"}) if name == "frogs_stay" else real(name)

    monkeypatch.setattr(answers, "kernels_of_story", kernels)


def write(linux: Tree, *patches: Patch, said: list[str] | None = None) -> series.Series:
    say = (said if said is not None else []).append
    return series.write(linux.path, linux.path.parent / "out", say, patches)


def test_the_mails_can_be_applied(linux: Tree) -> None:
    written = write(linux, LEAVE, FISH)
    assert [path.name for path in written.files] == [
        "0000-cover-letter.patch",
        "0001-ponds-Say-that-frogs-stay.patch",
        "0002-ponds-Say-more-of-fish.patch",
    ]
    clone = linux.path.parent / "clone"
    git(linux.path.parent, "clone", "-q", str(linux.path), str(clone))
    git(clone, "-c", "user.name=M", "-c", "user.email=m@example.org", "am", "-q",
        *map(str, written.files[1:]))  # fmt: skip
    text = (clone / DOCUMENT).read_text(encoding="utf-8")
    assert text == FILES[DOCUMENT].replace(
        "A pond is\nleft by its frogs when it freezes.", "Frogs sleep below the ice."
    ).replace("Fish stay.", "Fish swim.")
    for number, said in (("HEAD~1", "that frogs stay"), ("HEAD", "more of fish")):
        assert git(clone, "log", "-1", "--format=%an <%ae>%n%B", number) == (
            f"A Sender <sender@example.org>\nponds: Say {said}\n\nSomebody looked.\n\nTwice.\n\n"
            "Tested on Linux 5.8.18 and 7.3.4, except for fish: that was read in the\nsource.\n\n"
            "Signed-off-by: A Sender <sender@example.org>\n\n"
        )


def test_the_mails_are_addressed_and_have_a_changelog(linux: Tree) -> None:
    written = write(linux, LEAVE)
    cover, mail = (email.message_from_string(path.read_text()) for path in written.files)
    for message in cover, mail:
        assert message["From"] == "A Sender <sender@example.org>"
        assert message["To"] == "ponds@vger.example.org"
        assert message["Cc"] == "A Maintainer <maintainer@example.org>"
        assert message["In-Reply-To"] is None  # git send-email makes the thread
    assert cover["Subject"].startswith("[PATCH bpf-next 0/1] bpf, docs: ")
    assert mail["Subject"] == "[PATCH bpf-next 1/1] ponds: Say that frogs stay"
    assert "***" not in str(cover.get_payload())
    below = str(mail.get_payload()).split("\n---\n")[1]
    assert below == "v1: first version"


def test_a_second_version_says_so(linux: Tree) -> None:
    out = linux.path.parent / "out"
    written = series.write(linux.path, out, print, [FISH], revision=2)
    assert [path.name for path in written.files] == [
        "v2-0000-cover-letter.patch",
        "v2-0001-ponds-Say-more-of-fish.patch",
    ]
    for path in written.files:
        text = path.read_text(encoding="utf-8")
        assert "Subject: [PATCH bpf-next v2 " in text
        assert "\nv2: (say what changed)\nv1: first version\n" in text


def test_a_name_need_not_be_ascii(linux: Tree) -> None:
    git(linux.path, "config", "user.name", "Zoë Ünal")
    linux.note()
    (_, mail) = write(linux, FISH).files
    clone = linux.path.parent / "clone"
    git(linux.path.parent, "clone", "-q", str(linux.path), str(clone))
    git(clone, "-c", "user.name=M", "-c", "user.email=m@example.org", "am", "-q", str(mail))
    told = git(clone, "log", "-1", "--format=%an%n%(trailers:key=Signed-off-by)")
    assert told == "Zoë Ünal\nSigned-off-by: Zoë Ünal <sender@example.org>\n\n"


def test_without_get_maintainer_it_is_said_and_nobody_is_addressed(linux: Tree) -> None:
    said: list[str] = []
    (linux.path / "scripts" / "get_maintainer.pl").write_text("#!/bin/sh\nexit 1\n")
    linux.note()
    written = write(linux, LEAVE, said=said)
    assert "To:" not in written.files[1].read_text()
    assert re.match("no recipients: .*get_maintainer.pl", said[0])


@pytest.mark.parametrize("left_out", [CHANGED, ABSENT], ids=["changed", "absent"])
def test_a_patch_without_its_place_is_left_out(linux: Tree, left_out: Patch) -> None:
    said: list[str] = []
    written = write(linux, left_out, FISH, said=said)
    assert list(written.left_out) == [left_out.name]
    assert [path.name for path in written.files[1:]] == ["0001-ponds-Say-more-of-fish.patch"]
    assert said[0].startswith(f"left out: {left_out.subject}\n  ")
    if left_out is CHANGED:
        assert said[0].endswith("found:\n    | Nobody knows where they go then.")


def test_without_any_patch_nothing_is_written(linux: Tree) -> None:
    with pytest.raises(tree.TreeError, match="no patch has its place here"):
        write(linux, CHANGED, ABSENT)
    assert not (linux.path.parent / "out").exists()


@pytest.mark.parametrize("missing", ["user.name", "user.email"])
def test_nobody_is_invented(linux: Tree, missing: str) -> None:
    git(linux.path, "config", "--unset", missing)
    linux.note()
    with pytest.raises(tree.TreeError) as caught:
        write(linux, LEAVE)
    assert str(caught.value).startswith(f"git does not know who you are: {missing} not set for ")
    assert "git config --global user.name 'Your Name'" in str(caught.value)
    assert not (linux.path.parent / "out").exists()


def test_the_environment_cannot_lead_elsewhere(
    linux: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    git(tmp_path, "init", "-q", "else")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "else" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(linux.path / ".git" / "index"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    try:
        written = write(linux, LEAVE)
    finally:
        monkeypatch.undo()
    assert "From: A Sender <sender@example.org>" in written.files[1].read_text()


@pytest.mark.parametrize("place", ["commit", "format_patches", "kept"])
def test_a_failure_half_way_leaves_all_as_it_was(
    linux: Tree, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    out = linux.path.parent / "out"
    first = {path: path.read_text() for path in write(linux, FISH).files}

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tree if place == "commit" else series, place, fails)
        with pytest.raises(KeyboardInterrupt):
            write(linux, LEAVE)
    assert {path: path.read_text() for path in out.iterdir()} == first


def test_a_full_disk_leaves_the_last_series(linux: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    out = linux.path.parent / "out"
    first = {path: path.read_text() for path in write(linux, FISH).files}
    wanted = Path.write_text

    def full(self: Path, text: str, encoding: str | None = None) -> int:
        if self.name.startswith("0001"):
            raise OSError(28, "No space left on device")
        return wanted(self, text, encoding)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            write(linux, LEAVE)
    assert {path: path.read_text() for path in out.iterdir()} == first
    assert sorted(path.name for path in out.parent.glob("out*")) == ["out"]


def test_the_series_before_is_kept(linux: Tree) -> None:
    cover = write(linux, FISH).files[0]
    cover.write_text("Somebody wrote a long letter.\n", encoding="utf-8")
    write(linux, FISH)
    kept = cover.parent.with_name("out.before") / cover.name
    assert kept.read_text(encoding="utf-8") == "Somebody wrote a long letter.\n"


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("nowhere", "no such directory; name a checkout of bpf-next or mainline Linux"),
        ("tmp", "is no git checkout with a commit"),
        ("empty", "is no git checkout with a commit"),
        ("other", "is no kernel tree, it has no MAINTAINERS"),
    ],
)
def test_what_is_no_kernel_tree_is_refused(
    linux: Tree, capsys: pytest.CaptureFixture[str], path: str, complaint: str
) -> None:
    place = linux.path.parent
    git(place, "init", "-q", "empty")
    git(place, "init", "-q", "other")
    git(place / "other", "-c", "user.name=x", "-c", "user.email=x", "commit", "-q",
        "--allow-empty", "-m", "x")  # fmt: skip
    assert command_line.main(["series", str(place / path), "--out", str(place / "out")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (place / "out").exists()


def test_make_asks_for_the_tree() -> None:
    root = Path(__file__).parents[2]
    made = subprocess.run(
        ["make", "-s", "upstream", "LINUX="], cwd=root, capture_output=True, text=True, check=False
    )
    assert made.returncode
    assert "make upstream LINUX=/path/to/linux" in made.stderr


def test_every_patch_reads_as_the_kernel_wants() -> None:
    for proposed in PATCHES:
        assert re.fullmatch(r"bpf, docs: [A-Z].*[^.]", proposed.subject)
        assert len(proposed.subject) <= BODY_WIDTH
        assert max(map(len, proposed.body.splitlines())) <= BODY_WIDTH
        assert re.search(r"commit [0-9a-f]{12}\s\(\"", proposed.body)
        assert "Tested on Linux " in proposed.body


def test_every_claim_has_its_evidence() -> None:
    for claim in (claim for proposed in PATCHES for claim in proposed.claims):
        assert re.search(r"\.[ch]``: ", claim.source)
        assert claim.asked or not claim.stories


def test_what_was_not_tested_is_said() -> None:
    """Rules that no recorded kernel was asked about are only in patches that say so."""
    unasked = {
        proposed.name: [
            rule.name
            for rule in reference().rules.values()
            if not rule.recorded and words(rule.sentences) in words(text_of(proposed))
        ]
        for proposed in PATCHES
    }
    assert unasked == {
        "detach": [],
        "examples": [],
        "reference": ["next-key.unknown", "share.lsm"],
        "helper": [],
    }
    (body,) = (words(proposed.body) for proposed in PATCHES if proposed.name == "reference")
    assert "except for what concerns LSM programs," in body
    assert "an iteration that starts with an unknown key: that was read in the source." in body


def text_of(proposed: Patch) -> str:
    return " ".join(edit.new() for edit in proposed.edits)


def words(text: str) -> str:
    return " ".join(text.split())
