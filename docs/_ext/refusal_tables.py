# SPDX-License-Identifier: GPL-2.0-only
"""The page of errors, from the table in ``reference_model.refusals``.

``.. refusals::`` makes a section for each operation; ``.. refusals-by-errno::`` one for each errno,
with the operations that give it, so that a search for an errno leads there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import groupby

from common.parts import joined, section
from common.tables import Cell, table
from common.words import in_words
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from stories.links import code_link

from records import calls
from reference_model import errors
from reference_model.catalogue import RELEASES
from reference_model.changes import NAMES
from reference_model.refusals import ALL, Refusal
from reference_model.refusals.pairs import FAULTS

COMMANDS = {
    "map_create": "BPF_MAP_CREATE",
    "map_lookup_elem": "BPF_MAP_LOOKUP_ELEM",
    "map_update_elem": "BPF_MAP_UPDATE_ELEM",
    "map_delete_elem": "BPF_MAP_DELETE_ELEM",
    "map_get_next_key": "BPF_MAP_GET_NEXT_KEY",
    "map_lookup_and_delete_elem": "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
    "map_lookup_batch": "BPF_MAP_LOOKUP_BATCH",
    "map_lookup_and_delete_batch": "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
    "map_update_batch": "BPF_MAP_UPDATE_BATCH",
    "map_delete_batch": "BPF_MAP_DELETE_BATCH",
    "map_freeze": "BPF_MAP_FREEZE",
    "prog_load": "BPF_PROG_LOAD",
    "prog_bind_map": "BPF_PROG_BIND_MAP",
    "prog_test_run": "BPF_PROG_TEST_RUN",
    "prog_attach": "BPF_PROG_ATTACH",
    "prog_detach": "BPF_PROG_DETACH",
    "prog_query": "BPF_PROG_QUERY",
    "link_create": "BPF_LINK_CREATE",
    "link_update": "BPF_LINK_UPDATE",
    "link_detach": "BPF_LINK_DETACH",
    "map_get_fd_by_id": "BPF_MAP_GET_FD_BY_ID",
    "map_get_next_id": "BPF_MAP_GET_NEXT_ID",
    "prog_get_fd_by_id": "BPF_PROG_GET_FD_BY_ID",
    "prog_get_next_id": "BPF_PROG_GET_NEXT_ID",
    "link_get_fd_by_id": "BPF_LINK_GET_FD_BY_ID",
    "link_get_next_id": "BPF_LINK_GET_NEXT_ID",
    "obj_info": "BPF_OBJ_GET_INFO_BY_FD",
    "link_info": "BPF_OBJ_GET_INFO_BY_FD of a link",
    "obj_pin": "BPF_OBJ_PIN",
    "obj_get": "BPF_OBJ_GET",
    "close": "close(2)",
    "dup": "dup(2)",
    "unlink": "unlink(2) of a pin",
    "mkdir": "mkdir(2) of a cgroup",
    "rmdir": "rmdir(2) of a cgroup",
    "fire": "an operation that runs a program",
    "socket": "creating a socket",
    "close_socket": "closing a socket",
}
"""What users of the kernel call the model's operations."""


def errno_name(error: type[errors.BpfError]) -> str:
    """The name of an error's number.

    >>> errno_name(errors.InnerMap), errno_name(errors.StorageBusy)
    ('ENOTSUPP', 'EBUSY')
    """
    return errors.ERRNO_NAMES[error.number]


def releases(refusal: Refusal) -> str:
    """The releases that refuse, in words.

    >>> [releases(refusal) for refusal in ALL if refusal.error is errors.LockedMemory]
    ['4.19 to 5.10, and the July 2020 proposal']
    """
    found = [name for name in RELEASES if refusal.on(name)]
    return "all" if len(found) == len(RELEASES) else in_words(found)


def anchor(operation: str) -> str:
    """The id of an operation's section."""
    return nodes.make_id(f"errors-{operation}")


class Refusals(SphinxDirective):
    """Directives that make tables of refusals."""

    def inline(self, text: str) -> list[nodes.Node]:
        """A text with its markup."""
        found, messages = self.parse_inline(text, lineno=self.lineno)
        return [*found, *messages]


class ByOperation(Refusals):
    """``.. refusals::``"""

    def run(self) -> list[nodes.Node]:
        return [
            section(self, COMMANDS[operation], self.table(group), anchor=anchor(operation))
            for operation, group in groupby(ALL, key=lambda refusal: refusal.operation)
        ]

    def table(self, refusals: Iterable[Refusal]) -> nodes.Node:
        """The errors of one operation, in the kernel's order."""
        return table(
            ["errno", "when", "releases"],
            ([self.errno(found), self.when(found), self.on(found)] for found in refusals),
            kind="errors",
            stack=True,
        )

    def errno(self, refusal: Refusal) -> Cell:
        """The name of the errno."""
        name = errno_name(refusal.error)
        return nodes.literal(name, name)

    def when(self, refusal: Refusal) -> Cell:
        """When, with a link to the rule that says so."""
        found = self.inline(refusal.when)
        if refusal.said_by:
            link = code_link("rule", refusal.said_by, self.env.docname)
            self.set_source_info(link)
            found += [nodes.Text(" "), link]
        return found

    def on(self, refusal: Refusal) -> Cell:
        """On which releases, with links to the changes that begin and end it."""
        named = [NAMES[c] for c in (refusal.since, refusal.until) if c is not None]
        links = ", ".join(f":change:`{name}`" for name in named)
        return self.inline(f"{releases(refusal)} ({links})" if links else releases(refusal))


class ByErrno(Refusals):
    """``.. refusals-by-errno::``"""

    def run(self) -> list[nodes.Node]:
        found: dict[str, dict[str, None]] = {}
        for refusal in ALL:
            found.setdefault(errno_name(refusal.error), {})[refusal.operation] = None
        numbers = {name: number for number, name in errors.ERRNO_NAMES.items()}
        return [
            section(self, name, self.line(numbers[name], found[name])) for name in sorted(found)
        ]

    def line(self, number: int, operations: Iterable[str]) -> nodes.Node:
        """What libc says of an errno, and the operations that give it."""
        says = nodes.Text(f"{number}, \u201c{os.strerror(number)}\u201d: ")
        return nodes.paragraph("", "", says, *self.links(operations))

    def links(self, operations: Iterable[str]) -> list[nodes.Node]:
        """Links to the sections of operations."""
        return joined(
            nodes.reference("", COMMANDS[name], refid=anchor(name), internal=True)
            for name in operations
        )


class TwoFaults(SphinxDirective):
    """``.. two-faults::`` lists the calls with one fault or two that kernels answer differently."""

    def run(self) -> list[nodes.Node]:
        record = calls.read()
        counts = calls.counts(record)
        asked = [[kernel, *map(str, found.values())] for kernel, found in counts.items()]
        changed = [
            [*_call(name), _answers(answers)] for name, answers in calls.changed(record).items()
        ]
        return [
            table(["kernel", "calls with one error", "calls with two errors"], asked, "errors"),
            table(
                ["command", "errors that apply", "what kernels return"],
                changed,
                "errors",
                stack=True,
            ),
        ]


def _call(name: str) -> tuple[Cell, str]:
    """The command of a call, and what is wrong with it."""
    command, _, faults = name.partition(": ")
    return nodes.literal("", COMMANDS[command]), " and ".join(
        errno_name(refusal.error) + f" ({refusal.when.replace('``', '')})"
        for refusal in _REFUSALS[name]
    )


def _answers(answers: dict[str, str]) -> str:
    """The errnos, each with the kernels that return it.

    >>> _answers({"5.10.262": "EINVAL", "6.1.192": "EPERM", "7.3.4": "EPERM"})
    'EINVAL: 5.10.262; EPERM: 6.1.192, 7.3.4'
    """
    by_errno: dict[str, list[str]] = {}
    for kernel, answer in answers.items():
        by_errno.setdefault(answer, []).append(kernel)
    return "; ".join(f"{errno}: {', '.join(found)}" for errno, found in by_errno.items())


_REFUSALS = {found.name: found.refusals for found in FAULTS}


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives."""
    app.add_directive("refusals", ByOperation)
    app.add_directive("refusals-by-errno", ByErrno)
    app.add_directive("two-faults", TwoFaults)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
