# SPDX-License-Identifier: GPL-2.0-only
"""LSM hooks: which take an LSM_CGROUP program on which releases, what it may return, may it sleep.

Modelled: ``include/linux/lsm_hook_defs.h`` and ``kernel/bpf/bpf_lsm.c:bpf_lsm_verify_prog``, as
``records/events.json`` has them: kernels 6.1 to 7.3 were asked.  Left out: between two of these
kernels, the hooks that only one of them has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .releases import Release, neighbours
from .state import changing

if TYPE_CHECKING:
    from .cgroups import Cgroup

MOST_HOOKS = 10
"""``CGROUP_LSM_NUM``: different LSM hooks that can have programs at a time, on the whole system."""

_SOCKET = (
    *("accept", "bind", "connect", "create", "getpeername", "getpeersec_dgram"),
    *("getpeersec_stream", "getsockname", "getsockopt", "listen", "post_create", "recvmsg"),
    *("sendmsg", "setsockopt", "shutdown", "sock_rcv_skb", "socketpair"),
)
NETWORK = frozenset(
    {
        *(f"socket_{call}" for call in _SOCKET),
        *("inet_conn_established", "inet_conn_request", "inet_csk_clone", "req_classify_flow"),
        *("sk_alloc_security", "sk_clone_security", "sk_getsecid", "sock_graft"),
        *("unix_may_send", "unix_stream_connect"),
    }
)
"""The LSM hooks of sockets, but ``sk_free_security``, which may run later and in any process."""

_EVERYWHERE = """
audit_rule_init audit_rule_known binder_set_context_mgr binder_transaction binder_transfer_binder
binder_transfer_file bpf bpf_map bpf_prog bprm_check_security bprm_creds_for_exec
bprm_creds_from_file capable capget capset cred_alloc_blank cred_prepare dentry_create_files_as
dentry_init_security file_fcntl file_ioctl file_ioctl_compat file_lock file_mprotect file_open
file_permission file_receive file_send_sigiotask fs_context_dup fs_context_parse_param
fs_context_submount ib_alloc_security ib_endport_manage_subnet ib_pkey_access inet_conn_request
inode_alloc_security inode_copy_up inode_create inode_follow_link inode_getattr inode_getsecctx
inode_getxattr inode_init_security inode_init_security_anon inode_killpriv inode_link
inode_listxattr inode_mkdir inode_mknod inode_notifysecctx inode_permission inode_readlink
inode_removexattr inode_rename inode_rmdir inode_setattr inode_setsecctx inode_setsecurity
inode_setxattr inode_symlink inode_unlink ipc_permission kernel_act_as kernel_create_files_as
kernel_load_data kernel_module_request kernel_post_load_data kernel_post_read_file
kernel_read_file kernfs_init_security key_alloc key_permission locked_down mmap_addr mmap_file
move_mount msg_msg_alloc_security msg_queue_alloc_security msg_queue_associate msg_queue_msgctl
msg_queue_msgrcv msg_queue_msgsnd netlink_send path_chmod path_chown path_chroot path_link
path_mkdir path_mknod path_notify path_rename path_rmdir path_symlink path_truncate path_unlink
perf_event_alloc perf_event_open perf_event_read perf_event_write ptrace_access_check
ptrace_traceme quota_on quotactl sb_alloc_security sb_clone_mnt_opts sb_eat_lsm_opts sb_kern_mount
sb_mnt_opts_compat sb_mount sb_pivotroot sb_remount sb_set_mnt_opts sb_show_options sb_statfs
sb_umount sctp_assoc_established sctp_assoc_request sctp_bind_connect secctx_to_secid
secid_to_secctx secmark_relabel_packet sem_alloc_security sem_associate sem_semctl sem_semop
settime shm_alloc_security shm_associate shm_shmat shm_shmctl sk_alloc_security socket_accept
socket_bind socket_connect socket_create socket_getpeername socket_getpeersec_dgram
socket_getpeersec_stream socket_getsockname socket_getsockopt socket_listen socket_post_create
socket_recvmsg socket_sendmsg socket_setsockopt socket_shutdown socket_sock_rcv_skb
socket_socketpair syslog task_alloc task_fix_setgid task_fix_setgroups task_fix_setuid
task_getioprio task_getpgid task_getscheduler task_getsid task_kill task_movememory task_prctl
task_prlimit task_setioprio task_setnice task_setpgid task_setrlimit task_setscheduler
tun_dev_alloc_security tun_dev_attach tun_dev_attach_queue tun_dev_create tun_dev_open
unix_may_send unix_stream_connect uring_cmd uring_override_creds uring_sqpoll userns_create
xfrm_policy_alloc_security xfrm_policy_clone_security xfrm_policy_delete_security
xfrm_policy_lookup xfrm_state_alloc xfrm_state_alloc_acquire xfrm_state_delete_security
xfrm_state_pol_flow_match
"""
_VOID = """
audit_rule_free bprm_committed_creds bprm_committing_creds cred_free cred_getsecid cred_transfer
d_instantiate file_free_security file_set_fowner inet_conn_established inet_csk_clone
inode_free_security inode_invalidate_secctx inode_post_setxattr msg_msg_free_security
msg_queue_free_security release_secctx req_classify_flow sb_delete sb_free_mnt_opts
sb_free_security sctp_sk_clone secmark_refcount_dec secmark_refcount_inc sem_free_security
shm_free_security sk_clone_security sk_free_security sk_getsecid sock_graft task_free
task_to_inode xfrm_policy_free_security xfrm_state_free_security
"""
"""Of both, all kernels that were asked have them; a program at a void hook must return 1."""

_SOMEWHERE = """
6.12,7.3 int: backing_file_alloc mmap_backing_file
6.12,7.3 void: backing_file_free
6.12,6.19,7.3 int: bdev_alloc_security bdev_setintegrity bpf_map_create bpf_prog_load
    bpf_token_capable bpf_token_cmd bpf_token_create file_post_open file_truncate inode_get_acl
    inode_remove_acl inode_set_acl inode_setintegrity inode_xattr_skipcap mptcp_add_subflow
    setselfattr
6.12,6.19,7.3 void: bdev_free_security bpf_map_free bpf_prog_free bpf_token_free file_release
    initramfs_populated inode_free_security_rcu inode_post_create_tmpfile inode_post_remove_acl
    inode_post_removexattr inode_post_set_acl inode_post_setattr key_post_create_or_update
    path_post_mknod
6.1 int: bpf_map_alloc_security bpf_prog_alloc_security
6.1 void: bpf_map_free_security bpf_prog_free_security ib_free_security key_free perf_event_free
    tun_dev_free_security
6.19,7.3 void: cred_getlsmprop current_getlsmprop_subj inode_getlsmprop ipc_getlsmprop
    task_getlsmprop_obj
6.1,6.12 void: current_getsecid_subj inode_getsecid ipc_getsecid task_getsecid_obj
6.1,6.12 int: file_alloc_security
6.19,7.3 int: inode_file_getattr inode_file_setattr lsmprop_to_secctx uring_allowed
7.3 int: unix_find
6.19 int: xfrm_decode_session
"""
"""The kernels that have a hook where others have not, and what the hook returns."""

_SLEEPABLE = """
bpf bpf_map bpf_prog bprm_check_security bprm_committed_creds bprm_committing_creds
bprm_creds_for_exec bprm_creds_from_file capget capset cred_prepare file_ioctl file_lock file_open
file_receive inode_create inode_free_security inode_getattr inode_getxattr inode_mknod
inode_post_setxattr inode_readlink inode_rename inode_rmdir inode_setattr inode_setxattr
inode_symlink inode_unlink kernel_module_request kernel_read_file kernfs_init_security mmap_file
netlink_send path_notify release_secctx sb_alloc_security sb_eat_lsm_opts sb_kern_mount sb_mount
sb_remount sb_set_mnt_opts sb_show_options sb_statfs sb_umount settime socket_accept socket_bind
socket_connect socket_create socket_getpeername socket_getpeersec_dgram socket_getsockname
socket_getsockopt socket_listen socket_post_create socket_recvmsg socket_sendmsg socket_shutdown
socket_socketpair syslog task_alloc task_prctl task_setscheduler userns_create
"""
_SLEEPABLE_SOMEWHERE = """
6.1: bpf_map_alloc_security bpf_map_free_security key_free
6.1,6.12: current_getsecid_subj task_getsecid_obj
6.1,6.19: inet_conn_established
6.12,6.19: bpf_map_create bpf_map_free bpf_prog_load bpf_token_capable bpf_token_cmd
    bpf_token_create bpf_token_free file_post_open path_chmod path_chown path_link path_mkdir
    path_rename path_rmdir path_symlink path_truncate path_unlink
6.19: bpf_prog_free inode_post_removexattr inode_removexattr task_to_inode
"""
"""``sleepable_lsm_hooks`` of ``bpf_lsm.c``: read in 6.1.192 and 6.12.118, recorded on 6.19.14."""

_SAME_PARAMETERS = """
binder_transaction binder_transfer_binder
bprm_check_security bprm_creds_for_exec
bprm_committed_creds bprm_committing_creds
file_fcntl file_ioctl file_ioctl_compat
file_free_security file_release file_set_fowner
file_open file_receive file_truncate
file_permission file_post_open
initramfs_populated secmark_refcount_dec secmark_refcount_inc
inode_create inode_mkdir
inode_file_getattr inode_file_setattr
inode_free_security inode_invalidate_secctx
inode_get_acl inode_remove_acl
inode_getattr path_chroot path_truncate
inode_listxattr inode_readlink quota_on sb_statfs
inode_rmdir inode_unlink
msg_queue_alloc_security sem_alloc_security shm_alloc_security
msg_queue_free_security sem_free_security shm_free_security
msg_queue_msgctl sem_semctl shm_shmctl
netlink_send socket_sock_rcv_skb
path_rmdir path_unlink
perf_event_alloc perf_event_read perf_event_write
sb_delete sb_free_security
sb_mnt_opts_compat sb_remount
sctp_assoc_established sctp_assoc_request
socket_bind socket_connect
socket_getpeername socket_getsockname
socket_getsockopt socket_setsockopt
task_getioprio task_getpgid task_getscheduler task_getsid task_movememory task_setscheduler
tun_dev_attach_queue tun_dev_open
tun_dev_create uring_allowed uring_sqpoll
"""
"""Hooks of a line have the same parameters, by type and name: read in 6.1.192, 6.12.118, 7.2.13 and
7.3.4.  Left out: ``file_alloc_security``, ``sb_kern_mount``, ``syslog`` and
``tun_dev_alloc_security``, whose parameters are those of a line on some of these releases only."""

_ASKED = tuple(map(Release, ("6.1.192", "6.12.118", "6.19.14", "7.3.4")))
_ASKED_SLEEPABLE = _ASKED[:3]


def _somewhere(text: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Each hook of a list by kernels: its name, what it returns, and the branches that have it."""
    head = ""
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            head, _, line = line.partition(":")
        kernels, _, returned = head.partition(" ")
        for name in line.split():
            yield name, returned, frozenset(kernels.split(","))


_BRANCHES = {name: branches for name, _, branches in _somewhere(_SOMEWHERE)}
_MAY_SLEEP = {name: branches for name, _, branches in _somewhere(_SLEEPABLE_SOMEWHERE)}
_LINES = {name: line for line in _SAME_PARAMETERS.strip().splitlines() for name in line.split()}
VOID = frozenset(_VOID.split()) | {
    name for name, returned, _ in _somewhere(_SOMEWHERE) if returned == "void"
}
"""The hooks whose programs must return 1."""
_ALWAYS = VOID.difference(_BRANCHES).union(_EVERYWHERE.split())
HOOKS = _ALWAYS.union(_BRANCHES)
"""The hooks of all kernels that were asked."""


def exists(name: str, release: Release) -> bool:
    """Whether the release has an LSM hook of this name that takes programs.

    ValueError if the release is between two kernels that were asked and differ.
    """
    return name in _ALWAYS or name in _BRANCHES and _known(name, _BRANCHES[name], release, _ASKED)


def sleepable(name: str, release: Release) -> bool:
    """Whether programs at this hook of the release can be sleepable, in kernels that allow it.

    ValueError if the release is between two kernels that were asked and differ.
    """
    return name in _SLEEPABLE.split() or (
        name in _MAY_SLEEP and _known(name, _MAY_SLEEP[name], release, _ASKED_SLEEPABLE)
    )


def same_parameters(one: str, other: str) -> bool:
    """Whether programs at two hooks get the same parameters, and so can call each other."""
    return one == other or one in _LINES and _LINES[one] == _LINES.get(other)


def _known(
    name: str, branches: frozenset[str], release: Release, asked: tuple[Release, ...]
) -> bool:
    """Whether the branches before and after a release are among some."""
    older, newer = neighbours(release, asked)
    found = {".".join(one.name.split(".")[:2]) in branches for one in (older, newer)}
    if len(found) > 1:
        raise ValueError(
            f"lsm_hook: {older.name} and {newer.name} differ in the LSM hook {name!r}, and no "
            f"kernel between them was asked, so the answer of {release.name} is not known; use "
            "one of these two releases, or another hook"
        )
    return found.pop()


@changing("counts", "names")
class LsmSlots:
    """The slots of LSM hooks: ``cgroup_lsm_atype``.

    A hook has a slot while a program is attached there, in any cgroup.  The slot remembers in each
    cgroup how often it changed, whichever hook has it.
    """

    __slots__ = ("counts", "names")

    def __init__(self) -> None:
        self.names = [f"free {number}" for number in range(MOST_HOOKS)]
        """The hook of each slot, or the last one; a name that no hook has before."""
        self.counts = [0] * MOST_HOOKS
        """The attachments at the hook of each slot."""

    def find(self, hook: str | None) -> int | None:
        """``bpf_cgroup_atype_find()``: the hook's slot or else the first free one, if any."""
        for number, (name, count) in enumerate(zip(self.names, self.counts, strict=True)):
            if count and name == hook:
                return number
        return self.counts.index(0) if 0 in self.counts else None

    def take(self, number: int, hook: str, cgroups: Iterable[Cgroup]) -> None:
        """``bpf_cgroup_atype_get()``: one more attachment; a free slot becomes the hook's."""
        self.counts[number] += 1
        before = self.names[number]
        if before == hook:
            return
        if hook in self.names:  # its slot of before keeps what the cgroups know of it
            self.names[self.names.index(hook)] = before
        self.names[number] = hook
        for cgroup in cgroups:
            known = {name: cgroup.hooks.pop(name, None) for name in (before, hook)}
            for name, other in ((before, hook), (hook, before)):
                found = known[other]
                if found is not None:
                    cgroup.hooks[name] = found

    def put(self, hook: str) -> None:
        """``bpf_cgroup_atype_put()``: one attachment less; the last one frees the slot."""
        self.counts[self.names.index(hook)] -= 1
