# SPDX-License-Identifier: GPL-2.0-only
"""The series, written for a tree that belongs to somebody who works in it."""

from __future__ import annotations

import email
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support_upstream import DOCUMENT, FILES, Tree, git

from records import answers
from reference_model.user_error import UserError
from upstream import __main__ as command_line
from upstream import scratch, series, tree
from upstream.edits import Edit, Passage, Where, digest
from upstream.patch import Claim, Patch, Series
from upstream.series import Choices

CLAIM = Claim("ponds.rst", "Frogs leave.", "They stay.", "5.9", "pond.c", stories=("frogs_stay",))


def patch(name: str, begin: str, end: str, words: str, new: str, path: str = DOCUMENT) -> Patch:
    """A patch of one edit."""
    place = Edit(Passage(path, begin, end, words), Where.INSTEAD, name, lambda: new)
    return Patch(name, f"ponds: Say {name}", "Somebody\nlooked.\n\nTwice.", (CLAIM,), (place,))


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


def write(
    linux: Tree, *patches: Patch, said: list[str] | None = None, choices: Choices | None = None
) -> series.Written:
    say = (said if said is not None else []).append
    proposed = Series("ponds: Say more", "Ponds are\nwet.", patches)
    return series.write(linux.path, linux.path.parent / "out", say, proposed, choices)


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
        )


def test_the_mails_are_addressed(linux: Tree) -> None:
    written = write(linux, LEAVE)
    cover, mail = (email.message_from_string(path.read_text()) for path in written.files)
    for message in cover, mail:
        assert message["From"] == "A Sender <sender@example.org>"
        assert message["To"] == "ponds@vger.example.org"
        assert message["Cc"] == "A Maintainer <maintainer@example.org>"
        assert message["In-Reply-To"] is None  # git send-email makes the thread
    assert cover["Subject"] == "[PATCH bpf-next 0/1] ponds: Say more"
    assert mail["Subject"] == "[PATCH bpf-next 1/1] ponds: Say that frogs stay"
    letter = str(cover.get_payload())
    assert letter.startswith(
        "Ponds are wet.\n\nThe behaviour described was checked by running it on kernels from "
        "Linux\n5.8.18 to 7.3.4, 2 in all.\n\nA Sender (1):\n"
    )
    assert "***" not in letter
    assert "first version" not in letter + str(mail.get_payload())


def test_a_second_version_says_so_in_the_cover_letter(linux: Tree) -> None:
    cover, mail = write(linux, FISH, choices=Choices(revision=2)).files
    assert (cover.name, mail.name) == (
        "v2-0000-cover-letter.patch",
        "v2-0001-ponds-Say-more-of-fish.patch",
    )
    for path in cover, mail:
        assert "Subject: [PATCH bpf-next v2 " in path.read_text(encoding="utf-8")
    changelog = "\nv2: (say what changed)\nv1: first version\n"
    assert changelog in cover.read_text(encoding="utf-8")
    assert changelog not in mail.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("choices", "tags"),
    [
        (Choices(), ""),
        (Choices(assisted_by="no"), ""),
        (Choices(signoff=True), "Signed-off-by: A Sender <sender@example.org>\n"),
        (
            Choices(signoff=True, assisted_by="LLM sparse"),
            "Assisted-by: LLM sparse\nSigned-off-by: A Sender <sender@example.org>\n",
        ),
    ],
)
def test_tags_are_what_the_sender_asked_for(linux: Tree, choices: Choices, tags: str) -> None:
    (_, mail) = write(linux, FISH, choices=choices).files
    assert f"\nTwice.\n\n{tags}---\n" in mail.read_text().replace("Twice.\n---", "Twice.\n\n---")


def test_the_address_of_the_site_is_in_the_cover_letter(linux: Tree) -> None:
    (cover, _) = write(linux, FISH, choices=Choices(site="https://example.org/x")).files
    assert "with the evidence:\nhttps://example.org/x\n" in cover.read_text()


def test_two_runs_give_the_same_bytes(linux: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {path.name: path.read_bytes() for path in write(linux, LEAVE, FISH).files}
    time.sleep(1.1)
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "@1 +0100")
    assert {path.name: path.read_bytes() for path in write(linux, LEAVE, FISH).files} == first
    assert all(text.startswith(b"From " + b"0" * 40) for text in first.values())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    for path in write(linux, LEAVE).files:
        assert "\nDate: Fri, 2 Jan 1970 00:00:00 +0000\n" in path.read_text()


def test_a_date_that_is_none_is_refused(linux: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(tree.TreeError, match="SOURCE_DATE_EPOCH is 'today': give it a number"):
        write(linux, FISH)


def test_the_settings_of_the_sender_change_nothing(linux: Tree) -> None:
    """The tree has an odd diff.context, core.abbrev, format.suffix and others, see conftest.py."""
    (_, mail) = write(linux, FISH).files
    assert mail.suffix == ".patch"
    text = mail.read_text()
    assert re.search(r"\nindex [0-9a-f]{12}\.\.[0-9a-f]{12} 100644\n", text)
    assert "\n Fish\n ====\n \n-Fish stay.\n+Fish swim.\n" in text
    assert "Signed-off-by" not in text


@pytest.mark.parametrize(
    ("makefile", "address", "warning"),
    [
        ("SUBLEVEL = 0\n", "https://example.org/bpf-next.git", None),
        ("SUBLEVEL = 4\n", "https://example.org/bpf-next.git", "stable release (SUBLEVEL = 4)"),
        ("SUBLEVEL = 0\n", "https://example.org/linux.git", "has no remote that is bpf-next"),
    ],
)
def test_a_tree_that_is_not_bpf_next_is_warned_of(
    linux: Tree, makefile: str, address: str, warning: str | None
) -> None:
    clone = linux.path.parent / "clone"
    git(linux.path.parent, "clone", "-q", str(linux.path), str(clone))
    (clone / "Makefile").write_text(makefile)
    git(clone, "add", "Makefile")
    who = ("-c", "user.name=x", "-c", "user.email=x")
    git(clone, *who, "commit", "-q", "-m", "x")
    git(clone, "remote", "set-url", "origin", address)
    said = tree.doubt(clone)
    assert (warning in said) if warning else not said


def test_nothing_is_written_below_the_tree(linux: Tree) -> None:
    """So a tree that cannot be written to works; permissions would not stop root, who runs this."""
    before = {path: path.stat().st_mtime_ns for path in linux.path.rglob("*")}
    write(linux, LEAVE)
    assert {path: path.stat().st_mtime_ns for path in linux.path.rglob("*")} == before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_whatever_ends_the_run(linux: Tree, how: signal.Signals) -> None:
    """The fixture compares the tree, with its list of worktrees; SIGKILL leaves a directory."""
    script = linux.path / "scripts" / "get_maintainer.pl"
    started = linux.path.parent / "started"
    script.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 60\n")
    document = linux.path / "Documentation" / "bpf" / "map_cgroup_storage.rst"
    document.write_text("Semantics\n=========\n")
    git(linux.path, "add", "-f", str(document))
    git(
        linux.path,
        "-c",
        "core.hooksPath=/",
        "-c",
        "commit.gpgSign=false",
        "commit",
        "-q",
        "-m",
        "x",
        "--",
        str(document),
    )
    git(linux.path, "status")
    linux.note()
    command = [sys.executable, "-m", "upstream", "series", str(linux.path), "--series", "2"]
    run = subprocess.Popen([*command, "--out", str(linux.path.parent / "out")],
                           cwd=Path(__file__).parents[2], env={**os.environ},
                           start_new_session=True, stderr=subprocess.PIPE)  # fmt: skip
    until = time.monotonic() + 60
    while not started.exists():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    run.send_signal(how)
    run.wait(timeout=30)
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGTERM)
    run.communicate()
    left = list((linux.path.parent / "tmp").iterdir())
    assert bool(left) == (how == signal.SIGKILL)
    for path in left:
        shutil.rmtree(path)
    assert not (linux.path.parent / "out").exists()


def test_a_name_need_not_be_ascii(linux: Tree) -> None:
    git(linux.path, "config", "user.name", "Zoë Ünal")
    linux.note()
    (_, mail) = write(linux, FISH, choices=Choices(signoff=True)).files
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


@pytest.mark.parametrize("place", ["commit", "mails", "kept"])
def test_a_failure_half_way_leaves_all_as_it_was(
    linux: Tree, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    out = linux.path.parent / "out"
    first = {path: path.read_text() for path in write(linux, FISH).files}

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(series if place == "kept" else scratch.Scratch, place, fails)
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


@pytest.mark.parametrize("place", ["out", "out.before"])
def test_a_folder_of_the_user_is_not_moved(linux: Tree, place: str) -> None:
    write(linux, FISH)
    other = linux.path.parent / place / "precious"
    other.parent.mkdir(exist_ok=True)
    other.touch()
    with pytest.raises(tree.TreeError, match="holds precious, which is no patch"):
        write(linux, FISH)
    assert other.exists()


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("nowhere", "no such directory; name a checkout of bpf-next or mainline Linux"),
        ("tmp", "is no git checkout with a commit"),
        ("empty", "is no git checkout with a commit"),
        ("other", "has no MAINTAINERS; name a checkout of bpf-next or mainline Linux"),
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


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--revision", "0", "'0' is not a positive whole number"),
        ("--revision", "-1", "'-1' is not a positive whole number"),
        ("--series", "3", "invalid choice: 3"),
        ("--signoff", "1", "invalid choice: '1'"),
    ],
)
def test_an_option_without_meaning_is_refused(
    linux: Tree, capsys: pytest.CaptureFixture[str], option: str, value: str, complaint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["series", str(linux.path), f"{option}={value}"])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--site", "example.org", "SITE is 'example.org': give it an address that begins with"),
        ("--assisted-by", "a\nb", "ASSISTED_BY is 'a\\nb': give it one line of text"),
    ],
)
def test_a_text_that_cannot_stand_in_a_mail_is_refused(
    linux: Tree, option: str, value: str, complaint: str
) -> None:
    with pytest.raises(UserError) as caught:
        command_line.main(["series", str(linux.path), f"{option}={value}"])
    assert str(caught.value).startswith(complaint)
