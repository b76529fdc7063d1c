# SPDX-License-Identifier: GPL-2.0-only
"""Refusals of descriptors, pins, cgroups and sockets."""

from __future__ import annotations

from .. import changes, errors
from ..uapi import BPF_F_RDONLY, BPF_F_WRONLY
from .ordinary import PIN
from .setup import EGRESS, Refusal, Setup


def _pin_twice(setup: Setup) -> None:
    setup.kernel.obj_pin(PIN, setup.counts)
    setup.kernel.obj_pin(PIN, setup.counts)


def _open_program_for_reading(setup: Setup) -> None:
    setup.kernel.obj_pin(PIN, setup.plain())
    setup.kernel.obj_get(PIN, int(BPF_F_RDONLY))


def _open_link_for_reading(setup: Setup) -> None:
    setup.kernel.obj_pin(PIN, setup.link())
    setup.kernel.obj_get(PIN, int(BPF_F_RDONLY))


def _parent(setup: Setup) -> None:
    setup.kernel.mkdir("child", setup.web)
    setup.kernel.rmdir(setup.web)


def _closed_socket(setup: Setup) -> None:
    socket = setup.kernel.socket(setup.web)
    setup.kernel.close_socket(socket)
    setup.kernel.fire(socket, EGRESS)


def _close_socket_twice(setup: Setup) -> None:
    socket = setup.kernel.socket(setup.web)
    setup.kernel.close_socket(socket)
    setup.kernel.close_socket(socket)


OBJECTS: tuple[Refusal, ...] = (
    Refusal(
        "close",
        errors.BadDescriptor,
        "the descriptor is not open",
        lambda setup: setup.kernel.close(setup.closed_map),
    ),
    Refusal(
        "close",
        errors.WrongDescriptor,
        "descriptor 0, in this model",
        lambda setup: setup.kernel.close(None),  # type: ignore[arg-type]
    ),
    Refusal(
        "dup",
        errors.BadDescriptor,
        "the descriptor is not open",
        lambda setup: setup.kernel.dup(setup.closed_map),
    ),
    Refusal(
        "obj_pin",
        errors.BadDescriptor,
        "the descriptor is not open",
        lambda setup: setup.kernel.obj_pin(PIN, setup.closed_map),
        until=changes.LINKS,
    ),
    Refusal(
        "obj_pin",
        errors.NoDescriptorToPin,
        "the descriptor is not open",
        lambda setup: setup.kernel.obj_pin(PIN, setup.closed_map),
        since=changes.LINKS,
    ),
    Refusal(
        "obj_pin",
        errors.WrongDescriptor,
        "the descriptor does not refer to a map, program or link",
        lambda setup: setup.kernel.obj_pin(PIN, setup.web),  # type: ignore[arg-type]
    ),
    Refusal("obj_pin", errors.PathExists, "something is pinned at the path", _pin_twice),
    Refusal(
        "obj_get",
        errors.MapFlags,
        "flags other than ``BPF_F_RDONLY`` or ``BPF_F_WRONLY``, or both",
        lambda setup: setup.kernel.obj_get(PIN, int(BPF_F_RDONLY | BPF_F_WRONLY)),
    ),
    Refusal(
        "obj_get",
        errors.MapFlags,
        "``BPF_F_RDONLY`` or ``BPF_F_WRONLY`` for a link",
        _open_link_for_reading,
        since=changes.LINK_DESCRIPTORS_READ_AND_WRITE,
    ),
    Refusal(
        "obj_get",
        errors.MapFlags,
        "``BPF_F_RDONLY`` or ``BPF_F_WRONLY`` for a program",
        _open_program_for_reading,
        since=changes.PROG_DESCRIPTORS_READ_AND_WRITE,
        until=changes.PROG_DESCRIPTORS_OF_ANY_MODE,
    ),
    Refusal(
        "obj_get",
        errors.NoSuchPath,
        "nothing is pinned at the path",
        lambda setup: setup.kernel.obj_get(PIN),
    ),
    Refusal(
        "unlink",
        errors.NoSuchPath,
        "nothing is pinned at the path",
        lambda setup: setup.kernel.unlink(PIN),
    ),
    Refusal(
        "mkdir",
        errors.CgroupGone,
        "the parent was removed",
        lambda setup: setup.kernel.mkdir("child", setup.gone),
    ),
    Refusal("rmdir", errors.CgroupBusy, "the cgroup has children, or is the root", _parent),
    Refusal(
        "rmdir",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda setup: setup.kernel.rmdir(setup.gone),
    ),
    Refusal("fire", errors.BadDescriptor, "the socket is closed", _closed_socket),
    Refusal(
        "fire",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda setup: setup.kernel.fire(setup.gone, EGRESS),
    ),
    Refusal(
        "socket",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda setup: setup.kernel.socket(setup.gone),
    ),
    Refusal(
        "socket",
        errors.BadDescriptor,
        "the cgroup's descriptor is closed, in this model",
        lambda setup: setup.kernel.socket(setup.closed_cgroup),
    ),
    Refusal("close_socket", errors.BadDescriptor, "the socket is closed", _close_socket_twice),
)
"""Refusals of the rest."""
