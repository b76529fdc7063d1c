# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel refuses, one class per reason, and what it leaves undefined.

Modelled: the errno that the syscall returns, and the kernel's reason in a few words.  The classes
stand in the order of a map's life: create, load, attach, use.  Left out: errors of a bad pointer
(EFAULT), which Python cannot make.

>>> raise KeySize("12")
Traceback (most recent call last):
    ...
reference_model.errors.KeySize: [Errno 22] EINVAL: no such key size for this map type: 12
"""

from __future__ import annotations

from typing import ClassVar

from . import errnos as _errno

ENOTSUPP, ERRNO_NAMES = _errno.ENOTSUPP, _errno.NAMES


class BpfError(OSError):
    """The kernel refused an operation and changed nothing.

    Each subclass is one reason; ``number`` is its errno, ``reason`` the stable text.
    """

    number: ClassVar[int]
    reason: ClassVar[str]
    answer: object = None
    """What the kernel wrote although it failed: the ProgQuery of a buffer that is too small."""

    def __init__(self, detail: object = "", answer: object = None) -> None:
        if type(self) is BpfError:
            raise TypeError("BpfError is no reason by itself: use one of its subclasses")
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
"""What stands for the answer of a call that raised UndefinedBehaviour, in records and stories."""


class UndefinedBehaviour(Exception):
    """Linux does not determine what happens next: it warns, oopses or touches foreign memory.

    The model stops before the operation and changes nothing; it never makes up an answer.
    """


class Denied(PermissionError):
    """A program of the hook said no.

    The process sees EPERM from its system call, or the errno that a program chose with
    bpf_set_retval(); a denied incoming packet just never arrives.  This is an answer and not a
    refusal: the programs ran, and what they wrote stays written.
    """

    def __init__(self, hook: object, number: int = _errno.EPERM) -> None:
        name = _errno.NAMES.get(number, str(number))
        super().__init__(number, f"{name}: denied by a program at {hook}")
        self.hook = hook
        self.number = number

    @property
    def told(self) -> str:
        """The answer in traces and stories: ``denied``, and the errno if it is not EPERM."""
        name = _errno.NAMES.get(self.number, str(self.number))
        return "denied" if self.number == _errno.EPERM else f"denied {name}"

    def __reduce__(self) -> tuple[object, ...]:
        return Denied, (self.hook, self.number)


# -- descriptors ------------------------------------------------------------------------------


class BadDescriptor(BpfError):
    """The descriptor is closed, or does not name a cgroup v2 directory."""

    number, reason = _errno.EBADF, "not an open descriptor"


class BadInfoDescriptor(BpfError):
    """BPF_OBJ_GET_INFO_BY_FD of a closed descriptor; its errno is a number of its own."""

    number, reason = _errno.EBADFD, "not an open descriptor"


class NoDescriptorToPin(BpfError):
    """BPF_OBJ_PIN of a closed descriptor (since 5.7): the last of three looks decides."""

    number, reason = _errno.EINVAL, "not an open descriptor of a map, program or link"


class WrongDescriptor(BpfError):
    """The descriptor is open but names another kind of object."""

    number, reason = _errno.EINVAL, "the descriptor names another kind of object"


class NoSuchId(BpfError):
    """No living object has this id."""

    number, reason = _errno.ENOENT, "no object has this id"


class StartId(BpfError):
    """BPF_*_GET_NEXT_ID with a start that no id can be above."""

    number, reason = _errno.EINVAL, "the id to start from is above 2147483646"


class PathExists(BpfError):
    """BPF_OBJ_PIN where something is pinned already."""

    number, reason = _errno.EEXIST, "something is pinned at this path"


class NoSuchPath(BpfError):
    """BPF_OBJ_GET, or unlink, where nothing is pinned."""

    number, reason = _errno.ENOENT, "nothing is pinned at this path"


class NotPermitted(BpfError):
    """The caller lacks a capability."""

    number, reason = _errno.EPERM, "the caller lacks the capability"


class UnknownCommand(BpfError):
    """The kernel has no such bpf(2) command yet."""

    number, reason = _errno.EINVAL, "this kernel has no such command"


# -- cgroups ----------------------------------------------------------------------------------


class CgroupBusy(BpfError):
    """rmdir of a cgroup that has children."""

    number, reason = _errno.EBUSY, "the cgroup has children"


class CgroupGone(BpfError):
    """The cgroup was removed."""

    number, reason = _errno.ENOENT, "the cgroup is being removed"


# -- map creation -----------------------------------------------------------------------------


class UnknownMapType(BpfError):
    """The kernel does not have this map type."""

    number, reason = _errno.EINVAL, "this kernel has no such map type"


class KeySize(BpfError):
    """key_size is not one that the map type accepts."""

    number, reason = _errno.EINVAL, "no such key size for this map type"


class ValueSizeZero(BpfError):
    """value_size is 0."""

    number, reason = _errno.EINVAL, "value_size is 0"


class ValueSizeTooBig(BpfError):
    """value_size is above the limit of the map type."""

    number, reason = _errno.E2BIG, "value_size is above the limit"


class MapFlags(BpfError):
    """map_flags has a bit that this map type or this kernel refuses, or lacks a required one."""

    number, reason = _errno.EINVAL, "map_flags are not allowed for this map type"


class ArrayAttributes(BpfError):
    """An array of programs or of maps has slots, and keys and values of 4 bytes."""

    number, reason = _errno.EINVAL, "an array with these attributes cannot be created"


class MaxEntries(BpfError):
    """max_entries must be 0: the kernel makes the entries."""

    number, reason = _errno.EINVAL, "max_entries is not 0"


class NumaNode(BpfError):
    """BPF_F_NUMA_NODE with a node that is not online."""

    number, reason = _errno.EINVAL, "no such NUMA node"


class MapName(BpfError):
    """The name is longer than 15 characters or has one outside A-Z, a-z, 0-9, '_' and '.'."""

    number, reason = _errno.EINVAL, "map_name has a character that is not allowed, or no end"


class LockedMemory(BpfError):
    """RLIMIT_MEMLOCK is too small for the map itself (before 5.11)."""

    number, reason = _errno.EPERM, "RLIMIT_MEMLOCK is too small for the map"


class BtfIds(BpfError):
    """The combination of BTF ids is not one that this kernel accepts."""

    number, reason = _errno.EINVAL, "BTF for the key needs BTF for the value"


class BtfSize(BpfError):
    """A BTF type has another size than key_size or value_size says, or is missing."""

    number, reason = _errno.EINVAL, "the BTF type has another size"


class BtfKeyShape(BpfError):
    """The key's BTF is not of the shape that the map type wants."""

    number, reason = _errno.EINVAL, "the BTF of the key has the wrong shape"


class BtfNotSupported(BpfError):
    """The map type takes no BTF on this kernel (4.19, 4.20)."""

    number, reason = ENOTSUPP, "no BTF for this map type"


class SpecialFieldReadOnly(BpfError):
    """A special field in a map that programs may not write (6.2: or may not read)."""

    number, reason = _errno.EACCES, "a special field needs a map that programs read and write"


class SpecialFieldNotSupported(BpfError):
    """The map type supports no such special field; for a bpf_spin_lock since 6.2."""

    number, reason = _errno.EOPNOTSUPP, "no such special field in this map type"


class SpecialFieldTwice(BpfError):
    """The BTF of a value with two bpf_spin_lock does not load (since 6.2)."""

    number, reason = (
        _errno.E2BIG,
        "the value has this special field twice, so its BTF does not load",
    )


class SpinLocksOfBothKinds(BpfError):
    """The BTF of a value with a bpf_spin_lock and a bpf_res_spin_lock does not load (6.15)."""

    number, reason = _errno.EINVAL, "a value has one lock: bpf_spin_lock or bpf_res_spin_lock"


class SpecialFieldNotSupportedLegacy(BpfError):
    """The map type supports no bpf_spin_lock (before 6.2)."""

    number, reason = ENOTSUPP, "no such special field in this map type"


class InnerMap(BpfError):
    """The map type cannot be the template of a map of maps."""

    number, reason = ENOTSUPP, "this map type cannot be an inner map"


class AlreadyFrozen(BpfError):
    """BPF_MAP_FREEZE of a frozen map."""

    number, reason = _errno.EBUSY, "the map is frozen already"


class FreezeNotSupported(BpfError):
    """BPF_MAP_FREEZE of a map with special fields."""

    number, reason = ENOTSUPP, "a map with special fields cannot be frozen"


class FreezeReadOnly(BpfError):
    """BPF_MAP_FREEZE through a descriptor that may not write."""

    number, reason = _errno.EPERM, "the descriptor may not write"


# -- program load -----------------------------------------------------------------------------


class UnknownProgramType(BpfError):
    """The kernel does not have this program type."""

    number, reason = _errno.EINVAL, "this kernel has no such program type"


class ProgName(BpfError):
    """The name is longer than 15 characters or has one outside A-Z, a-z, 0-9, '_' and '.'."""

    number, reason = _errno.EINVAL, "prog_name has a character that is not allowed, or no end"


class ExpectedAttachType(BpfError):
    """The program type cannot be loaded for this attach type."""

    number, reason = _errno.EINVAL, "the program type has no such expected_attach_type"


class SleepableProgram(BpfError):
    """A sleepable program cannot have this type and hook, or use this map."""

    number, reason = _errno.EINVAL, "such a program cannot be sleepable"


class StorageBusy(BpfError):
    """The verifier's one message for two causes.

    The program uses two maps of one kind, or (before 5.9) another program owns the map.
    """

    number, reason = _errno.EBUSY, "only one cgroup storage of each type is allowed"


class UnknownHelper(BpfError):
    """The program type may not call the helper."""

    number, reason = _errno.EINVAL, "program of this type cannot use helper"


class HelperMapType(BpfError):
    """The helper does not work on the map type."""

    number, reason = _errno.EINVAL, "cannot pass this map type into the helper"


class HelperFlags(BpfError):
    """The second argument of bpf_get_local_storage is not a known zero."""

    number, reason = _errno.EINVAL, "get_local_storage() doesn't support non-zero flags"


class ValueAccess(BpfError):
    """The program reaches outside the value."""

    number, reason = _errno.EACCES, "invalid access to map value"


class WriteForbidden(BpfError):
    """The program writes to a BPF_F_RDONLY_PROG map."""

    number, reason = _errno.EACCES, "write into map forbidden"


class ReadForbidden(BpfError):
    """The program reads from a BPF_F_WRONLY_PROG map."""

    number, reason = _errno.EACCES, "read from map forbidden"


class ReturnValue(BpfError):
    """The program returns a number outside the range of its type."""

    number, reason = _errno.EINVAL, "the program returns a value outside its type's range"


class TailCallIncompatible(BpfError):
    """The program and the program array's owner do not go together."""

    number, reason = _errno.EINVAL, "the program does not fit the program array's owner"


class TestRunNotSupported(BpfError):
    """The program type has no BPF_PROG_TEST_RUN."""

    __test__ = False
    number, reason = ENOTSUPP, "this program type has no test run"


# -- attach, detach, links, query --------------------------------------------------------------


class AttachFlags(BpfError):
    """The flags hold an unknown bit or bits that exclude each other."""

    number, reason = _errno.EINVAL, "these attach flags do not go together or are unknown"


class WrongAttachType(BpfError):
    """No such attach type on this kernel, or the program does not belong there."""

    number, reason = _errno.EINVAL, "the program cannot be attached to this attach type"


class HierarchyForbids(BpfError):
    """An ancestor's program was attached with flags that forbid programs below."""

    number, reason = _errno.EPERM, "an ancestor's program forbids programs below it"


class OtherFlagsAttached(BpfError):
    """Programs are attached here with other flags."""

    number, reason = _errno.EPERM, "programs are attached here with other flags"


class TooManyPrograms(BpfError):
    """64 programs are attached here already."""

    number, reason = _errno.E2BIG, "64 programs are attached here already"


class TooManyHooks(BpfError):
    """Ten other LSM hooks have programs: on this machine, in any cgroup."""

    number, reason = _errno.EINVAL, "10 other LSM hooks have programs already"


class AlreadyAttached(BpfError):
    """The program is attached here directly already."""

    number, reason = _errno.EINVAL, "the program is attached here already"


class NothingToReplace(BpfError):
    """The program to replace is not attached here directly."""

    number, reason = _errno.ENOENT, "the program to replace is not attached here"


class NotAttached(BpfError):
    """Nothing to detach: no program here, or not this one, or only through a link."""

    number, reason = _errno.ENOENT, "the program is not attached here"


class DetachNeedsProgram(BpfError):
    """BPF_PROG_DETACH from a BPF_F_ALLOW_MULTI hook without a program."""

    number, reason = _errno.EINVAL, "a MULTI hook wants the program to detach"


class OutOfMemory(BpfError):
    """An allocation failed; when attaching also if RLIMIT_MEMLOCK is too small (before 5.11)."""

    number, reason = _errno.ENOMEM, "no memory"


class StaleRevision(BpfError):
    """expected_revision is not the hook's revision."""

    number, reason = _errno.ESTALE, "the hook has another revision"


class Position(BpfError):
    """The position flags contradict each other or the newcomer."""

    number, reason = _errno.EINVAL, "these position flags do not go together"


class NoAnchor(BpfError):
    """The program or link to stand beside is not attached here."""

    number, reason = _errno.ENOENT, "the anchor is not attached here"


class LinkDefunct(BpfError):
    """BPF_LINK_UPDATE after the cgroup died or the link was detached."""

    number, reason = _errno.ENOLINK, "the link has lost its cgroup"


class LinkWithoutCgroup(BpfError):
    """BPF_LINK_UPDATE after the cgroup died, before 5.8."""

    number, reason = _errno.EINVAL, "the link has lost its cgroup"


class LinkHasOtherProgram(BpfError):
    """BPF_LINK_UPDATE with an old program that is not the link's."""

    number, reason = _errno.EPERM, "the link holds another program"


class LinkProgramType(BpfError):
    """BPF_LINK_UPDATE to a program of another type."""

    number, reason = _errno.EINVAL, "the new program is of another type"


class LinkStorageMaps(BpfError):
    """BPF_LINK_UPDATE to a program with other storage maps."""

    number, reason = _errno.EINVAL, "the new program uses other cgroup storage maps"


class QueryFlags(BpfError):
    """BPF_PROG_QUERY knows only BPF_F_QUERY_EFFECTIVE."""

    number, reason = _errno.EINVAL, "unknown query flags"


class QueryTooSmall(BpfError):
    """BPF_PROG_QUERY found more programs than the caller's buffer takes."""

    number, reason = _errno.ENOSPC, "more programs than the buffer takes"


# -- entries ----------------------------------------------------------------------------------


class NoEntry(BpfError):
    """No storage has this key; only attaching makes one."""

    number, reason = _errno.ENOENT, "no entry has this key"


class NoMoreKeys(BpfError):
    """BPF_MAP_GET_NEXT_KEY: the map is empty, the key is unknown, or it was the last."""

    number, reason = _errno.ENOENT, "no next key"


class EntryExists(BpfError):
    """BPF_NOEXIST, and the entry exists (CGRP_STORAGE)."""

    number, reason = _errno.EEXIST, "the entry exists"


class ElementFlags(BpfError):
    """The flags of a lookup, update or delete are not allowed."""

    number, reason = _errno.EINVAL, "flags are not allowed here"


class NoSuchCpu(BpfError):
    """BPF_F_CPU with a CPU that cannot exist on this machine."""

    number, reason = _errno.ERANGE, "no such possible CPU"


class DeleteRefused(BpfError):
    """BPF_MAP_DELETE_ELEM never works on these map types, whether or not the key exists."""

    number, reason = _errno.EINVAL, "entries cannot be deleted"


class CommandNotSupported(BpfError):
    """The map type does not have this command."""

    number, reason = ENOTSUPP, "this map type has no such command"


class AccessMode(BpfError):
    """The descriptor may not read or write, or the map is frozen."""

    number, reason = _errno.EPERM, "the descriptor does not allow this access"


class IndexTooBig(BpfError):
    """A program array has no such slot."""

    number, reason = _errno.E2BIG, "the program array has no such slot"
