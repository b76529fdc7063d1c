# SPDX-License-Identifier: GPL-2.0-only
"""Objects by their ids, and what the kernel says of an object."""

from __future__ import annotations

from typing import Any

import pytest
from support_state import refused

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    Kernel,
    errors,
)
from reference_model.ids import MapInfo, ProgInfo
from reference_model.uapi import MapFlag

EGRESS = BPF_CGROUP_INET_EGRESS
INT_MAX = (1 << 31) - 1


def machine(release: str = "latest") -> tuple[Kernel, Any, Any, Any]:
    kernel = Kernel(release)
    counts = kernel.map_create(
        BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts", map_flags=BPF_F_RDONLY
    )
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    return kernel, kernel.mkdir("web"), counts, count


@pytest.mark.parametrize(("release", "flags"), [("5.1", BPF_F_RDONLY), ("5.2", MapFlag(0))])
def test_info_of_a_map(release: str, flags: MapFlag) -> None:
    """syscall.c:bpf_map_flags_retain_permanent: flags of the descriptor are not told since 5.2."""
    kernel, _, counts, _ = machine(release)
    storage = BPF_MAP_TYPE_CGROUP_STORAGE
    told = MapInfo(storage, counts.id, 16, 8, 0, flags, "counts", btf=False)
    assert kernel.obj_info(counts) == told


def test_info_tells_of_btf() -> None:
    kernel = Kernel()
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, btf=True)
    assert kernel.obj_info(counts)[-1] is True


def test_info_of_a_program_names_its_maps_in_their_order() -> None:
    kernel, _, counts, count = machine()
    other = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
    kernel.prog_bind_map(count, other)
    told = ProgInfo(BPF_PROG_TYPE_CGROUP_SKB, count.id, "count", (counts.id, other.id))
    assert kernel.obj_info(count) == told


def test_info_of_a_link() -> None:
    kernel, web, counts, count = machine()
    link = kernel.link_create(web, count, EGRESS)
    assert kernel.obj_info(link) == kernel.link_info(link) == (count.id, web.id, EGRESS)
    with pytest.raises(TypeError, match="takes the descriptor of a link"):
        kernel.link_info(counts)


def test_a_descriptor_by_id_holds_its_object() -> None:
    kernel, web, counts, count = machine()
    link = kernel.link_create(web, count, EGRESS)
    again = kernel.map_get_fd_by_id(counts.id, BPF_F_WRONLY)
    with refused(kernel, "EPERM", errors.AccessMode):
        kernel.map_lookup_elem(again, (web, EGRESS))
    others = kernel.prog_get_fd_by_id(count.id), kernel.link_get_fd_by_id(link.id)
    for descriptor in (counts, count, link):
        kernel.close(descriptor)
    kernel.check_invariants()
    assert kernel.prog_query(web, EGRESS).prog_ids == (others[0].id,)
    for descriptor in (again, *others):
        kernel.close(descriptor)
    assert not any(kernel.objects.values())


def test_ids_are_found_in_ascending_order() -> None:
    kernel, _, counts, count = machine()
    further = [kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB) for _ in range(2)]
    kernel.close(further[0])
    assert kernel.prog_get_next_id() == count.id
    assert kernel.prog_get_next_id(count.id) == further[1].id
    with refused(kernel, "ENOENT", errors.NoSuchId):
        kernel.prog_get_next_id(further[1].id)
    with refused(kernel, "ENOENT", errors.NoSuchId):
        kernel.prog_get_fd_by_id(further[0].id)
    assert kernel.map_get_next_id(0) == counts.id


def test_the_start_comes_before_the_capability() -> None:
    kernel = Kernel()
    with kernel.user("CAP_BPF"):
        with refused(kernel, "EINVAL", errors.StartId):
            kernel.map_get_next_id(INT_MAX)
        with refused(kernel, "EPERM", errors.NotPermitted):
            kernel.map_get_next_id(INT_MAX - 1)


def test_links_have_ids_since_5_8() -> None:
    kernel, web, _, count = machine("5.7")
    link = kernel.link_create(web, count, EGRESS)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.obj_info(link)
    with refused(kernel, "EINVAL", errors.UnknownCommand):
        kernel.link_get_next_id()
    with refused(kernel, "EINVAL", errors.UnknownCommand):
        kernel.link_get_fd_by_id(1)


@pytest.mark.parametrize("name", ["no-name", "a" * 16, "no name", "na\0me"])
def test_names_of_programs(name: str) -> None:
    with pytest.raises(errors.ProgName):
        Kernel().prog_load(BPF_PROG_TYPE_CGROUP_SKB, prog_name=name)


def test_a_dot_in_a_name_is_refused_before_5_2() -> None:
    assert Kernel("5.2").prog_load(BPF_PROG_TYPE_CGROUP_SKB, prog_name="a.b")
    with pytest.raises(errors.ProgName):
        Kernel("5.1").prog_load(BPF_PROG_TYPE_CGROUP_SKB, prog_name="a.b")
