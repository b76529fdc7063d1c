# SPDX-License-Identifier: GPL-2.0-only
"""What is shared, what attaching a program does, the errors and limits, and a warning."""

from __future__ import annotations

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, Claim, Patch, reference
from ..words import commit


def warning() -> str:
    """That nothing zeroes a storage any more."""
    return reference().directive("warning") + "\n"


def semantics() -> str:
    """The sections that go to the end of the page, whose last one is about semantics."""
    known_bug = ("link-update.other-maps",)  # what a kernel did that should have refused
    of_any_map = ("Errors of any command", "Errors of loading and attaching")
    says_nothing = ("limit.value-size",)  # but that there is a table
    old = reference()
    return "\n\n" + "\n".join(
        (
            old.section("Sharing", mark="-"),
            old.section("Attaching, replacing and detaching", mark="-", without=known_bug),
            old.section("Tail calls", mark="-"),
            old.section("Iterating over the keys", mark="="),
            old.section("Per-CPU values", mark="="),
            old.section("Errors", mark="=", without=of_any_map),
            old.section("Limits", mark="=", without=says_nothing),
        )
    ).rstrip("\n")


REFERENCE = Patch(
    name="reference",
    subject="bpf, docs: Document what CGROUP_STORAGE shares, keeps and refuses",
    reasons=f"""
        Since {commit(changes.SHARED_STORAGE)}, a program that is detached and attached again, or
        replaced, finds the old values: bpf_cgroup_storages_alloc() looks for a storage before it
        makes one. Programs that used this to reset their counters broke without an error. Warn of
        it, and list what each way to attach does.

        Document what readers otherwise find by trial: what shares a storage, in which order the
        keys come and that there was a bogus one before {commit(changes.NEXT_KEY_END)}, how the
        values of the per-CPU type lie in the buffer, the errors of each command, the limits of
        cgroup_storage_map_alloc(), that a link update must keep the storage maps since
        {commit(changes.LINK_UPDATE_COMPARES_MAPS)}, and so must the programs of a program array
        since {commit(changes.TAIL_CALL_COOKIES)}.
    """,
    untested="what concerns LSM programs, privileges, a lack of memory, and an iteration that "
    "starts with an unknown key",
    claims=(
        Claim(
            "No warning that attaching again does not zero.",
            "Before 5.9 it did. Since 5.9 the old values remain.",
            "``kernel/bpf/cgroup.c``: bpf_cgroup_storages_alloc()",
            ("attach.reuse", "attach.fresh", "replace.keep", "replace.reset"),
            ("reattach_keeps_data", "replacing_keeps_data"),
        ),
        Claim(
            "No table of what shares a storage.",
            "The map, the cgroup and, with a 16-byte key, the attach type decide.",
            "``kernel/bpf/local_storage.c``: bpf_cgroup_storage_key_cmp()",
            ("share.programs", "share.attach-types-struct", "share.attach-types-id"),
            ("attach_types_share_with_8_byte_keys", "attached_twice_shares_one_storage"),
        ),
        Claim(
            "Nothing on link updates and tail calls.",
            "Both must keep the storage maps; older kernels crash, or reach beyond a value.",
            "``kernel/bpf/cgroup.c``: cgroup_bpf_storages_compatible(); "
            "``kernel/bpf/core.c``: __bpf_prog_map_compatible()",
            ("link-update.keep", "link-update.same-maps", "tail-call.entry", "tail-call.same-maps"),
            ("link_update_compares_maps", "tail_calls_compare_maps"),
        ),
        Claim(
            "Nothing on the order and the end of the keys.",
            "Newest first; before 7.1 one invalid key at the end.",
            "``kernel/bpf/local_storage.c``: cgroup_storage_get_next_key()",
            ("next-key.order", "next-key.end", "next-key.bogus"),
            ("walk_all_keys", "walk_ends_with_the_last_key"),
        ),
        Claim(
            "Nothing on the buffer of the per-CPU type.",
            "A slot of 8 bytes or a multiple for each possible CPU.",
            "``kernel/bpf/local_storage.c``: bpf_percpu_cgroup_storage_copy()",
            ("percpu.own", "percpu.layout", "percpu.update-all", "percpu.flags"),
            ("read_percpu_totals", "one_cpu_can_be_addressed"),
        ),
        Claim(
            "Nothing on errors and limits.",
            "A table of each.",
            "``kernel/bpf/local_storage.c``: cgroup_storage_map_alloc(), "
            "cgroup_storage_update_elem(), cgroup_storage_delete_elem()",
            ("create.value-limit", "update.noexist", "delete.refused", "load.one-of-each"),
            ("values_may_exceed_a_page",),
        ),
    ),
    edits=(
        Edit(
            Passage(CGROUP_STORAGE, "Usage ====="),
            Where.BEFORE,
            "the section on usage",
            warning,
        ),
        Edit(
            Passage(CGROUP_STORAGE, "Program test runs", "temporary storage.", "4c0c9940d58c26d3"),
            Where.AFTER,
            "the last sentence of the page",
            semantics,
        ),
    ),
)
