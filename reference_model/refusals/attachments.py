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
from .setup import EGRESS, Refusal, Setup

MULTI = int(BPF_F_ALLOW_MULTI)
_UNKNOWN: Any = 99
_SOCK_CREATE = BPF_CGROUP_INET_SOCK_CREATE

Attach = Callable[..., object]
"""Attach a program: ``attach(setup, program, flags, cgroup=..., attach_type=..., ...)``."""


_TEN = (
    *("accept", "bind", "connect", "create", "listen", "post_create", "recvmsg", "sendmsg"),
    *("setsockopt", "shutdown"),
)


def _attach(
    setup: Setup, prog: Any = None, flags: int = 0, cgroup: Any = None,
    attach_type: AttachType = EGRESS, **options: Any,
) -> None:  # fmt: skip
    cgroup, prog = cgroup or setup.web, prog or setup.count
    setup.kernel.prog_attach(cgroup, prog, attach_type, MULTI | flags, **options)


def _link(
    setup: Setup, prog: Any = None, flags: int = 0, cgroup: Any = None,
    attach_type: AttachType = EGRESS, **options: Any,
) -> object:  # fmt: skip
    cgroup, prog = cgroup or setup.web, prog or setup.count
    return setup.kernel.link_create(cgroup, prog, attach_type, flags, **options)


def _below_a_strict_one(attach: Attach) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        setup.attach(setup.plain(), 0)
        return attach(setup, cgroup=setup.kernel.mkdir("below", setup.web))

    return provoke


def _beside_other_flags(attach: Attach) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        setup.attach(setup.plain(), int(BPF_F_ALLOW_OVERRIDE))
        return attach(setup)

    return provoke


def _sixty_fifth(attach: Attach) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        for _ in range(64):
            setup.attach(setup.plain())
        return attach(setup)

    return provoke


def _without_memory(attach: Attach) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        count = setup.count
        setup.kernel.fail_next("node")
        return attach(setup, count)

    return provoke


def _unprivileged(act: Callable[[Setup], object]) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        setup.web, setup.count, setup.sock  # noqa: B018 (made before the privileges go)
        setup.kernel.unprivileged_bpf_disabled = 0
        with setup.kernel.user("CAP_BPF"):
            return act(setup)

    return provoke


def _common(name: str, attach: Attach, since: Change | None) -> Iterator[Refusal]:
    """What attaching directly and by a link have in common, in the kernel's order."""
    ordering = changes.ORDERING

    def refusal(
        error: type[errors.BpfError], when: str, provoke: Callable[[Setup], object],
        since: Change | None = since, rule: str = "",
    ) -> Refusal:  # fmt: skip
        return Refusal(name, error, when, provoke, since, rule=rule)

    yield refusal(
        errors.WrongAttachType,
        "the kernel has no such attach type, or the program does not belong there",
        lambda setup: attach(setup, attach_type=_UNKNOWN),
    )
    yield refusal(
        errors.BadDescriptor,
        "the program is not open, or the target is not an open directory of cgroup v2",
        lambda setup: attach(setup, setup.closed_prog),
    )
    yield refusal(
        errors.WrongDescriptor,
        "the descriptor is not a program's, or the program is of another type",
        lambda setup: attach(setup, setup.sock),
    )
    yield refusal(
        errors.CgroupGone,
        "the cgroup was removed",
        lambda setup: attach(setup, cgroup=setup.gone),
    )
    yield refusal(
        errors.TooManyHooks,
        "the program is an LSM program, and ten other LSM hooks have programs on this machine",
        _eleventh_hook(attach),
        since=changes.LSM_CGROUP,
        rule="attach.lsm-hooks",
    )
    yield refusal(
        errors.StaleRevision,
        "``expected_revision`` is not the revision of the hook",
        lambda setup: attach(setup, expected_revision=9),
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
        "no memory, or (before 5.11) ``RLIMIT_MEMLOCK`` is too small for a new storage",
        _without_memory(attach),
        rule="attach.failed",
    )
    yield refusal(
        errors.Position,
        "flags of the position contradict each other or ``relative_fd``",
        lambda setup: attach(setup, flags=int(BPF_F_BEFORE | BPF_F_AFTER), relative=setup.plain()),
        since=ordering,
    )
    yield refusal(
        errors.NoSuchId,
        "``BPF_F_ID`` with an id that no program or link has",
        lambda setup: attach(
            setup, flags=int(BPF_F_BEFORE | BPF_F_ID | _beside(name)), relative=99
        ),
        since=ordering,
    )
    yield refusal(
        errors.NoAnchor,
        "the program or link of ``relative_fd`` is not attached here",
        lambda setup: attach(
            setup, flags=int(BPF_F_BEFORE | _beside(name)), relative=_stranger(setup, name)
        ),
        since=ordering,
    )


def _beside(name: str) -> int:
    """BPF_F_LINK where a link stands beside links."""
    return 0x2000 if name == "link_create" else 0


def _stranger(setup: Setup, name: str) -> Any:
    """A program, or a link, that is not attached to the cgroup."""
    if name == "prog_attach":
        return setup.plain()
    return setup.kernel.link_create(setup.kernel.mkdir("db"), setup.plain(), EGRESS)


def _attach_to_ten_hooks(setup: Setup) -> None:
    for call in _TEN:
        setup.kernel.prog_attach(setup.web, _lsm(setup, f"socket_{call}"), BPF_LSM_CGROUP)


def _eleventh_hook(attach: Attach) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        _attach_to_ten_hooks(setup)
        prog = _lsm(setup, "sk_alloc_security")
        return attach(setup, prog, attach_type=BPF_LSM_CGROUP)

    return provoke


def _detach_unknown_hook(setup: Setup) -> None:
    _attach_to_ten_hooks(setup)
    setup.kernel.prog_detach(setup.web, None, BPF_LSM_CGROUP)


def _attach_twice(setup: Setup) -> None:
    setup.attach()
    setup.attach()


def _detach(setup: Setup, prog: Any = None, cgroup: Any = None, **options: Any) -> None:
    setup.kernel.prog_detach(cgroup or setup.web, prog, EGRESS, **options)


def _detach_without_memory(setup: Setup) -> None:
    setup.attach()
    setup.kernel.fail_next("effective")
    _detach(setup, setup.count)


def _detach_nobody(setup: Setup) -> None:
    setup.attach()
    _detach(setup)


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
        lambda setup: setup.attach(flags=0x80),
    ),
    Refusal(
        "prog_attach",
        errors.AttachFlags,
        "a program to replace, which the kernel does not support",
        lambda setup: setup.attach(replace=setup.plain()),
        until=changes.REPLACE_FLAG,
    ),
    Refusal(
        "prog_attach",
        errors.AttachFlags,
        "``relative_fd`` or ``expected_revision``, which the kernel does not support",
        lambda setup: setup.attach(expected_revision=1),
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
        lambda setup: _attach(setup, flags=int(BPF_F_REPLACE), replace=setup.plain()),
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
        "any flag",
        lambda setup: _detach(setup, flags=1),
    ),
    Refusal(
        "prog_detach",
        errors.AttachFlags,
        "``expected_revision``, which the kernel does not support",
        lambda setup: _detach(setup, expected_revision=1),
        until=changes.ORDERING,
    ),
    Refusal(
        "prog_detach",
        errors.WrongAttachType,
        "the kernel has no such attach type",
        lambda setup: setup.kernel.prog_detach(setup.web, setup.count, _UNKNOWN),
    ),
    Refusal(
        "prog_detach",
        errors.BadDescriptor,
        "the target is not an open directory of cgroup v2",
        lambda setup: _detach(setup, cgroup=setup.closed_cgroup),
    ),
    Refusal(
        "prog_detach",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda setup: _detach(setup, cgroup=setup.gone),
    ),
    Refusal(
        "prog_detach",
        errors.StaleRevision,
        "``expected_revision`` is not the revision of the hook",
        lambda setup: _detach(setup, expected_revision=9),
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
        "the program is for no LSM hook that has programs, and ten LSM hooks have programs",
        _detach_unknown_hook,
        since=changes.LSM_CGROUP,
        rule="attach.lsm-hooks",
    ),
    Refusal(
        "prog_detach",
        errors.DetachNeedsProgram,
        "programs are attached with ``BPF_F_ALLOW_MULTI``, and no program is given",
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


def _query(setup: Setup, cgroup: Any = None, attach_type: Any = EGRESS, flags: int = 0) -> object:
    return setup.kernel.prog_query(cgroup or setup.web, attach_type, flags)


def _query_small(setup: Setup) -> object:
    setup.attach()
    setup.attach(setup.plain())
    return setup.kernel.prog_query(setup.web, EGRESS, count=1)


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
        lambda setup: _query(setup, flags=2),
    ),
    Refusal(
        "prog_query",
        errors.WrongAttachType,
        "the kernel has no such attach type",
        lambda setup: _query(setup, attach_type=_UNKNOWN),
    ),
    Refusal(
        "prog_query",
        errors.BadDescriptor,
        "the target is not an open directory of cgroup v2",
        lambda setup: _query(setup, setup.closed_cgroup),
    ),
    Refusal(
        "prog_query",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda setup: _query(setup, setup.gone),
    ),
    Refusal(
        "prog_query",
        errors.QueryTooSmall,
        "the buffer has room for fewer ids than programs are attached",
        _query_small,
        rule="query.count",
    ),
)


def _dead_link(setup: Setup) -> None:
    link = setup.linked
    setup.kernel.rmdir(setup.web)
    setup.kernel.link_update(link, setup.count)


def _lsm(setup: Setup, hook: str) -> Any:
    kernel = setup.kernel
    return kernel.prog_load(BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook=hook)


def _other_lsm_hook(setup: Setup) -> None:
    link = setup.kernel.link_create(setup.web, _lsm(setup, "socket_bind"), BPF_LSM_CGROUP)
    setup.kernel.link_update(link, _lsm(setup, "socket_connect"))


def _update(setup: Setup, new: Any, **options: Any) -> None:
    setup.kernel.link_update(setup.linked, new, **options)


_LINKS = (
    Refusal(
        "link_create",
        errors.UnknownCommand,
        "the kernel does not support the command for cgroups",
        _link,
        until=changes.LINKS,
    ),
    Refusal(
        "link_create",
        errors.NotPermitted,
        "a program of any type, and no ``CAP_NET_ADMIN``",
        _unprivileged(lambda setup: _link(setup, setup.sock, attach_type=_SOCK_CREATE)),
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
        "flags; since 6.17 those of the position are accepted",
        lambda setup: _link(setup, flags=MULTI),
        since=changes.LINKS,
    ),
    *_common("link_create", _link, changes.LINKS),
    Refusal(
        "link_update",
        errors.UnknownCommand,
        "the kernel does not support the command",
        lambda setup: setup.kernel.link_update(setup.counts, setup.count),  # type: ignore[arg-type]
        until=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.NotPermitted,
        "no ``CAP_NET_ADMIN``",
        _unprivileged(
            lambda setup: setup.kernel.link_update(setup.counts, setup.count)  # type: ignore[arg-type]
        ),
        since=changes.LINK_UPDATE,
        until=changes.CAP_BPF,
        rule="attach.capability",
    ),
    Refusal(
        "link_update",
        errors.AttachFlags,
        "flags other than ``BPF_F_REPLACE``, or an old program without it",
        lambda setup: _update(setup, setup.count, flags=1),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.BadDescriptor,
        "the link or a program is not open",
        lambda setup: _update(setup, setup.closed_prog),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.WrongDescriptor,
        "a descriptor is not a link's, or not a program's",
        lambda setup: _update(setup, setup.counts),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.LinkWithoutCgroup,
        "the cgroup was removed",
        _dead_link,
        since=changes.LINK_UPDATE,
        until=changes.LINK_UPDATE_ENOLINK,
    ),
    Refusal(
        "link_update",
        errors.LinkDefunct,
        "the cgroup was removed, or the link was detached",
        _dead_link,
        since=changes.LINK_UPDATE_ENOLINK,
    ),
    Refusal(
        "link_update",
        errors.LinkHasOtherProgram,
        "``BPF_F_REPLACE``, and ``old_prog_fd`` is not the program of the link",
        lambda setup: _update(setup, setup.count, flags=int(BPF_F_REPLACE), old_prog=setup.plain()),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.LinkProgramType,
        "the new program is of another type",
        lambda setup: _update(setup, setup.sock),
        since=changes.LINK_UPDATE,
    ),
    Refusal(
        "link_update",
        errors.NotAttached,
        "the new program is an LSM program for another hook (``EINVAL`` if that hook has no "
        "programs, and ten others have)",
        _other_lsm_hook,
        since=changes.LSM_CGROUP,
    ),
    Refusal(
        "link_update",
        errors.LinkStorageMaps,
        "the new program uses other storage maps",
        lambda setup: _update(setup, setup.plain()),
        since=changes.LINK_UPDATE_COMPARES_MAPS,
        rule="link-update.same-maps",
    ),
    Refusal(
        "link_detach",
        errors.UnknownCommand,
        "the kernel does not support the command",
        lambda setup: setup.kernel.link_detach(setup.counts),  # type: ignore[arg-type]
        until=changes.LINK_DETACH,
    ),
    Refusal(
        "link_detach",
        errors.BadDescriptor,
        "the link is not open",
        lambda setup: setup.kernel.link_detach(setup.closed_link),
        since=changes.LINK_DETACH,
    ),
    Refusal(
        "link_detach",
        errors.WrongDescriptor,
        "the descriptor is not a link's",
        lambda setup: setup.kernel.link_detach(setup.counts),  # type: ignore[arg-type]
        since=changes.LINK_DETACH,
    ),
)

ATTACHMENTS: tuple[Refusal, ...] = (*_PROG_ATTACH, *_PROG_DETACH, *_QUERY, *_LINKS)
"""Refusals of what is done with attachments."""
