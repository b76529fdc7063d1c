# SPDX-License-Identifier: GPL-2.0-only
"""Refusals of descriptors, pins, cgroups and sockets."""

from __future__ import annotations

from .. import errors
from ..uapi import BPF_F_RDONLY, BPF_F_WRONLY
from .room import EGRESS, Refusal, Room

_PIN = "/sys/fs/bpf/counts"


def _pin_twice(room: Room) -> None:
    room.kernel.obj_pin(_PIN, room.counts)
    room.kernel.obj_pin(_PIN, room.counts)


def _parent(room: Room) -> None:
    room.kernel.mkdir("child", room.web)
    room.kernel.rmdir(room.web)


def _closed_socket(room: Room) -> None:
    socket = room.kernel.socket(room.web)
    room.kernel.close_socket(socket)
    room.kernel.fire(socket, EGRESS)


def _close_socket_twice(room: Room) -> None:
    socket = room.kernel.socket(room.web)
    room.kernel.close_socket(socket)
    room.kernel.close_socket(socket)


OBJECTS: tuple[Refusal, ...] = (
    Refusal(
        "close",
        errors.BadDescriptor,
        "the descriptor is not open",
        lambda room: room.kernel.close(room.closed_map),
    ),
    Refusal(
        "close",
        errors.WrongDescriptor,
        "descriptor 0, in this model",
        lambda room: room.kernel.close(None),  # type: ignore[arg-type]
    ),
    Refusal(
        "dup",
        errors.BadDescriptor,
        "the descriptor is not open",
        lambda room: room.kernel.dup(room.closed_map),
    ),
    Refusal(
        "obj_pin",
        errors.BadDescriptor,
        "the descriptor is not open",
        lambda room: room.kernel.obj_pin(_PIN, room.closed_map),
    ),
    Refusal("obj_pin", errors.PathExists, "something is pinned at the path", _pin_twice),
    Refusal(
        "obj_get",
        errors.MapFlags,
        "flags other than ``BPF_F_RDONLY`` or ``BPF_F_WRONLY``, or both",
        lambda room: room.kernel.obj_get(_PIN, int(BPF_F_RDONLY | BPF_F_WRONLY)),
    ),
    Refusal(
        "obj_get",
        errors.NoSuchPath,
        "nothing is pinned at the path",
        lambda room: room.kernel.obj_get(_PIN),
    ),
    Refusal(
        "unlink",
        errors.NoSuchPath,
        "nothing is pinned at the path",
        lambda room: room.kernel.unlink(_PIN),
    ),
    Refusal(
        "mkdir",
        errors.CgroupGone,
        "the parent was removed",
        lambda room: room.kernel.mkdir("child", room.gone),
    ),
    Refusal("rmdir", errors.CgroupBusy, "the cgroup has children, or is the root", _parent),
    Refusal(
        "rmdir",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda room: room.kernel.rmdir(room.gone),
    ),
    Refusal("fire", errors.BadDescriptor, "the socket is closed", _closed_socket),
    Refusal(
        "fire",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda room: room.kernel.fire(room.gone, EGRESS),
    ),
    Refusal(
        "socket",
        errors.CgroupGone,
        "the cgroup was removed",
        lambda room: room.kernel.socket(room.gone),
    ),
    Refusal(
        "socket",
        errors.BadDescriptor,
        "the cgroup's descriptor is closed, in this model",
        lambda room: room.kernel.socket(room.closed_cgroup),
    ),
    Refusal("close_socket", errors.BadDescriptor, "the socket is closed", _close_socket_twice),
)
"""Refusals of the rest."""
