# SPDX-License-Identifier: GPL-2.0-only
"""Events, sockets, tail calls and test runs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from support import at_least, outcome
from support_programs import (
    EGRESS,
    INGRESS,
    SKB,
    before,
    counter,
    deny,
    mixer,
    percpu_map,
    prog_array,
    since,
    skb,
    storage_map,
)
from support_state import refused, undefined

from reference_model import (
    BPF_CGROUP_GETSOCKOPT,
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_CGROUP_SOCK_OPS,
    BPF_CGROUP_UDP4_SENDMSG,
    BPF_F_ALLOW_MULTI,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_DEVICE,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_CGROUP_SYSCTL,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SOCK_OPS,
    MAINLINE,
    STORAGE_KEY,
    U32,
    U64,
    UNINITIALISED,
    Add,
    Denied,
    Kernel,
    ProgType,
    Release,
    Return,
    Struct,
    TailCall,
    Verdict,
    errors,
)
from reference_model.events import EVENTS, passed
from reference_model.traces.names import HOOKS

MULTI = int(BPF_F_ALLOW_MULTI)
TRACES = Path(__file__).parents[2] / "records" / "traces" / "linux.jsonl.gz"
SOCK_CREATE, SENDMSG = BPF_CGROUP_INET_SOCK_CREATE, BPF_CGROUP_UDP4_SENDMSG
ADDR = BPF_PROG_TYPE_CGROUP_SOCK_ADDR


# -- 4.1: which storage, which programs --------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_the_storage_is_that_of_the_attachment_not_of_the_trigger(release: str) -> None:
    kernel = Kernel(release)
    above = kernel.mkdir()
    below = kernel.mkdir(parent=above)
    counts = storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(above, prog, EGRESS, MULTI)
    kernel.fire(below, EGRESS)
    assert kernel.map_lookup_elem(counts, (above, EGRESS)) == 1
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, (below, EGRESS))
    kernel.prog_attach(below, prog, EGRESS, MULTI)
    kernel.fire(below, EGRESS)
    assert kernel.map_lookup_elem(counts, (above, EGRESS)) == 2
    assert kernel.map_lookup_elem(counts, (below, EGRESS)) == 1


@pytest.mark.parametrize("release", since("5.9"))
def test_the_programs_of_a_hook_run_in_the_order_of_the_list(release: str) -> None:
    """v = v * 3 + n shows who ran when."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    for number in (1, 2, 0, 2):
        kernel.prog_attach(cgroup, mixer(kernel, counts, number), EGRESS, MULTI)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == int("1202", 3)


@pytest.mark.parametrize("release", MAINLINE)
def test_all_programs_run_and_one_that_denies_is_enough(release: str) -> None:
    """The combined verdict is 'denied if any denies'."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    kernel.prog_attach(cgroup, deny(kernel), EGRESS, MULTI)
    kernel.prog_attach(cgroup, counter(kernel, counts), EGRESS, MULTI)
    with pytest.raises(Denied, match="EPERM: denied by a program at BPF_CGROUP_INET_EGRESS"):
        kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 1
    kernel.fire(cgroup, INGRESS)


@pytest.mark.parametrize(("answer", "allowed"), [(0, False), (1, True), (2, False), (3, True)])
def test_the_lowest_bit_is_the_verdict(answer: int, allowed: bool) -> None:
    """9, 5cf1e9145630: 2 and 3 are 0 and 1 with congestion."""
    kernel = Kernel("5.3")
    cgroup = kernel.mkdir()
    kernel.prog_attach(cgroup, skb(kernel, Return(answer), expected=EGRESS), EGRESS)
    if allowed:
        kernel.fire(cgroup, EGRESS)
    else:
        with pytest.raises(Denied):
            kernel.fire(cgroup, EGRESS)


@pytest.mark.parametrize("release", ["5.8", "latest"])
def test_a_verdict_from_the_value(release: str) -> None:
    """A quota: after two packets the program says no; steps after a verdict do not run."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    quota = skb(kernel, Add(counts), Verdict(counts, 3), Add(counts, 100))
    kernel.prog_attach(cgroup, quota, EGRESS)
    kernel.fire(cgroup, EGRESS)
    kernel.fire(cgroup, EGRESS)
    with pytest.raises(Denied):
        kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 3


@pytest.mark.parametrize("release", since("4.20"))
def test_per_cpu_values(release: str) -> None:
    """Each CPU its own; a shared value is everybody's."""
    kernel = Kernel(release, cpus=(0, 2, 5))
    cgroup, shared, percpu = kernel.mkdir(), storage_map(kernel), percpu_map(kernel)
    kernel.prog_attach(cgroup, skb(kernel, Add(shared), Add(percpu)), EGRESS)
    for cpu in (0, 2, 2, 5, 5, 5):
        kernel.fire(cgroup, EGRESS, cpu=cpu)
    assert kernel.map_lookup_elem(percpu, (cgroup, EGRESS)) == [1, 2, 3]
    assert kernel.map_lookup_elem(shared, (cgroup, EGRESS)) == 6


# -- events ------------------------------------------------------------------------------------


def test_what_an_event_passes_was_recorded() -> None:
    """The hooks that a process passes are those of the recorded processes."""
    recorded = set()
    with gzip.open(TRACES, "rt") as lines:
        for line in lines:
            for op in json.loads(line)["ops"]:
                if op["op"] == "fire":
                    recorded.add(tuple(HOOKS[name] for name in op["hooks"]))
    known = HOOKS.values()
    named = {tuple(h for h in passed(hook) if h in known) for hook in EVENTS if hook in known}
    assert named == recorded


@pytest.mark.parametrize("release", ["4.19", "5.8.18", "latest"])
def test_an_event_passes_the_hooks_on_the_way(release: str) -> None:
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    maps = [storage_map(kernel) for _ in range(3)]
    progs = [
        kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK, Add(maps[0])),
        kernel.prog_load(ADDR, Add(maps[1]), expected_attach_type=SENDMSG),
        counter(kernel, maps[2]),
    ]
    hooks = [SOCK_CREATE, SENDMSG, EGRESS]
    for prog, hook in zip(progs, hooks, strict=True):
        kernel.prog_attach(cgroup, prog, hook)

    def counted() -> list[int]:
        pairs = zip(maps, hooks, strict=True)
        return [kernel.map_lookup_elem(found, (cgroup, hook)) for found, hook in pairs]

    kernel.fire(cgroup, EGRESS)
    assert counted() == [1, 1, 1]
    kernel.run_hooks(cgroup, EGRESS)  # just this one
    assert counted() == [1, 1, 2]
    socket = kernel.socket(cgroup)
    assert counted() == [2, 1, 2]
    kernel.fire(socket, EGRESS)  # it is open already
    assert counted() == [2, 2, 3]


def test_a_hook_without_an_event_is_passed_alone() -> None:
    kernel = Kernel("5.2")
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = kernel.prog_load(BPF_PROG_TYPE_SOCK_OPS, Add(counts))
    kernel.prog_attach(cgroup, prog, BPF_CGROUP_SOCK_OPS)
    kernel.fire(cgroup, BPF_CGROUP_SOCK_OPS)
    assert kernel.map_lookup_elem(counts, (cgroup, BPF_CGROUP_SOCK_OPS)) == 1


@pytest.mark.parametrize("release", since("5.9"))
def test_closing_a_socket_runs_the_programs_of_sock_release(release: str) -> None:
    """``af_inet.c:inet_release``: one storage counts 2 sockets that were created, 1 closed."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, U64, Struct(created=U64, closed=U64))
    for hook, member in ((SOCK_CREATE, "created"), (BPF_CGROUP_INET_SOCK_RELEASE, "closed")):
        prog = kernel.prog_load(
            BPF_PROG_TYPE_CGROUP_SOCK, Add(counts, 1, member), expected_attach_type=hook
        )
        kernel.prog_attach(cgroup, prog, hook)
    first = kernel.socket(cgroup)
    kernel.socket(cgroup)
    kernel.close_socket(first)
    assert kernel.map_lookup_elem(counts, cgroup) == {"created": 2, "closed": 1}
    kernel.fire(cgroup, BPF_CGROUP_INET4_BIND)
    assert kernel.map_lookup_elem(counts, cgroup) == {"created": 3, "closed": 2}


def test_a_socket_that_was_not_created_is_not_closed() -> None:
    """``af_inet.c:inet_create``: where INET_SOCK_CREATE denies, INET_SOCK_RELEASE does not run."""
    kernel = Kernel("latest")
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    sock = BPF_PROG_TYPE_CGROUP_SOCK
    deny = kernel.prog_load(sock, Return(0))
    release = kernel.prog_load(sock, Add(counts), expected_attach_type=BPF_CGROUP_INET_SOCK_RELEASE)
    kernel.prog_attach(cgroup, release, BPF_CGROUP_INET_SOCK_RELEASE)
    kernel.prog_attach(cgroup, deny, SOCK_CREATE)
    with pytest.raises(Denied):
        kernel.fire(cgroup, EGRESS)
    with pytest.raises(Denied):
        kernel.socket(cgroup)
    assert kernel.map_lookup_elem(counts, (cgroup, BPF_CGROUP_INET_SOCK_RELEASE)) == 0


@pytest.mark.parametrize("release", ["4.19", "latest"])
def test_where_nothing_can_happen(release: str) -> None:
    kernel = Kernel(release)
    cgroup, gone, closed = kernel.mkdir(), kernel.mkdir(), kernel.mkdir()
    socket = kernel.socket(cgroup)
    kernel.close_socket(socket)
    kernel.rmdir(gone)
    kernel.close(closed)
    with refused(kernel, "EBADF", errors.BadDescriptor, socket):
        kernel.fire(socket, EGRESS)
    with refused(kernel, "EBADF", errors.BadDescriptor, socket):
        kernel.close_socket(socket)
    for act in (kernel.socket, lambda at: kernel.fire(at, EGRESS)):
        with refused(kernel, "ENOENT", errors.CgroupGone):
            act(gone)
        with refused(kernel, "EBADF", errors.BadDescriptor):
            act(closed)
    with pytest.raises(ValueError, match=r"no CPU 2: this machine has \(0, 1\)"):
        kernel.fire(cgroup, EGRESS, cpu=2)


def test_a_socket_that_is_denied_is_not_made() -> None:
    kernel = Kernel()
    cgroup = kernel.mkdir()
    kernel.prog_attach(cgroup, kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK, Return(0)), SOCK_CREATE)
    with pytest.raises(Denied):
        kernel.socket(cgroup)
    assert cgroup.sockets == 0


@pytest.mark.parametrize("release", MAINLINE)
def test_a_socket_belongs_to_the_cgroup_where_it_was_made(release: str) -> None:
    """As the recorded socket-cgroup-is-fixed."""
    kernel = Kernel(release)
    cgroup, other = kernel.mkdir(), kernel.mkdir()
    counts, counts_too = storage_map(kernel), storage_map(kernel)
    socket = kernel.socket(cgroup)
    kernel.prog_attach(cgroup, counter(kernel, counts), EGRESS)
    kernel.prog_attach(other, counter(kernel, counts_too), EGRESS)
    kernel.fire(socket, EGRESS, cpu=1)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 1
    assert kernel.map_lookup_elem(counts_too, (other, EGRESS)) == 0
    assert repr(socket) == "Socket(Cgroup('cgroup2'))"


# -- 2.6: tail calls ---------------------------------------------------------------------------

UNCHECKED = [*before("6.17"), "proposal", "5.15.191", "6.1.150", "6.6.104", "6.12.45", "6.16.0"]


@pytest.mark.parametrize("release", ["4.20", "5.8", "5.9", "5.15.192", "6.1.176", "latest"])
def test_a_called_program_works_on_the_storage_of_the_first(release: str) -> None:
    """Recorded as tail-same-map."""
    kernel = Kernel(release)
    cgroup, counts, array = kernel.mkdir(), storage_map(kernel), prog_array(kernel)
    caller = skb(kernel, Add(counts), TailCall(array), Add(counts, 100))
    # up to 5.8 a map has one program: it calls itself
    callee = counter(kernel, counts, 10) if Release(release) >= Release("5.9") else caller
    kernel.map_update_elem(array, 0, callee)
    kernel.prog_attach(cgroup, caller, EGRESS)
    kernel.fire(cgroup, EGRESS)
    expected = 11 if callee is not caller else 34 + 100
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == expected


@pytest.mark.parametrize("release", ["5.9", "latest"])
def test_a_tail_call_into_an_empty_slot_does_not_happen(release: str) -> None:
    kernel = Kernel(release)
    cgroup, counts, array = kernel.mkdir(), storage_map(kernel), prog_array(kernel)
    caller = skb(kernel, TailCall(array), TailCall(array, 5), Add(counts))
    kernel.prog_attach(cgroup, caller, EGRESS)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 1


@pytest.mark.parametrize(("slot", "answer"), [(0, 0), (-1, 1), (-5, 1), (1 << 32, 0), (7, 1)])
def test_the_slot_of_a_tail_call_has_32_bits(slot: int, answer: int) -> None:
    """core.c:___bpf_prog_run, JMP_TAIL_CALL: ``u32 index = BPF_R3``."""
    kernel = Kernel("7.2")
    array = prog_array(kernel, 2)
    kernel.map_update_elem(array, 0, kernel.prog_load(SKB, Return(0)))
    caller = kernel.prog_load(SKB, TailCall(array, slot))
    assert kernel.prog_test_run(caller) == answer


def test_33_tail_calls_in_a_row() -> None:
    """``MAX_TAIL_CALL_CNT``: a further one does not happen and the program goes on."""
    kernel = Kernel("5.10")
    cgroup, counts, array = kernel.mkdir(), storage_map(kernel), prog_array(kernel)
    prog = skb(kernel, Add(counts), TailCall(array), Add(counts, 1000))
    kernel.map_update_elem(array, 0, prog)
    kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 1 + 33 + 1000


def test_the_called_program_answers() -> None:
    kernel = Kernel()
    cgroup, array = kernel.mkdir(), prog_array(kernel)
    kernel.map_update_elem(array, 0, deny(kernel))
    kernel.prog_attach(cgroup, skb(kernel, TailCall(array), Return(1)), EGRESS)
    with pytest.raises(Denied):
        kernel.fire(cgroup, EGRESS)


@pytest.mark.parametrize("release", UNCHECKED)
def test_a_called_program_with_another_map_sees_the_callers_data(release: str) -> None:
    """CVE-2025-38502, as recorded in tail-callee-with-another-map."""
    kernel = Kernel(release)
    cgroup, array = kernel.mkdir(), prog_array(kernel)
    counts, other = storage_map(kernel), storage_map(kernel)
    kernel.map_update_elem(array, 0, counter(kernel, other, 10))
    kernel.prog_attach(cgroup, skb(kernel, Add(counts), TailCall(array)), EGRESS)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 11
    assert kernel.map_get_next_key(counts) == (
        (cgroup.id, UNINITIALISED) if release == "proposal" else (cgroup.id, EGRESS)
    )


@pytest.mark.parametrize("release", UNCHECKED)
def test_a_called_program_with_a_bigger_value_reads_out_of_bounds(release: str) -> None:
    """What the entry program wrote before is as if it had not run."""
    kernel = Kernel(release)
    cgroup, array = kernel.mkdir(), prog_array(kernel)
    counts, bigger = storage_map(kernel, value=U32), storage_map(kernel, value=U64)
    kernel.map_update_elem(array, 0, counter(kernel, bigger))
    kernel.prog_attach(cgroup, skb(kernel, Add(counts), TailCall(array)), EGRESS)
    with undefined(kernel, "smaller than the value"):
        kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 0


@pytest.mark.parametrize("release", UNCHECKED)
def test_an_entry_program_without_storage(release: str) -> None:
    """NULL, on 4.19 a stale pointer; recorded as tail-entry-without-storage-runs."""
    kernel = Kernel(release)
    cgroup, array, counts = kernel.mkdir(), prog_array(kernel), storage_map(kernel)
    kernel.map_update_elem(array, 0, counter(kernel, counts))
    entry = skb(kernel, TailCall(array))
    kernel.prog_attach(cgroup, entry, EGRESS)
    with undefined(kernel, "no storage for the program's map"):
        kernel.fire(cgroup, EGRESS)
    with undefined(kernel, "no storage for the program's map"):
        kernel.prog_test_run(entry)


# -- 4.5: test runs ----------------------------------------------------------------------------


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_a_test_run_has_storages_of_its_own(release: str) -> None:
    """Zeroed for each call, shared by all repeats, not in the map."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = skb(kernel, Add(counts), Verdict(counts, 3))
    assert [kernel.prog_test_run(prog, repeat) for repeat in (1, 2, 3, 2)] == [1, 1, 0, 1]
    assert kernel.prog_test_run(prog, 0) == 1  # 0 means once
    with refused(kernel, "ENOENT", errors.NoMoreKeys):
        kernel.map_get_next_key(counts)
    kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.fire(cgroup, EGRESS)
    kernel.fire(cgroup, EGRESS)
    assert kernel.prog_test_run(prog, 2) == 1  # the entry's 2 are not read
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 2


@pytest.mark.parametrize(
    ("prog_type", "expected", "first"),
    [
        (BPF_PROG_TYPE_CGROUP_SOCK, 0, "4.19"),
        (ADDR, BPF_CGROUP_INET4_CONNECT, "4.19"),
        (BPF_PROG_TYPE_SOCK_OPS, 0, "4.19"),
        (BPF_PROG_TYPE_CGROUP_DEVICE, 0, "4.19"),
        (BPF_PROG_TYPE_CGROUP_SYSCTL, 0, "5.2"),
        (BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, "5.3"),
    ],
)
def test_other_program_types_have_no_test_run(
    prog_type: ProgType, expected: int, first: str
) -> None:
    """ENOTSUPP, 524."""
    for release in since(first):
        kernel = Kernel(release)
        prog = kernel.prog_load(prog_type, expected_attach_type=expected)
        with refused(kernel, "ENOTSUPP", errors.TestRunNotSupported):
            kernel.prog_test_run(prog)


@pytest.mark.parametrize("release", MAINLINE)
def test_a_test_run_needs_a_capability_before_5_8(release: str) -> None:
    """``syscall.c:bpf_prog_test_run`` of 4.19.108, 5.4.59 and 5.7.14, but not of 5.8.18."""
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    prog = kernel.prog_load(SKB)
    with kernel.user():
        answer = outcome(kernel.prog_test_run, prog)
    assert answer == ("ok" if at_least(release, "5.8") else "EPERM")


@pytest.mark.parametrize("release", ["4.19", "latest"])
def test_a_test_run_of_no_program(release: str) -> None:
    kernel = Kernel(release)
    counts, closed = storage_map(kernel), skb(kernel)
    kernel.close(closed)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_test_run(closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.prog_test_run(counts)  # type: ignore[arg-type]


@pytest.mark.parametrize("release", [*before("5.11"), "proposal"])
def test_a_test_run_is_charged_too(release: str) -> None:
    """ENOMEM; on 4.19 the error is the return value of a call that succeeds."""
    kernel = Kernel(release, memlock=2 * 4096)
    counts = storage_map(kernel)
    prog = counter(kernel, counts)
    assert kernel.prog_test_run(prog) == 1
    other = storage_map(kernel)
    if release == "4.19":
        assert kernel.prog_test_run(prog) == (1 << 32) - 1  # not the program's 0 or 1
    else:
        with refused(kernel, "ENOMEM", errors.OutOfMemory):
            kernel.prog_test_run(prog)
    kernel.close(other)
    assert kernel.prog_test_run(prog) == 1


def test_a_test_run_whose_storage_cannot_be_allocated_returns_the_error() -> None:
    kernel = Kernel("4.19")
    prog = skb(kernel, Add(storage_map(kernel)))
    kernel.fail_next("storage")
    assert kernel.prog_test_run(prog) == (1 << 32) - 12


@pytest.mark.parametrize("release", since("4.20"))
def test_a_test_run_whose_storage_cannot_be_allocated(release: str) -> None:
    kernel = Kernel(release)
    prog = skb(kernel, Add(storage_map(kernel)), Add(percpu_map(kernel)))
    kernel.fail_next("storage")
    with refused(kernel, "ENOMEM", errors.OutOfMemory):
        kernel.prog_test_run(prog)


def test_a_test_run_of_programs_that_nothing_holds_leaves_nothing() -> None:
    kernel = Kernel("5.8", memlock=1 << 20)
    locked = kernel.locked_pages
    prog = kernel.prog_load(SKB, Add(storage_map(kernel)))
    kernel.prog_test_run(prog, 5)
    assert kernel.locked_pages == locked + 1


@pytest.mark.parametrize("release", since("6.0"))
def test_an_lsm_program_goes_by_the_cgroup_of_the_process(release: str) -> None:
    """``bpf_lsm.c:bpf_lsm_find_cgroup_shim``: the owner of an open socket is in the root cgroup."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
    prog = kernel.prog_load(
        BPF_PROG_TYPE_LSM,
        Add(counts),
        expected_attach_type=BPF_LSM_CGROUP,
        lsm_hook="socket_sendmsg",
    )
    for at in (cgroup, kernel.root):
        kernel.prog_attach(at, prog, BPF_LSM_CGROUP, MULTI)

    def counted() -> list[int]:
        keys = ((cgroup, BPF_LSM_CGROUP), (kernel.root, BPF_LSM_CGROUP))
        return [kernel.map_lookup_elem(counts, key) for key in keys]

    socket = kernel.socket(cgroup)
    kernel.fire(cgroup, EGRESS)
    assert counted() == [1, 1]
    kernel.fire(socket, EGRESS)
    assert counted() == [1, 2]
    kernel.fire(socket, "socket_sendmsg")
    assert counted() == [1, 3]
