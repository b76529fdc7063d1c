# SPDX-License-Identifier: GPL-2.0-only
"""What re-attaching and replacing a program keep, what shares a storage, and how long it lasts."""

from __future__ import annotations

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, Claim, Patch, reference
from ..words import commit, replaced


def warning() -> str:
    """Return the warning that attaching a program does not reset the storage."""
    return """\
.. warning::
   Since Linux 5.9 attaching a program does not reset an existing storage: a
   program that is detached and attached again, or replaced, continues with the
   old value. To reset it, write zeros from user space, or use a new map.

"""


def frees() -> str:
    """Return the sentences on what frees a storage."""
    return (
        "Storage is freed only when either the map or the BPF state of the cgroup is being freed. "
        "The latter happens after the cgroup is removed, once no socket is left that was created "
        "in the cgroup or in one of its descendants."
    )


def sections() -> str:
    """Return two sections that go to the end of the page."""
    page = reference()
    attaching = page.section("Attaching, replacing and detaching", mark="-", name="Attaching")
    of_two_old_releases = ("Do not attach a program twice",)
    sharing = page.section("Sharing", mark="-", without=of_two_old_releases)
    header = "``struct`` key   ``__u64`` key"
    sharing = replaced(sharing, "16-byte key      8-byte key", header)
    return f"\n\n{attaching}\n{sharing}".rstrip("\n")


REATTACH = Patch(
    name="reattach",
    subject="bpf, docs: Document what re-attaching to CGROUP_STORAGE keeps",
    reasons=f"""
        Since {commit(changes.SHARED_STORAGE)}, a program that is detached and attached again, or
        replaced, continues with the old values: bpf_cgroup_storages_alloc() looks for a storage
        before it creates one. Programs that relied on zeros there broke without an error.
        Add a warning, and tables of what each way to attach keeps and of what shares a storage.

        Since {commit(changes.CGROUP_BPF_REFCOUNT)}, cgroup_bpf_release() frees the storages of a
        removed cgroup, when the last reference to its BPF state is dropped. Sockets of the cgroup
        and of its descendants hold such references. Describe that instead of the cgroup being
        freed.
    """,
    claims=(
        Claim(
            "map_cgroup_storage.rst",
            "No warning that attaching a program again does not reset the value.",
            "The old value remains. Before, it was zeroed.",
            "5.9",
            "``kernel/bpf/cgroup.c``: bpf_cgroup_storages_alloc()",
            ("attach.reuse", "attach.fresh", "replace.keep", "replace.reset"),
            ("reattach_keeps_data", "replacing_keeps_data"),
        ),
        Claim(
            "map_cgroup_storage.rst",
            "No table of what shares a storage.",
            "The map, the cgroup and, with a ``struct`` key, the attach type decide.",
            "5.9",
            "``kernel/bpf/local_storage.c``: bpf_cgroup_storage_key_cmp()",
            ("share.programs", "share.attach-types-struct", "share.attach-types-id"),
            ("attach_types_share_with_8_byte_keys", "attached_twice_shares_one_storage"),
        ),
        Claim(
            "map_cgroup_storage.rst",
            "A storage is freed when its cgroup is freed.",
            "When the BPF state of the cgroup is released: after rmdir(2) and its last socket.",
            "5.3",
            "``kernel/bpf/cgroup.c``: cgroup_bpf_release()",
            ("lifetime.cgroup", "lifetime.socket"),
            ("removed_cgroups_wait_for_sockets",),
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
            Passage(CGROUP_STORAGE, "Storage is freed", "is being freed.", "e216e8cdf23de450"),
            Where.INSTEAD,
            "the sentence on what frees a storage",
            frees,
            running=True,
        ),
        Edit(
            Passage(CGROUP_STORAGE, "Semantics ========="),
            Where.END,
            "the section on semantics",
            sections,
        ),
    ),
)
