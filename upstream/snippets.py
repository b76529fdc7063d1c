# SPDX-License-Identifier: GPL-2.0-only
"""The C of a kernel document, taken out of it and compiled.

A block that includes a header must compile as it stands, for BPF if it names a section.  One
that does not is a declaration, and is compiled with the types that it needs.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree

from conformance import tools
from reference_model.leftovers import temporary

VMLINUX = """\
/* of the kernel's types what the examples use; bpftool makes the real file */
#include <linux/bpf.h>
struct pt_regs;
struct css_set { struct cgroup *dfl_cgrp; };
struct task_struct { struct css_set *cgroups; };
"""

DECLARATION = """\
#include <linux/types.h>
typedef __u64 u64;
struct bpf_map;
struct cgroup;
"""


@dataclass(frozen=True)
class Snippet:
    """A literal block of C; ``line`` is where it ends, or so."""

    line: int
    code: str

    @property
    def for_bpf(self) -> bool:
        """Whether this is a program for the kernel."""
        return "SEC(" in self.code


def parsed(text: str) -> tuple[nodes.document, list[str]]:
    """A document as plain docutils reads it, and what docutils has to say about it."""
    warnings = io.StringIO()
    settings = {
        "report_level": 2,
        "halt_level": 5,
        "warning_stream": warnings,
        "syntax_highlight": "none",
        "file_insertion_enabled": False,
        "_disable_config": True,
    }
    document: nodes.document = publish_doctree(text, settings_overrides=settings)
    return document, warnings.getvalue().splitlines()


def snippets(text: str) -> Iterator[Snippet]:
    """All blocks of C in a document."""
    document, _ = parsed(text)
    for block in document.findall(nodes.literal_block):
        if ";" in block.astext() or "(" in block.astext():
            yield Snippet(block.line or 0, block.astext() + "\n")


def compiled(snippet: Snippet, header: Path) -> str:
    """What the compiler says against a snippet, "" if nothing; ``header`` is the tree's bpf.h."""
    with temporary("snippet") as place:
        (place / "linux").mkdir()
        (place / "linux" / "bpf.h").symlink_to(header)
        (place / "vmlinux.h").write_text(VMLINUX, encoding="utf-8")
        code = snippet.code
        if "#include" not in code:
            code = f"{DECLARATION}{code.rstrip().removesuffix(';')};\n"
        (place / "snippet.c").write_text(code, encoding="utf-8")
        command = ["cc", "-O2", "-Wall"]
        if snippet.for_bpf:
            command = ["clang", "-O2", "-g", "-target", "bpf", "-Wall"]
            command += ["-idirafter", f"/usr/include/{multiarch()}"]
        command += ["-Werror", "-I", ".", "-c", "-o", "snippet.o", "snippet.c"]
        return tools.complaint(tools.run(command, cwd=place))


def multiarch() -> str:
    """Where Debian has asm/types.h, for which clang does not look when it compiles for BPF."""
    return tools.run(["cc", "-print-multiarch"], must_succeed=True).stdout.strip()
