# SPDX-License-Identifier: GPL-2.0-only
"""Shell lines with what they printed on real kernels; ``.. session:: NAME`` shows one."""

from __future__ import annotations

from collections.abc import Iterator

from common.parts import paragraph
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from records import sessions
from upstream.words import listed


def recorded(name: str) -> Iterator[nodes.Node]:
    """A story's session on the newest kernel, and what printed something else on older ones."""
    found = sessions.read()
    kernels: dict[str, list[tuple[str, str]]] = {
        kernel: [(line, printed) for line, printed in ran[name]["commands"]]
        for kernel, ran in found["kernels"].items()
        if name in ran
    }
    if not kernels:
        return
    newest = list(kernels)[-1]
    yield block(kernels[newest])
    yield paragraph(
        f"Printed by bpftool {found['bpftool']} on Linux {newest}. The ids are replaced. "
        f"{others(kernels)}"
    )
    for number, (line, printed) in enumerate(kernels[newest]):
        older: dict[str, list[str]] = {}
        for kernel, lines in kernels.items():
            if lines[number][1] != printed:
                older.setdefault(lines[number][1], []).append(kernel)
        for text, where in older.items():
            yield paragraph(f"On Linux {listed(where)}:")
            yield block([(line, text or "(prints nothing)")])


def others(kernels: dict[str, list[tuple[str, str]]]) -> str:
    """On which older kernels every line printed the same, as a sentence."""
    *older, newest = kernels
    same = [kernel for kernel in older if kernels[kernel] == kernels[newest]]
    return f"Linux {listed(same)} printed the same." if same else ""


def block(lines: list[tuple[str, str]]) -> nodes.literal_block:
    """A session as a reader sees it; a comment has no prompt."""
    rows: list[str] = []
    for line, printed in lines:
        rows.append(line if line.startswith("#") else f"$ {line}")
        rows += printed.splitlines()
    text = "\n".join(rows)
    return nodes.literal_block(text, text, language="console")


class Session(SphinxDirective):
    """The session of this name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(sessions.FILE))
        shown = [*recorded(self.arguments[0])]
        if not shown:
            ran = {name for found in sessions.read()["kernels"].values() for name in found}
            names = ", ".join(sorted(ran))
            raise self.error(f"no kernel ran the session {self.arguments[0]} (known: {names})")
        return shown


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("session", Session)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
