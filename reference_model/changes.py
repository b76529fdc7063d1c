# SPDX-License-Identifier: GPL-2.0-only
"""Every difference between releases that the model knows, one record each, in order of release.

The model's code asks for these by name and never compares release numbers; the history page is made
from the same records.  A record that no code asks for fails a test.
"""

from __future__ import annotations

from .releases import Change

STORAGES_BY_TYPE = Change(
    "bpf: extend cgroup bpf core to allow multiple cgroup storage types",
    "8bad74f9840f",
    "4.20",
    "A test run without memory for its storages returns -ENOMEM as the program's value; before, "
    "-EPERM where RLIMIT_MEMLOCK is too small.",
    "net/bpf/test_run.c:bpf_test_run with storages by type; local_storage.c of 4.19",
)
PERCPU_STORAGE = Change(
    "bpf: introduce per-cpu cgroup local storage",
    "b741f1630346",
    "4.20",
    "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE exists; a program may use one map of each kind.",
    "local_storage.c; kernel 4.19.108 refuses the type",
)
NO_HELPER_FOR_SOCKMAP = Change(
    "bpf: sockmap, fix accidental bpf_get_local_storage for sk_skb and sk_msg",
    "d8fd9e106fbc",
    "4.20",
    "SK_MSG and SK_SKB programs may no longer call bpf_get_local_storage.",
    "net/core/filter.c of 4.19 and 5.4",
)
LOOKUP_AND_DELETE = Change(
    "bpf: add MAP_LOOKUP_AND_DELETE_ELEM syscall",
    "bd513cd08f10",
    "4.20",
    "The command exists and answers ENOTSUPP (524) for these maps; before, EINVAL.",
    "syscall.c; kernels 4.19.108 and 5.4.59",
)
TEST_RUN_ERRNO = Change(
    "bpf: refactor bpf_test_run() to separate own failures and test program result",
    "dcb40590e69e",
    "5.0",
    "A test run that cannot allocate its storages fails with ENOMEM; before, it succeeded and gave "
    "the error as the program's return value.",
    "net/bpf/test_run.c of 4.19 and 5.4",
)
BTF_KEY_AND_VALUE = Change(
    "bpf: add bpffs pretty print for cgroup local storage maps",
    "9a1126b63190",
    "5.0",
    "BTF for key and value is accepted; before, ENOTSUPP (524).",
    "local_storage.c:cgroup_storage_check_btf; kernels 4.19.108 and 5.4.59",
)
SPIN_LOCK = Change(
    "bpf: introduce BPF_F_LOCK flag",
    "96049f3afd50",
    "5.1",
    "A shared value may hold a bpf_spin_lock; updates and lookups take BPF_F_LOCK.",
    "syscall.c:map_check_btf, map_lookup_elem; kernels 4.19.108 and 5.4.59",
)
PROG_ACCESS_FLAGS = Change(
    "bpf: add program side {rd, wr}only support for maps",
    "591fe9888d78",
    "5.2",
    "map_flags takes BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG.",
    "local_storage.c:cgroup_storage_map_alloc; kernels 4.19.108 and 5.4.59",
)
MAP_FREEZE = Change(
    "bpf: add syscall side map freeze support",
    "87df15de441b",
    "5.2",
    "BPF_MAP_FREEZE makes a map read-only for user space; programs still write.",
    "syscall.c:map_freeze; kernels 4.19.108 and 5.4.59",
)
SYSCTL_PROGRAMS = Change(
    "bpf: Sysctl hook",
    "7b146cebe30c",
    "5.2",
    "CGROUP_SYSCTL programs exist.",
    "include/uapi/linux/bpf.h",
)
RECVMSG_HOOKS = Change(
    "bpf: fix unconnected udp hooks",
    "983695fa6765",
    "5.2",
    "The attach types UDP4_RECVMSG and UDP6_RECVMSG exist.",
    "include/uapi/linux/bpf.h",
)
SOCKOPT_PROGRAMS = Change(
    "bpf: implement getsockopt and setsockopt hooks",
    "0d01da6afc54",
    "5.3",
    "CGROUP_SOCKOPT programs exist.",
    "include/uapi/linux/bpf.h; kernels 4.19.108 and 5.4.59",
)
SKB_EXPECTED_ATTACH_TYPE = Change(
    "bpf: cgroup inet skb programs can return 0 to 3",
    "5cf1e9145630",
    "5.3",
    "A CGROUP_SKB program declares INGRESS or EGRESS; one that returns only 2 or 3 and declares "
    "EGRESS is refused at INGRESS.",
    "syscall.c:bpf_prog_load_check_attach, verifier.c:check_return_code",
)
MEMLOCK_BEFORE_ALLOCATION = Change(
    "bpf: move memory size checks to bpf_map_charge_init()",
    "c85d69135a91",
    "5.3",
    "RLIMIT_MEMLOCK is tested before the map's name and BTF.",
    "syscall.c:map_create of 4.19 and 5.4",
)
CGROUP_BPF_REFCOUNT = Change(
    "bpf: decouple the lifetime of cgroup_bpf from cgroup itself",
    "4bfc0bb2c60e",
    "5.3",
    "Programs and storages go when the removed cgroup has no sockets left, not with the cgroup "
    "structure.",
    "cgroup.c:cgroup_bpf_offline, cgroup_bpf_release",
)
ID_IS_INODE = Change(
    "kernfs: convert kernfs_node->id from union kernfs_node_id to u64",
    "67c0496e87d1",
    "5.5",
    "The cgroup id is the inode number of its directory; before, a generation stands in its upper "
    "half.",
    "include/linux/kernfs.h of 5.4 and 5.8; kernel 5.10.262 takes st_ino",
)
ANCESTORS_HELD = Change(
    "bpf: cgroup: prevent out-of-order release of cgroup bpf",
    "e10360f815ca",
    "5.5",
    "A removed cgroup with live sockets keeps its ancestors' programs and storages.",
    "cgroup.c:cgroup_bpf_inherit; stable changelog",
    ("5.4.13",),
)
REPLACE_FLAG = Change(
    "bpf: Support replacing cgroup-bpf program in MULTI mode",
    "7dd68b3279f1",
    "5.6",
    "BPF_F_REPLACE; and the test for a program attached twice comes before the allocation.",
    "cgroup.c:__cgroup_bpf_attach; kernels 5.4.59 and 5.8.18",
)
BATCH_COMMANDS = Change(
    "bpf: Add generic support for lookup batch op",
    "cb4d03ab499d",
    "5.6",
    "The batch commands exist and answer ENOTSUPP (524) for these maps; before, EINVAL.",
    "syscall.c:bpf_map_do_batch; kernels 5.4.59 and 5.8.18",
)
LINKS = Change(
    "bpf: Implement bpf_link-based cgroup BPF program attachment",
    "af6eea57437a",
    "5.7",
    "BPF_LINK_CREATE for cgroups.",
    "cgroup.c:cgroup_bpf_link_attach; kernels 5.4.59 and 5.8.18",
)
LINK_UPDATE = Change(
    "bpf: Implement bpf_prog replacement for an active bpf_cgroup_link",
    "0c991ebc8c69",
    "5.7",
    "BPF_LINK_UPDATE swaps a link's program and leaves its storages as they are.",
    "cgroup.c:__cgroup_bpf_replace; kernel 5.8.18",
)
CAP_BPF = Change(
    "bpf: Implement CAP_BPF",
    "2c78ee898d8f",
    "5.8",
    "CAP_BPF stands in for CAP_SYS_ADMIN; attach needs CAP_NET_ADMIN for CGROUP_SKB only, and says "
    "EINVAL; detach needs no capability.",
    "syscall.c:bpf_prog_attach of 5.4 and 5.8; kernel 5.10.262",
)
PEERNAME_HOOKS = Change(
    "bpf: Add get{peer, sock}name attach types for sock_addr",
    "1b66d253610c",
    "5.8",
    "The attach types INET4/6_GETPEERNAME and GETSOCKNAME exist.",
    "include/uapi/linux/bpf.h",
)
LOOKUP_AND_DELETE_READS = Change(
    "bpf: Fix map permissions check",
    "1ea0f9120c8c",
    "5.8",
    "BPF_MAP_LOOKUP_AND_DELETE_ELEM needs a descriptor that may read; before, one that may write "
    "was enough.",
    "syscall.c:map_lookup_and_delete_elem, the patch as backported",
    ("5.4.48", "5.7.5"),
)
SHARED_STORAGE = Change(
    "bpf: Make cgroup storages shared between programs on the same cgroup",
    "7d9c3427894f",
    "5.9",
    "Any number of programs may use a map; an attach reuses the storage that is there; detaching "
    "and replacing keep the data.",
    "local_storage.c, cgroup.c:bpf_cgroup_storages_alloc; kernels 5.8.18 and 5.9.1",
    proposal=True,
)
KEY_IS_CGROUP_ID = Change(
    "bpf: Make cgroup storages shared between programs on the same cgroup",
    "7d9c3427894f",
    "5.9",
    "A key of 8 bytes, the cgroup id alone, shares a storage between attach types.",
    "local_storage.c:cgroup_storage_map_alloc; kernels 5.8.18 and 5.9.1",
)
ATTACH_TYPE_IGNORED = Change(
    "bpf: Make cgroup storages shared across attaches on the same cgroup",
    "",
    None,
    "The attach type in a key is not compared, and not written by get_next_key.",
    "the series as posted in July 2020, v1 and v2; recorded kernel 'proposal'",
    proposal=True,
)
LINK_CREATE_FIELDS = Change(
    "bpf: Change uapi for bpf iterator map elements",
    "5e7b30205cef",
    "5.9",
    "BPF_LINK_CREATE ignores what stands behind its flags for cgroups; before, EINVAL unless 0.",
    "syscall.c:BPF_LINK_CREATE_LAST_FIELD, in the patch",
)
LINK_DETACH = Change(
    "bpf: Add support for forced LINK_DETACH command",
    "73b11c2ab072",
    "5.9",
    "BPF_LINK_DETACH detaches a link that stays open.",
    "syscall.c:link_detach; kernels 5.8.18 and 5.9.1",
)
SOCK_RELEASE_HOOK = Change(
    "bpf: Add BPF_CGROUP_INET_SOCK_RELEASE hook",
    "f5836749c9c0",
    "5.9",
    "The attach type INET_SOCK_RELEASE exists.",
    "include/uapi/linux/bpf.h",
)
BIND_MAP = Change(
    "bpf: Add BPF_PROG_BIND_MAP syscall",
    "ef15314aa5de",
    "5.10",
    "BPF_PROG_BIND_MAP makes a program hold a map that it does not use: no EBUSY, no storage.",
    "syscall.c:bpf_prog_bind_map of 5.10",
)
MEMCG_ACCOUNTING = Change(
    "bpf: Eliminate rlimit-based memory accounting",
    "",
    "5.11",
    "RLIMIT_MEMLOCK no longer counts: no EPERM from map creation, no ENOMEM from attach.",
    "syscall.c, local_storage.c of 5.10 and 6.1; kernels 5.10.262 and 6.1.192",
)
BIND_RETURNS = Change(
    "bpf: Allow rewriting to ports under ip_unprivileged_port_start",
    "772412176fb9",
    "5.12",
    "A program for INET4_BIND or INET6_BIND may return 0 to 3; before, 0 and 1.",
    "verifier.c:check_return_code; kernels 5.10.262 and 6.1.192",
)
LOOKUP_AND_DELETE_FLAGS = Change(
    "bpf: Add lookup_and_delete_elem support to hashtab",
    "3e87f192b405",
    "5.14",
    "BPF_MAP_LOOKUP_AND_DELETE_ELEM refuses unknown flags before anything else.",
    "syscall.c:map_lookup_and_delete_elem of 5.10 and 6.1",
)
BIGGER_VALUES = Change(
    "bpf: Increase supported cgroup storage value size",
    "33b57e0cc78e",
    "5.15",
    "value_size may be up to 65407 (shared) and 32768 (per-CPU); before, one page.",
    "local_storage.c:cgroup_storage_map_alloc; kernels 5.10.223 and 6.1.176",
)
TIMER = Change(
    "bpf: Introduce bpf timers",
    "b00628b1c7d5",
    "5.15",
    "A bpf_timer in the value is refused with the special fields' errno.",
    "syscall.c:map_check_btf of 6.1",
)
UNPRIVILEGED_COMMANDS = Change(
    "bpf: refine kernel.unprivileged_bpf_disabled behaviour",
    "c8644cd0efe7",
    "5.19",
    "The sysctl shuts unprivileged callers out of making maps and programs only; before, out of "
    "every command.",
    "syscall.c:__sys_bpf of 5.10 and 6.1",
)
KPTR = Change(
    "bpf: Allow storing unreferenced kptr in map",
    "61df10c7799e",
    "5.19",
    "A kptr in the value is refused.",
    "syscall.c:map_check_btf of 6.1",
)
DETACH_NEVER_FAILS = Change(
    "bpf: Fix KASAN use-after-free Read in compute_effective_progs",
    "4c46091ee985",
    "6.0",
    "A detach that cannot allocate new effective arrays succeeds; before, ENOMEM.",
    "cgroup.c:purge_effective_progs; CVE-2022-50219",
    ("5.10.138", "5.15.61", "5.18.18", "5.19.2"),
)
LSM_CGROUP = Change(
    "bpf: per-cgroup lsm flavor",
    "69fd337a975c",
    "6.0",
    "LSM programs attach to cgroups and use storages; all their hooks share one attach type.",
    "bpf_lsm.c:bpf_lsm_func_proto of 6.1",
)
EFFECTIVE_QUERY_FLAGS = Change(
    "bpf, cgroup: Reject prog_attach_flags array when effective query",
    "0e426a3ae030",
    "6.1",
    "An effective query reports attach_flags 0; before, those stored for the cgroup.",
    "cgroup.c:__cgroup_bpf_query of 5.8 and 6.1; kernels 5.10.223 and 6.1.176",
    ("6.0.3",),
)
CGRP_STORAGE = Change(
    "bpf: Implement cgroup storage available to non-cgroup-attached bpf progs",
    "c4bcfb38a95e",
    "6.2",
    "BPF_MAP_TYPE_CGRP_STORAGE exists, keyed by a cgroup's descriptor.",
    "bpf_cgrp_storage.c; kernels 6.1.176 and 6.12.107",
)
BTF_RECORD = Change(
    "bpf: Consolidate spin_lock, timer management into btf_record",
    "db559117828d",
    "6.2",
    "Refused special fields give EOPNOTSUPP (95) instead of ENOTSUPP (524), need CAP_BPF, exclude "
    "WRONLY_PROG too, and bar BPF_MAP_FREEZE.",
    "syscall.c:map_check_btf, map_freeze; kernels 6.1.176 and 6.12.107",
)
CREATE_CHECKS_ATTRIBUTES_FIRST = Change(
    "bpf: Move unprivileged checks into map_create() and bpf_prog_load()",
    "1d28635abcf1",
    "6.5",
    "The EPERM of an unprivileged map_create comes after the tests of its basic attributes.",
    "syscall.c:map_create of 6.1 and 6.12",
    ("6.4.10",),
)
FREEZE_NEEDS_WRITE = Change(
    "bpf: drop unnecessary bpf_capable() check in BPF_MAP_FREEZE command",
    "c4c84f6fb2c4",
    "6.5",
    "BPF_MAP_FREEZE asks for a writable descriptor instead of a capability; on a frozen map, whose "
    "descriptors may not write, it gives EPERM instead of EBUSY.",
    "syscall.c:map_freeze; kernels 6.1.176 and 6.12.107",
)
UNIX_HOOKS = Change(
    "bpf: Implement cgroup sockaddr hooks for unix sockets",
    "859051dd165e",
    "6.7",
    "The attach types UNIX_CONNECT and following exist.",
    "include/uapi/linux/bpf.h",
)
SYS_ADMIN_IS_NET_ADMIN = Change(
    "bpf: align CAP_NET_ADMIN checks with bpf_capable() approach",
    "ed1ad5a7415d",
    "6.9",
    "CAP_SYS_ADMIN stands in for CAP_NET_ADMIN in attaches and queries; before, at load only.",
    "syscall.c:bpf_net_capable; kernels 6.1.192 and 6.12.117",
)
PREORDER = Change(
    "bpf: Allow pre-ordering for bpf cgroup progs",
    "4b82b181a26c",
    "6.15",
    "Programs attached with BPF_F_PREORDER run first, those of the root-most cgroup before all.",
    "cgroup.c:compute_effective_progs; stable changelogs; kernel 7.2.13",
    ("6.6.93", "6.12.31", "6.14.9"),
)
RES_SPIN_LOCK = Change(
    "bpf: Implement verifier support for rqspinlock",
    "0de2046137f9",
    "6.15",
    "A bpf_res_spin_lock in the value is treated like a bpf_spin_lock.",
    "syscall.c:map_check_btf of 7.3",
)
TAIL_CALL_COOKIES = Change(
    "bpf: Fix oob access in cgroup local storage",
    "abad3d0bad72",
    "6.17",
    "A program array remembers its owner's storage maps; a program with another one is refused.",
    "core.c:__bpf_prog_map_compatible; kernels 5.10.223 and 6.1.176",
    ("5.15.192", "6.1.151", "6.6.105", "6.12.46", "6.16.1"),
)
ORDERING = Change(
    "bpf: Implement mprog API on top of existing cgroup progs",
    "120933984460",
    "6.17",
    "BPF_F_BEFORE, AFTER, ID and LINK place a program; hooks have revisions.",
    "cgroup.c:get_prog_list, insert_pl_to_hlist, also of 6.12.117; kernels 6.12.107 and 7.2.13",
    ("6.12.110",),
)
TAIL_CALL_ATTACH_TYPE = Change(
    "bpf: Enforce expected_attach_type for tailcall compatibility",
    "4540aed51b12",
    "6.18",
    "Programs of one program array must have declared the same expected_attach_type.",
    "core.c:__bpf_prog_map_compatible of 7.3",
    ("6.1.156", "6.6.112", "6.12.53", "6.17.3"),
)
LOOKUP_FLAGS_LATE = Change(
    "lookup flags are tested behind the descriptor",
    "",
    "6.19",
    "A lookup with unknown flags through a write-only descriptor gives EPERM; before, EINVAL.",
    "kernels 6.12.117 and 6.19.14; first release between 6.13 and 6.19",
)
CPU_FLAGS = Change(
    "bpf: Add BPF_F_CPU and BPF_F_ALL_CPUS flags support for percpu_cgroup_storage maps",
    "47c79f05aa0d",
    "7.0",
    "Per-CPU lookups and updates of one CPU, updates of all; the pads of the user's slots are no "
    "longer stored.",
    "local_storage.c:bpf_percpu_cgroup_storage_update; kernels 6.12.107 and 7.2.13",
)
NEXT_KEY_END = Change(
    "bpf: fix end-of-list detection in cgroup_storage_get_next_key()",
    "5828b9e5b272",
    "7.1",
    "After the last key get_next_key says ENOENT; before, it delivered one bogus key first.",
    "local_storage.c:cgroup_storage_get_next_key; stable changelogs; kernels 5.10.223, 5.10.262 "
    "and 6.1.176",
    ("5.10.258", "6.1.175", "6.6.141", "6.12.91", "6.18.33", "7.0.10"),
)
TAIL_CALL_COOKIES_TIGHT = Change(
    "bpf: Tighten cgroup storage cookie checks for prog arrays",
    "10627ddc0167",
    "7.2",
    "A program without a storage map is accepted only if it makes no tail calls itself.  The "
    "stable releases 5.15.212, 6.1.178 and 6.6.145 took the fix too, but there it sees only tail "
    "calls from functions of a program.",
    "core.c:__bpf_prog_map_compatible; kernels 6.1.176, 6.1.192 and 6.12.107",
    ("6.12.97", "6.18.40", "7.1.5"),
)
PREORDER_INDEX = Change(
    "bpf: Fix effective prog array index with BPF_F_PREORDER",
    "f08aaee3152d",
    "7.2",
    "A link update beside PREORDER programs changes the right program.",
    "changelog (CVE-2026-72427)",
    ("6.6.145", "6.12.97", "6.18.40", "7.1.5"),
)
ACCESS_FLAGS_LATE = Change(
    "map_create_alloc() is split off map_create()",
    "",
    "7.2",
    "BPF_F_RDONLY with BPF_F_WRONLY is refused after the map type's own tests, not before.",
    "syscall.c:map_create of 6.12.117, 7.2.13 and 7.3; first release between 6.13 and 7.2",
)
LINK_UPDATE_COMPARES_MAPS = Change(
    "bpf, cgroup: Fix storage null-ptr-deref after replacing prog",
    "3f562c537e9e",
    "7.3",
    "BPF_LINK_UPDATE to a program with other storage maps is refused with EINVAL.",
    "cgroup.c:cgroup_bpf_storages_compatible, first seen in the source of 7.2.6; kernel 7.2.13",
    ("6.1.191", "6.12.110", "7.2.6"),
)
FAILED_REPLACE_RESTORES = Change(
    "bpf, cgroup: Fix invalid storage access after __cgroup_bpf_attach failed",
    "6655c409707e",
    "7.3",
    "A replacement that fails leaves the attachment with its storages.",
    "cgroup.c:__cgroup_bpf_attach of 7.2.6; changelog (CVE-2026-90313)",
    ("6.1.191", "6.6.157", "6.12.110", "6.18.52", "7.2.6"),
)
SPARSE_CPUS = Change(
    "bpf: Fix percpu map update indexing with sparse CPU IDs",
    "75b0a6db4300",
    "7.3",
    "A per-CPU update is right on machines with holes in the possible CPUs.",
    "local_storage.c:bpf_percpu_cgroup_storage_update of 7.2.6, 7.2.13 and 7.3",
    ("7.2.7",),
)

ALL: tuple[Change, ...] = tuple(value for value in globals().values() if isinstance(value, Change))
"""All records, in the order above."""

NAMES = {value: name for name, value in globals().items() if isinstance(value, Change)}
"""Their names."""
