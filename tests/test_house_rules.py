# SPDX-License-Identifier: GPL-2.0-only
"""Rules that hold for every file of the project."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_git import git, past

ROOT = Path(__file__).parent.parent
MODEL = sorted((ROOT / "reference_model").rglob("*.py"))

SPDX = re.compile(r"SPDX-License-Identifier: GPL-2\.0-only( OR BSD-2-Clause)?\b")

# Files that have no place for a comment, and why; an empty one says nothing that needs a licence.
NO_SPDX = {
    ".gz": "compressed data",
    ".json": "JSON has no comments",
    ".jsonl": "JSON has no comments",
    "LICENSES/GPL-2.0-only.txt": "the licence itself",
}

# What is true of one machine only: its directories, and where its packages come from.
LOCAL = re.compile(
    r"(?<![\w.])/(root|work|home/\w+)/"
    r"|pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang|crates\.io|deb\.debian\.org"
)


def files() -> list[Path]:
    """Every file of the project: those that git has, and those that it would take."""
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return [ROOT / name for name in sorted(set(names)) if (ROOT / name).is_file()]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    """The text of a file; nothing of one that is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_every_file_begins_with_its_licence() -> None:
    without = [
        name(path)
        for path in files()
        if not NO_SPDX.keys() & {path.suffix, name(path)}
        and path.stat().st_size
        and not SPDX.search("\n".join(text_of(path).splitlines()[:3]))
    ]
    assert without == []


def test_every_exception_from_that_is_needed() -> None:
    assert set(NO_SPDX) <= {key for path in files() for key in (path.suffix, name(path))}


def test_nothing_is_true_of_one_machine_only() -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if LOCAL.search(line)
    ]
    assert found == []


OUTSIDE = re.compile(r"\b(SEMANTICS|AUDIT|DESIGN|ECOSYSTEM|RELIABILITY)\b[ ]\S|[sS]urprises?[ ]\d")


def test_no_file_cites_a_document_that_is_not_here() -> None:
    """What is known from elsewhere is a rule's id, a story, a trace or a kernel's source."""
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if OUTSIDE.search(line)
    ]
    assert found == []


def imports(path: Path) -> Iterator[str]:
    """The top-level names that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


CHECKER = ROOT / "reference_model" / "checker"


@pytest.mark.parametrize("path", MODEL, ids=name)
def test_the_model_imports_the_standard_library_only(path: Path) -> None:
    allowed = {"reference_model"} | ({"elftools"} if path.is_relative_to(CHECKER) else set())
    assert set(imports(path)) <= sys.stdlib_module_names | allowed


def test_nothing_but_tests_imports_tests() -> None:
    found = [
        name(path)
        for path in files()
        if path.suffix == ".py" and not path.is_relative_to(ROOT / "tests")
        if "tests" in imports(path)
    ]
    assert found == []


RECORD = re.compile(r"records/.+|(.*/)?(divergence|races)\.json$")


def names_of_records(path: Path) -> Iterator[str]:
    """Where a module names a file of records, as a string or as a part of a path."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=str(text)) if RECORD.match(text):
                yield f"{name(path)}:{node.lineno}: {text!r}"
            case ast.BinOp(op=ast.Div(), right=ast.Constant(value="records")):
                yield f"{name(path)}:{node.lineno}: a path into records"
            case _:
                pass


def test_the_records_package_alone_reads_records() -> None:
    modules = [path for path in files() if path.suffix == ".py"]
    others = [path for path in modules if name(path).partition("/")[0] not in ("records", "tests")]
    assert [found for path in others for found in names_of_records(path)] == []


def test_a_module_that_reads_records_is_found() -> None:
    path = ROOT / "tests" / "records" / "test_archive.py"
    assert list(names_of_records(path))


STORIES = [path for path in MODEL if "\nSTORY = " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", STORIES, ids=name)
def test_a_story_imports_what_its_page_names(path: Path) -> None:
    """The model comes from ``reference_model`` itself, not from its modules."""
    modules = {
        "." * node.level + (node.module or "")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    }
    beside = {f".{other.stem}" for other in path.parent.glob("*.py")}
    assert modules - sys.stdlib_module_names - {"collections.abc"} <= {
        "reference_model", "..story", *beside
    }  # fmt: skip


def test_the_model_runs_where_nothing_is_installed() -> None:
    modules = [
        name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in MODEL
        if path.name != "__main__.py"
    ]
    code = f"import {', '.join(modules)}"
    subprocess.run([sys.executable, "-S", "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_the_floor_of_examples_only_rises() -> None:
    path = "docs/doctest_floor.txt"
    assert floor((ROOT / path).read_text(encoding="utf-8")) >= max(map(floor, past(path).values()))


def floor(text: str) -> int:
    """The number in docs/doctest_floor.txt."""
    (number,) = re.findall(r"(?m)^\d+$", text)
    return int(number)


def test_a_file_stays_in_one_process(request: pytest.FixtureRequest) -> None:
    """Where tests are dealt out by groups they have one: not every pytest keeps xdist's."""
    if not getattr(request.config.option, "loadgroup", False):
        return
    assert request.node.nodeid.endswith("@test_house_rules.py")
