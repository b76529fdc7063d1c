# SPDX-License-Identifier: GPL-2.0-only
"""The groups of stories in a folder, and their headings in the menu beside a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from reference_model.catalogue import FOLDERS, stories

GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "breaking_changes": {
        "Linux 5.9": (
            *("reattach_keeps_data", "replacing_keeps_data", "replaced_program_leaves_its_data"),
            *("entries_outlive_detach", "second_program_may_use_the_map"),
            *("eight_byte_keys_need_5_9", "attach_types_share_with_8_byte_keys"),
            "attached_twice_shares_one_storage",
        ),
        "Other errors": (
            *("key_id_is_the_inode_number", "btf_is_accepted", "percpu_map_takes_no_spin_lock"),
            *("unsupported_commands_answer_enotsupp", "one_cpu_can_be_addressed"),
            *("test_run_fails_without_memory", "attach_flags_differ_by_release"),
            "refusals_come_in_another_order",
        ),
        "Privileges": (
            *("detach_needs_no_capability", "descriptors_suffice_without_capabilities"),
            "freeze_needs_a_writable_descriptor",
        ),
        "Fixes in stable kernels": (
            *("walk_ends_with_the_last_key", "tail_calls_compare_maps"),
            *("tail_calls_compare_attach_types", "link_update_compares_maps"),
            *("link_update_beside_preorder_programs", "removed_cgroups_wait_for_sockets"),
            "effective_query_reports_no_flags",
        ),
        "Limits": (
            *("attach_needs_no_memlock", "values_may_exceed_a_page", "spin_lock_forbids_read_only"),
        ),
    },
    "recipes": {
        "Reset and measure": ("zero_explicitly", "subtract_a_baseline", "fresh_map_per_generation"),
        "Read and iterate": (
            *("get_the_cgroup_id", "read_percpu_totals", "walk_all_keys", "know_what_is_attached"),
        ),
        "Share and isolate": (
            *("share_configuration", "keep_attach_types_apart", "keep_a_map_exclusive"),
            "update_concurrently",
        ),
        "Replace and update": ("replace_a_program", "one_object_for_all_kernels"),
        "Migrate": ("to_cgrp_storage", "from_hash_by_cgroup_id"),
    },
}
"""The stories of a folder by what a reader looks for."""


def grouped(folder: str) -> dict[str, list[str]]:
    """The stories of a folder that has groups; those that are in no group are last."""
    found = stories(FOLDERS[folder])
    groups = GROUPS[folder]
    listed = {name for names in groups.values() for name in names}
    known = {**groups, "More": tuple(name for name in found if name not in listed)}
    inside = {title: [name for name in names if name in found] for title, names in known.items()}
    return {title: names for title, names in inside.items() if names}


def with_headings(menu: str, first: Mapping[str, str]) -> str:
    """Put headings into a menu: each above the entry with its address.

    >>> with_headings('<li class="toctree-l2"><a class="internal" href="a.html">A</a></li>',
    ...               {"a.html": "Some pages"})
    '<li class="menu-group">Some pages</li><li class="toctree-l2"><a class="internal" href=...'
    """

    def heading(entry: re.Match[str]) -> str:
        title = first.get(entry[1])
        return f'<li class="menu-group">{title}</li>{entry[0]}' if title else entry[0]

    return re.sub(r'<li class="toctree-l2[^>]*><a class="[^"]*" href="([^"]*)"', heading, menu)


def show_groups(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Show the groups of a folder in the menu of its pages.  (html-page-context)"""
    folder = page.partition("/")[0]
    if folder not in GROUPS:
        return
    toctree: Callable[..., str] = context["toctree"]
    address: Callable[[str], str] = context["pathto"]
    first = {address(f"{folder}/{names[0]}"): title for title, names in grouped(folder).items()}
    context["toctree"] = lambda **options: with_headings(toctree(**options), first)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Show groups in menus."""
    app.connect("html-page-context", show_groups)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
