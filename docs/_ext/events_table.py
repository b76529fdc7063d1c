# SPDX-License-Identifier: GPL-2.0-only
"""``.. events::``: what a process does, and which hooks it passes, from the table of the model."""

from __future__ import annotations

from collections.abc import Iterator

from common.tables import Cell, table
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model.events import CLOSED, CREATED, EVENTS, INET6, UNIX, Event, Hook

ACTIONS = {
    "create": "creates a socket",
    "send": "sends a packet",
    "bind": "binds a socket",
    "receive": "receives a packet",
    "receive_from": "receives, and asks who sent",
    "connect": "connects a socket",
    "own_name": "calls getsockname()",
    "peer_name": "connects, and calls getpeername()",
    "get_option": "calls getsockopt()",
    "set_option": "calls setsockopt()",
    "open_device": "opens a device",
    "read_sysctl": "reads a sysctl",
}
"""The actions of ``reference_model.events``, in words."""

FAMILIES = {UNIX: ", Unix", INET6: ", IPv6"}


def rows() -> Iterator[tuple[str, tuple[Hook, ...]]]:
    """Each event once: what the process does, and the hooks that it passes, in order.

    >>> next(words for words, hooks in rows() if "UNIX_CONNECT" in str(hooks))
    'connects a socket, Unix'
    """
    events: dict[Event, None] = dict.fromkeys(EVENTS.values())
    for event in events:
        words = ACTIONS[event.action] + FAMILIES.get(event.family, "")
        yield words, (*CREATED[event.family], *event.passes, *CLOSED[event.family])


def hook_name(hook: Hook) -> str:
    """The name of a hook without the prefix that attach types share."""
    return str(hook).removeprefix("BPF_CGROUP_")


class EventsTable(SphinxDirective):
    """``.. events::``"""

    def run(self) -> list[nodes.Node]:
        made: list[list[Cell]] = []
        for words, hooks in rows():
            cells: list[nodes.Node] = []
            for hook in hooks:
                name = hook_name(hook)
                cells += [nodes.Text(", ")] * bool(cells)
                kind = nodes.emphasis if isinstance(hook, str) else nodes.literal
                cells.append(kind(name, name))
            made.append([words, cells])
        return [table(["A process", "passes, in this order"], made, kind="events", stack=True)]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("events", EventsTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
