# SPDX-License-Identifier: GPL-2.0-only
"""Why a kernel rejects a call, one class for each reason, and what it leaves undefined.

Modelled: the errno that the system call returns, and the kernel's reason in a few words.  The
classes are in the order of a map's life: create, load, attach, use.  Left out: errors
of a bad pointer (EFAULT), which Python cannot create.

>>> raise KeySize("12")
Traceback (most recent call last):
    ...
reference_model.errors.KeySize: [Errno 22] EINVAL: the map type does not support this key_size: 12
"""

from __future__ import annotations

from typing import ClassVar

from . import errnos as _errno

ENOTSUPP, ERRNO_NAMES = _errno.ENOTSUPP, _errno.NAMES


class BpfError(OSError):
    """The kernel refused an operation and changed nothing.

    Each subclass is one reason: ``number`` is its errno, and ``reason`` the text that never varies.
    """

    number: ClassVar[int]
    reason: ClassVar[str]
    answer: object = None
    """What the kernel returned although the call failed: a ProgQuery if the buffer is too small."""

    def __init__(self, detail: object = "", answer: object = None) -> None:
        if type(self) is BpfError:
            raise TypeError("BpfError names no reason: use one of its subclasses")
        self.answer = answer
        text = f"{ERRNO_NAMES[self.number]}: {self.reason}"
        super().__init__(self.number, f"{text}: {detail}" if detail != "" else text)

    @property
    def name(self) -> str:
        """The errno's name: ``"EBUSY"``."""
        return ERRNO_NAMES[self.number]

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args)


def _rebuild(cls: type[BpfError], args: tuple[object, ...]) -> BpfError:
    error = cls.__new__(cls)
    OSError.__init__(error, *args)
    return error


UNDEFINED = "undefined"
"""The answer that records and stories show for a call that raised UndefinedBehaviour."""


class UndefinedBehaviour(Exception):
    """Linux does not determine what happens next: it warns, oopses or corrupts memory.

    The model stops before the operation and changes nothing; it never makes up an answer.
    """


class Denied(PermissionError):
    """A program of the hook denied the event.

    The process sees EPERM from its system call, or the errno that a program chose with
    bpf_set_retval(); a denied incoming packet is dropped without an error.  No BpfError: the
    programs ran, and what they wrote remains.
    """

    def __init__(self, hook: object, number: int = _errno.EPERM) -> None:
        name = _errno.NAMES.get(number, str(number))
        super().__init__(number, f"{name}: denied by a program at {hook}")
        self.hook = hook
        self.number = number

    @property
    def answer(self) -> str:
        """The answer in traces and stories: ``denied``, and any errno other than EPERM."""
        name = _errno.NAMES.get(self.number, str(self.number))
        return "denied" if self.number == _errno.EPERM else f"denied {name}"

    def __reduce__(self) -> tuple[object, ...]:
        return Denied, (self.hook, self.number)


# -- descriptors ------------------------------------------------------------------------------


class BadDescriptor(BpfError):
    """The descriptor is closed, or does not name a cgroup v2 directory."""

    number, reason = _errno.EBADF, "the file descriptor is not open"


class BadInfoDescriptor(BpfError):
    """BPF_OBJ_GET_INFO_BY_FD of a closed descriptor: it fails with EBADFD, not EBADF."""

    number, reason = _errno.EBADFD, "the file descriptor is not open"


class NoDescriptorToPin(BpfError):
    """BPF_OBJ_PIN of a closed descriptor, since 5.7: no map, program or link."""

    number, reason = _errno.EINVAL, "not an open file descriptor of a map, program or link"


class WrongDescriptor(BpfError):
    """The descriptor is open but names another kind of object."""

    number, reason = _errno.EINVAL, "the file descriptor refers to another kind of object"


class NoSuchId(BpfError):
    """No living object has this id."""

    number, reason = _errno.ENOENT, "no object has this id"


class StartId(BpfError):
    """BPF_*_GET_NEXT_ID with a start_id that no id can exceed."""

    number, reason = _errno.EINVAL, "start_id must be below 2147483647"


class PathExists(BpfError):
    """BPF_OBJ_PIN to a path where an object is already pinned."""

    number, reason = _errno.EEXIST, "the path already exists"


class NoSuchPath(BpfError):
    """BPF_OBJ_GET or unlink(2) of a path where no object is pinned."""

    number, reason = _errno.ENOENT, "no object is pinned at this path"


class NotPermitted(BpfError):
    """The caller lacks a capability."""

    number, reason = _errno.EPERM, "a required capability is missing"


class UnknownCommand(BpfError):
    """The kernel does not have this bpf(2) command yet."""

    number, reason = _errno.EINVAL, "this kernel does not support the command"


# -- cgroups ----------------------------------------------------------------------------------


class CgroupBusy(BpfError):
    """rmdir(2) of a cgroup that has children."""

    number, reason = _errno.EBUSY, "the cgroup has children"


class CgroupGone(BpfError):
    """The cgroup was removed."""

    number, reason = _errno.ENOENT, "the cgroup has been removed"


# -- map creation -----------------------------------------------------------------------------


class UnknownMapType(BpfError):
    """The kernel does not have this map type."""

    number, reason = _errno.EINVAL, "this kernel does not support the map type"


class KeySize(BpfError):
    """key_size is not one that the map type accepts."""

    number, reason = _errno.EINVAL, "the map type does not support this key_size"


class ValueSizeZero(BpfError):
    """value_size is 0."""

    number, reason = _errno.EINVAL, "value_size must not be 0"


class ValueSizeTooBig(BpfError):
    """value_size exceeds the limit of the map type on this kernel."""

    number, reason = _errno.E2BIG, "value_size exceeds the limit"


class MapFlags(BpfError):
    """map_flags has a bit that the map type or the kernel rejects, or lacks a required one."""

    number, reason = _errno.EINVAL, "these map flags are not supported"


class ArrayAttributes(BpfError):
    """An array of programs or maps requires entries, 4-byte keys and 4-byte values."""

    number, reason = (
        _errno.EINVAL,
        "the array requires 4-byte keys, 4-byte values and at least one entry",
    )


class MaxEntries(BpfError):
    """max_entries must be 0, as the kernel creates the entries."""

    number, reason = _errno.EINVAL, "max_entries must be 0"


class NumaNode(BpfError):
    """BPF_F_NUMA_NODE with a node that is not online."""

    number, reason = _errno.EINVAL, "the NUMA node is not online"


class MapName(BpfError):
    """The name is longer than 15 characters or has one outside A-Z, a-z, 0-9, '_' and '.'."""

    number, reason = _errno.EINVAL, "map_name is too long or contains an invalid character"


class LockedMemory(BpfError):
    """RLIMIT_MEMLOCK is too small for the map itself (before 5.11)."""

    number, reason = _errno.EPERM, "RLIMIT_MEMLOCK is too low for the map"


class BtfIds(BpfError):
    """The combination of BTF ids is not one that this kernel accepts."""

    number, reason = _errno.EINVAL, "btf_key_type_id and btf_value_type_id do not fit together"


class BtfSize(BpfError):
    """The size of a BTF type differs from key_size or value_size, or the type is missing."""

    number, reason = _errno.EINVAL, "the BTF type differs in size from the key or value"


class BtfKeyShape(BpfError):
    """The BTF type of the key is not one that the map type accepts."""

    number, reason = _errno.EINVAL, "the map type does not support this BTF type of the key"


class BtfNotSupported(BpfError):
    """The map type does not support BTF on this kernel (4.19, 4.20)."""

    number, reason = ENOTSUPP, "this map type does not support BTF"


class SpecialFieldReadOnly(BpfError):
    """A special field in a map that programs cannot write or, since 6.2, cannot read."""

    number, reason = (
        _errno.EACCES,
        "programs must be able to read and write a map with special fields",
    )


class SpecialFieldNotSupported(BpfError):
    """The map type does not support the special field; for a bpf_spin_lock since 6.2."""

    number, reason = _errno.EOPNOTSUPP, "this map type does not support the special field"


class SpecialFieldTwice(BpfError):
    """The BTF of a value with two bpf_spin_lock does not load (since 6.2)."""

    number, reason = (
        _errno.E2BIG,
        "the BTF type of the value must not contain this field twice",
    )


class SpecialFieldArray(BpfError):
    """The BTF of a struct with a spin lock and an array of special fields does not load (6.11)."""

    number, reason = (
        _errno.EINVAL,
        "the BTF type of the value must not contain an array of this field beside a spin lock",
    )


class SpinLocksOfBothKinds(BpfError):
    """The BTF of a value with a bpf_spin_lock and a bpf_res_spin_lock does not load (6.15)."""

    number, reason = (
        _errno.EINVAL,
        "the value must not contain both bpf_spin_lock and bpf_res_spin_lock",
    )


class SpecialFieldNotSupportedLegacy(BpfError):
    """The map type does not support a bpf_spin_lock (before 6.2)."""

    number, reason = ENOTSUPP, "this map type does not support the special field"


class InnerMap(BpfError):
    """The map type cannot be the template of a map of maps."""

    number, reason = ENOTSUPP, "this map type cannot be an inner map"


class AlreadyFrozen(BpfError):
    """BPF_MAP_FREEZE of a frozen map."""

    number, reason = _errno.EBUSY, "the map is already frozen"


class FreezeNotSupported(BpfError):
    """BPF_MAP_FREEZE of a map with special fields."""

    number, reason = ENOTSUPP, "a map with special fields cannot be frozen"


class FreezeReadOnly(BpfError):
    """BPF_MAP_FREEZE through a file descriptor that is not writable."""

    number, reason = _errno.EPERM, "the file descriptor is not writable"


# -- program load -----------------------------------------------------------------------------


class UnknownProgramType(BpfError):
    """The kernel does not have this program type."""

    number, reason = _errno.EINVAL, "this kernel does not support the program type"


class ProgName(BpfError):
    """The name is longer than 15 characters or has one outside A-Z, a-z, 0-9, '_' and '.'."""

    number, reason = _errno.EINVAL, "prog_name is too long or contains an invalid character"


class ExpectedAttachType(BpfError):
    """The program type cannot be loaded for this attach type."""

    number, reason = _errno.EINVAL, "the program type does not support this expected_attach_type"


class ProgFlags(BpfError):
    """Program flags that every kernel rejects."""

    number, reason = _errno.EINVAL, "these program flags are unknown"


class SleepableProgram(BpfError):
    """A sleepable program cannot have this type and hook, or use this map."""

    number, reason = _errno.EINVAL, "a sleepable program cannot have this type, hook or map"


class StorageBusy(BpfError):
    """The verifier has one message for two causes.

    The program uses two maps of one kind, or (before 5.9) another program owns the map.
    """

    number, reason = _errno.EBUSY, "only one cgroup storage of each type is allowed"


class UnknownHelper(BpfError):
    """The program type cannot call the helper."""

    number, reason = _errno.EINVAL, "program of this type cannot use helper"


class HelperMapType(BpfError):
    """The helper does not work on the map type."""

    number, reason = _errno.EINVAL, "cannot pass this map type into the helper"


class HelperFlags(BpfError):
    """The second argument of bpf_get_local_storage is not the constant 0."""

    number, reason = _errno.EINVAL, "get_local_storage() doesn't support non-zero flags"


class KfuncNotAllowed(BpfError):
    """Programs of the type cannot call the kernel function."""

    number, reason = _errno.EACCES, "programs of this type cannot call this kernel function"


class CgroupNotTrusted(BpfError):
    """A sleepable program passes a pointer to a cgroup that it read outside of RCU."""

    number, reason = (
        _errno.EACCES,
        "a sleepable program must read the pointer to the cgroup between bpf_rcu_read_lock() and "
        "bpf_rcu_read_unlock()",
    )


class CgroupNotUnderRcu(BpfError):
    """A sleepable program passes such a pointer to a kernel function."""

    number, reason = _errno.EINVAL, CgroupNotTrusted.reason


class ValueAccess(BpfError):
    """The program reads or writes outside the value."""

    number, reason = _errno.EACCES, "invalid access to map value"


class MisalignedAccess(BpfError):
    """An atomic instruction works on a number whose offset is not a multiple of its width."""

    number, reason = _errno.EACCES, "misaligned value access"


class WriteForbidden(BpfError):
    """The program writes to a BPF_F_RDONLY_PROG map."""

    number, reason = _errno.EACCES, "write into map forbidden"


class ReadForbidden(BpfError):
    """The program reads from a BPF_F_WRONLY_PROG map."""

    number, reason = _errno.EACCES, "read from map forbidden"


class ReturnValue(BpfError):
    """The program returns a number outside the range of its type."""

    number, reason = _errno.EINVAL, "the program type does not allow this return value"


class TailCallIncompatible(BpfError):
    """The program is incompatible with the program that owns the array."""

    number, reason = (
        _errno.EINVAL,
        "the program is incompatible with the owner of the program array",
    )


class TestRunNotSupported(BpfError):
    """The program type does not support BPF_PROG_TEST_RUN."""

    __test__ = False
    number, reason = ENOTSUPP, "the program type does not support BPF_PROG_TEST_RUN"


# -- attach, detach, links, query --------------------------------------------------------------


class AttachFlags(BpfError):
    """The flags hold an unknown bit or bits that exclude each other."""

    number, reason = _errno.EINVAL, "these attach flags are unknown or exclude each other"


class WrongAttachType(BpfError):
    """The kernel does not have this attach type, or the program cannot be attached to it."""

    number, reason = _errno.EINVAL, "the program cannot be attached to this attach type"


class HierarchyForbids(BpfError):
    """A program was attached to an ancestor with flags that do not allow programs below it."""

    number, reason = (
        _errno.EPERM,
        "a program attached to an ancestor does not allow programs below it",
    )


class OtherFlagsAttached(BpfError):
    """The programs that are attached here have different flags."""

    number, reason = _errno.EPERM, "the programs attached here have different flags"


class TooManyPrograms(BpfError):
    """64 programs are already attached here."""

    number, reason = _errno.E2BIG, "64 programs are already attached here"


class TooManyHooks(BpfError):
    """Ten other LSM hooks have programs: on this machine, in any cgroup."""

    number, reason = _errno.EINVAL, "10 other LSM hooks already have programs"


class AlreadyAttached(BpfError):
    """The program is already attached here directly."""

    number, reason = _errno.EINVAL, "the program is already attached here"


class NothingToReplace(BpfError):
    """The program to replace is not attached here directly."""

    number, reason = _errno.ENOENT, "the program to replace is not attached here"


class NotAttached(BpfError):
    """The program to detach is not attached here, or only through a link."""

    number, reason = _errno.ENOENT, "the program is not attached here"


class DetachNeedsProgram(BpfError):
    """BPF_PROG_DETACH names no program, and the hook has BPF_F_ALLOW_MULTI."""

    number, reason = (
        _errno.EINVAL,
        "the hook has BPF_F_ALLOW_MULTI, so the program to detach must be given",
    )


class OutOfMemory(BpfError):
    """An allocation failed; when attaching also if RLIMIT_MEMLOCK is too small (before 5.11)."""

    number, reason = _errno.ENOMEM, "cannot allocate memory"


class StaleRevision(BpfError):
    """expected_revision is not the revision of the hook."""

    number, reason = _errno.ESTALE, "expected_revision is not the revision of the hook"


class Position(BpfError):
    """The position flags contradict each other or the new attachment."""

    number, reason = _errno.EINVAL, "the position among the attached programs is invalid"


class NoAnchor(BpfError):
    """The program or link that the position refers to is not attached here."""

    number, reason = _errno.ENOENT, "the program or link of relative_fd is not attached here"


class LinkDefunct(BpfError):
    """BPF_LINK_UPDATE after the cgroup was removed or the link was detached."""

    number, reason = _errno.ENOLINK, "the link is no longer attached to a cgroup"


class LinkWithoutCgroup(BpfError):
    """BPF_LINK_UPDATE after the cgroup was removed, before 5.8."""

    number, reason = _errno.EINVAL, "the link is no longer attached to a cgroup"


class LinkHasOtherProgram(BpfError):
    """BPF_LINK_UPDATE with an old program that is not the program of the link."""

    number, reason = _errno.EPERM, "old_prog_fd is not the program of the link"


class LinkProgramType(BpfError):
    """BPF_LINK_UPDATE to a program of a different type."""

    number, reason = _errno.EINVAL, "the new program has a different type"


class LinkStorageMaps(BpfError):
    """BPF_LINK_UPDATE to a program with different cgroup storage maps."""

    number, reason = _errno.EINVAL, "the new program uses different cgroup storage maps"


class QueryFlags(BpfError):
    """BPF_PROG_QUERY supports only BPF_F_QUERY_EFFECTIVE."""

    number, reason = _errno.EINVAL, "these query flags are not supported"


class QueryTooSmall(BpfError):
    """BPF_PROG_QUERY found more programs than the caller's buffer can hold."""

    number, reason = _errno.ENOSPC, "more programs are attached than the buffer can hold"


# -- entries ----------------------------------------------------------------------------------


class NoEntry(BpfError):
    """No storage has this key; only attaching makes one."""

    number, reason = _errno.ENOENT, "no entry has this key"


class NoMoreKeys(BpfError):
    """BPF_MAP_GET_NEXT_KEY: the map is empty, the key is unknown, or it was the last."""

    number, reason = _errno.ENOENT, "there is no next key"


class EntryExists(BpfError):
    """BPF_NOEXIST was given, and the entry exists (CGRP_STORAGE)."""

    number, reason = _errno.EEXIST, "the entry already exists"


class ElementFlags(BpfError):
    """The flags of a lookup, update or delete are not allowed."""

    number, reason = _errno.EINVAL, "the command does not support these flags"


class NoSuchCpu(BpfError):
    """BPF_F_CPU with a CPU that cannot exist on this machine."""

    number, reason = _errno.ERANGE, "no possible CPU has this number"


class DeleteRefused(BpfError):
    """BPF_MAP_DELETE_ELEM always fails on these map types, whether or not the key exists."""

    number, reason = _errno.EINVAL, "entries of this map type cannot be deleted"


class CommandNotSupported(BpfError):
    """The map type does not support this command."""

    number, reason = ENOTSUPP, "the map type does not support this command"


class AccessMode(BpfError):
    """The file descriptor does not allow reading or writing, or the map is frozen."""

    number, reason = _errno.EPERM, "the file descriptor does not allow this access"


class IndexTooBig(BpfError):
    """The index is not below max_entries of the program array."""

    number, reason = _errno.E2BIG, "the index is beyond the end of the program array"
