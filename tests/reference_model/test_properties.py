# SPDX-License-Identifier: GPL-2.0-only
"""Random walks through all operations: invariants hold, and a refusal changes nothing.

After each operation the kernel's invariants hold; after each BpfError and each UndefinedBehaviour
the whole kernel is as it was.  Two exceptions are Linux's own: see ``Walk.undocumented``.  A census
at the end shows that the walks met every operation and every reason for an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from support_programs import EGRESS, INGRESS, SKB
from support_state import State, differences, dump

from reference_model import (
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_SYSCTL,
    BPF_F_AFTER,
    BPF_F_BEFORE,
    BPF_F_ID,
    BPF_F_LINK,
    BPF_F_PREORDER,
    BPF_F_RDONLY_PROG,
    BPF_F_WRONLY_PROG,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SK_MSG,
    BPF_PROG_TYPE_XDP,
    ENUM,
    RES_SPIN_LOCK,
    S32,
    SPIN_LOCK,
    STORAGE_KEY,
    TIMER,
    U32,
    U64,
    UNINITIALISED,
    Add,
    BpfError,
    Bytes,
    Call,
    Cgroup,
    Copy,
    Denied,
    Flush,
    Kernel,
    LinkFd,
    MapFd,
    Mention,
    Mix,
    ProgFd,
    Release,
    Return,
    Socket,
    Struct,
    TailCall,
    UndefinedBehaviour,
    Verdict,
    changes,
    errors,
)
from reference_model.interface import CALLS
from reference_model.maps import StorageMap

RELEASES = (
    *("4.19", "4.19.108", "5.3", "5.4.59", "5.7", "5.8.18", "proposal", "5.9.1", "5.10.223"),
    *("5.15.192", "6.1.176", "6.12.107", "6.17", "7.2.13", "latest"),
)
LIFETIME_RELEASES = ("5.4.12", "5.7", "5.8.18", "proposal", "5.10.223", "latest")

SHARED, PERCPU = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
CGRP, ARRAY, OF_MAPS = (
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
)
SOCK, ADDR, LSM = (
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_LSM,
)
OVERRIDE, MULTI, REPLACE, PREORDER = 1, 2, 4, int(BPF_F_PREORDER)
BEFORE, AFTER, ID, LINK = (int(f) for f in (BPF_F_BEFORE, BPF_F_AFTER, BPF_F_ID, BPF_F_LINK))
LOCKED = Struct(lock=SPIN_LOCK, count=U32)
TIMED = Struct(timer=TIMER)
TWO_LOCKS = Struct(one=SPIN_LOCK, two=SPIN_LOCK)
BOTH_LOCKS = Struct(one=SPIN_LOCK, two=RES_SPIN_LOCK)

READS = {
    *("map_lookup_elem", "map_get_next_key", "prog_query", "link_info", "prog_test_run"),
    *(name for name in CALLS if name.endswith(("_batch", "_get_next_id"))),
    "obj_info",
    "map_lookup_and_delete_elem",
}
"""What changes nothing, also where it succeeds."""

PUBLISHED = re.compile(
    r"locked_pages: |map \d+\.(entries|newest): |cgroup \d+\.storages: |storage .*\.newer: "
    r"|storage [^.]*: None -> "
)
"""The lines of a difference that a storage published by a failed attach makes (the proposal)."""

Operation = Callable[["Walk"], None]


class Walk(RuleBasedStateMachine):
    """One kernel of ``release``, and a user who does what ``plan`` holds.

    Hypothesis draws numbers, and each number a few operations, evenly: so few steps lead far, and
    a failure still shrinks to the few that it takes; the notes name them.
    """

    release = "latest"
    cpus: tuple[int, ...] = (0, 1)
    plan: tuple[Operation, ...] = ()
    hindrances: tuple[Any, ...] = ()
    census: Counter[tuple[str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.kernel = Kernel(self.release, cpus=self.cpus)
        kinds = ("map", "prog", "link", "array", "cgrp", "socket", "copy")
        self.open: dict[str, list[Any]] = {kind: [] for kind in kinds}
        self.cgroups = [self.kernel.root]
        self.closed: list[Any] = []
        """Some closed descriptors and removed cgroups."""
        self.capabilities: set[str] | None = None
        self.known: State | None = None
        """The dump after the last operation, where it changed nothing."""

    @rule(number=st.integers(0, 2**64 - 1))
    def operations(self, number: int) -> None:
        """Eight operations."""
        random = Random(number)
        self.pick: Callable[[Sequence[Any]], Any] = random.choice
        self.chance: Callable[[int], bool] = lambda n: random.randrange(n) == 0
        for _ in range(8):
            self.hinder(self.pick(self.hindrances))
            self.pick(self.plan)(self)
            self.unhinder()
            self.kernel.check_invariants()
            self.sort_out()

    # -- one operation ------------------------------------------------------------------------

    def do(self, operation: str, *given: Any, **named: Any) -> Any:
        """Run an operation; its answer, or None if it was refused."""
        kernel, answer, refusal = self.kernel, None, None
        without_memory = "effective" in kernel.failing
        before = self.known or self.dump()
        self.known = None
        loose = self.dump(order=False) if without_memory else before
        call = getattr(kernel, operation)
        try:
            if self.capabilities is None:
                answer = call(*given, **named)
            else:
                with kernel.user(*self.capabilities):
                    answer = call(*given, **named)
        except (BpfError, Denied, UndefinedBehaviour) as error:
            refusal = error
        note(f"{operation}{given}{named or ''}: {refusal or answer}")
        if operation in READS or isinstance(refusal, BpfError | UndefinedBehaviour):
            changed = differences(before, self.dump())
            if without_memory and isinstance(refusal, errors.OutOfMemory):
                changed = self.undocumented(changed, loose)
            assert changed == [], f"{self.release}: {operation}: {refusal or answer}"
            self.known = None if without_memory else before
        self.census[operation, type(refusal).__name__ if refusal else "done"] += 1
        return answer

    def dump(self, *, order: bool = True) -> State:
        held = [*self.closed, *(found for kind in self.open.values() for found in kind)]
        return dump(self.kernel, held, order=order)

    def undocumented(self, changed: list[str], before: State) -> list[str]:
        """Of what an attach changed that failed at the last allocation, what is not Linux's own.

        Up to 5.8 a failed replacement moves the storage to the head of the map's list;
        in the proposal a failed attach may leave a new storage published.
        """
        if self.kernel.release.proposal:
            return [line for line in changed if not PUBLISHED.match(line)]
        return differences(before, self.dump(order=False))

    def make(self, kind: str, operation: str, *given: Any, **named: Any) -> None:
        """Run an operation that makes an object, and keep it."""
        found = self.do(operation, *given, **named)
        if found is not None:
            (self.cgroups if kind == "cgroup" else self.open[kind]).append(found)

    def hinder(self, hindrance: Any) -> None:
        """What stands against the next operation: less memory or fewer rights."""
        kernel = self.kernel
        if isinstance(hindrance, tuple):
            self.capabilities = set(hindrance) - {"sysctl"}
            kernel.unprivileged_bpf_disabled = 0 if "sysctl" in hindrance else 2
            self.census["user", "done"] += 1
        elif isinstance(hindrance, int):
            kernel.memlock = (kernel.locked_pages + hindrance) * 4096
        elif hindrance is not None:
            self.do("fail_next", hindrance)

    def unhinder(self) -> None:
        self.capabilities = self.kernel.memlock = None
        self.kernel.unprivileged_bpf_disabled = 2
        self.kernel.failing.clear()

    def sort_out(self) -> None:
        """Put what is closed or removed with its kind; forget all but the last few."""
        for kind, found in self.open.items():
            self.closed += [each for each in found if not each.open]
            self.open[kind] = [each for each in found if each.open]
        self.closed += [each for each in self.cgroups if not (each.online and each.open)]
        self.cgroups = [each for each in self.cgroups if each.online and each.open]
        del self.closed[:-8]

    # -- drawing ------------------------------------------------------------------------------

    def some(self, kind: str) -> Any:
        """An open descriptor of this kind; now and then a closed one or one of another kind."""
        if self.chance(40):
            closed = [found for found in self.closed if not isinstance(found, Socket)]
            return self.pick([*closed, *self.open["map"], *self.open["prog"], None])
        if not self.open[kind] and kind in MAKERS:
            MAKERS[kind](self)
        return self.pick(self.open[kind] or [None])

    def cgroup(self) -> Any:
        gone = [found for found in self.closed if isinstance(found, Cgroup)]
        return self.pick(gone) if gone and self.chance(20) else self.pick(self.cgroups)

    def attached(self, cgroup: Any, drawn: Any) -> Any:
        """The drawn program, or rather one that is attached to egress there."""
        entries = cgroup.hooks[EGRESS].attachments if EGRESS in cgroup.hooks else []
        programs = [entry.prog for entry in entries]
        found = [fd for fd in self.open["prog"] if fd.object in programs]
        return self.pick(found) if found else drawn

    def hook(self, prog: Any) -> Any:
        """An attach type: mostly one that the program is for."""
        if not isinstance(prog, ProgFd) or self.chance(12):
            return self.pick([EGRESS, INGRESS, BPF_CGROUP_SYSCTL, BPF_LSM_CGROUP, 99])
        if prog.object.type is SKB:
            return self.pick([EGRESS, EGRESS, INGRESS])
        return prog.object.expected_attach_type

    def ordering(self) -> bool:
        """Whether to ask for positions and revisions: mostly where they exist."""
        return self.chance(3) if self.kernel.has(changes.ORDERING) else self.chance(40)


# -- cgroups, sockets, events ------------------------------------------------------------------


def mkdir(walk: Walk) -> None:
    walk.make("cgroup", "mkdir", "", walk.cgroup())


def rmdir(walk: Walk) -> None:
    walk.do("rmdir", walk.cgroup())


def socket(walk: Walk) -> None:
    walk.make("socket", "socket", walk.cgroup())


def close_socket(walk: Walk) -> None:
    sockets = [found for found in walk.closed if isinstance(found, Socket)]
    found = walk.open["socket"] or sockets
    if found:
        walk.do("close_socket", walk.pick(found + sockets[:1]))


def fire(walk: Walk) -> None:
    where = walk.pick([walk.cgroup(), *walk.open["socket"]])
    hook = walk.pick([EGRESS, EGRESS, EGRESS, INGRESS, "socket_bind"])
    if isinstance(where, Socket) and isinstance(hook, str):
        hook = EGRESS  # the model does not know whose cgroup an LSM hook takes there
    walk.do("fire", where, hook, cpu=walk.pick(walk.cpus))


def run_hooks(walk: Walk) -> None:
    where = walk.pick([*walk.cgroups, *walk.closed[:1]])
    if isinstance(where, Cgroup | Socket):
        walk.do("run_hooks", where, INGRESS, BPF_CGROUP_INET4_CONNECT)


# -- maps --------------------------------------------------------------------------------------


def map_create(walk: Walk) -> None:
    kind = walk.pick([SHARED, SHARED, PERCPU])
    key = walk.pick([STORAGE_KEY, STORAGE_KEY, U64])
    value = walk.pick([U64, U64, U32, LOCKED])
    flags = walk.pick([0] * 8 + [8, 16, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG])
    btf = not walk.chance(4) and walk.kernel.has(changes.BTF_KEY_AND_VALUE)
    walk.make("map", "map_create", kind, key, value, map_flags=flags, btf=btf)


FLAWS: tuple[dict[str, Any], ...] = (
    *({"max_entries": 1}, {"map_name": "not fine"}, {"btf": True}),
    *({"map_flags": flags} for flags in (1, 0x18, 0x180, 1 << 20)),
    *({"map_flags": 0x80, "btf": True, "value": LOCKED}, {"map_flags": 4, "numa_node": 7}),
    *({"btf_key": U64}, {"btf_key": Struct(a=U64, b=ENUM), "btf_value": U64}),
    *({"btf_value": U32}, {"key": U32}, {"value": Bytes(0)}, {"value": Bytes(65536)}),
    *({"value": value, "btf": True} for value in (TIMED, TWO_LOCKS, BOTH_LOCKS)),
    *({"map_type": PERCPU, "value": LOCKED, "btf": True}, {"map_type": OF_MAPS, "key": U32}),
    {"map_type": OF_MAPS, "key": U32, "value": U32, "max_entries": 1},
    {"map_type": OF_MAPS, "key": U32, "max_entries": 1, "inner_map": None},
)


def map_create_badly(walk: Walk) -> None:
    given = {"map_type": SHARED, "key": STORAGE_KEY, "value": U64, "inner_map": walk.some("map")}
    given |= walk.pick(FLAWS)
    kind = "copy" if given["map_type"] is OF_MAPS else "map"
    walk.make(kind, "map_create", **given)


def prog_array_create(walk: Walk) -> None:
    walk.make("array", "map_create", ARRAY, U32, U32, max_entries=walk.pick([1, 2, 2]))


def cgrp_create(walk: Walk) -> None:
    flags, entries = walk.pick([(1, 0), (1, 0), (1, 0), (0, 0), (1, 1)])
    given = {"map_flags": flags, "max_entries": entries, "btf": not walk.chance(6)}
    walk.make("cgrp", "map_create", CGRP, S32, U64, **given)


def entry(walk: Walk) -> None:
    found, cgroup, hook = walk.some("map"), walk.cgroup(), walk.pick([EGRESS, EGRESS, INGRESS])
    if not isinstance(found, MapFd) or not isinstance(found.object, StorageMap):
        walk.do(walk.pick(["map_lookup_elem", "map_delete_elem"]), found, 0)
        return
    known = [*found.object.entries]
    if known and not walk.chance(4):  # rather a key that exists
        key = walk.pick(known)
        cgroup, hook = key if isinstance(key, tuple) else (key, hook)
    given = [found, (cgroup, hook) if found.object.wide_key else cgroup]
    flags = walk.pick([0] * 8 + [1, 2, 4, 4, 8, 16])
    if found.object.storage_kind and walk.chance(2):
        flags = walk.pick([8, 8 | 2 << 32, 8 | 9 << 32, 8 | 9 << 32, 16])
    what = walk.pick(["lookup", "lookup", "update", "update", "delete", "lookup_and_delete"])
    if what == "update":
        whole = found.object.storage_kind and not flags & (8 | 16)
        size = found.object.buffer_size if whole else found.object.value_size
        given.append(bytes([walk.pick([1, 2, 3])]).ljust(size, b"\0")[:size])
    if what != "delete":
        given.append(flags)
    walk.do(f"map_{what}_elem", *given)


def walk_keys(walk: Walk) -> None:
    found, key = walk.some("map"), None
    for _ in range(3):
        key = walk.do("map_get_next_key", found, key)
        if key is None or (isinstance(key, tuple) and UNINITIALISED in key):
            return


def map_batch(walk: Walk) -> None:
    names = [name for name in CALLS if name.endswith("_batch")]
    walk.do(walk.pick(names), walk.some("map"))


def map_freeze(walk: Walk) -> None:
    walk.do("map_freeze", walk.some("map"))


def cgrp_storage(walk: Walk) -> None:
    found, flags = walk.some("cgrp"), walk.pick([0, 1, 1, 1, 2, 9])
    if found not in walk.open["cgrp"]:
        return
    known = [cgroup for cgroup in walk.cgroups if found.object in cgroup.local_storages]
    cgroup = walk.pick([walk.cgroup(), walk.cgroup(), None, *known, *known])
    walk.pick(
        [
            lambda: walk.do("cgrp_storage_get", found, cgroup, 3, flags),
            lambda: walk.do("cgrp_storage_get", found, cgroup, 3, flags),
            lambda: walk.do("cgrp_storage_delete", found, cgroup),
            lambda: walk.do("map_update_elem", found, cgroup, 5, flags),
            lambda: walk.do("map_update_elem", found, cgroup, 5, flags),
            lambda: walk.do("map_lookup_elem", found, cgroup),
            lambda: walk.do("map_delete_elem", found, cgroup),
            lambda: walk.do("map_get_next_key", found, cgroup),
        ]
    )()


def prog_array_entry(walk: Walk) -> None:
    array, slot, prog = walk.some("array"), walk.pick([0, 0, 0, 1, 2]), walk.some("prog")
    if array not in walk.open["array"]:
        return
    walk.pick(
        [
            lambda: walk.do("map_update_elem", array, slot, prog, int(walk.chance(12))),
            lambda: walk.do("map_update_elem", array, slot, prog),
            lambda: walk.do("map_delete_elem", array, slot),
            lambda: walk.do("map_lookup_elem", array, slot),
            lambda: walk.do("map_get_next_key", array, slot),
        ]
    )()


# -- programs ----------------------------------------------------------------------------------


def prog_load(walk: Walk) -> None:
    found, number = walk.some("map"), walk.pick([0, 1, 2])
    if found is not None:
        declared = EGRESS if number else INGRESS
        given = {"expected_attach_type": declared, "helper_flags": int(walk.chance(30))}
        walk.make("prog", "prog_load", SKB, Mix(found, number), **given)


def prog_load_without_map(walk: Walk) -> None:
    body, expected = walk.pick([[], [], [], [Return(0)], [Return(2)]]), walk.pick([0, 1, 1])
    walk.make("prog", "prog_load", SKB, body, expected_attach_type=expected)


def prog_load_alone(walk: Walk) -> None:
    """A program that alone holds its maps."""
    kinds = walk.pick([[], [SHARED], [SHARED], [SHARED, PERCPU]])
    made = [walk.do("map_create", kind, STORAGE_KEY, U64) for kind in kinds]
    found = [one for one in made if one is not None]
    walk.make("prog", "prog_load", SKB, [Add(one) for one in found])
    for one in found:
        walk.do("close", one)


def prog_load_tail_caller(walk: Walk) -> None:
    array, found = walk.some("array"), walk.some("map")
    if array is not None and found is not None:
        body = [Mention(found)] if walk.chance(2) else []
        walk.make("prog", "prog_load", SKB, [*body, TailCall(array)])


def prog_load_declaring(walk: Walk) -> None:
    sockopt = BPF_PROG_TYPE_CGROUP_SOCKOPT
    kind, expected = walk.pick(
        [(SOCK, 0), (SOCK, 2), (ADDR, 10), (ADDR, 8), (ADDR, 0), (LSM, 43), (sockopt, 21), (SKB, 7)]
    )
    hook = walk.pick(["socket_bind", "socket_connect"]) if kind is LSM else ""
    body = walk.pick([(), (), [Add(found) for found in walk.open["map"][:1]]])
    walk.make("prog", "prog_load", kind, body, expected_attach_type=expected, lsm_hook=hook)


def prog_load_badly(walk: Walk) -> None:
    found, other = (
        walk.some("map"),
        walk.pick([walk.some(kind) for kind in ("map", "cgrp", "array")]),
    )
    if found is None or other is None:
        return
    kind = walk.pick([SKB, SKB, SKB, BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SK_MSG])
    body = walk.pick(
        [[Copy(found, other), Verdict(found, 1)], Call(found), Add(other), TailCall(found)]
        + [Return(9), Flush(found, found, 2), Mention(other), Add(found, field=None)]
    )
    name = walk.pick(["", "", "", "not fine"])
    walk.make("prog", "prog_load", kind, body, helper_flags=int(walk.chance(4)), prog_name=name)


def prog_bind_map(walk: Walk) -> None:
    walk.do("prog_bind_map", walk.some("prog"), walk.some("map"))


def prog_test_run(walk: Walk) -> None:
    walk.do("prog_test_run", walk.some("prog"), walk.pick([0, 1, 2]))


# -- attach, detach, query ---------------------------------------------------------------------


def prog_attach(walk: Walk) -> None:
    cgroup, prog = walk.cgroup(), walk.some("prog")
    flags = walk.pick([MULTI] * 8 + [MULTI | REPLACE] * 6 + [0, 0, OVERRIDE, 3, 4, 1 << 20])
    given: dict[str, Any] = {}
    if walk.kernel.has(changes.PREORDER) and walk.chance(4):
        flags |= PREORDER
    if walk.ordering():
        flags |= walk.pick([0, BEFORE, AFTER, BEFORE | AFTER, BEFORE | ID, AFTER | LINK, ID])
        ids = [0, 777, *(fd.id for fd in walk.open["prog"][-2:])]
        here = walk.attached(cgroup, prog)
        given["relative"] = walk.pick([None, *ids] if flags & ID else [None, here, here])
        given["expected_revision"] = walk.pick([0, 0, 0, 1, 2, 3])
    if flags & REPLACE:
        given["replace"] = walk.attached(cgroup, walk.some("prog"))
    walk.do("prog_attach", cgroup, prog, walk.hook(prog), flags, **given)


def prog_detach(walk: Walk) -> None:
    cgroup, prog = walk.cgroup(), walk.some("prog")
    revision = walk.pick([0, 1, 2]) if walk.ordering() else 0
    if walk.chance(4):
        walk.do("prog_detach", cgroup, prog, walk.hook(prog), expected_revision=revision)
    else:
        cgroup = walk.pick([found for found in walk.cgroups if EGRESS in found.hooks] or [cgroup])
        here = walk.attached(cgroup, prog)
        walk.do("prog_detach", cgroup, here, EGRESS, expected_revision=revision)


def prog_query(walk: Walk) -> None:
    hook = walk.hook(walk.some("prog"))
    if hook == BPF_LSM_CGROUP:
        hook = EGRESS  # the model does not know in which order the kernel lists LSM hooks
    flags, count = walk.pick([0, 0, 1, 1, 2]), walk.pick([None, None, 1, 64])
    walk.do("prog_query", walk.cgroup(), hook, flags, count=count)


# -- links -------------------------------------------------------------------------------------


def link_create(walk: Walk) -> None:
    cgroup, prog = walk.cgroup(), walk.some("prog")
    flags = 1 << 20 if walk.chance(20) else 0
    given: dict[str, Any] = {}
    if walk.ordering():
        flags |= walk.pick([0, PREORDER, LINK, BEFORE, BEFORE | LINK, AFTER | LINK | ID])
        links = [None, *walk.open["link"]]
        ids = [77, *(fd.id for fd in walk.open["link"])]
        given["relative"] = walk.pick(ids if flags & ID else links)
        given["expected_revision"] = walk.pick([0, 0, 0, 1, 2])
    walk.make("link", "link_create", cgroup, prog, walk.hook(prog), flags, **given)


def link_update(walk: Walk) -> None:
    link, prog, old = walk.some("link"), walk.some("prog"), walk.some("prog")
    flags = walk.pick([0] * 8 + [REPLACE, REPLACE, 1])
    given = {"old_prog": old} if flags or walk.chance(20) else {}
    walk.do("link_update", link, prog, flags=flags, **given)


def link_detach(walk: Walk) -> None:
    walk.do("link_detach", walk.some("link"))


def link_info(walk: Walk) -> None:
    found = walk.some("link")  # to a map or a program the kernel tells of these
    walk.do("obj_info" if isinstance(found, MapFd | ProgFd) else "link_info", found)


# -- ids ---------------------------------------------------------------------------------------


def fd_by_id(walk: Walk) -> None:
    kind = walk.pick(["map", "prog", "link"])
    living = [found.object.id for found in walk.open[kind]]
    walk.make("copy", f"{kind}_get_fd_by_id", walk.pick([*living, *living, 1, 1 << 20]))


def next_id(walk: Walk) -> None:
    kind = walk.pick(["map", "prog", "link"])
    walk.do(f"{kind}_get_next_id", walk.pick([0, 0, 1, 1 << 20, (1 << 31) - 1]))


# -- descriptors and pins ----------------------------------------------------------------------


def close(walk: Walk) -> None:
    kinds = [kind for kind in ("map", "prog", "link", "array", "cgrp", "copy") if walk.open[kind]]
    found = walk.some(walk.pick(kinds or ["map"]))
    walk.do("close", walk.pick(walk.cgroups[1:] or [found]) if walk.chance(20) else found)


def close_program(walk: Walk) -> None:
    """Or what holds one."""
    kinds = [kind for kind in ("prog", "prog", "link", "array") if walk.open[kind]]
    walk.do("close", walk.some(walk.pick(kinds or ["prog"])))


def copy(walk: Walk) -> None:
    """Another descriptor: by dup(), or of an object that is pinned first."""
    found = walk.some(walk.pick(["map", "prog", "link"]))
    path = walk.pick(["a", "b"])
    if not isinstance(found, MapFd | ProgFd | LinkFd):
        return
    if walk.chance(3):
        walk.make("copy", "dup", found)
    else:
        walk.do("obj_pin", path, found)
        walk.make("copy", "obj_get", path, walk.pick([0, 0, 8, 16, 24]))


def unlink(walk: Walk) -> None:
    walk.do("unlink", walk.pick(["a", "b"]))


MAKERS: dict[str, Operation] = {
    "map": map_create,
    "prog": prog_load_alone,
    "link": link_create,
    "array": prog_array_create,
    "cgrp": cgrp_create,
}
"""What makes a descriptor of a kind where there is none."""

LIFETIMES: tuple[Operation, ...] = (
    *(mkdir, rmdir, socket, close_socket, fire, prog_array_create, prog_load_alone),
    *(prog_attach, prog_attach, prog_detach, link_create, link_create, link_update, link_update),
    *(close_program, close_program, close_program, prog_array_entry),
)
"""Few operations, so each often: who holds what, and who lets go last."""

EVERYTHING: tuple[Operation, ...] = (
    *(mkdir, rmdir, socket, close_socket, fire, fire, run_hooks),
    *(map_create, map_create, map_create_badly, map_create_badly, prog_array_create, cgrp_create),
    *(entry, entry, entry, entry, walk_keys, map_batch, map_freeze, map_freeze),
    *(cgrp_storage, cgrp_storage, cgrp_storage),
    *(prog_array_entry, prog_load, prog_load, prog_load, prog_load_without_map),
    *(prog_load_tail_caller, prog_load_declaring, prog_load_declaring, prog_load_badly),
    *(prog_bind_map, prog_test_run, prog_attach, prog_attach, prog_attach, prog_attach),
    *(prog_detach, prog_detach, prog_query, link_create, link_create, link_update, link_update),
    *(link_detach, link_info, close, close, close, close_program, close_program),
    *(copy, copy, unlink, prog_load_alone, fd_by_id, next_id),
)

NO_MEMORY = (*[None] * 20, "storage", "node", "effective", "effective", 1)
ANYTHING = (
    *(*[None] * 30, "storage", "node", "effective", "effective", 0, 1),
    *((), ("sysctl",), ("CAP_BPF",), ("CAP_NET_ADMIN",), ("CAP_SYS_ADMIN",)),
)


@cache
def explore(release: str, plan: tuple[Operation, ...], again: int = 0) -> Counter[tuple[str, str]]:
    """Walk on this release; how often each operation ended in which way."""
    census: Counter[tuple[str, str]] = Counter()
    attributes = {
        "release": release,
        "cpus": (0, 2) if Release(release).has(changes.CPU_FLAGS) else (0, 1),
        "plan": plan,
        "hindrances": ANYTHING if plan is EVERYTHING else NO_MEMORY,
        "census": census,
    }
    walk = type("Walk", (Walk,), attributes)
    if settings().derandomize:  # else every release would be walked by the same numbers
        walk = seed(f"{release} {len(plan)} {again}")(walk)
    run_state_machine_as_test(walk, settings=settings(max_examples=8, stateful_step_count=40))
    return census


@pytest.mark.parametrize("release", RELEASES)
def test_whatever_the_user_does(release: str) -> None:
    assert explore(release, EVERYTHING)


@pytest.mark.parametrize("release", LIFETIME_RELEASES)
def test_whoever_lets_go_last(release: str) -> None:
    assert explore(release, LIFETIMES)


# -- the census --------------------------------------------------------------------------------

OPERATIONS = set(CALLS) - {"check_invariants"}
"""What a user can do to a kernel."""

NEVER_DONE = {
    *(name for name in READS if name.endswith("_batch")),
    "map_lookup_and_delete_elem",
}
"""Operations that these maps always refuse."""

NOT_WALKED = {
    errors.TooManyPrograms: "64 programs on one hook: test_attachments, test_links",
    errors.TooManyHooks: "eleven LSM hooks: test_refusals",
    errors.MisalignedAccess: "no type of the model: test_arguments",
    errors.ProgFlags: "unknown flags of a program: test_boundaries",
    errors.SleepableProgram: "one flag of a program: test_refusals",
    errors.SpecialFieldArray: "one type of a value: test_special_fields",
    errors.KfuncNotAllowed: "programs with CGRP_STORAGE: test_cgrp_storage",
    errors.CgroupNotTrusted: "programs with CGRP_STORAGE: test_cgrp_storage",
    errors.CgroupNotUnderRcu: "programs with CGRP_STORAGE: test_cgrp_storage",
}
"""Reasons that walks of this length do not meet, and the tests that do."""


def reasons() -> set[str]:
    """The names of all errors."""
    found = [cls for cls in vars(errors).values() if isinstance(cls, type)]
    return {cls.__name__ for cls in found if issubclass(cls, BpfError)} - {"BpfError"}


MAY_BE_UNDEFINED = {
    *("close", "fire", "link_create", "link_update", "prog_attach", "run_hooks"),
}


def lacking(census: Counter[tuple[str, str]]) -> set[str]:
    """What the walks should have met and have not."""
    done = {operation for operation, outcome in census if outcome == "done"}
    undefined = {operation for operation, outcome in census if outcome == "UndefinedBehaviour"}
    met = {outcome for _, outcome in census}
    unmet = reasons() - met - {cls.__name__ for cls in NOT_WALKED}
    return (OPERATIONS - NEVER_DONE - done) | unmet | (MAY_BE_UNDEFINED - undefined)


@pytest.fixture(scope="module")
def census() -> Counter[tuple[str, str]]:
    """All walks together, and a few more where something rare was not met yet.

    Which way a seed walks depends on what else is imported: Hypothesis takes constants from it.
    """
    if not settings().derandomize:
        pytest.skip("the census is of the fixed walks, not of free exploration")
    walks = [explore(release, EVERYTHING) for release in RELEASES]
    walks += [explore(release, LIFETIMES) for release in LIFETIME_RELEASES]
    census = sum(walks, Counter())
    for again, release in product(range(1, 6), RELEASES):
        if not lacking(census):
            break
        census += explore(release, EVERYTHING, again)
    return census


def test_every_operation_is_walked(census: Counter[tuple[str, str]]) -> None:
    assert {operation for operation, _ in census} == OPERATIONS
    done = {operation for operation, outcome in census if outcome == "done"}
    assert done == OPERATIONS - NEVER_DONE


def test_everything_is_met(census: Counter[tuple[str, str]]) -> None:
    """All operations, all reasons for an error, and all that may be undefined."""
    assert lacking(census) == set()
    met = {outcome for _, outcome in census} - {"done", "Denied", "UndefinedBehaviour"}
    assert reasons() - met == {cls.__name__ for cls in NOT_WALKED}


@pytest.mark.parametrize(
    ("operation", "outcome", "least"),
    [
        ("prog_attach", "done", 500),
        ("prog_attach", "OutOfMemory", 50),
        ("prog_detach", "done", 100),
        ("link_create", "done", 500),
        ("link_update", "done", 250),
        ("fire", "done", 1000),
        ("fire", "Denied", 20),
        ("rmdir", "done", 250),
        ("close_socket", "done", 400),
        ("map_update_elem", "done", 50),
        ("map_lookup_elem", "done", 40),
    ],
)
def test_the_walks_get_somewhere(
    census: Counter[tuple[str, str]], operation: str, outcome: str, least: int
) -> None:
    assert census[operation, outcome] >= least
