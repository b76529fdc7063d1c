# SPDX-License-Identifier: GPL-2.0-only
"""What an object cannot show, as questions to whoever knows the program in user space.

If the answer to a question is no, its changes do not concern the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

QUESTIONS: dict[str, tuple[str, ...]] = {
    "Does your program attach a BPF program again, or replace or update it?": (
        "reattach_keeps_data",
        "replacing_keeps_data",
        "replaced_program_leaves_its_data",
        "link_update_compares_maps",
        "link_update_beside_preorder_programs",
    ),
    "Can several instances of your program attach to one cgroup?": (
        "attached_twice_shares_one_storage",
    ),
    "Does it conclude from entries, or from ENOENT, what is attached or which cgroups exist?": (
        "entries_outlive_detach",
        "removed_cgroups_wait_for_sockets",
    ),
    "Does it choose attach flags, or query them?": (
        "attach_flags_differ_by_release",
        "effective_query_reports_no_flags",
    ),
    "Does it iterate over keys, take ids from stat(2), or address the value of one CPU?": (
        "walk_ends_with_the_last_key",
        "key_id_is_the_inode_number",
        "one_cpu_can_be_addressed",
    ),
    "Do processes with fewer privileges get its descriptors or cgroups, or does it freeze maps?": (
        "descriptors_suffice_without_capabilities",
        "detach_needs_no_capability",
        "freeze_needs_a_writable_descriptor",
        "spin_lock_forbids_read_only",
    ),
    "Does it depend on a certain errno, on RLIMIT_MEMLOCK, on test runs, or on large values?": (
        "refusals_come_in_another_order",
        "unsupported_commands_answer_enotsupp",
        "attach_needs_no_memlock",
        "test_run_fails_without_memory",
        "values_may_exceed_a_page",
    ),
}
"""The changes that only user space shows, by the question that decides on them."""


def asked(changes: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The questions that remain for some changes, each with its changes.

    >>> [changes for _, changes in asked(["entries_outlive_detach"])]
    [['entries_outlive_detach']]
    """
    left = set(changes)
    for question, names in QUESTIONS.items():
        if left.intersection(names):
            yield question, [name for name in names if name in left]


def question_of(change: str) -> str:
    """The question that decides whether a change concerns a program."""
    return next(question for question, names in QUESTIONS.items() if change in names)
