# SPDX-License-Identifier: GPL-2.0-only
"""The C of the pages compiles, and the reference answers what the kernel's own page leaves out.

Each block of C is checked as it stands: a program by clang for BPF, user space by cc, a prototype
against the one in libbpf, and a few lines within a function that has what they speak of.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance import twins

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "map_cgroup_storage.rst").read_text(encoding="utf-8")
BLOCK = re.compile(r"^\.\. code-block:: c\n\n((?: {3}.*\n|\n)+)", re.MULTILINE)

BPF = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
USER = (
    "#include <fcntl.h>\n#include <stdio.h>\n#include <sys/stat.h>\n#include <bpf/bpf.h>\n"
    "#include <bpf/libbpf.h>\n"
)
SPOKEN_OF = (
    "int fd, int cgroup, int err, __u64 packets, struct bpf_cgroup_storage_key key, "
    "struct bpf_object *object, struct bpf_map *counts"
)
MAPS = "extern int counts, totals;\nextern struct cgroup *cgrp;\n"
NEWER = "-DBPF_MAP_TYPE_CGRP_STORAGE=32"  # than the headers of Debian 12

LACKING = twins.missing_tools()
needs_compiler = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))


class Block(NamedTuple):
    """A block of C on a page."""

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> list[Block]:
    found = []
    for path in sorted(DOCS.glob("*.rst")):
        text = path.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            lines = [line[3:] for line in match[1].splitlines()]
            number = text[: match.start()].count("\n") + 1
            found.append(Block(path.name, number, "\n".join(lines).strip() + "\n"))
    return found


BLOCKS = blocks()


def unit(text: str) -> tuple[str, str]:
    """The compiler for a block, and the block with what it needs around it."""
    if re.fullmatch(r"[^;{]*\);\n", text) and "=" not in text:
        if "bpf_get_local_storage" in text:
            pointer = text.replace("*bpf_get_local_storage", "*(*same)", 1)
            same = pointer.replace(";", " = bpf_get_local_storage;")
            return "bpf", f"{BPF}int check(void)\n{{\n{same}return !same;\n}}\n"
        return "user", USER + text
    if text.startswith("#"):
        return ("bpf", text) if "bpf_helpers.h" in text else ("user", text)
    if "__uint(type" in text:
        return "bpf", BPF + text
    if "bpf_get_local_storage" in text or "bpf_cgrp_storage_get" in text:
        return "bpf", f"{BPF}{MAPS}int check(void)\n{{\n{text}return 0;\n}}\n"
    return (
        "user",
        f"{USER}int check({SPOKEN_OF});\nint check({SPOKEN_OF})\n{{ {{\n{text}}}\nreturn err; }}\n",
    )


@needs_compiler
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_it_compiles(block: Block) -> None:
    kind, text = unit(block.text)
    compiler = ["clang", "-target", "bpf", *debian_includes()] if kind == "bpf" else ["cc"]
    options = ["-fsyntax-only", "-Wall", "-Werror", "-Wno-unused", NEWER, "-x", "c", "-"]
    done = subprocess.run([*compiler, *options], input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{block}\n{done.stderr}"


def debian_includes() -> list[str]:
    """Where Debian has asm/types.h, which clang does not know when it compiles for BPF."""
    command = ["cc", "-print-multiarch"]
    where = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return ["-idirafter", f"/usr/include/{where}"]


@needs_compiler
def test_the_program_of_the_tutorial_compiles(tmp_path: Path) -> None:
    place = DOCS / "examples" / "tutorial"
    flags = ["-O2", "-Wall", "-Werror"]
    bpf = [
        "clang",
        "-g",
        "-target",
        "bpf",
        *debian_includes(),
        *flags,
        "-c",
        str(place / "count.bpf.c"),
    ]
    subprocess.run([*bpf, "-o", str(tmp_path / "count.bpf.o")], check=True)
    user = ["cc", *flags, "-Wextra", str(place / "count.c"), "-o", str(tmp_path / "count")]
    subprocess.run([*user, "-lbpf"], check=True)


@needs_compiler
def test_a_fault_would_be_found() -> None:
    wrong = "struct bpf_cgroup_storage_key = { .attach_type = 1 };\n"
    with pytest.raises(AssertionError, match="error:"):
        test_it_compiles(Block("none.rst", 1, wrong))


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 10


def test_a_program_is_whole() -> None:
    """Each section with a program lets packets pass, and no header is one that does not exist."""
    programs = [block for block in BLOCKS if 'SEC("cgroup_skb' in block.text]
    assert programs
    for block in programs:
        assert "return 1;" in block.text, block
    assert all("linux/libbpf.h" not in block.text for block in BLOCKS)


LEFT_OUT = {
    "what replaces it": "cgrp.create",
    "versions": "create.percpu",
    "sizes of the key": "create.key-struct",
    "BTF of the key": "btf.key-struct",
    "max_entries": "create.max-entries",
    "value sizes": "create.value-limit",
    "flags of the map": "create.flags",
    "a missing key": "key.unknown",
    "BPF_NOEXIST": "update.noexist",
    "BPF_F_LOCK": "update.lock",
    "delete": "delete.refused",
    "EBUSY": "load.one-of-each",
    "order of keys": "next-key.order",
    "an unknown key": "next-key.unknown",
    "the bogus key": "next-key.bogus",
    "layout for each CPU": "percpu.layout",
    "how to get the id": "key.id-inode",
    "the id before 5.5": "key.id-generation",
    "program types": "helper.program-types",
    "replacement": "replace.keep",
    "link update": "link-update.keep",
    "tail calls": "tail-call.same-maps",
    "a failed attach": "attach.failed",
    "never NULL": "helper.never-null",
    "flags of the helper": "helper.flags",
    "who shares with whom": "share.attach-types-id",
    "no zeros after a re-attach": "attach.reuse",
    "the end of a storage": "lifetime.cgroup",
    "one program for a map, once": "load.exclusive",
    "test runs": "test-run.temporary",
}
"""What the kernel's page does not say, or says wrongly, and the rule that says it here."""


@pytest.mark.parametrize("what", LEFT_OUT)
def test_the_reference_answers(what: str) -> None:
    assert f".. rule:: {LEFT_OUT[what]}\n" in REFERENCE


@pytest.mark.parametrize(
    "said",
    [
        "cgroup v2",
        "new buffer",  # an update races with programs
        "name_to_handle_at(2)",
        "possible CPU",
        "DEPRECATED",
        "cgroup_bpf",
        "One program, four attachments",
    ],
)
def test_the_reference_mentions(said: str) -> None:
    assert said in REFERENCE


HEADINGS = [
    "Usage", "Attributes", "Syscall commands", "The helper", "Flags", "Semantics", "Per-CPU values",
    "Concurrency", "Lifetime", "Errors", "Limits", "Versions",
]  # fmt: skip


def test_the_headings_stand_in_the_order_that_readers_know() -> None:
    found = re.findall(r"^(.+)\n=+$", REFERENCE, re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS
