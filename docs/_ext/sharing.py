# SPDX-License-Identifier: GPL-2.0-only
"""The sharing matrix: ``.. sharing::`` tries every pair of attachments on the model.

A number is written under the key of the first attachment, and an event lets the second one's
program add to its storage.  They share a storage if that addition stands on the number written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from common.parts import paragraph
from common.tables import Cell, fold, table
from common.words import linux
from docutils import nodes
from kernel_tabs import GENERATIONS, generation, tabs
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    AttachType,
    BpfError,
    Cgroup,
    Kernel,
    Type,
    UndefinedBehaviour,
)

EGRESS, INGRESS = BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET_INGRESS
KEYS = {"16-byte key": STORAGE_KEY, "8-byte key": U64}


@dataclass(frozen=True)
class Pair:
    """In what the second attachment differs from the first."""

    program: bool = False
    hook: bool = False
    cgroup: bool = False
    child: bool = False
    map: bool = False
    links: int = 0
    """How many of the two are links."""


PAIRS = {
    "the same program, attached directly and by a link": Pair(links=1),
    "the same program, attached by two links": Pair(links=2),
    "two programs": Pair(program=True),
    "two programs, one attached by a link": Pair(program=True, links=1),
    "the same program, two attach types": Pair(hook=True),
    "two programs, two attach types": Pair(program=True, hook=True),
    "the same program, two cgroups": Pair(cgroup=True),
    "the same program, a cgroup and its child": Pair(child=True),
    "two programs, two cgroups": Pair(program=True, cgroup=True),
    "two programs, two maps": Pair(program=True, map=True),
}
"""The pairs that readers ask about; what is not named is the same for both."""

LEGEND = {"shared": "one storage", "own": "a storage each"}


def outcome(release: str, key: Type, pair: Pair) -> str:
    """What comes of a pair: "shared", "own", the errno of a refusal, or "undefined".

    >>> outcome("5.8", STORAGE_KEY, Pair(program=True))
    'EBUSY'
    >>> [outcome("5.9", key, Pair(hook=True)) for key in KEYS.values()]
    ['own', 'shared']
    """
    try:
        return "shared" if _share(Kernel(release), key, pair) else "own"
    except BpfError as error:
        return error.name
    except UndefinedBehaviour:
        return "undefined"


def _share(kernel: Kernel, key: Type, pair: Pair) -> bool:
    def new_map() -> Any:
        return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, key, U64)

    def new_program(found: Any) -> Any:
        return kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(found))

    def attach(cgroup: Cgroup, prog: Any, hook: AttachType, *, by_link: bool) -> None:
        if by_link:
            kernel.link_create(cgroup, prog, hook)
        else:
            kernel.prog_attach(cgroup, prog, hook, BPF_F_ALLOW_MULTI)

    def key_of(cgroup: Cgroup, hook: AttachType) -> Any:
        return (cgroup, hook) if key is STORAGE_KEY else cgroup

    web = kernel.mkdir("web")
    where = kernel.mkdir("other", web if pair.child else None) if pair.cgroup | pair.child else web
    hook = INGRESS if pair.hook else EGRESS
    first_map = new_map()
    second_map = new_map() if pair.map else first_map
    first = new_program(first_map)
    second = new_program(second_map) if pair.program or pair.map else first
    attach(web, first, EGRESS, by_link=pair.links > 1)
    attach(where, second, hook, by_link=pair.links > 0)
    kernel.map_update_elem(first_map, key_of(web, EGRESS), 41)
    kernel.fire(where, hook)
    return bool(kernel.map_lookup_elem(second_map, key_of(where, hook)) > 41)


class Sharing(SphinxDirective):
    """``.. sharing::``"""

    def run(self) -> list[nodes.Node]:
        found: dict[str, tuple[str, list[nodes.Node]]] = {}
        newest = generation("latest")
        for key in (newest, *(key for key in GENERATIONS if key != newest)):
            found[key] = (GENERATIONS[key], list(self.tables(key)))
        return [tabs(self, found)]

    def tables(self, key: str) -> Iterator[nodes.Node]:
        """A table for each range of releases of a generation that has the same answers."""

        def answers(release: str) -> tuple[tuple[str, ...], ...]:
            return tuple(
                tuple(outcome(release, of, pair) for of in KEYS.values()) for pair in PAIRS.values()
            )

        spans = [s for s in fold(answers) if generation(s.releases[0]) == key]
        for span in spans:
            if len(spans) > 1:
                yield paragraph(f"{linux(span.releases)}:")
            columns = list(zip(*span.outcome, strict=True))
            known = [number for number, of in enumerate(columns) if set(of) != {"EINVAL"}]
            rows = [
                [label, *(cell(row[number]) for number in known)]
                for label, row in zip(PAIRS, span.outcome, strict=True)
            ]
            keys = [list(KEYS)[number] for number in known]
            yield table(["attachments", *keys], rows, kind="sharing")
            if len(known) < len(columns):
                yield paragraph("8-byte keys do not exist in these releases.")


def cell(text: str) -> Cell:
    """An outcome in a cell."""
    if text in LEGEND:
        return LEGEND[text]
    if text == "undefined":
        return nodes.strong(text, text)
    return [nodes.Text("rejected: "), nodes.literal(text, text)]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.setup_extension("kernel_tabs")
    app.add_directive("sharing", Sharing)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
