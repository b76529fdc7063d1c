# SPDX-License-Identifier: GPL-2.0-only
"""The errors of the map commands."""

from __future__ import annotations

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, Claim, Patch


def table() -> str:
    """Return the section, which goes to the end of the page."""
    return """

Errors of the map commands
--------------------------

=================== ============ ==============================================
command             error        reason
=================== ============ ==============================================
lookup              ``ENOENT``   no storage with this key
lookup              ``EINVAL``   unknown flags, or ``BPF_F_LOCK`` without a
                                 ``struct bpf_spin_lock`` in the value
update              ``ENOENT``   no storage with this key, also with ``BPF_ANY``
update              ``EINVAL``   as for lookup; also ``BPF_NOEXIST``
get next key        ``ENOENT``   no storage, unknown key, or end of the list
delete              ``EINVAL``   always
lookup and delete   ``ENOTSUPP`` always
batch commands      ``ENOTSUPP`` always
=================== ============ =============================================="""


ERRORS = Patch(
    name="errors",
    subject="bpf, docs: Document errors of CGROUP_STORAGE map commands",
    reasons="""
        Map commands on BPF_MAP_TYPE_CGROUP_STORAGE fail in ways that other maps do not: an update
        with BPF_ANY does not create an element, BPF_NOEXIST is rejected before the key is looked
        up, and an unknown key does not restart the iteration. List the errors of
        cgroup_storage_update_elem(), cgroup_storage_delete_elem() and
        cgroup_storage_get_next_key().
    """,
    claims=(
        Claim(
            "map_cgroup_storage.rst",
            "Nothing on the errors of the map commands.",
            "A table of each command.",
            "4.19",
            "``kernel/bpf/local_storage.c``: cgroup_storage_update_elem(), "
            "cgroup_storage_delete_elem(), cgroup_storage_get_next_key()",
            ("key.unknown", "lookup.flags", "update.existing", "update.noexist", "delete.refused",
             "next-key.unknown", "next-key.end", "command.batch", "command.lookup-and-delete"),
            ("unsupported_commands_answer_enotsupp",),
        ),
    ),
    edits=(
        Edit(
            Passage(CGROUP_STORAGE, "Semantics ========="),
            Where.END,
            "the section on semantics",
            table,
        ),
    ),
)  # fmt: skip
