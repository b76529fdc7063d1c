# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is proposed to docs.ebpf.io, in its words: its source is under the BSD 2-Clause License."""

from __future__ import annotations

from ..edits import Edit, Passage, Where
from ..patch import Claim, Patch
from ..text import DOCS

MAPS = tuple(
    f"docs/linux/map-type/BPF_MAP_TYPE_{name}.md"
    for name in ("CGROUP_STORAGE", "PERCPU_CGROUP_STORAGE")
)
HELPER = "docs/linux/helper-function/bpf_get_local_storage.md"

LANDMARKS = ("mkdocs.yml", ".aspell.en.pws")
"""Files that its source has, beside the pages."""

COMMIT = "https://github.com/torvalds/linux/commit/"
V5_9 = f"[:octicons-tag-24: v5.9]({COMMIT}7d9c3427894fe70d1347b4820476bf37736d2ff0)"
V6_0 = f"[:octicons-tag-24: v6.0]({COMMIT}69fd337a975c7e690dfe49d9cb4fe5ba1e6db44e)"


def one_line(text: str) -> str:
    """Return paragraphs, each in a line of its own, as the pages have them."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


LIFETIME = one_line(f"""
    When a cGroup is deleted, all entries for that cGroup are removed as soon as no socket is left
    that was created in the cGroup or in one of its descendants. Before {V5_9} an entry was also
    removed when its program was detached or replaced. Since then the entry and its value stay: a
    program that is attached again continues with the old value.
""")

TYPES = one_line(f"""
    This map type can be used with `BPF_PROG_TYPE_CGROUP_*` and
    [`BPF_PROG_TYPE_SOCK_OPS`](../program-type/BPF_PROG_TYPE_SOCK_OPS.md) program types, and since
    {V6_0} with [`BPF_PROG_TYPE_LSM`](../program-type/BPF_PROG_TYPE_LSM.md) programs that are
    attached with `BPF_LSM_CGROUP`.
""")

KEY = one_line("""
    must be `16` bytes on 64-bit systems, the size of the following type with 4 bytes of padding at
    its end:
""")

SHARING = " " + one_line("""
    All attach types of the cGroup then share one value. Programs which use the same map and are
    attached to the same cGroup share one value, too; with the longer key only if they also have
    the same attach type.
""")

USAGE = one_line(f"""
    The returned pointer refers to the value of the cGroup to which the program is attached, not to
    that of the cGroup of the task or socket which triggered the program. The kernel creates the
    value, filled with zeros, when a program that uses the map is attached for the first time. The
    pointer is therefore never `NULL`, and the verifier requires no check. The `flags` must be the
    constant `0`.

    Since {V5_9} programs can share a value, and a program that is detached and attached again
    continues with the old value. For details see
    [`BPF_MAP_TYPE_CGROUP_STORAGE`](../map-type/BPF_MAP_TYPE_CGROUP_STORAGE.md).

    Several CPUs can access the value of a `BPF_MAP_TYPE_CGROUP_STORAGE` map at the same time, so
    use atomic instructions or [`bpf_spin_lock`](bpf_spin_lock.md) to change it. In a
    `BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE` map each CPU has a value of its own. An interrupt can run
    the program again on the same CPU, so use atomic instructions there, too. A program can use at
    most one map of each of both types.
""")


def example() -> str:
    """Return the section with an example: a program of the reference, without its licence line."""
    code = (DOCS / "examples" / "reference" / "count_egress.bpf.c").read_text(encoding="utf-8")
    return f"""\
### Example

Count the packets that each cGroup sends:

```c
{code.partition(chr(10))[2].expandtabs(4).rstrip()}
```"""


def claim(
    says: str, right: str, since: str, source: str, *rules: str, document: str = "docs.ebpf.io"
) -> Claim:
    """Return what the pages of both map types say."""
    return Claim(document, says, right, since, source, rules)


MAP_PAGES = Patch(
    name="ebpf-docs-maps",
    subject="Correct key size, sharing, program types and lifetime of cGroup storage maps",
    reasons="""
        The key is 16 bytes on 64-bit systems: sizeof(struct bpf_cgroup_storage_key) includes 4
        bytes of padding, and cgroup_storage_map_alloc() rejects 12. SOCK_OPS programs can use the
        maps, and LSM programs attached with BPF_LSM_CGROUP, see cgroup_common_func_proto() and
        bpf_lsm_func_proto(). Since Linux 5.9 programs share values, and a value outlives the
        attachment, see bpf_cgroup_storages_alloc() and __cgroup_bpf_detach(). A deleted cGroup
        keeps its values until its last socket is closed, see cgroup_bpf_release().
    """,
    claims=(
        claim(
            "``key_size`` must be 12 bytes.",
            "16, ``sizeof(struct bpf_cgroup_storage_key)`` on 64-bit machines.",
            "4.19",
            "``kernel/bpf/local_storage.c``: cgroup_storage_map_alloc()",
            "create.key-struct", "create.key-size",
        ),
        claim(
            "Nothing on what shares a value.",
            "With the 8-byte key all attach types of a cgroup. With either key, programs with the "
            "same map.",
            "5.9",
            "``kernel/bpf/local_storage.c``: bpf_cgroup_storage_key_cmp()",
            "share.attach-types-id", "share.programs",
        ),
        claim(
            "Only ``BPF_PROG_TYPE_CGROUP_*`` programs can use the map.",
            "``BPF_PROG_TYPE_SOCK_OPS`` too, and since 6.0 ``BPF_LSM_CGROUP`` programs.",
            "4.19",
            "``kernel/bpf/cgroup.c``: cgroup_common_func_proto(); ``kernel/bpf/bpf_lsm.c``: "
            "bpf_lsm_func_proto()",
            "helper.program-types",
        ),
        claim(
            "Entries are removed when the cgroup is deleted.",
            "Some time after it, with the last socket, or with the map. Before 5.9 also with the "
            "attachment.",
            "5.9",
            "``kernel/bpf/cgroup.c``: cgroup_bpf_release()",
            "lifetime.detach", "lifetime.socket",
        ),
    ),
    edits=tuple(
        edit
        for path in MAPS
        for edit in (
            Edit(
                Passage(path, "When a cGroup is deleted,", "removed.", "4e02cac1eba86fa1"),
                Where.INSTEAD, "the sentence on deleted cgroups", lambda: LIFETIME,
            ),
            Edit(
                Passage(path, "This map type can only", "program types.", "ae7934adec96cb9b"),
                Where.INSTEAD, "the sentence on program types", lambda: TYPES,
            ),
            Edit(
                Passage(path, "must be `12` bytes", "following type:", "3c3869ffbe366309"),
                Where.INSTEAD, "the size of the key", lambda: KEY,
            ),
            Edit(
                Passage(path, "may also be `8`", "`cgroup_inode_id`.", "ff59bd10aee9d8b6"),
                Where.AFTER, "the sentence on the shorter key", lambda: SHARING,
            ),
        )
    ),
)  # fmt: skip

HELPER_PAGE = Patch(
    name="ebpf-docs-helper",
    subject="Add usage and an example of bpf_get_local_storage",
    reasons="""
        The page of the helper has no text on its usage and no example. Describe whose value the
        helper returns, that it is never NULL, what can share it, and how to change it from several
        CPUs. The example compiles, and was run.
    """,
    claims=(
        claim(
            "Usage and example are missing.",
            "A patch has both.",
            "4.19",
            "``kernel/bpf/cgroup.c``: bpf_get_local_storage()",
            "storage.attachment", "helper.never-null",
        ),
    ),
    edits=(
        Edit(
            Passage(HELPER, "## Usage", "very welcome", "aa5cb41c5ab8d2ac"),
            Where.INSTEAD, "the section on usage", lambda: f"## Usage\n\n{USAGE}",
        ),
        Edit(
            Passage(HELPER, "### Example", "very welcome", "5d78315dd1a40569"),
            Where.INSTEAD, "the section on the example", example,
        ),
    ),
)  # fmt: skip

EBPF_DOCS = (MAP_PAGES, HELPER_PAGE)

READ_AT = "18ec5e93ea4b"
"""The commit at which the pages were read, in July 2026; an edit is made where that stands."""
