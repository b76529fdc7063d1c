# SPDX-License-Identifier: GPL-2.0-only
"""Releases, maps and programs that the tests of attaching and running use."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_SKB,
    MAINLINE,
    STORAGE_KEY,
    U32,
    U64,
    Add,
    Kernel,
    MapFd,
    Mix,
    ProgFd,
    Release,
    Return,
    Step,
    Type,
)

EGRESS, INGRESS = BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET_INGRESS
SKB = BPF_PROG_TYPE_CGROUP_SKB


def since(first: str) -> list[str]:
    """The mainline releases from this one on."""
    return [name for name in MAINLINE if Release(name) >= Release(first)]


def before(end: str) -> list[str]:
    """The mainline releases before this one."""
    return [name for name in MAINLINE if Release(name) < Release(end)]


LEGACY, SHARED = before("5.9"), since("5.9")


def storage_map(kernel: Kernel, key: Type = STORAGE_KEY, value: Type = U64) -> MapFd:
    """A shared map, of 16-byte keys if nothing else is said."""
    return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, key, value)


def percpu_map(kernel: Kernel, key: Type = STORAGE_KEY, value: Type = U64) -> MapFd:
    """A per-CPU map."""
    return kernel.map_create(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, key, value)


def prog_array(kernel: Kernel, slots: int = 1) -> MapFd:
    """A program array."""
    return kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=slots)


def skb(kernel: Kernel, *body: Step, expected: int = 0) -> ProgFd:
    """A CGROUP_SKB program with this body; without one it allows."""
    return kernel.prog_load(SKB, body, expected_attach_type=expected)


def counter(kernel: Kernel, counts: MapFd, amount: int = 1) -> ProgFd:
    """A program that counts each packet in the map."""
    return skb(kernel, Add(counts, amount))


def mixer(kernel: Kernel, counts: MapFd, number: int) -> ProgFd:
    """A program that appends a digit to the map's value, so that the order of runs shows."""
    return skb(kernel, Mix(counts, number))


def deny(kernel: Kernel) -> ProgFd:
    """A program that says no."""
    return skb(kernel, Return(0))
