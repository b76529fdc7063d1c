# SPDX-License-Identifier: GPL-2.0-only
"""Refusals of attaching, detaching, links and queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import changes, errors
from ..releases import Change
from ..uapi import (
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_F_AFTER,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_BEFORE,
    BPF_F_ID,
    BPF_F_REPLACE,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_LSM,
    AttachType,
)
from .room import EGRESS, Refusal, Room

MULTI = int(BPF_F_ALLOW_MULTI)
_UNKNOWN: Any = 99
_SOCK_CREATE = BPF_CGROUP_INET_SOCK_CREATE

Attach = Callable[..., object]
"""Attach a program: ``attach(room, program, flags, cgroup=..., attach_type=..., ...)``."""


_TEN = (
    *("accept", "bind", "connect", "create", "listen", "post_create", "recvmsg", "sendmsg"),
    *("setsockopt", "shutdown"),
)


def _attach(
    room: Room, prog: Any = None, flags: int = 0, cgroup: Any = None,
    attach_type: AttachType = EGRESS, **options: Any,
) -> None:  # fmt: skip
    cgroup, prog = cgroup or room.web, prog or room.count
    room.kernel.prog_attach(cgroup, prog, attach_type, MULTI | flags, **options)


def _link(
    room: Room, prog: Any = None, flags: int = 0, cgroup: Any = None,
    attach_type: AttachType = EGRESS, **options: Any,
) -> object:  # fmt: skip
    cgroup, prog = cgroup or room.web, prog or room.count
    return room.kernel.link_create(cgroup, prog, attach_type, flags, **options)


def _below_a_strict_one(attach: Attach) -> Callable[[Room], object]:
    def provoke(room: Room) -> object:
        room.attach(room.plain(), 0)
        return attach(room, cgroup=room.kernel.mkdir("below", room.web))

    return provoke


def _beside_other_flags(attach: Attach) -> Callable[[Room], object]:
    def provoke(room: Room) -> object:
        room.attach(room.plain(), int(BPF_F_ALLOW_OVERRIDE))
        return attach(room)

    return provoke


def _sixty_fifth(attach: Attach) -> Callable[[Room], object]:
    def provoke(room: Room) -> object:
        for _ in range(64):
            room.attach(room.plain())
        return attach(room)

    return provoke


def _without_memory(attach: Attach) -> Callable[[Room], object]:
    def provoke(room: Room) -> object:
        count = room.count
        room.kernel.fail_next("storage")
        return attach(room, count)

    return provoke


def _unprivileged(act: Callable[[Room], object]) -> Callable[[Room], object]:
    def provoke(room: Room) -> object:
        room.web, room.count, room.sock  # noqa: B018 (made before the privileges go)
        room.kernel.unprivileged_bpf_disabled = 0
        with room.kernel.user("CAP_BPF"):
            return act(room)

    return provoke


def _common(name: str, attach: Attach, since: Change | None) -> Iterator[Refusal]:
    """What attaching directly and by a link have in common, in the kernel's order."""
    ordering = changes.ORDERING

    def refusal(
        error: type[errors.BpfError], when: str, provoke: Callable[[Room], object],
        since: Change | None = since, rule: str = "",
    ) -> Refusal:  # fmt: skip
        return Refusal(name, error, when, provoke, since, rule=rule)

    yield refusal(
        errors.WrongAttachType,
        "the kernel has no such attach type, or the program does not belong there",
        lambda room: attach(room, attach_type=_UNKNOWN),
    )
    yield refusal(
        errors.BadDescriptor,
        "the program is not open, or what should be a cgroup is no open directory of cgroup v2",
        lambda room: attach(room, room.closed_prog),
    )
    yield refusal(
        errors.WrongDescriptor,
        "the descriptor is not a program's, or the program is of another type",
        lambda room: attach(room, room.sock),
    )
    yield refusal(
        errors.CgroupGone,
        "the cgroup was removed",
        lambda room: attach(room, cgroup=room.gone),
    )
    yield refusal(
        errors.TooManyHooks,
        "it is an LSM program, and ten other LSM hooks have programs on this machine",
        _eleventh_hook(attach),
        since=changes.LSM_CGROUP,
        rule="attach.lsm-hooks",
    )
    yield refusal(
        errors.StaleRevision,
        "``expected_revision`` is not the hook's",
        lambda room: attach(room, expected_revision=9),
        since=ordering,
    )
    yield refusal(
        errors.HierarchyForbids,
        "an ancestor's program was attached without ``BPF_F_ALLOW_OVERRIDE`` and "
        "``BPF_F_ALLOW_MULTI``",
        _below_a_strict_one(attach),
    )
    yield refusal(
        errors.OtherFlagsAttached,
        "programs are attached here with other flags",
        _beside_other_flags(attach),
    )
    yield refusal(
        errors.TooManyPrograms,
        "64 programs are attached here; also for ``BPF_F_REPLACE``",
        _sixty_fifth(attach),
    )
    yield refusal(
        errors.OutOfMemory,
        "no memory, or (up to 5.10) ``RLIMIT_MEMLOCK`` is too small for a new storage",
        _without_memory(attach),
        rule="attach.failed",
    )
    yield refusal(
        errors.Position,
        "flags of the position contradict each other, or the program beside which to stand",
        lambda room: attach(room, flags=int(BPF_F_BEFORE | BPF_F_AFTER), relative=room.plain()),
        since=ordering,
    )
    yield refusal(
        errors.NoSuchId,
        "``BPF_F_ID`` with an id that nothing has",
        lambda room: attach(room, flags=int(BPF_F_BEFORE | BPF_F_ID | _beside(name)), relative=99),
        since=ordering,
    )
    yield refusal(
        errors.NoAnchor,
        "the program or link beside which to stand is not attached here",
        lambda room: attach(
            room, flags=int(BPF_F_BEFORE | _beside(name)), relative=_stranger(room, name)
        ),
        since=ordering,
    )


def _beside(name: str) -> int:
    """BPF_F_LINK where a link stands beside links."""
    return 0x2000 if name == "link_create" else 0


def _stranger(room: Room, name: str) -> Any:
    """A program, or a link, that is not attached to the cgroup."""
    if name == "prog_attach":
        return room.plain()
    return room.kernel.link_create(room.kernel.mkdir("db"), room.plain(), EGRESS)


def _attach_to_ten_hooks(room: Room) -> None:
    for call in _TEN:
        room.kernel.prog_attach(room.web, _lsm(room, f"socket_{call}"), BPF_LSM_CGROUP)


def _eleventh_hook(attach: Attach) -> Callable[[Room], object]:
    def provoke(room: Room) -> object:
        _attach_to_ten_hooks(room)
        prog = _lsm(room, "sk_alloc_security")
        return attach(room, prog, attach_type=BPF_LSM_CGROUP)

    return provoke


def _detach_unknown_hook(room: Room) -> None:
    _attach_to_ten_hooks(room)
    room.kernel.prog_detach(room.web, None, BPF_LSM_CGROUP)


def _attach_twice(room: Room) -> None:
    room.attach()
    room.attach()


def _detach(room: Room, prog: Any = None, cgroup: Any = None, **options: Any) -> None:
    room.kernel.prog_detach(cgroup or room.web, prog, EGRESS, **options)


def _detach_without_memory(room: Room) -> None:
    room.attach()
    room.kernel.fail_next("effective")
    _detach(room, room.count)


def _detach_nobody(room: Room) -> None:
    room.attach()
    _detach(room)


_PROG_ATTACH = (
    Refusal(
        "prog_attach",
        errors.NotPermitted,
        "no ``CAP_NET_ADMIN``",
        _unprivileged(_attach),
        until=changes.CAP_BPF,
        rule="attach.capability",
    ),
    Refusal(
        "prog_attach",
        errors.AttachFlags,
        "flags that are unknown or exclude each other",
        lambda room: room.attach(flags=0x80),
    ),
    Refusal(
        "prog_attach",
        errors.AttachFlags,
        "a program to replace, which is not known yet",
        lambda room: room.attach(replace=room.plain()),
        until=changes.REPLACE_FLAG,
    ),
    Refusal(
        "prog_attach",
        errors.AttachFlags,
        "``relative_fd`` or ``expected_revision``, which are not known yet",
        lambda room: room.attach(expected_revision=1),
        until=changes.ORDERING,
    ),
    Refusal(
        "prog_attach",
        errors.WrongAttachType,
        "a ``CGROUP_SKB`` program, and no ``CAP_NET_ADMIN``",
        _unprivileged(_attach),
        since=changes.CAP_BPF,
        rule="attach.capability",
    ),
    *_common("prog_attach", _attach, None),
    Refusal(
        "prog_attach",
        errors.AlreadyAttached,
        "the program is attached here already, with ``BPF_F_ALLOW_MULTI``",
        _attach_twice,
        rule="attach.twice",
    ),
    Refusal(
        "prog_attach",
        errors.NothingToReplace,
        "``BPF_F_REPLACE``, and the program to replace is not attached here",
        lambda room: _attach(room, flags=int(BPF_F_REPLACE), replace=room.plain()),
        since=changes.REPLACE_FLAG,
        rule="attach.twice",
    ),
)

_PROG_DETACH = (
    Refusal(
        "prog_detach",
        errors.NotPermitted,
        "no ``CAP_NET_ADMIN``",
        _unprivileged(_detach),
        until=changes.CAP_BPF,
        rule="detach.capability",
    ),
    Refusal(
        "prog_detach",
        errors.AttachFlags,
        "``expected_revision``, which is not known yet",
        lambda room: _detach(room, expected_revision=1),
        until=changes.ORDERING,
    ),
    Refusal(
        "prog_detach",
        errors.WrongAttachType,
        "the kernel has no such attach type",
        lambda room: room.kernel.prog_detach(room.web, room.count, _UNKNOWN),
    ),
    Refusal(
        "prog_detach",
        errors.BadDescriptor,
        "what should be a cgroup is no open directory of cgroup v2",
        lambda room: _detach(room, cgroup=room.closed_cgroup),
    ),
    Refusal(
        "prog_detach",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda room: _detach(room, cgroup=room.gone),
    ),
    Refusal(
        "prog_detach",
        errors.StaleRevision,
        "``expected_revision`` is not the hook's",
        lambda room: _detach(room, expected_revision=9),
        since=changes.ORDERING,
    ),
    Refusal(
        "prog_detach",
        errors.NotAttached,
        "nothing is attached here; or, with ``BPF_F_ALLOW_MULTI``, not this program, or only "
        "by a link",
        _detach,
    ),
    Refusal(
        "prog_detach",
        errors.TooManyHooks,
        "it is not a program of an LSM hook that has one, and ten LSM hooks have programs",
        _detach_unknown_hook,
        since=changes.LSM_CGROUP,
        rule="attach.lsm-hooks",
    ),
    Refusal(
        "prog_detach",
        errors.DetachNeedsProgram,
        "programs are attached with ``BPF_F_ALLOW_MULTI``, and none is named",
        _detach_nobody,
    ),
    Refusal(
        "prog_detach",
        errors.OutOfMemory,
        "no memory for the arrays of effective programs",
        _detach_without_memory,
        until=changes.DETACH_NEVER_FAILS,
    ),
)


def _query(room: Room, cgroup: Any = None, attach_type: Any = EGRESS, flags: int = 0) -> object:
    return room.kernel.prog_query(cgroup or room.web, attach_type, flags)


_QUERY = (
    Refusal(
        "prog_query",
        errors.NotPermitted,
        "no ``CAP_NET_ADMIN``",
        _unprivileged(_query),
        rule="detach.capability",
    ),
    Refusal(
        "prog_query",
        errors.QueryFlags,
        "flags other than ``BPF_F_QUERY_EFFECTIVE``",
        lambda room: _query(room, flags=2),
    ),
    Refusal(
        "prog_query",
        errors.WrongAttachType,
        "the kernel has no such attach type",
        lambda room: _query(room, attach_type=_UNKNOWN),
    ),
    Refusal(
        "prog_query",
        errors.BadDescriptor,
        "what should be a cgroup is no open directory of cgroup v2",
        lambda room: _query(room, room.closed_cgroup),
    ),
    Refusal(
        "prog_query",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda room: _query(room, room.gone),
    ),
)


def _dead_link(room: Room) -> None:
    link = room.link()
    room.kernel.rmdir(room.web)
    room.kernel.link_update(link, room.count)


def _lsm(room: Room, hook: str) -> Any:
    kernel = room.kernel
    return kernel.prog_load(BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook=hook)


def _other_lsm_hook(room: Room) -> None:
    link = room.kernel.link_create(room.web, _lsm(room, "socket_bind"), BPF_LSM_CGROUP)
    room.kernel.link_update(link, _lsm(room, "socket_connect"))


def _update(room: Room, new: Any, **options: Any) -> None:
    room.kernel.link_update(room.link(), new, **options)


_LINKS = (
    Refusal(
        "link_create",
        errors.UnknownCommand,
        "the command is not known yet for cgroups",
        _link,
        until=changes.LINKS,
    ),
    Refusal(
        "link_create",
        errors.NotPermitted,
        "a program of any type, and no ``CAP_NET_ADMIN``",
        _unprivileged(lambda room: _link(room, room.sock, attach_type=_SOCK_CREATE)),
        since=changes.LINKS,
        until=changes.CAP_BPF,
        rule="attach.capability",
    ),
    Refusal(
        "link_create",
        errors.NotPermitted,
        "a ``CGROUP_SKB`` program, and no ``CAP_NET_ADMIN``",
        _unprivileged(_link),
        since=changes.LINKS,
        rule="attach.capability",
    ),
    Refusal(
        "link_create",
        errors.AttachFlags,
        "flags; from 6.17 on those of the position are taken",
        lambda room: _link(room, flags=MULTI),
        since=changes.LINKS,
    ),
    *_common("link_create", _link, changes.LINKS),
    Refusal(
        "link_update",
        errors.UnknownCommand,
        "the command is not known yet",
        lambda room: room.kernel.link_update(room.counts, room.count),  # type: ignore[arg-type]
        until=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.NotPermitted,
        "no ``CAP_NET_ADMIN``",
        _unprivileged(
            lambda room: room.kernel.link_update(room.counts, room.count)  # type: ignore[arg-type]
        ),
        since=changes.LINK_UPDATE,
        until=changes.CAP_BPF,
        rule="attach.capability",
    ),
    Refusal(
        "link_update",
        errors.AttachFlags,
        "flags other than ``BPF_F_REPLACE``, or an old program without it",
        lambda room: _update(room, room.count, flags=1),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.BadDescriptor,
        "the link or a program is not open",
        lambda room: _update(room, room.closed_prog),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.WrongDescriptor,
        "a descriptor is not a link's, or not a program's",
        lambda room: _update(room, room.counts),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.LinkDefunct,
        "the cgroup is gone, or the link was detached",
        _dead_link,
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.LinkHasOtherProgram,
        "``BPF_F_REPLACE``, and the link holds another program than the old one named",
        lambda room: _update(room, room.count, flags=int(BPF_F_REPLACE), old_prog=room.plain()),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.LinkProgramType,
        "the new program is of another type",
        lambda room: _update(room, room.sock),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.NotAttached,
        "the new program is an LSM program for another hook",
        _other_lsm_hook,
        since=changes.LSM_CGROUP,
    ),
    Refusal(
        "link_update",
        errors.LinkStorageMaps,
        "the new program uses other storage maps",
        lambda room: _update(room, room.plain()),
        since=changes.LINK_UPDATE_COMPARES_MAPS,
        rule="link-update.same-maps",
    ),
    Refusal(
        "link_detach",
        errors.UnknownCommand,
        "the command is not known yet",
        lambda room: room.kernel.link_detach(room.counts),  # type: ignore[arg-type]
        until=changes.LINK_DETACH,
    ),
    Refusal(
        "link_detach",
        errors.BadDescriptor,
        "the link is not open",
        lambda room: room.kernel.link_detach(room.closed_link),
        since=changes.LINK_DETACH,
    ),
    Refusal(
        "link_detach",
        errors.WrongDescriptor,
        "the descriptor is not a link's",
        lambda room: room.kernel.link_detach(room.counts),  # type: ignore[arg-type]
        since=changes.LINK_DETACH,
    ),
    Refusal(
        "link_info",
        errors.BadDescriptor,
        "the link is not open",
        lambda room: room.kernel.link_info(room.closed_link),
        since=changes.LINKS,
    ),
    Refusal(
        "link_info",
        errors.WrongDescriptor,
        "the descriptor is not a link's",
        lambda room: room.kernel.link_info(room.counts),  # type: ignore[arg-type]
    ),
)

ATTACHMENTS: tuple[Refusal, ...] = (*_PROG_ATTACH, *_PROG_DETACH, *_QUERY, *_LINKS)
"""Refusals of what is done with attachments."""
