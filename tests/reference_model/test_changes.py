# SPDX-License-Identifier: GPL-2.0-only
"""The records of what changed between releases, and that the model asks for nothing else."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import reference_model
from reference_model import MAINLINE, Change, Release, changes
from reference_model.traces import read

ROOT = Path(__file__).parents[2]
MODEL = Path(reference_model.__file__).parent
NAMES = {record: name for name, record in vars(changes).items() if isinstance(record, Change)}
RECORDS = [pytest.param(record, id=NAMES[record]) for record in changes.ALL]


def trees(*without: str) -> Iterator[tuple[str, ast.Module]]:
    """The parsed modules of the model, but not these, nor what talks to a real kernel."""
    for path in sorted(MODEL.rglob("*.py")):
        name = path.relative_to(MODEL).as_posix()
        if name not in without and not name.startswith("linux/"):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


@cache
def kernels() -> frozenset[str]:
    """The kernels that answered a trace."""
    files = (ROOT / "records" / "traces").glob("*.jsonl*")
    return frozenset(name for path in files for one in read(path) for name in one.answers)


def place(name: str) -> int:
    """Where a mainline release, or the branch of a stable one, stands in the history."""
    return MAINLINE.index(".".join(name.split(".")[:2]))


# -- the model asks for changes by name -----------------------------------------------------------


def test_every_record_is_asked_for() -> None:
    asked = {
        node.attr
        for _, tree in trees("changes.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "changes"
    }
    assert set(NAMES.values()) - asked == set()
    assert {name for name in asked if name.isupper()} - {*NAMES.values(), "ALL", "NAMES"} == set()


def test_no_record_hides_behind_another() -> None:
    assert len(changes.ALL) == len(NAMES) == len({id(record) for record in changes.ALL})


def test_nothing_looks_at_a_releases_numbers() -> None:
    """Only releases.py knows that a release has numbers, and which follow which."""
    found = [
        f"{module}:{node.lineno}"
        for module, tree in trees("releases.py")
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"version", "_version"})
        or (isinstance(node, ast.Name) and node.id == "_version")
    ]
    assert found == []


def names_a_release(node: ast.expr) -> bool:
    """Whether an expression is a release: ``kernel.release``, ``release(name)``, ``Release()``."""
    if isinstance(node, ast.Call):
        node = node.func
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.lower() == "release"


def names_a_version(node: ast.expr) -> bool:
    """Whether an expression is the literal name of a release."""
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and bool(re.fullmatch(r"\d+\.\d+(\.\d+)?|latest|proposal", text))


def test_no_code_compares_releases() -> None:
    found = []
    for module, tree in trees("releases.py"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                if any(names_a_release(side) or names_a_version(side) for side in sides):
                    found.append(f"{module}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "self.release < other",
        "release(name) >= Release('5.9')",
        "name == '5.8.18'",
        "kernel.release in known",
        "name != 'proposal'",
    ],
)
def test_that_check_sees(code: str) -> None:
    (node,) = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Compare))
    assert any(names_a_release(s) or names_a_version(s) for s in [node.left, *node.comparators])


# -- each record ----------------------------------------------------------------------------------


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_complete(record: Change) -> None:
    assert re.fullmatch(r"([0-9a-f]{12})?", record.commit)
    assert record.title
    assert record.effect.endswith(".")
    assert record.read or record.recorded or record.changelogs
    assert record.first in (*MAINLINE, None)
    assert record.first is not None or record.proposal


@pytest.mark.parametrize("record", RECORDS)
def test_sources_exist(record: Change) -> None:
    """Only releases were read or recorded, and only kernels that answered are called recorded."""
    for release in (*(tree for one in record.read for tree in one.trees), *record.changelogs):
        assert str(Release(release)) == release
    assert set(record.recorded) <= kernels()
    if len(record.recorded) > 1:
        assert {Release(name).has(record) for name in record.recorded} == {True, False}


@pytest.mark.parametrize("record", RECORDS)
def test_a_cve_has_a_changelog(record: Change) -> None:
    if record.cve:
        assert re.fullmatch(r"CVE-\d{4}-\d{4,}", record.cve)
        assert record.changelogs


@pytest.mark.parametrize("record", RECORDS)
def test_a_release_with_part_of_a_change_does_not_have_it(record: Change) -> None:
    for name in record.partial:
        assert not Release(name).has(record)


@pytest.mark.parametrize("record", RECORDS)
def test_bounds_belong_to_a_first_release(record: Change) -> None:
    for found, lacking in (record.after or {}).items():
        assert found in (record.first, *record.backports)
        assert Release(lacking) < Release(found)
        assert not Release(lacking).has(record)


@pytest.mark.parametrize("record", RECORDS)
def test_backports_are_of_older_branches(record: Change) -> None:
    places = [place(name) for name in record.backports]
    assert places == sorted(set(places)), "one for each branch, oldest first"
    for name in record.backports:
        assert re.fullmatch(r"\d+\.\d+\.[1-9]\d*", name)
        assert record.first is not None
        assert place(name) < place(record.first)
        assert Release(name).has(record)


def test_records_stand_in_order_of_release() -> None:
    firsts = [place(record.first) for record in changes.ALL if record.first is not None]
    assert firsts == sorted(firsts)


def test_the_change_that_was_never_released_stands_beside_what_became_of_it() -> None:
    at = changes.ALL.index(changes.ATTACH_TYPE_IGNORED)
    assert changes.SHARED_STORAGE in changes.ALL[at - 2 : at]


def test_only_one_change_was_never_released() -> None:
    assert [NAMES[r] for r in changes.ALL if r.first is None] == ["ATTACH_TYPE_IGNORED"]
    proposed = {NAMES[record] for record in changes.ALL if record.proposal}
    assert proposed == {"ATTACH_TYPE_IGNORED", "SHARED_STORAGE"}


def test_one_commit_has_one_title_and_one_first_release() -> None:
    known = [record for record in changes.ALL if record.commit]
    for one, other in itertools.combinations(known, 2):
        if one.commit == other.commit:
            assert (one.title, one.first) == (other.title, other.first)


# -- what was looked up outside the model ---------------------------------------------------------

FACTS: list[tuple[str, str, str | None, str]] = [
    ("STORAGES_BY_TYPE", "8bad74f9840f", "4.20", ""),
    ("PERCPU_STORAGE", "b741f1630346", "4.20", ""),
    ("NO_HELPER_FOR_SOCKMAP", "d8fd9e106fbc", "4.20", ""),
    ("LOOKUP_AND_DELETE", "bd513cd08f10", "4.20", ""),
    ("TEST_RUN_ERRNO", "dcb40590e69e", "4.20", ""),
    ("BTF_KEY_AND_VALUE", "9a1126b63190", "5.0", ""),
    ("PROG_ACCESS_FLAGS", "591fe9888d78", "5.2", ""),
    ("MAP_FREEZE", "87df15de441b", "5.2", ""),
    ("SYSCTL_PROGRAMS", "7b146cebe30c", "5.2", ""),
    ("DOT_IN_NAMES", "3e0ddc4f3ff1", "5.2", ""),
    ("LINK_DESCRIPTORS_READ_AND_WRITE", "25fc94b2f02d", "5.12", "5.10.30 5.11.14"),
    ("PROG_DESCRIPTORS_READ_AND_WRITE", "d37300ed1821", "5.12", ""),
    ("PROG_DESCRIPTORS_OF_ANY_MODE", "5dec6d96d12d", "5.14", "5.12.17 5.13.2"),
    ("RECVMSG_HOOKS", "983695fa6765", "5.2", "4.19.57 5.1.16"),
    ("SOCKOPT_PROGRAMS", "0d01da6afc54", "5.3", ""),
    ("SKB_EXPECTED_ATTACH_TYPE", "5cf1e9145630", "5.3", ""),
    ("MEMLOCK_BEFORE_ALLOCATION", "c85d69135a91", "5.3", ""),
    ("CGROUP_BPF_REFCOUNT", "4bfc0bb2c60e", "5.3", ""),
    ("ID_IS_INODE", "67c0496e87d1", "5.5", ""),
    ("ANCESTORS_HELD", "e10360f815ca", "5.5", "5.4.13"),
    ("REPLACE_FLAG", "7dd68b3279f1", "5.6", ""),
    ("STORAGE_POINTERS", "62039c30c19d", "5.6", "5.4.29 5.5.14"),
    ("BATCH_COMMANDS", "cb4d03ab499d", "5.6", ""),
    ("LINKS", "af6eea57437a", "5.7", ""),
    ("LINK_UPDATE", "0c991ebc8c69", "5.7", ""),
    ("CAP_BPF", "2c78ee898d8f", "5.8", ""),
    ("REPLACE_BY_ITSELF", "248e00ac47d6", "5.8", ""),
    ("LINK_UPDATE_ENOLINK", "f9d041271cf4", "5.8", ""),
    ("MORE_HELPERS", "0456ea170cd6", "5.8", ""),
    ("PEERNAME_HOOKS", "1b66d253610c", "5.8", ""),
    ("LOOKUP_AND_DELETE_READS", "1ea0f9120c8c", "5.8", "5.4.48 5.7.5"),
    ("SHARED_STORAGE", "7d9c3427894f", "5.9", ""),
    ("KEY_IS_CGROUP_ID", "7d9c3427894f", "5.9", ""),
    ("ATTACH_TYPE_IGNORED", "", None, ""),
    ("FLAGS_OF_THE_MAP", "be70bcd53de6", "5.2", ""),
    ("LINK_IDS", "2d602c8cf40d", "5.8", ""),
    ("LINK_CREATE_PROGRAM_FIRST", "4a1e7c0c63e0", "5.10", ""),
    ("LINK_CREATE_FIELDS", "5e7b30205cef", "5.9", ""),
    ("LINK_DETACH", "73b11c2ab072", "5.9", ""),
    ("SOCK_RELEASE_HOOK", "f5836749c9c0", "5.9", ""),
    ("BIND_MAP", "ef15314aa5de", "5.10", ""),
    ("LOOKUP_AND_DELETE_FLAGS", "3e87f192b405", "5.14", ""),
    ("BIGGER_VALUES", "33b57e0cc78e", "5.15", ""),
    ("TIMER", "b00628b1c7d5", "5.15", ""),
    ("UNPRIVILEGED_COMMANDS", "c8644cd0efe7", "5.19", ""),
    ("BIND_RETURNS", "772412176fb9", "5.12", ""),
    ("SYS_ADMIN_IS_NET_ADMIN", "ed1ad5a7415d", "6.9", ""),
    ("LOOKUP_FLAGS_LATE", "", "6.19", ""),
    ("KPTR", "61df10c7799e", "5.19", ""),
    ("DETACH_NEVER_FAILS", "4c46091ee985", "6.0", "5.10.138 5.15.61 5.18.18 5.19.2"),
    ("LSM_CGROUP", "69fd337a975c", "6.0", ""),
    ("LINK_CREATE_MORE_FIELDS", "0dcac2725406", "5.18", ""),
    ("SET_RETVAL", "b44123b4a3dc", "5.18", ""),
    ("SET_RETVAL_BY_ATTACH_TYPE", "dea6a4e17013", "6.1", ""),
    ("EFFECTIVE_QUERY_FLAGS", "0e426a3ae030", "6.1", "6.0.3"),
    ("CGRP_STORAGE", "c4bcfb38a95e", "6.2", ""),
    ("CREATE_CHECKS_ATTRIBUTES_FIRST", "1d28635abcf1", "6.5", "6.4.10"),
    ("FREEZE_NEEDS_WRITE", "c4c84f6fb2c4", "6.5", ""),
    ("LINK_TYPE_UNCHECKED", "", "6.6", ""),
    ("UNIX_HOOKS", "859051dd165e", "6.7", ""),
    ("LINK_TYPE_CHECKED", "543576ec15b1", "6.10", "6.1.191 6.6.33 6.8.12 6.9.3"),
    ("TAIL_CALLS_BETWEEN_HOOKS", "28ead3eaabc1", "6.12", "6.1.135 6.6.57 6.11.4"),
    ("PREORDER", "4b82b181a26c", "6.15", "6.6.93 6.12.31 6.14.9"),
    ("RES_SPIN_LOCK", "0de2046137f9", "6.15", ""),
    (
        *("TAIL_CALL_COOKIES", "abad3d0bad72", "6.17"),
        "5.15.192 6.1.151 6.6.105 6.12.46 6.16.1",
    ),
    ("ORDERING", "120933984460", "6.17", "6.12.110"),
    (
        *("TAIL_CALL_ATTACH_TYPE", "4540aed51b12", "6.18"),
        "5.10.270 5.15.221 6.1.156 6.6.112 6.12.53 6.17.3",
    ),
    ("CPU_FLAGS", "47c79f05aa0d", "7.0", ""),
    ("SLEEPABLE_TAIL_CALLS", "0f0c332992b8", "7.0", ""),
    (
        *("NEXT_KEY_END", "5828b9e5b272", "7.1"),
        "5.10.258 5.15.209 6.1.175 6.6.141 6.12.91 6.18.33 7.0.10",
    ),
    (
        *("TAIL_CALL_COOKIES_TIGHT", "10627ddc0167", "7.2"),
        "6.12.97 6.18.40 7.1.5",
    ),
    ("PREORDER_INDEX", "f08aaee3152d", "7.2", "6.6.145 6.12.97 6.18.40 7.1.5"),
    ("NO_SLEEPABLE_LSM", "5b038319be44", "7.2", "6.1.191 6.12.114 7.1.5"),
    ("QUERY_WRITES_NO_REVISION", "21c4b99b27f3", "7.2", "6.12.110 6.18.40 7.1.5"),
    ("LINK_UPDATE_COMPARES_MAPS", "3f562c537e9e", "7.3", "6.1.191 6.12.110 6.18.52 7.2.6"),
    ("NESTED_FIELDS", "64e8ee814819", "6.11", ""),
    ("CGROUP_KFUNCS", "67666479edf1", "6.12", ""),
    ("SOCK_OPS_KFUNCS", "59422464266f", "6.15", ""),
    ("FIELDS_COUNTED_IN_WHOLE_VALUE", "f08619f06046", "7.3", "6.12.110 6.18.52 7.2.6"),
    ("FAILED_REPLACE_RESTORES", "6655c409707e", "7.3", "6.1.191 6.6.157 6.12.110 6.18.52 7.2.6"),
    ("SPARSE_CPUS", "75b0a6db4300", "7.3", "7.2.7"),
]
"""Name, commit, first release and backports: what the research for these records found, in push
logs, stable changelogs, announcements, CVE records and sources; typed here a second time on
purpose."""

NOT_LOOKED_UP = {
    "ACCESS_FLAGS_LATE": "no commit found: read in the sources of 6.12.117 and 7.2.13",
    "BTF_RECORD": "a series; one of its commits stands for it",
    "MAPS_BEFORE_TARGET": "no commit found: read in the sources of 6.1.192 and 6.12.118",
    "MEMCG_ACCOUNTING": "a series",
    "SPIN_LOCK": "two commits; that of BPF_F_LOCK stands for them",
}


@pytest.mark.parametrize(("name", "commit", "first", "backports"), FACTS)
def test_facts(name: str, commit: str, first: str | None, backports: str) -> None:
    record: Change = getattr(changes, name)
    assert (record.commit, record.first) == (commit, first)
    assert record.backports == tuple(backports.split())


def test_every_record_is_among_the_facts() -> None:
    known = [name for name, *_ in FACTS]
    assert sorted([*known, *NOT_LOOKED_UP]) == sorted(NAMES.values())


def test_end_of_next_key() -> None:
    """The issue: "6.1.176" has the get_next_key fix, "5.10.223" has not."""
    assert Release("6.1.176").has(changes.NEXT_KEY_END)
    assert not Release("5.10.223").has(changes.NEXT_KEY_END)
