# SPDX-License-Identifier: GPL-2.0-only
"""The stories in Go: they compile, have the style of Go, print the labels, and run on this kernel.

On other kernels, in guests: ``python -m conformance twins --go``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from stories.listings import shown, to_copy

from conformance import languages, twins
from records.digests import EXAMPLES, go_digest, go_names
from reference_model import linux
from reference_model.catalogue import Recipe, Story, stories
from reference_model.linux.machine import mount_point, running_release

STORIES: dict[str, Story] = stories()
GO = EXAMPLES / "go"
FILES = sorted(GO.rglob("*.go"))
NAMES = go_names()

LABEL = re.compile(r'\bexample\.Show\w+\(\s*"([^"]*)"')
LACKING = languages.missing_go() or twins.missing_tools()
WHY = str(LACKING).replace("\n  apt-get install --no-install-recommends", ": apt install")

each_story = pytest.mark.parametrize("name", NAMES)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(GO)))
needs_go = pytest.mark.skipif(LACKING is not None, reason=f"the examples in Go: {WHY}")
needs_kernel = pytest.mark.skipif(linux.missing() is not None, reason=str(linux.missing()))


def text_of(name: str, file: str) -> str:
    return (GO / name / file).read_text(encoding="utf-8")


# -- the files


def test_every_guide_and_every_fix_in_user_space_is_there() -> None:
    guides = {name for name, story in STORIES.items() if isinstance(story, Recipe)}
    fixes = {
        path.stem for path in (EXAMPLES / "fixes").glob("*.c") if not path.stem.endswith(".bpf")
    }
    assert set(NAMES) == {name for name in guides if to_copy("guides", name)} | fixes


def test_the_program_knows_all_of_them() -> None:
    main = (GO / "main.go").read_text(encoding="utf-8")
    assert re.findall(r'^\t"(\w+)": +(\w+)\.Story,$', main, re.MULTILINE) == [
        (name, name) for name in NAMES
    ]


@each_file
def test_the_licence_is_the_first_line(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == "// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"


@each_file
def test_no_line_is_too_long_and_no_string_is_raw(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    most = {"copy.go": 82, "main.go": 120}.get(path.name, 100)  # pages show the first
    assert [line for line in text.splitlines() if len(line.expandtabs(4)) > most] == []
    assert "`" not in text  # its white space would be in no digest


@each_story
def test_the_labels_are_the_storys(name: str) -> None:
    labels = {label for outcome in STORIES[name].outcomes for label in outcome.seen}
    assert set(LABEL.findall(text_of(name, "story.go"))) == labels


@each_story
def test_what_readers_copy_is_what_runs(name: str) -> None:
    """The story calls each function that the page shows, or another shown function does."""
    copied, story = text_of(name, "copy.go"), text_of(name, "story.go")
    functions = re.findall(r"^func (?:\(\w+ \*?\w+\) )?(\w+)\(", copied, re.MULTILINE)
    assert functions
    calls = [name for name in functions if re.search(rf"\b{name}\(", story)]
    inner = [name for name in functions if len(re.findall(rf"\b{name}\(", copied)) > 1]
    assert calls
    assert set(functions) == {*calls, *inner}


def test_a_change_of_what_runs_changes_the_digest(tmp_path: Path) -> None:
    name = "walk_all_keys"
    copy = shutil.copytree(EXAMPLES, tmp_path / "examples")
    before = go_digest(name, copy)
    assert before == go_digest(name)
    for file in (f"{name}/copy.go", f"{name}/story.go", "internal/example/show.go"):
        path = copy / "go" / file
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}// no change\n", encoding="utf-8")
        assert go_digest(name, copy) == before
        path.write_text(f"{text}var one = 1\n", encoding="utf-8")
        assert go_digest(name, copy) != before
        path.write_text(text, encoding="utf-8")


# -- what compiles them


@needs_go
def test_gofmt_has_nothing_to_change() -> None:
    gofmt = Path(str(shutil.which(os.environ.get("GO", "go")))).resolve().with_name("gofmt")
    command = [str(gofmt), "-l", *map(str, FILES)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


@needs_go
def test_they_compile_and_go_vet_has_nothing_to_say() -> None:
    twins.build()
    assert (languages.BUILT / languages.GO_PROGRAM).stat().st_mode & 0o100
    command = ["make", "-s", "-C", str(EXAMPLES), f"OUT={languages.BUILT}", "vet"]
    vetted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (vetted.returncode, vetted.stdout, vetted.stderr) == (0, "", "")


@needs_go
def test_what_a_page_shows_compiles_by_itself(tmp_path: Path) -> None:
    """Each as a package of its own, all in one call of the compiler."""
    place = tmp_path / "src"
    for name in NAMES:
        (place / name).mkdir(parents=True)
        text = shown(text_of(name, "copy.go"))
        (place / name / "copy.go").write_text(f"package {name}\n\n{text}\n", encoding="utf-8")
    assert compiled(tmp_path) == ""
    (place / NAMES[0] / "copy.go").write_text("package x\n\nvar a = missing\n", encoding="utf-8")
    assert "undefined: missing" in compiled(tmp_path)


def settings(path: Path) -> dict[str, str]:
    """The environment in which go asks no network, as in docs/examples/Makefile."""
    return {
        **os.environ,
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
        "GOPATH": f"{path}:{languages.go_library()}",
    }


def compiled(path: Path) -> str:
    """What the compiler says about the packages of NAMES below a GOPATH."""
    command = [os.environ.get("GO", "go"), "build", *NAMES]
    built = subprocess.run(command, capture_output=True, text=True, check=False, env=settings(path))
    return built.stderr


# -- on this kernel


def may_run_here(name: str) -> str:
    """Why a story in Go does not run on this machine's kernel, or ""."""
    if STORIES[name].unsafe or STORIES[name].kernel:
        return "it may break the kernel, or changes its settings: guests only"
    if "/sys/fs/bpf" in text_of(name, "story.go") and not os.path.ismount("/sys/fs/bpf"):
        return "no bpffs is mounted at /sys/fs/bpf"
    if name in twins.NEED_BTF and not languages.reads_btf_of_today():
        return "the Go library before 0.10 does not read the BTF of kernels since 6.0"
    return ""


@needs_go
@needs_kernel
@each_story
def test_it_prints_what_its_story_expects_of_this_kernel(name: str) -> None:
    if refusal := may_run_here(name):
        pytest.skip(refusal)
    twins.build()
    program = str(languages.BUILT / languages.GO_PROGRAM)
    ran = subprocess.run([program, name], capture_output=True, text=True, check=False, timeout=60)
    told = twins.Printed(ran.stdout.splitlines(), ran.returncode, ran.stderr)
    assert told.difference(STORIES[name].expected(running_release()).seen) == ""


# -- the reports on the page of libraries


@pytest.fixture
def two_cgroups() -> Iterator[list[Path]]:
    """Two cgroups of their own."""
    mount = mount_point("cgroup2")
    assert mount is not None
    made = [mount / f"example-report-{os.getpid()}-{number}" for number in range(2)]
    for path in made:
        path.mkdir()
    yield made
    for path in made:
        path.rmdir()


@needs_go
@needs_kernel
@pytest.mark.parametrize("report", ["iterate", "percpu", "errno"])
def test_a_report_prints_what_its_page_says(
    report: str, tmp_path: Path, two_cgroups: list[Path]
) -> None:
    if report == "percpu" and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("the report on per-CPU values needs two CPUs")
    page = (EXAMPLES.parent / "libraries.rst").read_text(encoding="utf-8")
    said = page.partition(f"examples/go/reports/{report}/main.go")[2].partition("text\n\n")[2]
    program = tmp_path / report
    subprocess.run(
        [os.environ.get("GO", "go"), "build", "-o", str(program)],
        cwd=GO / "reports" / report, env=settings(tmp_path), check=True,
    )  # fmt: skip
    printed = subprocess.run(
        [str(program), *map(str, two_cgroups)], capture_output=True, text=True, check=True
    ).stdout
    assert textwrap.indent(printed, "   ") == said.partition("\n\n")[0] + "\n"
