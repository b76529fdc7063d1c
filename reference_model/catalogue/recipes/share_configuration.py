# SPDX-License-Identifier: GPL-2.0-only
"""One configuration for a cgroup: a setsockopt program writes it, a connect program reads it."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_SETSOCKOPT,
    BPF_EXIST,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    STORAGE_KEY,
    U64,
    KernelInterface,
    Store,
    Type,
    Verdict,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe

CLOSED = {"writer": "ok", "connect before": "ok", "written": 1, "connect after": "denied"}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """As the series was first posted: the 16-byte key, and no attach type in the way."""
    config = _map(kernel, STORAGE_KEY, "config")
    _control(kernel, observe, config, config, (BPF_CGROUP_SETSOCKOPT,), copy=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """The 8-byte key; before 5.9 a map for each program, and user space that copies."""
    config = observe("8-byte key", lambda: _map(kernel, U64, "config"))
    if config is not None:
        _control(kernel, observe, config, config, (), copy=False)
    else:
        wanted, config = _map(kernel, STORAGE_KEY, "wanted"), _map(kernel, STORAGE_KEY, "config")
        _control(kernel, observe, wanted, config, (BPF_CGROUP_SETSOCKOPT,), copy=True)


def _map(kernel: KernelInterface, key: Type, name: str) -> Any:
    return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, key, U64, map_name=name)


def _control(
    kernel: KernelInterface,
    observe: Observe,
    wanted: Any,
    config: Any,
    written_by: tuple[Any, ...],
    *,
    copy: bool,
) -> None:
    web = kernel.mkdir("web")
    written = (web, *written_by) if written_by else web
    writer = observe(
        "writer",
        lambda: kernel.prog_load(
            BPF_PROG_TYPE_CGROUP_SOCKOPT,
            Store(wanted, 1),
            expected_attach_type=BPF_CGROUP_SETSOCKOPT,
            prog_name="writer",
        ),
    )
    if writer is None:
        return
    reader = kernel.prog_load(
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
        Verdict(config),
        expected_attach_type=BPF_CGROUP_INET4_CONNECT,
        prog_name="reader",
    )
    kernel.prog_attach(web, writer, BPF_CGROUP_SETSOCKOPT, BPF_F_ALLOW_MULTI)
    kernel.prog_attach(web, reader, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI)
    observe("connect before", lambda: kernel.fire(web, BPF_CGROUP_INET4_CONNECT))

    kernel.fire(web, BPF_CGROUP_SETSOCKOPT)
    observe("written", lambda: kernel.map_lookup_elem(wanted, written))
    if copy:
        value = kernel.map_lookup_elem(wanted, written)
        kernel.map_update_elem(config, (web, BPF_CGROUP_INET4_CONNECT), value, BPF_EXIST)
    observe("connect after", lambda: kernel.fire(web, BPF_CGROUP_INET4_CONNECT))


STORY = Recipe(
    title="Share one configuration between a setsockopt writer and a connect reader",
    problem="""
A process says with setsockopt() how its cgroup's connections are to be treated. A
``CGROUP_SOCKOPT`` program stores that, and a ``CGROUP_SOCK_ADDR`` program reads it at each
connect(). Two programs on two attach types need one storage. This is the use that the series of
2020 was made for.
""",
    summary="""
Declare the key as ``__u64``, the cgroup id alone. From 5.9 on all programs that are attached to one
cgroup and use the map then share one storage. Before 5.9 give each program a map of its own and let
user space carry the value from one to the other.
""",
    details="""
Creating the map tells which kernel you have: before 5.9 a key of 8 bytes is ``EINVAL``. The
fallback needs no hash map and no other kind of program. Its price is that the reader sees a new
value only after user space has looked.

As first posted the series kept the 16-byte key and ignored the attach type in it. The old program
here is written for that. It never worked on a released kernel: on 5.8 the second program does not
load (``EBUSY``), and from 5.9 on writer and reader each have a storage.

In the trace below three programs on three attach types work on one storage: the connect program
multiplies what the setsockopt program has left.
""",
    run=run,
    old=old,
    old_release="proposal",
    fails_on="5.9",
    since=changes.SOCKOPT_PROGRAMS,
    outcomes=(
        Outcome(
            None,
            {"8-byte key": "EINVAL", "writer": "EINVAL"},
            "kernel 4.19.108 has no CGROUP_SOCKOPT programs and no 8-byte key",
        ),
        Outcome(
            changes.SOCKOPT_PROGRAMS,
            {"8-byte key": "EINVAL", **CLOSED},
            "kernels 5.4.59 and 5.8.18 (key size); local_storage.c:cgroup_storage_update_elem",
        ),
        Outcome(
            changes.KEY_IS_CGROUP_ID,
            {"8-byte key": "ok", **CLOSED},
            "kernels 5.9.1 and later; selftest cg_storage_multi_shared",
        ),
    ),
    evidence=(Evidence("shared-key8-across-types", same={1: "8-byte key"}, zero={9: "written"}),),
    promises=(
        Promise(
            "What the writer stores decides the next connect()",
            lambda seen: (
                (seen.get("connect before"), seen.get("connect after")) == ("ok", "denied")
            ),
        ),
    ),
    pitfalls="""
* Both programs must be attached to the *same* cgroup. A writer on a parent and a reader on its
  child have two storages.
* The storage appears with the first attach of either program, all zero. Zero must mean "nothing
  said yet".
* Several processes of the cgroup may write at once. For more than one number use a
  ``bpf_spin_lock`` in the value.
* ``CGROUP_SOCKOPT`` programs exist from 5.3 on. Before that let user space write the reader's map
  itself.
""",
    rules=("create.key-id", "share.attach-types-id"),
)
