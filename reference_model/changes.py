# SPDX-License-Identifier: GPL-2.0-only
"""Every difference between releases that the model knows, one record each, in order of release.

The model's code asks for these records by name and never compares release numbers; the history page
is made from the same records.  A record that no code asks for fails a test.
"""

from __future__ import annotations

from .releases import UAPI, Change, Marker, Read

STORAGES_BY_TYPE = Change(
    "bpf: extend cgroup bpf core to allow multiple cgroup storage types",
    "8bad74f9840f",
    "4.20",
    "If attaching fails because there is no memory for the storage in a shared map, the kernel "
    "frees a pointer that was never initialized.",
    read=[Read("cgroup.c:__cgroup_bpf_attach", "4.20")],
    recorded=("4.19.108", "4.20.1", "5.0.0", "5.2.1", "5.3.1"),
    marker=Marker("net/bpf/test_run.c", "for_each_cgroup_storage_type"),
)
PERCPU_STORAGE = Change(
    "bpf: introduce per-cpu cgroup local storage",
    "b741f1630346",
    "4.20",
    "Maps of type ``BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE`` can be created; a program can use one map "
    "of each of the two types.",
    read=[Read("local_storage.c")],
    recorded=("4.19.108",),
    marker=Marker(UAPI, "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE"),
)
NO_HELPER_FOR_SOCKMAP = Change(
    "bpf: sockmap, fix accidental bpf_get_local_storage for sk_skb and sk_msg",
    "d8fd9e106fbc",
    "4.20",
    "``SK_MSG`` and ``SK_SKB`` programs that call ``bpf_get_local_storage()`` no longer load.",
    read=[Read("net/core/filter.c", "4.19", "5.4")],
    marker=Marker("net/core/filter.c:sk_msg_func_proto", "BPF_FUNC_get_local_storage", until=True),
)
LOOKUP_AND_DELETE = Change(
    "bpf: add MAP_LOOKUP_AND_DELETE_ELEM syscall",
    "bd513cd08f10",
    "4.20",
    "``BPF_MAP_LOOKUP_AND_DELETE_ELEM`` exists and fails with ``ENOTSUPP`` (524) for these maps; "
    "before, it failed with ``EINVAL``.",
    read=[Read("syscall.c")],
    recorded=("4.19.108", "5.4.59"),
    marker=Marker(UAPI, "BPF_MAP_LOOKUP_AND_DELETE_ELEM"),
)
TEST_RUN_ERRNO = Change(
    "bpf: refactor bpf_test_run() to separate own failures and test program result",
    "dcb40590e69e",
    "4.20",
    "A test run that cannot allocate its storages fails with ``ENOMEM``; before, it succeeded and "
    "returned the error as the program's return value.",
    read=[Read("net/bpf/test_run.c:bpf_test_run", "4.19", "4.20", "5.4")],
    recorded=("4.19.108", "4.20.1"),
    marker=Marker("net/bpf/test_run.c", r"bpf_test_run\([^)]*\bu32 \*retval"),
)
BTF_KEY_AND_VALUE = Change(
    "bpf: add bpffs pretty print for cgroup local storage maps",
    "9a1126b63190",
    "5.0",
    "A map can be created with BTF for its key and value; before, this failed with ``ENOTSUPP`` "
    "(524).",
    read=[Read("local_storage.c:cgroup_storage_check_btf")],
    recorded=("4.19.108", "5.4.59"),
    marker=Marker("kernel/bpf/local_storage.c", "cgroup_storage_check_btf"),
)
SPIN_LOCK = Change(
    "bpf: introduce BPF_F_LOCK flag",
    "96049f3afd50",
    "5.1",
    "A shared value can hold a ``bpf_spin_lock``; updates and lookups accept ``BPF_F_LOCK``.",
    read=[Read("syscall.c:map_check_btf"), Read("syscall.c:map_lookup_elem")],
    recorded=("4.19.108", "5.4.59"),
    marker=Marker(UAPI, "BPF_F_LOCK"),
)
PROG_ACCESS_FLAGS = Change(
    "bpf: add program side {rd, wr}only support for maps",
    "591fe9888d78",
    "5.2",
    "``map_flags`` accepts ``BPF_F_RDONLY_PROG`` and ``BPF_F_WRONLY_PROG``.",
    read=[Read("local_storage.c:cgroup_storage_map_alloc")],
    recorded=("4.19.108", "5.4.59"),
    marker=Marker(UAPI, "BPF_F_RDONLY_PROG"),
)
MAP_FREEZE = Change(
    "bpf: add syscall side map freeze support",
    "87df15de441b",
    "5.2",
    "``BPF_MAP_FREEZE`` makes a map read-only for user space; programs can still write.",
    read=[Read("syscall.c:map_freeze")],
    recorded=("4.19.108", "5.4.59"),
    marker=Marker(UAPI, "BPF_MAP_FREEZE"),
)
SYSCTL_PROGRAMS = Change(
    "bpf: Sysctl hook",
    "7b146cebe30c",
    "5.2",
    "``CGROUP_SYSCTL`` programs exist.",
    read=[Read(UAPI)],
    marker=Marker(UAPI, "BPF_PROG_TYPE_CGROUP_SYSCTL"),
)
RECVMSG_HOOKS = Change(
    "bpf: fix unconnected udp hooks",
    "983695fa6765",
    "5.2",
    "The attach types ``UDP4_RECVMSG`` and ``UDP6_RECVMSG`` exist.",
    backports=("4.19.57", "5.1.16"),
    changelogs=("4.19.57", "5.1.16"),
    read=[Read(UAPI, "4.19.51", "4.19.67", "4.19.108", "4.20.1", "5.0")],
    marker=Marker(UAPI, "BPF_CGROUP_UDP4_RECVMSG"),
)
DOT_IN_NAMES = Change(
    "bpf: allow . char as part of the object name",
    "3e0ddc4f3ff1",
    "5.2",
    "``map_name`` and ``prog_name`` can contain a dot; before, ``BPF_MAP_CREATE`` and "
    "``BPF_PROG_LOAD`` failed with ``EINVAL``.",
    read=[Read("syscall.c:bpf_obj_name_cpy", "4.19.108", "4.20.1", "5.0", "5.2.1")],
    marker=Marker("kernel/bpf/syscall.c:bpf_obj_name_cpy", r"_. && \*src != "),
)
FLAGS_OF_THE_MAP = Change(
    "bpf: do not retain flags that are not tied to map lifetime",
    "be70bcd53de6",
    "5.2",
    "``BPF_OBJ_GET_INFO_BY_FD`` no longer reports ``BPF_F_RDONLY`` and ``BPF_F_WRONLY`` as flags "
    "of a map: they belong to the file descriptor.",
    read=[Read("syscall.c:bpf_map_flags_retain_permanent")],
    marker=Marker("kernel/bpf/syscall.c", "bpf_map_flags_retain_permanent"),
)
SOCKOPT_PROGRAMS = Change(
    "bpf: implement getsockopt and setsockopt hooks",
    "0d01da6afc54",
    "5.3",
    "``CGROUP_SOCKOPT`` programs exist.",
    read=[Read(UAPI)],
    recorded=("4.19.108", "5.4.59"),
    marker=Marker(UAPI, "BPF_PROG_TYPE_CGROUP_SOCKOPT"),
)
SKB_EXPECTED_ATTACH_TYPE = Change(
    "bpf: cgroup inet skb programs can return 0 to 3",
    "5cf1e9145630",
    "5.3",
    "A ``CGROUP_SKB`` program declares ``INGRESS`` or ``EGRESS``.  A program that declares "
    "``EGRESS`` and has an exit whose value is known to be 2 or 3 cannot be attached to "
    "``INGRESS``.",
    read=[Read("syscall.c:bpf_prog_load_check_attach"), Read("verifier.c:check_return_code")],
    marker=Marker("kernel/bpf/verifier.c", "enforce_expected_attach_type"),
)
MEMLOCK_BEFORE_ALLOCATION = Change(
    "bpf: move memory size checks to bpf_map_charge_init()",
    "c85d69135a91",
    "5.3",
    "``BPF_MAP_CREATE`` checks ``RLIMIT_MEMLOCK`` before the map's name and BTF.",
    read=[Read("syscall.c:map_create", "4.19", "5.4")],
    marker=Marker("kernel/bpf/local_storage.c", r"map\.pages", until=True),
)
CGROUP_BPF_REFCOUNT = Change(
    "bpf: decouple the lifetime of cgroup_bpf from cgroup itself",
    "4bfc0bb2c60e",
    "5.3",
    "Programs and storages of a removed cgroup are freed when the cgroup has no sockets left; "
    "before, they were freed with the cgroup structure.",
    read=[Read("cgroup.c:cgroup_bpf_offline"), Read("cgroup.c:cgroup_bpf_release")],
    marker=Marker("kernel/bpf/cgroup.c", "cgroup_bpf_offline"),
)
ID_IS_INODE = Change(
    "kernfs: convert kernfs_node->id from union kernfs_node_id to u64",
    "67c0496e87d1",
    "5.5",
    "The cgroup id is the inode number of the cgroup's directory; before, the upper half of the id "
    "held a generation number.",
    read=[Read("include/linux/kernfs.h", "5.4", "5.8")],
    recorded=("5.10.262",),
    marker=Marker("include/linux/kernfs.h", "union kernfs_node_id", until=True),
)
ANCESTORS_HELD = Change(
    "bpf: cgroup: prevent out-of-order release of cgroup bpf",
    "e10360f815ca",
    "5.5",
    "A removed cgroup with live sockets keeps the programs and storages of its ancestors.",
    backports=("5.4.13",),
    changelogs=("5.4.13",),
    read=[Read("cgroup.c:cgroup_bpf_inherit")],
    marker=Marker("kernel/bpf/cgroup.c:cgroup_bpf_inherit", r"cgroup_bpf_get\(p\)"),
)
REPLACE_FLAG = Change(
    "bpf: Support replacing cgroup-bpf program in MULTI mode",
    "7dd68b3279f1",
    "5.6",
    "``BPF_PROG_ATTACH`` accepts ``BPF_F_REPLACE``, and checks whether the program is already "
    "attached before it allocates storages.",
    read=[Read("cgroup.c:__cgroup_bpf_attach")],
    recorded=("5.4.59", "5.8.18"),
    marker=Marker(UAPI, "BPF_F_REPLACE"),
)
STORAGE_POINTERS = Change(
    "bpf: Initialize storage pointers to NULL to prevent freeing garbage pointer",
    "62039c30c19d",
    "5.6",
    "Attaching without memory for the storage in a shared map fails with ``ENOMEM``; before, since "
    "4.20, the kernel freed a pointer that was never initialized.",
    backports=("5.4.29", "5.5.14"),
    changelogs=("5.4.29", "5.5.14"),
    read=[Read("cgroup.c:__cgroup_bpf_attach", "4.20")],
    recorded=("5.3.1", "5.4.59"),
    marker=Marker("kernel/bpf/cgroup.c", r"\*storage\[MAX_BPF_CGROUP_STORAGE_TYPE\] = \{"),
)
BATCH_COMMANDS = Change(
    "bpf: Add generic support for lookup batch op",
    "cb4d03ab499d",
    "5.6",
    "The batch commands exist and fail with ``ENOTSUPP`` (524) for these maps; before, they failed "
    "with ``EINVAL``.",
    read=[Read("syscall.c:bpf_map_do_batch")],
    recorded=("5.4.59", "5.8.18"),
    marker=Marker(UAPI, "BPF_MAP_LOOKUP_BATCH"),
)
LINKS = Change(
    "bpf: Implement bpf_link-based cgroup BPF program attachment",
    "af6eea57437a",
    "5.7",
    "``BPF_LINK_CREATE`` attaches programs to cgroups.",
    read=[Read("cgroup.c:cgroup_bpf_link_attach")],
    recorded=("5.4.59", "5.8.18"),
    marker=Marker("kernel/bpf/cgroup.c", "cgroup_bpf_link_attach"),
)
LINK_UPDATE = Change(
    "bpf: Implement bpf_prog replacement for an active bpf_cgroup_link",
    "0c991ebc8c69",
    "5.7",
    "``BPF_LINK_UPDATE`` replaces a link's program and keeps the link's storages.",
    read=[Read("cgroup.c:__cgroup_bpf_replace")],
    recorded=("5.8.18",),
    marker=Marker("kernel/bpf/cgroup.c", "__cgroup_bpf_replace"),
)
CAP_BPF = Change(
    "bpf: Implement CAP_BPF",
    "2c78ee898d8f",
    "5.8",
    "``CAP_BPF`` is enough where ``CAP_SYS_ADMIN`` was required.  Attaching requires "
    "``CAP_NET_ADMIN`` for ``CGROUP_SKB`` programs only, and fails with ``EINVAL`` without it; "
    "detaching requires no capability.",
    read=[Read("syscall.c:bpf_prog_attach", "5.4", "5.8")],
    recorded=("5.10.262",),
    marker=Marker("include/uapi/linux/capability.h", "CAP_BPF"),
)
REPLACE_BY_ITSELF = Change(
    "bpf: cgroup: Allow multi-attach program to replace itself",
    "248e00ac47d6",
    "5.8",
    "``BPF_F_REPLACE`` can replace a program by itself; before, this failed with ``EINVAL``.",
    read=[
        Read("cgroup.c:find_attach_entry", "5.7", "5.8"),
        Read("cgroup.c:__cgroup_bpf_attach", "5.6"),
    ],
    recorded=("5.6.4", "5.7.14", "5.8.18"),
    marker=Marker("kernel/bpf/cgroup.c", "prog != replace_prog"),
)
LINK_UPDATE_ENOLINK = Change(
    "bpf: Refactor bpf_link update handling",
    "f9d041271cf4",
    "5.8",
    "``BPF_LINK_UPDATE`` of a link whose cgroup was removed fails with ``ENOLINK``; before, it "
    "failed with ``EINVAL``.",
    read=[
        Read("kernel/cgroup/cgroup.c:cgroup_bpf_replace", "5.7"),
        Read("cgroup.c:cgroup_bpf_replace", "5.8"),
    ],
    recorded=("5.7.14", "5.8.18"),
    marker=Marker("kernel/bpf/cgroup.c", "-ENOLINK"),
)
MORE_HELPERS = Change(
    "bpf: Enable more helpers for BPF_PROG_TYPE_CGROUP_{DEVICE,SYSCTL,SOCKOPT}",
    "0456ea170cd6",
    "5.8",
    "``CGROUP_DEVICE``, ``CGROUP_SYSCTL`` and ``CGROUP_SOCKOPT`` programs can call "
    "``bpf_tail_call()``; before, they failed to load with ``EINVAL``.",
    read=[
        Read("cgroup.c:cgroup_base_func_proto", "5.7", "5.8"),
        Read("cgroup.c:cgroup_dev_func_proto", "4.19"),
    ],
    recorded=("4.19.108", "5.7.14", "5.8.18"),
    marker=Marker("kernel/bpf/cgroup.c", "bpf_base_func_proto"),
)
PEERNAME_HOOKS = Change(
    "bpf: Add get{peer, sock}name attach types for sock_addr",
    "1b66d253610c",
    "5.8",
    "The attach types ``INET4_GETPEERNAME``, ``INET6_GETPEERNAME``, ``INET4_GETSOCKNAME`` and "
    "``INET6_GETSOCKNAME`` exist.",
    read=[Read(UAPI)],
    marker=Marker(UAPI, "BPF_CGROUP_INET4_GETPEERNAME"),
)
LOOKUP_AND_DELETE_READS = Change(
    "bpf: Fix map permissions check",
    "1ea0f9120c8c",
    "5.8",
    "``BPF_MAP_LOOKUP_AND_DELETE_ELEM`` requires a file descriptor with read access; before, write "
    "access was enough.",
    backports=("5.4.48", "5.7.5"),
    changelogs=("5.4.48", "5.7.5"),
    read=[Read("syscall.c:map_lookup_and_delete_elem")],
    marker=Marker("kernel/bpf/syscall.c:map_lookup_and_delete_elem", "FMODE_CAN_READ"),
)
LINK_IDS = Change(
    "bpf: Support GET_FD_BY_ID and GET_NEXT_ID for bpf_link",
    "2d602c8cf40d",
    "5.8",
    "Links have ids: ``BPF_LINK_GET_FD_BY_ID``, ``BPF_LINK_GET_NEXT_ID``, and "
    "``BPF_OBJ_GET_INFO_BY_FD`` of a link, which failed with ``EINVAL`` before.",
    read=[Read("syscall.c:bpf_link_get_fd_by_id")],
    marker=Marker(UAPI, "BPF_LINK_GET_FD_BY_ID"),
)
SHARED_STORAGE = Change(
    "bpf: Make cgroup storages shared between programs on the same cgroup",
    "7d9c3427894f",
    "5.9",
    "Several programs can use the same map.  Attaching a program reuses the existing storage; "
    "detaching and replacing programs keep the data.",
    read=[Read("local_storage.c"), Read("cgroup.c:bpf_cgroup_storages_alloc")],
    recorded=("5.8.18", "5.9.1", "proposal"),
    proposal=True,
    marker=Marker("kernel/bpf/cgroup.c", "new_storage"),
)
KEY_IS_CGROUP_ID = Change(
    "bpf: Make cgroup storages shared between programs on the same cgroup",
    "7d9c3427894f",
    "5.9",
    "A map with an 8-byte key, the cgroup id alone, shares each storage between all attach types.",
    read=[Read("local_storage.c:cgroup_storage_map_alloc")],
    recorded=("5.8.18", "5.9.1"),
    marker=Marker("kernel/bpf/local_storage.c", "attach_type_isolated"),
)
ATTACH_TYPE_IGNORED = Change(
    "bpf: Make cgroup storages shared across attaches on the same cgroup",
    "",
    None,
    "The attach type in a key is not compared, and ``BPF_MAP_GET_NEXT_KEY`` does not write it.",
    read=[Read("local_storage.c", "proposal")],
    recorded=("proposal",),
    proposal=True,
)
LINK_CREATE_FIELDS = Change(
    "bpf: Change uapi for bpf iterator map elements",
    "5e7b30205cef",
    "5.9",
    "``BPF_LINK_CREATE`` for a cgroup ignores the bytes after ``flags``; before, it failed with "
    "``EINVAL`` unless they were 0.",
    read=[Read("syscall.c:BPF_LINK_CREATE_LAST_FIELD")],
    marker=Marker("kernel/bpf/syscall.c", r"LINK_CREATE_LAST_FIELD link_create\.(?!flags)"),
)
LINK_DETACH = Change(
    "bpf: Add support for forced LINK_DETACH command",
    "73b11c2ab072",
    "5.9",
    "``BPF_LINK_DETACH`` detaches a link whose file descriptor stays open.",
    read=[Read("syscall.c:link_detach")],
    recorded=("5.8.18", "5.9.1"),
    marker=Marker(UAPI, "BPF_LINK_DETACH"),
)
SOCK_RELEASE_HOOK = Change(
    "bpf: Add BPF_CGROUP_INET_SOCK_RELEASE hook",
    "f5836749c9c0",
    "5.9",
    "The attach type ``INET_SOCK_RELEASE`` exists.",
    read=[Read(UAPI)],
    marker=Marker(UAPI, "BPF_CGROUP_INET_SOCK_RELEASE"),
)
BIND_MAP = Change(
    "bpf: Add BPF_PROG_BIND_MAP syscall",
    "ef15314aa5de",
    "5.10",
    "``BPF_PROG_BIND_MAP`` makes a program hold a map that it does not use: it neither fails with "
    "``EBUSY`` nor gives the program a storage.",
    read=[Read("syscall.c:bpf_prog_bind_map", "5.10")],
    marker=Marker(UAPI, "BPF_PROG_BIND_MAP"),
)
LINK_CREATE_PROGRAM_FIRST = Change(
    "bpf: Support attaching freplace programs to multiple attach points",
    "4a1e7c0c63e0",
    "5.10",
    "``BPF_LINK_CREATE`` checks the program before the attach type; before, it first checked "
    "whether the attach type exists.",
    read=[Read("syscall.c:link_create")],
    recorded=("5.10.262",),
    marker=Marker("kernel/bpf/syscall.c", r"bpf_prog_get\(attr->link_create\.prog_fd\)"),
)
MEMCG_ACCOUNTING = Change(
    "bpf: Eliminate rlimit-based memory accounting",
    "",
    "5.11",
    "``RLIMIT_MEMLOCK`` no longer limits these maps: ``BPF_MAP_CREATE`` does not fail with "
    "``EPERM``, and attaching a program does not fail with ``ENOMEM``.",
    read=[Read("syscall.c", "5.10", "6.1"), Read("local_storage.c", "5.10", "6.1")],
    recorded=("5.10.262", "6.1.192"),
    marker=Marker("kernel/bpf/syscall.c", "RLIMIT_MEMLOCK", until=True),
)
BIND_RETURNS = Change(
    "bpf: Allow rewriting to ports under ip_unprivileged_port_start",
    "772412176fb9",
    "5.12",
    "A program for ``INET4_BIND`` or ``INET6_BIND`` can return 0 to 3; before, 0 and 1.",
    read=[Read("verifier.c:check_return_code")],
    recorded=("5.10.262", "6.1.192"),
    marker=Marker("kernel/bpf/verifier.c", "BPF_CGROUP_INET4_BIND"),
)
LINK_DESCRIPTORS_READ_AND_WRITE = Change(
    "bpf: link: Refuse non-O_RDWR flags in BPF_OBJ_GET",
    "25fc94b2f02d",
    "5.12",
    "``BPF_OBJ_GET`` of a link with ``BPF_F_RDONLY`` or ``BPF_F_WRONLY`` fails with ``EINVAL``.",
    backports=("5.10.30", "5.11.14"),
    changelogs=("5.10.30", "5.11.14"),
    read=[Read("inode.c:bpf_obj_get_user", "5.12.9", "5.19", "6.1.192")],
    marker=Marker(
        "kernel/bpf/inode.c:bpf_obj_get_user", r"f_flags != O_RDWR\) \? -EINVAL : bpf_link_new_fd"
    ),
)
PROG_DESCRIPTORS_READ_AND_WRITE = Change(
    "bpf: program: Refuse non-O_RDWR flags in BPF_OBJ_GET",
    "d37300ed1821",
    "5.12",
    "``BPF_OBJ_GET`` of a program with ``BPF_F_RDONLY`` or ``BPF_F_WRONLY`` fails with "
    "``EINVAL``.  Since 5.14, 5.13.2 and 5.12.17 it succeeds again.",
    read=[Read("inode.c:bpf_obj_get_user", "5.10.262", "5.12.9")],
    # 5.14 removed the commit's own text.  Since 5.12 inode_permission() also takes a namespace.
    marker=Marker("kernel/bpf/inode.c", r"EINVAL : bpf_prog_new_fd|inode_permission\(&"),
)
PROG_DESCRIPTORS_OF_ANY_MODE = Change(
    "bpf: Fix regression on BPF_OBJ_GET with non-O_RDWR flags",
    "5dec6d96d12d",
    "5.14",
    "``BPF_OBJ_GET`` of a program accepts ``BPF_F_RDONLY`` and ``BPF_F_WRONLY`` again, as before "
    "5.12; in 5.12 and 5.13 it failed with ``EINVAL``.",
    backports=("5.12.17", "5.13.2"),
    read=[Read("inode.c:bpf_obj_get_user", "5.12.9", "6.1.192", "7.3.4")],
    marker=Marker("kernel/bpf/inode.c", r"(?s)ret = bpf_prog_new_fd\(.*\binode_permission\(&"),
)
LOOKUP_AND_DELETE_FLAGS = Change(
    "bpf: Add lookup_and_delete_elem support to hashtab",
    "3e87f192b405",
    "5.14",
    "``BPF_MAP_LOOKUP_AND_DELETE_ELEM`` checks ``BPF_F_LOCK`` after the file descriptor; before, "
    "it rejected every flag first.",
    read=[Read("syscall.c:map_lookup_and_delete_elem", "4.20.1", "5.10", "5.12.9", "6.1")],
    marker=Marker("kernel/bpf/syscall.c:map_lookup_and_delete_elem", "attr->flags & ~BPF_F_LOCK"),
)
BIGGER_VALUES = Change(
    "bpf: Increase supported cgroup storage value size",
    "33b57e0cc78e",
    "5.15",
    "``value_size`` can be up to 65407 (shared) and 32768 (per-CPU); before, one page.",
    read=[Read("local_storage.c:cgroup_storage_map_alloc")],
    recorded=("5.10.223", "6.1.176"),
    marker=Marker("kernel/bpf/local_storage.c", "PCPU_MIN_UNIT_SIZE"),
)
TIMER = Change(
    "bpf: Introduce bpf timers",
    "b00628b1c7d5",
    "5.15",
    "``BPF_MAP_CREATE`` rejects a ``bpf_timer`` in the value with ``EOPNOTSUPP`` (95).",
    read=[Read("syscall.c:map_check_btf", "6.1")],
    marker=Marker(UAPI, r"struct bpf_timer \{"),
)
SET_RETVAL = Change(
    "bpf: Add cgroup helpers bpf_{get,set}_retval to get/set syscall return value",
    "b44123b4a3dc",
    "5.18",
    "``CGROUP_DEVICE``, ``CGROUP_SYSCTL`` and ``CGROUP_SOCKOPT`` programs can choose the errno of "
    "the system call with ``bpf_set_retval()``; since 6.0 ``LSM`` programs can, too.",
    read=[Read("cgroup.c:bpf_prog_run_array_cg", "5.10", "6.1")],
    recorded=("5.10.262", "6.1.192"),
    marker=Marker(UAPI, r"set_retval[,(]"),
)
LINK_CREATE_MORE_FIELDS = Change(
    "bpf: Add multi kprobe link",
    "0dcac2725406",
    "5.18",
    "``BPF_LINK_CREATE`` for a cgroup accepts any value in the 4 bytes that are the upper half of "
    "``expected_revision`` in later kernels; before, it failed with ``EINVAL`` unless they were 0.",
    read=[Read("syscall.c:BPF_LINK_CREATE_LAST_FIELD", "5.10.262", "6.1.192")],
    recorded=("5.10.262", "6.1.192"),
    marker=Marker(
        "kernel/bpf/syscall.c", r"LINK_CREATE_LAST_FIELD link_create\.(?!flags|iter_info_len)"
    ),
)
UNPRIVILEGED_COMMANDS = Change(
    "bpf: refine kernel.unprivileged_bpf_disabled behaviour",
    "c8644cd0efe7",
    "5.19",
    "The sysctl ``kernel.unprivileged_bpf_disabled`` prevents unprivileged callers only from "
    "creating maps and loading programs; before, it prevented every command.",
    read=[Read("syscall.c:__sys_bpf", "5.10", "6.1")],
    marker=Marker("kernel/bpf/syscall.c", "Intent here is for unprivileged_bpf_disabled"),
)
KPTR = Change(
    "bpf: Allow storing unreferenced kptr in map",
    "61df10c7799e",
    "5.19",
    "``BPF_MAP_CREATE`` rejects a kptr in the value with ``EOPNOTSUPP`` (95).",
    read=[Read("syscall.c:map_check_btf", "6.1")],
    marker=Marker("include/linux/bpf.h", "BPF_KPTR_UNREF"),
)
DETACH_NEVER_FAILS = Change(
    "bpf: Fix KASAN use-after-free Read in compute_effective_progs",
    "4c46091ee985",
    "6.0",
    "Detaching a program succeeds where the kernel cannot allocate new effective arrays; before, "
    "it failed with ``ENOMEM``.",
    cve="CVE-2022-50219",
    backports=("5.10.138", "5.15.61", "5.18.18", "5.19.2"),
    changelogs=("5.10.138",),
    read=[Read("cgroup.c:purge_effective_progs")],
    marker=Marker("kernel/bpf/cgroup.c", "purge_effective_progs"),
)
LSM_CGROUP = Change(
    "bpf: per-cgroup lsm flavor",
    "69fd337a975c",
    "6.0",
    "LSM programs can be attached to cgroups and use storages; all their hooks have the same "
    "attach type.",
    read=[Read("bpf_lsm.c:bpf_lsm_func_proto", "6.1")],
    marker=Marker(UAPI, "BPF_LSM_CGROUP"),
)
SET_RETVAL_BY_ATTACH_TYPE = Change(
    "bpf: Introduce cgroup_{common,current}_func_proto",
    "dea6a4e17013",
    "6.1",
    "``CGROUP_SOCK``, ``CGROUP_SOCK_ADDR`` and ``SOCK_OPS`` programs can call "
    "``bpf_set_retval()``, too.  No program can if its ``expected_attach_type`` is 0 "
    "(``INET_INGRESS``), ``INET_EGRESS``, ``SOCK_OPS``, or a ``RECVMSG``, ``GETPEERNAME`` or "
    "``GETSOCKNAME`` type.  So ``CGROUP_DEVICE`` and ``CGROUP_SYSCTL`` programs must declare their "
    "attach type.",
    read=[Read("cgroup.c:cgroup_common_func_proto", "6.1.192", "7.3.4")],
    recorded=("5.10.262", "6.1.192"),
    marker=Marker("kernel/bpf/cgroup.c", "cgroup_common_func_proto"),
)
EFFECTIVE_QUERY_FLAGS = Change(
    "bpf, cgroup: Reject prog_attach_flags array when effective query",
    "0e426a3ae030",
    "6.1",
    "``BPF_PROG_QUERY`` with ``BPF_F_QUERY_EFFECTIVE`` returns ``attach_flags`` 0; before, it "
    "returned the flags of the cgroup.",
    backports=("6.0.3",),
    changelogs=("6.0.3",),
    read=[Read("cgroup.c:__cgroup_bpf_query", "5.8", "6.1")],
    recorded=("5.10.223", "6.1.176"),
    marker=Marker("kernel/bpf/cgroup.c", "effective_query && prog_attach_flags"),
)
CGRP_STORAGE = Change(
    "bpf: Implement cgroup storage available to non-cgroup-attached bpf progs",
    "c4bcfb38a95e",
    "6.2",
    "Maps of type ``BPF_MAP_TYPE_CGRP_STORAGE`` can be created; their key is a file descriptor of "
    "a cgroup.",
    read=[Read("bpf_cgrp_storage.c")],
    recorded=("6.1.176", "6.12.107"),
    marker=Marker(UAPI, "BPF_MAP_TYPE_CGRP_STORAGE"),
)
BTF_RECORD = Change(
    "bpf: Consolidate spin_lock, timer management into btf_record",
    "db559117828d",
    "6.2",
    "A spin lock in a per-CPU value is rejected with ``EOPNOTSUPP`` (95); before, with "
    "``ENOTSUPP`` (524).  Special fields require ``CAP_BPF``, cannot be combined with "
    "``BPF_F_WRONLY_PROG``, and make ``BPF_MAP_FREEZE`` fail.",
    read=[Read("syscall.c:map_check_btf"), Read("syscall.c:map_freeze")],
    recorded=("6.1.176", "6.12.107"),
    marker=Marker("include/linux/bpf.h", r"struct btf_record \{"),
)
CREATE_CHECKS_ATTRIBUTES_FIRST = Change(
    "bpf: Move unprivileged checks into map_create() and bpf_prog_load()",
    "1d28635abcf1",
    "6.5",
    "``BPF_MAP_CREATE`` checks the basic attributes of the map before it returns ``EPERM`` to an "
    "unprivileged caller.",
    backports=("6.4.10",),
    changelogs=("6.4.10",),
    read=[Read("syscall.c:map_create", "6.1", "6.12")],
    marker=Marker("kernel/bpf/syscall.c", "unprivileged_bpf_disabled to block BPF map"),
)
FREEZE_NEEDS_WRITE = Change(
    "bpf: drop unnecessary bpf_capable() check in BPF_MAP_FREEZE command",
    "c4c84f6fb2c4",
    "6.5",
    "``BPF_MAP_FREEZE`` requires a file descriptor with write access instead of a capability.  "
    "Freezing a frozen map fails with ``EPERM`` instead of ``EBUSY``: its file descriptors have no "
    "write access.",
    read=[Read("syscall.c:map_freeze")],
    recorded=("6.1.176", "6.12.107"),
    marker=Marker("kernel/bpf/syscall.c:map_freeze", "FMODE_CAN_WRITE"),
)
LINK_TYPE_UNCHECKED = Change(
    "the test of the attach type moves from link_create() to bpf_prog_attach_check_attach_type()",
    "",
    "6.6",
    "``BPF_LINK_CREATE`` accepts a ``CGROUP_SKB`` program at the attach types of other programs; "
    "before, it failed with ``EINVAL``.",
    read=[Read("syscall.c:link_create", "6.1.192", "6.5", "6.6", "6.8", "6.12.118")],
    marker=Marker("kernel/bpf/syscall.c:link_create", "ptype", until=True),
)
UNIX_HOOKS = Change(
    "bpf: Implement cgroup sockaddr hooks for unix sockets",
    "859051dd165e",
    "6.7",
    "The attach types for Unix sockets exist, such as ``UNIX_CONNECT``.",
    read=[Read(UAPI)],
    marker=Marker(UAPI, "BPF_CGROUP_UNIX_CONNECT"),
)
SYS_ADMIN_IS_NET_ADMIN = Change(
    "bpf: align CAP_NET_ADMIN checks with bpf_capable() approach",
    "ed1ad5a7415d",
    "6.9",
    "``CAP_SYS_ADMIN`` is enough where attaching and queries require ``CAP_NET_ADMIN``; before, it "
    "was enough for loading only.",
    read=[Read("syscall.c:bpf_net_capable")],
    recorded=("6.1.192", "6.12.117"),
    marker=Marker("kernel/bpf/syscall.c", "bpf_net_capable"),
)
LINK_TYPE_CHECKED = Change(
    "bpf: Add BPF_PROG_TYPE_CGROUP_SKB attach type enforcement in BPF_LINK_CREATE",
    "543576ec15b1",
    "6.10",
    "``BPF_LINK_CREATE`` rejects a ``CGROUP_SKB`` program at the attach types of other programs "
    "with ``EINVAL``; since 6.6 it accepted the program, which then ran with the context of "
    "another program type.  6.1.191 has the commit, too, but never had the fault.",
    cve="CVE-2024-38564",
    backports=("6.1.191", "6.6.33", "6.8.12", "6.9.3"),
    changelogs=("6.1.191", "6.8.12", "6.9.3"),
    read=[Read("syscall.c:bpf_prog_attach_check_attach_type", "6.1.192", "6.8", "6.12.118")],
    marker=Marker(
        "kernel/bpf/syscall.c:bpf_prog_attach_check_attach_type",
        r"-EPERM;\s+ptype = attach_type_to_prog_type",
    ),
)
NESTED_FIELDS = Change(
    "bpf: look into the types of the fields of a struct type recursively.",
    "64e8ee814819",
    "6.11",
    "The kernel finds special fields, such as a ``bpf_spin_lock``, in structs and arrays inside "
    "the value, too; before, they were plain bytes there.",
    read=[Read("btf.c:btf_find_struct_field", "6.1.192", "6.12.118")],
    recorded=("6.1.192", "6.12.118"),
    marker=Marker("kernel/bpf/btf.c", "btf_find_nested_struct"),
)
MAPS_BEFORE_TARGET = Change(
    "The verifier looks up the maps of a program before it checks what the program attaches to",
    "",
    "6.12",
    "``BPF_PROG_LOAD`` checks the maps of a program before it checks whether the program can be "
    "sleepable; before, it checked the maps afterwards.",
    after={"6.12": "6.1.192"},
    read=[Read("verifier.c:bpf_check", "6.1.192", "6.12.118")],
    marker=Marker(
        "kernel/bpf/verifier.c:bpf_check",
        r"attach_btf_id\(env\);[^}]*resolve_pseudo_ldimm64",
        until=True,
    ),
    recorded=("6.1.192", "6.12.118"),
)
CGROUP_KFUNCS = Change(
    "bpf: Enable generic kfuncs for BPF_CGROUP_* programs",
    "67666479edf1",
    "6.12",
    "``CGROUP_SKB``, ``CGROUP_SOCK``, ``CGROUP_SOCK_ADDR``, ``CGROUP_SOCKOPT``, ``CGROUP_SYSCTL`` "
    "and ``CGROUP_DEVICE`` programs can call kernel functions such as ``bpf_cgroup_ancestor()`` "
    "and ``bpf_cgroup_from_id()``; before, they failed to load with ``EACCES``.",
    read=[Read("helpers.c:kfunc_init", "6.1.192", "6.12.118")],
    recorded=("6.1.192", "6.12.118"),
    marker=Marker("kernel/bpf/helpers.c", r"BPF_PROG_TYPE_CGROUP_SKB, &generic_kfunc_set"),
)
TAIL_CALLS_BETWEEN_HOOKS = Change(
    "bpf: Prevent tail call between progs attached to different hooks",
    "28ead3eaabc1",
    "6.12",
    "All LSM programs of a program array must be for hooks with the same parameters; before, a "
    "program could run with the parameters of another hook.",
    cve="CVE-2024-50063",
    backports=("6.1.135", "6.6.57", "6.11.4"),
    changelogs=("6.1.135", "6.6.57", "6.11.4"),
    read=[Read("core.c:__bpf_prog_map_compatible", "6.1.192", "6.12.118")],
    marker=Marker("kernel/bpf/core.c", "attach_func_proto"),
)
PREORDER = Change(
    "bpf: Allow pre-ordering for bpf cgroup progs",
    "4b82b181a26c",
    "6.15",
    "Programs attached with ``BPF_F_PREORDER`` run first, beginning with those of the cgroup "
    "nearest to the root.",
    backports=("6.6.93", "6.12.31", "6.14.9"),
    changelogs=("6.6.93", "6.12.31", "6.14.9"),
    read=[Read("cgroup.c:compute_effective_progs")],
    recorded=("7.2.13",),
    marker=Marker(UAPI, "BPF_F_PREORDER"),
)
SOCK_OPS_KFUNCS = Change(
    "bpf: Support selective sampling for bpf timestamping",
    "59422464266f",
    "6.15",
    "``SOCK_OPS`` programs can call kernel functions such as ``bpf_cgroup_ancestor()``, too.",
    read=[Read("btf.c:bpf_prog_type_to_kfunc_hook", "6.12.118", "7.2.13")],
    recorded=("6.12.118", "6.19.14"),
    marker=Marker("kernel/bpf/btf.c", r"case BPF_PROG_TYPE_SOCK_OPS:\s+return BTF_KFUNC_HOOK"),
)
RES_SPIN_LOCK = Change(
    "bpf: Implement verifier support for rqspinlock",
    "0de2046137f9",
    "6.15",
    "A ``bpf_res_spin_lock`` in the value is treated like a ``bpf_spin_lock``.",
    read=[Read("syscall.c:map_check_btf", "7.3")],
    marker=Marker("include/linux/bpf.h", "BPF_RES_SPIN_LOCK"),
)
TAIL_CALL_COOKIES = Change(
    "bpf: Fix oob access in cgroup local storage",
    "abad3d0bad72",
    "6.17",
    "A program array remembers the storage maps of its first program; programs with another "
    "storage map are rejected.",
    cve="CVE-2025-38502",
    backports=("5.15.192", "6.1.151", "6.6.105", "6.12.46", "6.16.1"),
    changelogs=("5.15.192", "6.1.151", "6.6.105", "6.12.46", "6.16.1"),
    read=[Read("core.c:__bpf_prog_map_compatible")],
    recorded=("5.10.223", "6.1.176"),
    marker=Marker("kernel/bpf/core.c", "storage_cookie"),
)
ORDERING = Change(
    "bpf: Implement mprog API on top of existing cgroup progs",
    "120933984460",
    "6.17",
    "``BPF_F_BEFORE``, ``BPF_F_AFTER``, ``BPF_F_ID`` and ``BPF_F_LINK`` give a program its place; "
    "hooks have revisions.",
    backports=("6.12.110",),
    changelogs=("6.12.110",),
    read=[
        Read("cgroup.c:get_prog_list", "6.12.117"),
        Read("cgroup.c:insert_pl_to_hlist", "6.12.117"),
    ],
    recorded=("6.12.107", "7.2.13"),
    marker=Marker("kernel/bpf/cgroup.c", "insert_pl_to_hlist"),
)
TAIL_CALL_ATTACH_TYPE = Change(
    "bpf: Enforce expected_attach_type for tailcall compatibility",
    "4540aed51b12",
    "6.18",
    "All programs of a program array must have the same ``expected_attach_type``.",
    cve="CVE-2025-40123",
    backports=("5.10.270", "5.15.221", "6.1.156", "6.6.112", "6.12.53", "6.17.3"),
    changelogs=("6.1.156", "6.12.53", "6.17.3"),
    read=[Read("core.c:__bpf_prog_map_compatible", "7.3")],
    marker=Marker("kernel/bpf/core.c", r"owner->expected_attach_type|owner\.expected_attach_type"),
)
LOOKUP_FLAGS_LATE = Change(
    "lookup flags are tested behind the descriptor",
    "",
    "6.19",
    "A lookup with unknown flags through a write-only file descriptor fails with ``EPERM``; "
    "before, with ``EINVAL``.",
    read=[Read("syscall.c:map_lookup_elem", "6.18.35", "6.19.9")],
    recorded=("6.12.117", "6.19.14"),
    marker=Marker("include/linux/bpf.h", "bpf_map_check_op_flags"),
)
CPU_FLAGS = Change(
    "bpf: Add BPF_F_CPU and BPF_F_ALL_CPUS flags support for percpu_cgroup_storage maps",
    "47c79f05aa0d",
    "7.0",
    "Lookups and updates of a per-CPU value accept ``BPF_F_CPU``, and updates "
    "``BPF_F_ALL_CPUS``; the padding of the caller's slots is no longer stored.",
    read=[Read("local_storage.c:bpf_percpu_cgroup_storage_update")],
    recorded=("6.12.107", "7.2.13"),
    marker=Marker("kernel/bpf/local_storage.c", "BPF_F_CPU"),
)
SLEEPABLE_TAIL_CALLS = Change(
    "bpf: Allow sleepable programs to use tail calls",
    "0f0c332992b8",
    "7.0",
    "Sleepable programs can use a program array; all programs of an array must be sleepable, or "
    "none.",
    read=[Read("core.c:__bpf_prog_map_compatible", "6.1.192", "6.19.9", "7.0.0", "7.3.4")],
    marker=Marker("kernel/bpf/core.c", r"owner(->|\.)sleepable"),
)
NEXT_KEY_END = Change(
    "bpf: fix end-of-list detection in cgroup_storage_get_next_key()",
    "5828b9e5b272",
    "7.1",
    "After the last key ``BPF_MAP_GET_NEXT_KEY`` fails with ``ENOENT``; before, it first returned "
    "one invalid trailing key.",
    cve="CVE-2026-45838",
    backports=("5.10.258", "5.15.209", "6.1.175", "6.6.141", "6.12.91", "6.18.33", "7.0.10"),
    changelogs=("5.10.258", "5.15.209", "6.1.175", "6.6.141", "6.12.91", "6.18.33", "7.0.10"),
    read=[Read("local_storage.c:cgroup_storage_get_next_key", "5.15.215")],
    recorded=("5.10.223", "5.10.262", "6.1.176"),
    marker=Marker("kernel/bpf/local_storage.c", "list_entry_is_head"),
)
TAIL_CALL_COOKIES_TIGHT = Change(
    "bpf: Tighten cgroup storage cookie checks for prog arrays",
    "10627ddc0167",
    "7.2",
    "A program array accepts a program without a storage map only if the program makes no tail "
    "calls itself.  In some stable releases the fix only finds tail calls from functions of a "
    "program.",
    cve="CVE-2026-74305",
    backports=("6.12.97", "6.18.40", "7.1.5"),
    partial=("5.15.212", "6.1.178", "6.6.145"),
    changelogs=("6.1.178", "6.12.97"),
    read=[Read("core.c:__bpf_prog_map_compatible")],
    recorded=("6.1.176", "6.1.192", "6.12.107"),
    marker=Marker("kernel/bpf/core.c", r"!cookie && !\w+->tail_call_reachable"),
)
PREORDER_INDEX = Change(
    "bpf: Fix effective prog array index with BPF_F_PREORDER",
    "f08aaee3152d",
    "7.2",
    "``BPF_LINK_UPDATE`` always replaces the program of its link; before, it could replace another "
    "one if a program with ``BPF_F_PREORDER`` was on the hook.",
    cve="CVE-2026-72427",
    backports=("6.6.145", "6.12.97", "6.18.40", "7.1.5"),
    changelogs=("6.12.97",),
    marker=Marker("kernel/bpf/cgroup.c", "effective_prog_pos"),
)
ACCESS_FLAGS_LATE = Change(
    "map_create_alloc() is split off map_create()",
    "",
    "7.2",
    "``BPF_F_RDONLY`` with ``BPF_F_WRONLY`` is rejected after the checks of the map type; before, "
    "it was rejected first.",
    read=[Read("syscall.c:map_create", "6.12.117", "7.1.5", "7.2.13", "7.3")],
    marker=Marker("kernel/bpf/syscall.c", "map_create_alloc"),
)
QUERY_WRITES_NO_REVISION = Change(
    "bpf: fix BPF_PROG_QUERY OOB write and cgroup backward compat",
    "21c4b99b27f3",
    "7.2",
    "``BPF_PROG_QUERY`` writes ``revision`` only if the caller's attribute is large enough; since "
    "6.17 it wrote 8 bytes at offset 56, behind an attribute of 40 bytes.",
    cve="CVE-2026-74371",
    backports=("6.12.110", "6.18.40", "7.1.5"),
    changelogs=("6.12.110",),
    read=[Read("cgroup.c:__cgroup_bpf_query", "6.18.35", "6.19.9", "7.0.0", "7.1.3", "7.1.5")],
    marker=Marker("kernel/bpf/cgroup.c", "uattr_size"),
)
NO_SLEEPABLE_LSM = Change(
    "bpf: Reject sleepable BPF_LSM_CGROUP programs at load time",
    "5b038319be44",
    "7.2",
    "Loading a sleepable program for ``BPF_LSM_CGROUP`` fails with ``EINVAL``; before, the program "
    "ran where it must not sleep.",
    cve="CVE-2026-74338",
    backports=("6.1.191", "6.12.114", "7.1.5"),
    changelogs=("6.1.191", "6.12.114"),
    read=[Read("verifier.c:can_be_sleepable", "6.12.118", "6.18.35", "7.1.3", "7.1.5", "7.2.13")],
    marker=Marker("kernel/bpf/verifier.c", "expected_attach_type != BPF_LSM_CGROUP"),
)
FIELDS_COUNTED_IN_WHOLE_VALUE = Change(
    "bpf: Preserve unique-field state across nested structs",
    "f08619f06046",
    "7.3",
    "Special fields of one kind in different structs of a value count as two; since 6.11 the "
    "kernel accepted them with a warning in its log.",
    cve="CVE-2026-92515",
    backports=("6.12.110", "6.18.52", "7.2.6"),
    changelogs=("6.12.110",),
    read=[Read("btf.c:btf_find_nested_struct", "6.12.118", "7.2.13")],
    recorded=("6.12.118", "6.19.14", "7.3.4"),
    marker=Marker("kernel/bpf/btf.c", r"btf_find_nested_struct\([^)]*seen_mask"),
)
LINK_UPDATE_COMPARES_MAPS = Change(
    "bpf, cgroup: Fix storage null-ptr-deref after replacing prog",
    "3f562c537e9e",
    "7.3",
    "``BPF_LINK_UPDATE`` to a program with other storage maps fails with ``EINVAL``.",
    cve="CVE-2026-90250",
    backports=("6.1.191", "6.12.110", "6.18.52", "7.2.6"),
    changelogs=("6.1.191", "6.12.110"),
    read=[Read("cgroup.c:cgroup_bpf_storages_compatible", "7.2.6")],
    recorded=("7.2.13",),
    marker=Marker("kernel/bpf/cgroup.c", "cgroup_bpf_storages_compatible"),
)
FAILED_REPLACE_RESTORES = Change(
    "bpf, cgroup: Fix invalid storage access after __cgroup_bpf_attach failed",
    "6655c409707e",
    "7.3",
    "If replacing a program fails, the attachment keeps its storages.",
    cve="CVE-2026-90313",
    backports=("6.1.191", "6.6.157", "6.12.110", "6.18.52", "7.2.6"),
    changelogs=("6.1.191", "6.12.110"),
    read=[Read("cgroup.c:__cgroup_bpf_attach", "7.2.6")],
    marker=Marker(
        "kernel/bpf/cgroup.c", r"bpf_cgroup_storages_assign\(pl->storage, old_storage\);\s+\}"
    ),
)
SPARSE_CPUS = Change(
    "bpf: Fix percpu map update indexing with sparse CPU IDs",
    "75b0a6db4300",
    "7.3",
    "Updating a per-CPU value works on machines whose possible CPUs are not numbered without gaps.",
    backports=("7.2.7",),
    changelogs=("7.2.7",),
    read=[Read("local_storage.c:bpf_percpu_cgroup_storage_update", "7.2.6", "7.2.13", "7.3")],
    marker=Marker("kernel/bpf/local_storage.c", r"BPF_F_ALL_CPUS\) \? value : value \+ off"),
)

ALL: tuple[Change, ...] = tuple(value for value in globals().values() if isinstance(value, Change))
"""All records, in the order above."""

NAMES = {value: name for name, value in globals().items() if isinstance(value, Change)}
"""Their names."""
