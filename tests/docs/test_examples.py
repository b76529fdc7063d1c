# SPDX-License-Identifier: GPL-2.0-only
"""The C versions of the stories: they compile, print the stories' labels, and run on this kernel.

On other kernels, in guests: ``python -m conformance twins``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conformance import languages, tools, twins
from records.digests import EXAMPLES
from reference_model import linux
from reference_model.catalogue import Story, stories
from reference_model.linux.machine import mount_point, running_release

STORIES: dict[str, Story] = stories()
TWINS = languages.c_names()

SPDX = "// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
SHARED = ("example.c", "example.h")
LABEL = re.compile(r'\bshow_\w+\(\s*"([^"]*)"')
SECTION = re.compile(r'^SEC\("([^"]+)"\)\nint (\w+)', re.MULTILINE)

each_twin = pytest.mark.parametrize("name", TWINS)
SOURCES = sorted(EXAMPLES.rglob("*.[ch]"))
each_source = pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)

LACKING = twins.missing_tools()
needs_compiler = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
needs_kernel = pytest.mark.skipif(linux.missing() is not None, reason=str(linux.missing()))


def text_of(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


# -- the files


def test_every_story_has_a_twin() -> None:
    assert set(STORIES) == set(TWINS)


def test_there_is_nothing_else() -> None:
    wanted = {f"{name}{suffix}" for name in TWINS for suffix in (".c", ".bpf.c")}
    assert {path.name for path in EXAMPLES.glob("*.[ch]")} == {*wanted, *SHARED}


@each_source
def test_the_licence_is_the_first_line(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == (f"/* {SPDX[3:]} */" if path.suffix == ".h" else SPDX)


@each_source
def test_the_style_is_the_kernels(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if len(line.expandtabs(8)) > 80] == []
    assert [line for line in lines if line != line.rstrip()] == []
    assert [line for line in lines if re.match(r" (?!\*)|\t* {8}", line)] == []
    assert lines[-1] == ""
    assert lines[-2] != ""


@each_twin
def test_the_program_stands_alone(name: str) -> None:
    text = text_of(f"{name}.bpf.c")
    included = re.findall(r'^#include ["<](.*)[">]$', text, re.MULTILINE)
    assert included[:2] == ["linux/bpf.h", "bpf/bpf_helpers.h"]
    assert '"' not in "".join(re.findall(r"#include (.)", text))
    assert text.endswith('\nchar LICENSE[] SEC("license") = "GPL";\n')
    assert SECTION.search(text)


@each_twin
def test_the_labels_are_the_storys(name: str) -> None:
    labels = {label for outcome in STORIES[name].outcomes for label in outcome.seen}
    assert set(LABEL.findall(text_of(f"{name}.c"))) == labels


@each_twin
def test_the_shown_part_begins_and_ends(name: str) -> None:
    for suffix in (".c", ".bpf.c"):
        marks = re.findall(r"/\* \[(begin|end) shown\] \*/\n", text_of(name + suffix))
        assert marks == ["begin", "end"] * (len(marks) // 2)


# -- what compiles them


@needs_compiler
def test_they_compile_without_a_warning() -> None:
    twins.build()
    for name in TWINS:
        assert (languages.BUILT / name).stat().st_mode & 0o100
        assert (languages.BUILT / f"{name}.bpf.o").stat().st_size


def test_what_is_missing_is_named_with_its_install_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lacking = str(twins.missing_tools())
    assert "missing: clang, cc, make" in lacking
    assert "apt-get install --no-install-recommends clang gcc make" in lacking
    with pytest.raises(tools.MissingTools, match="clang"):
        twins.build()


@needs_compiler
def test_a_missing_library_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(twins.LIBRARIES, "libnothing.a", "nothing-dev")
    assert twins.missing_tools() == tools.MissingTools(("libnothing.a",), ("nothing-dev",))


def test_the_packages_are_listed() -> None:
    listed = {line for line in text_of("apt.txt").splitlines() if not line.startswith("#")}
    needed = {
        *twins.PACKAGE_OF.values(),
        *twins.LIBRARIES.values(),
        *languages.GO_PACKAGES.values(),
    }
    assert listed - {"libc6-dev"} == needed


@needs_compiler
def test_a_warning_is_an_error(tmp_path: Path) -> None:
    for path in EXAMPLES.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "sloppy.c").write_text("int main(void)\n{\n\tint unused;\n}\n", encoding="utf-8")
    (tmp_path / "sloppy.bpf.c").write_text("static int unused;\n", encoding="utf-8")
    for target in ("sloppy", "sloppy.bpf.o"):
        command = ["make", "-C", str(tmp_path), f"OUT={tmp_path}/out", f"{tmp_path}/out/{target}"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode
        assert "unused" in made.stderr


# -- on this kernel


def may_run_here(name: str) -> str:
    """Why the twin of a story does not run on this machine's kernel, or ""."""
    story = STORIES[name]
    if story.unsafe:
        return "it may break the kernel: guests only"
    if "/sys/fs/bpf" in text_of(f"{name}.c") and not os.path.ismount("/sys/fs/bpf"):
        return "no bpffs is mounted at /sys/fs/bpf"
    for setting in set(story.kernel) & set(twins.SYSCTLS):
        here = Path("/proc/sys/kernel", setting).read_text().strip()
        if here != str(story.kernel[setting]):
            return f"kernel.{setting} is {here} here, and not ours to change"
    return ""


def run(program: Path, release: str | None = None, refuse: str = "") -> str:
    """Run a twin; "" if it prints what its story expects of this kernel, or of that release."""
    if refusal := may_run_here(program.name):
        pytest.skip(refusal)
    ran = subprocess.run(
        [str(program)],
        capture_output=True, text=True, check=False, timeout=60, env={"REFUSE": refuse},
    )  # fmt: skip
    told = twins.Printed(ran.stdout.splitlines(), ran.returncode, ran.stderr)
    return told.difference(STORIES[program.name].expected(release or running_release()).seen)


@needs_kernel
@needs_compiler
@each_twin
def test_it_prints_what_its_story_expects_of_this_kernel(name: str) -> None:
    twins.build()
    assert run(languages.BUILT / name) == ""


REFUSED = {
    "from_hash_by_cgroup_id": ("5.8", "key8"),
    "one_object_for_all_kernels": ("5.8", "key8"),
    "share_configuration": ("5.8", "key8"),
    "replace_a_program": ("5.8", "second"),
    "read_percpu_totals": ("4.19", "percpu"),
    "zero_explicitly": ("4.19", "percpu"),
    "update_concurrently": ("4.20", "btf"),
    "attach_types_share_with_8_byte_keys": ("5.8", "key8"),
    "btf_is_accepted": ("4.20", "btf"),
    "eight_byte_keys_need_5_9": ("5.8", "key8"),
    "one_cpu_can_be_addressed": ("4.19", "percpu"),
    "percpu_maps": ("4.19", "percpu"),
    "values_may_hold_a_spin_lock": ("4.20", "btf"),
}
"""Twins that fall back, the release that makes them, and what tests/docs/old_kernel.c refuses."""


@pytest.fixture(scope="session")
def on_old_kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twins, linked with an old kernel's refusals."""
    out = tmp_path_factory.mktemp("old")
    source = str(Path(__file__).with_name("old_kernel.c"))
    warnings = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *warnings, "-c", source, "-o", f"{out}/old.o"], check=True)
    wraps = "-Wl,--wrap=bpf_map_create,--wrap=bpf_object__load"
    command = ["make", "-s", "-C", str(EXAMPLES), f"OUT={out}", f"LDFLAGS={wraps} {out}/old.o"]
    targets = [f"{out}/{name}{suffix}" for name in REFUSED for suffix in ("", ".bpf.o")]
    subprocess.run([*command, *targets], check=True)
    return out


@needs_kernel
@needs_compiler
@pytest.mark.parametrize("name", REFUSED)
def test_it_falls_back_where_an_old_kernel_refuses(name: str, on_old_kernel: Path) -> None:
    release, refuse = REFUSED[name]
    assert run(on_old_kernel / name, release, refuse) == ""


@needs_kernel
@needs_compiler
def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    mount = mount_point("cgroup2")
    assert mount is not None
    twins.build()
    program = shutil.copy(languages.BUILT / "subtract_a_baseline", tmp_path)  # and not its object
    with subprocess.Popen([program], stderr=subprocess.PIPE, text=True) as failing:
        _, complaint = failing.communicate(timeout=60)
    assert failing.returncode == 1
    assert complaint.endswith("subtract_a_baseline.bpf.o: No such file or directory\n")
    assert not (mount / f"example-{failing.pid}").exists()
