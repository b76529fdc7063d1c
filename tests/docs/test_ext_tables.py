# SPDX-License-Identifier: GPL-2.0-only
"""The tables of errors, limits and sharing, against what is known of the kernels themselves."""

from __future__ import annotations

import limits
import pytest
import refusal_tables
import sharing
from common.tables import fold
from docutils import nodes
from kernel_tabs import GENERATIONS, generation

from reference_model import BPF_MAP_TYPE_CGROUP_STORAGE, MAINLINE, STORAGE_KEY, U64
from reference_model.catalogue import RELEASES
from reference_model.refusals import ALL


def ranges(name: str) -> dict[str, tuple[str, ...]]:
    return {str(span): span.outcome for span in fold(lambda release: limits.found(name, release))}


def test_every_operation_has_the_name_that_users_know() -> None:
    assert set(refusal_tables.COMMANDS) == {refusal.operation for refusal in ALL}
    anchors = [refusal_tables.anchor(operation) for operation in refusal_tables.COMMANDS]
    assert len(set(anchors)) == len(anchors)


def test_every_refusal_stands_beside_the_others_of_its_operation() -> None:
    """Else an operation would have two sections."""
    operations = [refusal.operation for refusal in ALL]
    changes = sum(a != b for a, b in zip(operations, operations[1:], strict=False))
    assert changes == len(set(operations)) - 1


def test_releases_of_a_refusal_in_words() -> None:
    told = {refusal_tables.releases(refusal) for refusal in ALL}
    assert "all" in told
    assert "5.2 to 6.4, and the July 2020 proposal" in told, "BPF_MAP_FREEZE of a frozen map: EBUSY"


def test_sizes() -> None:
    """Numbers of the kernel's source for x86-64."""
    assert ranges("key-size") == {
        "4.19 to 5.8": ("16",),
        f"5.9 to {MAINLINE[-1]}": ("8, 16",),
        "proposal": ("16",),
    }
    assert ranges("value-size") == {
        "4.19": ("1 to 4096", "no such type"),
        "4.20 to 5.14": ("1 to 4096", "1 to 4096"),
        f"5.15 to {MAINLINE[-1]}": ("1 to 65407", "1 to 32768"),
        "proposal": ("1 to 4096", "1 to 4096"),
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [("programs", "64, then E2BIG"), ("tail-calls", "33"), ("maps", "1, then EBUSY")],
)
def test_limits_of_all_releases(name: str, text: str) -> None:
    assert {limits.found(name, release) for release in RELEASES} == {(text,)}


def test_a_map_for_one_program_or_for_many() -> None:
    assert ranges("programs-of-a-map") == {
        "4.19 to 5.8": ("1, then EBUSY",),
        f"5.9 to {MAINLINE[-1]}": ("any number",),
        "proposal": ("any number",),
    }


def test_slots_are_multiples_of_eight_bytes() -> None:
    table = limits.layout()
    body = next(table.findall(nodes.tbody))
    rows = [[entry.astext() for entry in row.children] for row in body.children]
    assert rows[1] == ["4", "8", "16", "32", "1024"]
    assert rows[3] == ["12", "16", "32", "64", "2048"]
    assert all(int(row[1]) % 8 == 0 for row in rows)


def outcomes(release: str) -> list[tuple[str, ...]]:
    return [
        tuple(sharing.outcome(release, key, pair) for key in sharing.KEYS.values())
        for pair in sharing.PAIRS.values()
    ]


def test_before_5_9_nobody_shares() -> None:
    assert not any("shared" in row for row in outcomes("4.19") + outcomes("5.8"))
    assert {row[1] for row in outcomes("5.8")} == {"EINVAL"}


def test_from_5_9_on_the_key_decides() -> None:
    for name, pair in sharing.PAIRS.items():
        apart = pair.cgroup or pair.child or pair.map
        wide = "own" if apart or pair.hook else "shared"
        narrow = "own" if apart else "shared"
        assert sharing.outcome("5.9", STORAGE_KEY, pair) == wide, name
        assert sharing.outcome("latest", U64, pair) == narrow, name


def test_the_proposal_shares_between_attach_types() -> None:
    for name, pair in sharing.PAIRS.items():
        apart = pair.cgroup or pair.child or pair.map
        wanted = "own" if apart else "shared"
        assert sharing.outcome("proposal", STORAGE_KEY, pair) == wanted, name


def test_every_release_belongs_to_one_tab() -> None:
    assert {generation(release) for release in RELEASES} == set(GENERATIONS)
    assert [str(span) for span in fold(generation)] == [
        "4.19 to 5.8",
        f"5.9 to {MAINLINE[-1]}",
        "proposal",
    ]


def test_a_limit_is_tried_on_a_map_of_this_type() -> None:
    assert limits.accepts("4.19", BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8)
    assert not limits.accepts("4.19", BPF_MAP_TYPE_CGROUP_STORAGE, 8, 8)
