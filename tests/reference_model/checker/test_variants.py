# SPDX-License-Identifier: GPL-2.0-only
"""Every form in which objects come: the same program is found in all of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support_objects import (
    COUNT,
    HEAD,
    MAP,
    RELEASES,
    compiled,
    examined,
    needs_compiler,
    pages,
)

from reference_model.checker import objects, report
from reference_model.checker.code import Code
from reference_model.checker.examine import Examined, examine
from reference_model.checker.flow import behaviour

pytestmark = needs_compiler

PROGRAM = MAP + COUNT

LEGACY = """
struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};
struct bpf_map_def SEC("maps") counts = {
	.type = BPF_MAP_TYPE_CGROUP_STORAGE,
	.key_size = 16,
	.value_size = 8,
};
"""

ANNOTATED = """
struct ____btf_map_counts {
	struct bpf_cgroup_storage_key key;
	__u64 value;
};
struct ____btf_map_counts __attribute__((section(".maps.counts"), used)) kinds = { };
"""

INITIALISED = """
struct {
	int type;
	int max_entries;
	struct bpf_cgroup_storage_key *key;
	__u64 *value;
} counts SEC(".maps") = { .type = BPF_MAP_TYPE_CGROUP_STORAGE };
"""

AGENT = """
#include "count.skel.h"

const void *volatile object;

int main(void)
{
	size_t size;

	object = count__elf_bytes(&size);
	return 0;
}
"""

IPROUTE2 = """
struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};
struct bpf_elf_map SEC("maps") counts = {
	.type = BPF_MAP_TYPE_CGROUP_STORAGE,
	.size_key = 16,
	.size_value = 8,
};
"""


def tool(tmp_path: Path, *command: str) -> None:
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def check(found: Examined) -> None:
    """It is the program that counts packets, and nothing of it is in doubt."""
    assert found.doubts == []
    assert [(one.name, one.type, one.key_size, one.value_size) for one in found.maps] == [
        ("counts", 19, 16, 8)
    ]
    ((program, behaviour),) = found.programs.items()
    assert (program.name, program.section) == ("count", "cgroup_skb/egress")
    assert list(behaviour.storages) == found.maps
    assert {access.lost for access in behaviour.accesses} == {False}
    assert [span.refusal for span in found.spans] == [None]


@pytest.mark.parametrize("target", ["bpfel", "bpfeb"])
@pytest.mark.parametrize(
    "declared",
    [MAP, LEGACY, LEGACY + ANNOTATED, INITIALISED, IPROUTE2],
    ids=["btf", "legacy", "annotated", "initialised", "iproute2"],
)
def test_a_declaration_is_read(declared: str, target: str) -> None:
    check(examined(compiled(declared + COUNT, "-g", f"--target={target}")))


def test_annotated_types_go_to_the_kernel() -> None:
    found = objects.read(compiled(LEGACY + ANNOTATED + COUNT, "-g"))
    assert found.maps[0].key is not None
    assert found.maps[0].legacy


def test_a_legacy_map_needs_no_btf() -> None:
    found = examined(compiled(LEGACY + COUNT, "-g0"))
    check(found)
    assert 'in SEC("maps"), which libbpf 1.0 and later reject' in report.text(
        [found], [], verbose=True
    )


def test_without_btf_the_sizes_are_unknown() -> None:
    found = examined(compiled(PROGRAM, "-g0"))
    assert any("It has no BTF" in doubt and "-g" in doubt for doubt in found.doubts)
    assert not found.affected


def test_without_optimization_helpers_are_called_through_registers() -> None:
    found = examined(compiled(PROGRAM, "-g", "-O0"))
    (doubt,) = found.doubts
    assert "calls what a register holds at <stdin>:" in doubt
    assert doubt.endswith("compile it with -O2.")


def test_without_btf_other_objects_are_not_in_doubt() -> None:
    other = MAP.replace("CGROUP_STORAGE", "HASH") + 'SEC("xdp") int pass(void *ctx) { return 2; }'
    assert examined(compiled(other, "-g0")).doubts == []


def test_a_stripped_object(tmp_path: Path) -> None:
    (tmp_path / "count.bpf.o").write_bytes(compiled(PROGRAM))
    tool(tmp_path, "llvm-strip", "-g", "count.bpf.o")
    check(examined((tmp_path / "count.bpf.o").read_bytes()))


def test_linked_objects(tmp_path: Path) -> None:
    """``bpftool gen object`` moves the programs and maps of the second object behind the first."""
    first = MAP.replace("counts", "others") + COUNT.replace("counts", "others").replace(
        "int count", "int other"
    )
    (tmp_path / "a.o").write_bytes(compiled(first))
    (tmp_path / "b.o").write_bytes(compiled(PROGRAM, head=HEAD.replace("LICENSE", "_license")))
    tool(tmp_path, "bpftool", "gen", "object", "both.o", "a.o", "b.o")
    found = examined((tmp_path / "both.o").read_bytes())
    assert {
        program.name: [one.name for one in behaviour.storages]
        for program, behaviour in found.programs.items()
    } == {"other": ["others"], "count": ["counts"]}
    places = {
        place for one in found.programs.values() for use in one.storages.values() for place in use
    }
    assert all(place.startswith("<stdin>:") for place in places)


def test_an_object_in_a_stripped_program_in_c(tmp_path: Path) -> None:
    (tmp_path / "count.bpf.o").write_bytes(compiled(PROGRAM))
    skeleton = subprocess.run(
        ["bpftool", "gen", "skeleton", "count.bpf.o", "name", "count"],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    (tmp_path / "count.skel.h").write_text(skeleton, encoding="utf-8")
    (tmp_path / "agent.c").write_text(AGENT, encoding="utf-8")
    tool(tmp_path, "cc", "-O2", "-s", "-o", "agent", "agent.c")
    (found,) = examine("agent", (tmp_path / "agent").read_bytes(), RELEASES)
    assert found.offset > 0
    check(found)


GO = shutil.which("go")


@pytest.mark.skipif(GO is None, reason="not installed: go; make setup installs it")
def test_an_object_in_a_stripped_program_in_go(tmp_path: Path) -> None:
    """As bpf2go writes it: ``//go:embed``."""
    (tmp_path / "count_bpfel.o").write_bytes(compiled(PROGRAM))
    (tmp_path / "main.go").write_text(
        'package main\n\nimport _ "embed"\n\n//go:embed count_bpfel.o\nvar object []byte\n\n'
        "func main() { println(len(object)) }\n",
        encoding="utf-8",
    )
    (tmp_path / "go.mod").write_text("module example.org/agent\n\ngo 1.16\n", encoding="utf-8")
    environment = {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=mod",
        "CGO_ENABLED": "0",
        "HOME": str(tmp_path),
        "PATH": str(Path(str(GO)).parent) + ":/usr/bin:/bin",
    }
    subprocess.run(
        [str(GO), "build", "-ldflags=-s -w", "-o", "agent", "."],
        cwd=tmp_path, check=True, capture_output=True, env=environment,
    )  # fmt: skip
    (found,) = examine("agent", (tmp_path / "agent").read_bytes(), RELEASES)
    check(found)


IN_RUST = """\
static BEFORE: &[u8] = b"12345";
static OBJECT: &[u8] = include_bytes!("count.bpf.o");
fn main() {
    let n = std::env::args().count();
    println!("{} {}", BEFORE[n], OBJECT[n]);
}
"""
AS_IN_RUST = """\
__asm__(".section .rodata\\n.byte 1\\nobject: .incbin \\"count.bpf.o\\"\\n.text\\n");
extern const char object[];
int main(int count, char **arguments) { return object[count]; }
"""
COMPILERS = {
    "cc": ("agent.c", AS_IN_RUST, ("-s",)),
    "rustc": ("agent.rs", IN_RUST, ("-O", "-Cstrip=symbols")),
}
"""A file with its contents, and options.  The C compiler puts the object where rustc does: in
``.rodata``, at any byte.  rustc is large, so no list of packages asks for it."""


@pytest.mark.parametrize("compiler", [name for name in COMPILERS if shutil.which(name)])
def test_an_object_in_a_stripped_program_in_rust(tmp_path: Path, compiler: str) -> None:
    """``include_bytes!``"""
    file, text, options = COMPILERS[compiler]
    (tmp_path / "count.bpf.o").write_bytes(compiled(PROGRAM))
    (tmp_path / file).write_text(text, encoding="utf-8")
    tool(tmp_path, compiler, *options, "-o", "agent", file)
    (found,) = examine("agent", (tmp_path / "agent").read_bytes(), RELEASES)
    assert compiler == "rustc" or found.offset % 2, "it is at an odd byte"
    check(found)


def test_several_objects_in_one_file_with_other_bytes() -> None:
    other = compiled('SEC("xdp") int pass(void *ctx) { return 2; }')
    data = b"\x7fELF no image" + compiled(PROGRAM) + b"\x7fELF" + bytes(99) + other + b"\x7fEL"
    first, second = examine("agent", data, RELEASES)
    check(first)
    assert data[second.offset :].startswith(other)
    assert (second.maps, second.findings, second.doubts) == ([], [], [])


def test_a_large_section_without_bytes_hides_no_object() -> None:
    """The zeros of ``.bss`` are not in the file."""
    text = 'char zeros[1 << 20]; SEC("xdp") int pass(void *ctx) { return zeros[7]; }'
    _, second = examine("agent", b"#" + compiled(text) + compiled(PROGRAM), RELEASES)
    check(second)


def test_another_elf_file_has_no_object() -> None:
    (found,) = examine("sh", Path("/bin/sh").read_bytes(), RELEASES)
    assert found.doubts == ["It contains no BPF object."]


def test_the_second_map_is_told_from_the_first() -> None:
    """The offsets in BTF are all 0 until libbpf fills them in: those of the symbols count."""
    two = MAP.replace("counts", "unused").replace("__u64", "__u32") + PROGRAM
    found = objects.read(compiled(two))
    assert {variable.offset for variable in found.btf.variables(".maps")} == {0} if found.btf else 0
    (program,) = found.programs
    seen = behaviour(found, Code(found), program)
    assert [(one.name, one.value_size) for one in seen.storages] == [("counts", 8)]


def test_nothing_is_concerned_by_default() -> None:
    assert pages(examined(compiled(PROGRAM))) == set()
