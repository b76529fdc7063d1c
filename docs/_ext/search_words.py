# SPDX-License-Identifier: GPL-2.0-only
"""What readers type into the search box, and the pages that help them.

The index of words knows what stands on a page, not what a reader calls it.  So ``KEYWORDS`` gives
pages phrases of their readers; ``_static/search_words.js`` shows a page first if one phrase has all
words of the query.  The stem of each word of the index is found once: most words are on many pages.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)

KEYWORDS = {
    "breaking_changes/reattach_keeps_data": (
        "counters survive restart",
        "counter restart agent",
        "stale old values after restart",
        "reattach attach again detach reset",
    ),
    "recipes/zero_explicitly": ("zero zeros reset counter", "clear counter", "begin from zero"),
    "recipes/subtract_a_baseline": ("counter delta baseline",),
    "errors": (
        "524 unknown error enotsupp",
        "enoent lookup no such file or directory",
        "einval invalid argument",
        "errno error code 524",
    ),
    "breaking_changes/unsupported_commands_answer_enotsupp": ("524 unknown error enotsupp batch",),
    "breaking_changes/eight_byte_keys_need_5_9": (
        "uint64 u64 __u64 key einval",
        "go cilium ebpf key uint64 einval create map",
        "which kernel release takes 8 byte bytes key size",
    ),
    "recipes/get_the_cgroup_id": (
        "st_ino inode cgroup id path",
        "cgroup id from path",
        "docker podman runc container cgroup id path directory",
        "systemd unit service slice scope cgroup id path directory",
        "name_to_handle_at cgroup id",
    ),
    "recipes/read_percpu_totals": ("read per-cpu percpu values", "sum per cpu read"),
    "percpu_cgroup_storage": ("per-cpu percpu type map", "per cpu values read"),
    "recipes/to_cgrp_storage": (
        "bpf_map_type_cgrp_storage cgrp_storage migrate move",
        "deprecated replacement cgrp_storage",
    ),
    "map_cgrp_storage": (
        "bpf_map_type_cgrp_storage cgrp_storage compare",
        "cgroup_storage or cgrp_storage which",
        "deprecated",
    ),
    "breaking_changes/index": ("migrate upgrade kernel migration", "what changed"),
    "breaking_changes/replacing_keeps_data": ("bpf_f_replace replace reset keep data program",),
    "recipes/replace_a_program": ("bpf_f_replace replace program",),
    "breaking_changes/link_update_compares_maps": ("bpf_link_update link update safe einval",),
    "breaking_changes/link_update_beside_preorder_programs": ("bpf_link_update link update",),
    "upstream": (
        "kernel documentation docs doc wrong errata errors mistakes incorrect",
        "map_cgroup_storage.rst page wrong patch",
    ),
    "breaking_changes/second_program_may_use_the_map": (
        "ebusy load second program 5.4",
        "only one cgroup storage of each type is allowed",
        "device or resource busy",
    ),
    "recipes/keep_a_map_exclusive": ("ebusy exclusive map",),
    "recipes/walk_all_keys": (
        "bpftool map dump",
        "iterate list all keys entries",
        "bpf_map_get_next_key walk",
    ),
    "recipes/know_what_is_attached": (
        "bpftool cgroup show attached",
        "docker podman runc systemd container device program attached",
        "runc systemd query stack corruption smashing crash prog_query",
    ),
    "tutorial": ("cilium ebpf go first program example", "get started tutorial example"),
    "map_cgroup_storage": ("bpf_map_type_cgroup_storage cgroup_storage map reference",),
    "lifetime": ("when is data freed lifetime rmdir pin",),
    "whose_storage": ("which cgroup parent child storage", "docker container counter storage"),
    "events": ("inet_sock_create inet_sock_release counter open sockets accept negative wraps",),
    "sharing": ("share value between programs ingress egress",),
    "breaking_changes/attach_needs_no_memlock": ("rlimit_memlock enomem eperm",),
    "bpf_get_local_storage": ("bpf_get_local_storage null helper",),
}
"""Phrases for a page; of pages with the same words the first is shown first."""


class SearchEnglishOnce(SearchEnglish):
    """Sphinx's rules for English."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self.stem = cache(self.stem)  # type: ignore[method-assign]


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of keywords for a page that is not there.  (env-check-consistency)"""
    for page in KEYWORDS.keys() - env.found_docs if "index" in env.found_docs else ():
        if "tutorial" in env.found_docs:
            text = "KEYWORDS names the page %s, which does not exist"
            logger.warning(text, page, location=__file__, type="search")


def hand_over(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the page of results the keywords, with the titles.  (html-page-context)"""
    if page == "search":
        titles = app.env.titles
        context["keywords"] = [
            [name, titles[name].astext(), phrases]
            for name, phrases in KEYWORDS.items()
            if name in titles
        ]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Replace the rules for English, and hand the keywords over."""
    app.add_search_language(SearchEnglishOnce)
    app.connect("env-check-consistency", check)
    app.connect("html-page-context", hand_over)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
