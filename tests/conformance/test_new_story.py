# SPDX-License-Identifier: GPL-2.0-only
"""``make new-story``: what it writes runs, and says what to fill in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import new_story, tools, twins
from records import pending
from records.digests import EXAMPLES
from reference_model import Kernel
from reference_model.catalogue import stories

LACKING = twins.missing_tools()
each_kind = pytest.mark.parametrize("kind", new_story.KINDS)


def write(kind: str, folder: Path) -> list[Path]:
    """Write a story below a folder; its files, the module last."""
    for path in new_story.files(kind, "fresh"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    pending.write(["another"], folder / "list.txt")
    return [folder / path for path in new_story.write(kind, "fresh", folder, folder / "list.txt")]


@each_kind
def test_a_new_story_says_what_to_fill_in_when_it_runs(kind: str, tmp_path: Path) -> None:
    *_, module = write(kind, tmp_path)
    package = f"reference_model.catalogue.{module.parent.name}"
    code = compile(module.read_text(encoding="utf-8"), str(module), "exec")
    names = {"__package__": package, "__name__": f"{package}.fresh", "__file__": str(module)}
    exec(code, names)
    story = names["STORY"]
    assert type(story).__name__ == new_story.KINDS[kind][1]
    seen: dict[str, object] = {}
    with pytest.raises(NotImplementedError, match=r"fresh\.py: FILL IN run\(\) and STORY"):
        story.run(Kernel("5.8"), lambda label, act: seen.update({label: act()}))  # type: ignore[attr-defined]
    assert seen == {"packets": 1}
    assert pending.names(tmp_path / "list.txt") == ["another", "fresh"]


@each_kind
def test_a_new_story_is_in_the_style_of_the_others(kind: str, tmp_path: Path) -> None:
    *_, module = write(kind, tmp_path)
    settings = str(tools.REPOSITORY / "pyproject.toml")
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "-q", "--no-cache", "--config", settings]
        made = subprocess.run([*ruff, str(module)], capture_output=True, text=True, check=False)
        assert (made.returncode, made.stdout) == (0, "")


@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_a_new_twin_compiles(tmp_path: Path) -> None:
    write("recipe", tmp_path)
    folder = tmp_path / "docs" / "examples"
    for file in ("Makefile", "example.c", "example.h"):
        shutil.copy(EXAMPLES / file, folder)
    built = tmp_path / "built"
    files = [str(built / "fresh"), str(built / "fresh.bpf.o")]
    subprocess.run(["make", "-s", "-C", str(folder), f"OUT={built}", *files], check=True)
    assert (built / "fresh").exists()
    assert (built / "fresh.bpf.o").exists()


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("", "", "needs a kind and a name"),
        ("recipe", "", "needs a kind and a name"),
        ("story", "fresh", "KIND=story is none of recipe, breaking_change, addition"),
        ("recipe", "Fresh", "NAME=Fresh is no name of a story"),
        ("recipe", "fresh-one", "NAME=fresh-one is no name of a story"),
        ("recipe", "../fresh", "is no name of a story"),
        ("recipe", "import", "NAME=import is no name of a story"),
        ("addition", "walk_all_keys", "NAME=walk_all_keys is taken by another story"),
        ("recipe", "example", "NAME=example is taken, docs/examples/example.c exists"),
    ],
)
def test_a_bad_request_writes_nothing(kind: str, name: str, said: str) -> None:
    before = sorted(EXAMPLES.iterdir()), pending.names()
    with pytest.raises(new_story.BadRequest) as refused:
        new_story.main([kind, name])
    assert said in str(refused.value)
    assert (sorted(EXAMPLES.iterdir()), pending.names()) == before


def test_no_story_is_still_to_be_filled_in() -> None:
    catalogue = tools.REPOSITORY / "reference_model" / "catalogue"
    assert stories()
    left = [
        str(path.relative_to(tools.REPOSITORY))
        for path in (*catalogue.rglob("*.py"), *EXAMPLES.glob("*.[ch]"))
        if "FILL IN" in path.read_text(encoding="utf-8")
    ]
    assert left == []
