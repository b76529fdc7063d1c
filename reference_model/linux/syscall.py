# SPDX-License-Identifier: GPL-2.0-only
"""bpf(2) and the other system calls that Python lacks, through ctypes and libc alone.

The structures are those of ``union bpf_attr`` in ``include/uapi/linux/bpf.h``, one for each command
that is used here, as far as it is used.  A kernel accepts one that is longer than its own if the
rest is zero.  The numbers of the system calls are those of x86-64.
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import cache
from typing import Any

from .errors import KernelError

SYS_CAPGET, SYS_CAPSET, SYS_NAME_TO_HANDLE_AT, SYS_BPF, SYS_MEMBARRIER = 125, 126, 303, 321, 324
AT_EMPTY_PATH = 0x1000
PR_SET_PDEATHSIG = 1
MEMBARRIER_CMD_GLOBAL = 1

Buffer = ctypes.Array[ctypes.c_char]


class Command(IntEnum):
    """``enum bpf_cmd``"""

    BPF_MAP_CREATE = 0
    BPF_MAP_LOOKUP_ELEM = 1
    BPF_MAP_UPDATE_ELEM = 2
    BPF_MAP_DELETE_ELEM = 3
    BPF_MAP_GET_NEXT_KEY = 4
    BPF_PROG_LOAD = 5
    BPF_OBJ_PIN = 6
    BPF_OBJ_GET = 7
    BPF_PROG_ATTACH = 8
    BPF_PROG_DETACH = 9
    BPF_PROG_TEST_RUN = 10
    BPF_PROG_GET_NEXT_ID = 11
    BPF_MAP_GET_NEXT_ID = 12
    BPF_PROG_GET_FD_BY_ID = 13
    BPF_MAP_GET_FD_BY_ID = 14
    BPF_OBJ_GET_INFO_BY_FD = 15
    BPF_PROG_QUERY = 16
    BPF_RAW_TRACEPOINT_OPEN = 17
    BPF_BTF_LOAD = 18
    BPF_MAP_LOOKUP_AND_DELETE_ELEM = 21
    BPF_MAP_FREEZE = 22
    BPF_MAP_LOOKUP_BATCH = 24
    BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25
    BPF_MAP_UPDATE_BATCH = 26
    BPF_MAP_DELETE_BATCH = 27
    BPF_LINK_CREATE = 28
    BPF_LINK_UPDATE = 29
    BPF_LINK_GET_FD_BY_ID = 30
    BPF_LINK_GET_NEXT_ID = 31
    BPF_LINK_DETACH = 34
    BPF_PROG_BIND_MAP = 35


def _structure(name: str, fields: str) -> Any:
    """A structure of integers: ``"map_fd:I key:Q"``, and arrays: ``"map_name:16s"``."""
    kinds = {"I": ctypes.c_uint32, "Q": ctypes.c_uint64, "16s": ctypes.c_char * 16}
    pairs = (field.split(":") for field in fields.split())
    members = [(member, kinds[kind]) for member, kind in pairs]
    return type(name, (ctypes.Structure,), {"_fields_": members, "__doc__": "Of union bpf_attr."})


MapCreate = _structure(
    "MapCreate",
    "map_type:I key_size:I value_size:I max_entries:I map_flags:I inner_map_fd:I numa_node:I "
    "map_name:16s map_ifindex:I btf_fd:I btf_key_type_id:I btf_value_type_id:I",
)
Element = _structure("Element", "map_fd:I key:Q value:Q flags:Q")
Batch = _structure(
    "Batch", "in_batch:Q out_batch:Q keys:Q values:Q count:I map_fd:I elem_flags:Q flags:Q"
)
ProgLoad = _structure(
    "ProgLoad",
    "prog_type:I insn_cnt:I insns:Q license:Q log_level:I log_size:I log_buf:Q kern_version:I "
    "prog_flags:I prog_name:16s prog_ifindex:I expected_attach_type:I prog_btf_fd:I "
    "func_info_rec_size:I func_info:Q func_info_cnt:I line_info_rec_size:I line_info:Q "
    "line_info_cnt:I attach_btf_id:I",
)
RawTracepoint = _structure("RawTracepoint", "name:Q prog_fd:I")
Pin = _structure("Pin", "pathname:Q bpf_fd:I file_flags:I")
Attach = _structure(
    "Attach",
    "target_fd:I attach_bpf_fd:I attach_type:I attach_flags:I replace_bpf_fd:I relative:I "
    "expected_revision:Q",
)
TestRun = _structure(
    "TestRun",
    "prog_fd:I retval:I data_size_in:I data_size_out:I data_in:Q data_out:Q repeat:I duration:I",
)
ById = _structure("ById", "id:I next_id:I open_flags:I")
Info = _structure("Info", "bpf_fd:I info_len:I info:Q")
Query = _structure(
    "Query",
    "target_fd:I attach_type:I query_flags:I attach_flags:I prog_ids:Q prog_cnt:I unused:I "
    "prog_attach_flags:Q link_ids:Q link_attach_flags:Q revision:Q",
)
BtfLoad = _structure("BtfLoad", "btf:Q btf_log_buf:Q btf_size:I btf_log_size:I btf_log_level:I")
LinkCreate = _structure(
    "LinkCreate",
    "prog_fd:I target_fd:I attach_type:I flags:I relative:I unused:I expected_revision:Q",
)
LinkUpdate = _structure("LinkUpdate", "link_fd:I new_prog_fd:I flags:I old_prog_fd:I")
BindMap = _structure("BindMap", "prog_fd:I map_fd:I flags:I")


@cache
def libc() -> Any:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *arguments: Any) -> int:
    """A system call by its number; OSError with the kernel's errno."""
    # syscall(2) takes longs, and ctypes passes a plain int as a C int.
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result: int = libc().syscall(ctypes.c_long(number), *words)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def bpf(command: Command, attr: Any, size: int = 0) -> int:
    """bpf(2); KernelError with the kernel's errno.

    ``attr`` is one of the structures above; the buffers whose addresses it holds must stay alive
    until the call returns.  ``size`` is the number of its bytes that count; 0: all.
    """
    try:
        return syscall(SYS_BPF, int(command), ctypes.byref(attr), size or ctypes.sizeof(attr))
    except OSError as error:
        raise KernelError(error.errno or 0, command.name) from None


def buffer(data: bytes = b"", size: int | None = None) -> Buffer:
    """Memory for the kernel: these bytes, with zeros up to ``size`` bytes."""
    return ctypes.create_string_buffer(data, max(len(data), size or 0, 1))


def address(memory: Any) -> int:
    """Where the memory stands, as ``bpf_attr`` wants it."""
    return ctypes.addressof(memory)


def cgroup_id(directory: int) -> int:
    """The 64-bit id of an open cgroup directory, as bpf_get_current_cgroup_id() returns it.

    By name_to_handle_at(2): before 5.5 the id is not st_ino, but has a generation in its upper
    half.  Source: ``fs/kernfs/mount.c``, ``kernel/cgroup/cgroup.c``.
    """
    handle = buffer((8).to_bytes(4, "little"), 16)
    mount = ctypes.c_int()
    path = ctypes.c_char_p(b"")
    syscall(SYS_NAME_TO_HANDLE_AT, directory, path, handle, ctypes.byref(mount), AT_EMPTY_PATH)
    return int.from_bytes(handle.raw[8:16], "little")


def membarrier() -> None:
    """Wait for an RCU grace period, where the kernel offers membarrier(2)."""
    try:
        syscall(SYS_MEMBARRIER, MEMBARRIER_CMD_GLOBAL, 0, 0)
    except OSError:
        return


def capabilities() -> tuple[int, int, int]:
    """The caller's effective, permitted and inheritable capabilities, as bit masks."""
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    syscall(SYS_CAPGET, ctypes.byref(header), ctypes.byref(data))
    effective, permitted, inheritable = (data[i] | data[i + 3] << 32 for i in range(3))
    return effective, permitted, inheritable


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    """Set the caller's capabilities: of this thread alone."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    words = [effective, permitted, inheritable]
    halves = [word & 0xFFFFFFFF for word in words] + [word >> 32 for word in words]
    syscall(SYS_CAPSET, ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)(*halves)))


@contextmanager
def privileged() -> Iterator[None]:
    """Within the block the caller has all that it is permitted, whatever it had given away."""
    saved = capabilities()
    set_capabilities(saved[1], *saved[1:])
    try:
        yield
    finally:
        set_capabilities(*saved)


@contextmanager
def unlimited_memory() -> Iterator[None]:
    """Within the block RLIMIT_MEMLOCK is as high as it may be: before 5.11 it limits maps."""
    saved = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    try:
        with suppress(ValueError):  # it takes CAP_SYS_RESOURCE to raise the hard limit
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (saved[1], saved[1]))
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, saved)


@contextmanager
def on_cpu(cpu: int) -> Iterator[None]:
    """Run on a CPU within the block."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def die_with_parent(signal: int) -> None:
    """Let the kernel send this process a signal when its parent ends."""
    libc().prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
