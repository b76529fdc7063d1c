# SPDX-License-Identifier: GPL-2.0-only
"""Share a configuration of a cgroup: a setsockopt program writes it, a connect program reads it."""

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
    """Use the 16-byte key, as for the series that was first posted, which ignored attach types."""
    config = _map(kernel, STORAGE_KEY, "config")
    _control(kernel, observe, config, config, (BPF_CGROUP_SETSOCKOPT,), copy=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Use the 8-byte key, or before 5.9 a map for each program, and copy the value."""
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
    title="Share a configuration between two attach types",
    nav="Share a configuration",
    problem="""
A process sets an option of its cgroup with setsockopt(2), and each connect(2) must respect it. Two
programs on two attach types need one storage.
""",
    when="""
* Use it if both programs are attached to the *same* cgroup.
* It requires ``CGROUP_SOCKOPT`` programs (since 5.3). On older kernels, let user space write the
  map of the reader.
* Before 5.9, the reader sees a new value only after user space has copied it.
""",
    summary="""
Use the 8-byte key, the cgroup id alone: since 5.9 both programs share one storage. Before 5.9, use
a map for each program, and copy the value in user space.
""",
    details="""
Creating the map shows which kernel you have: before 5.9, the 8-byte key fails with ``EINVAL``. The
fallback needs neither a hash map nor programs of another type.

The series of July 2020 was written for this use. As first posted, it kept the 16-byte key and
ignored its attach type. The old program below is written for that version, and does not work on any
released kernel. On 5.8 the second program cannot be loaded (``EBUSY``), and since 5.9 the writer
and the reader each have their own storage.
""",
    shown_by="neither",
    run=run,
    old=old,
    old_release="proposal",
    fails_on="5.9",
    since=changes.SOCKOPT_PROGRAMS,
    outcomes=(
        Outcome(
            None,
            {"8-byte key": "EINVAL", "writer": "EINVAL"},
            "kernel 4.19.108 has no ``CGROUP_SOCKOPT`` programs and no 8-byte key",
        ),
        Outcome(
            changes.SOCKOPT_PROGRAMS,
            {"8-byte key": "EINVAL", **CLOSED},
            "kernels 5.4.59 and 5.8.18 (key size); ``local_storage.c:cgroup_storage_update_elem``",
        ),
        Outcome(
            changes.KEY_IS_CGROUP_ID,
            {"8-byte key": "ok", **CLOSED},
            "kernels 5.9.1 and later; selftest ``cg_storage_multi_shared``; trace "
            "shared-key8-across-types, where three programs on three attach types use one storage",
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
* If the writer is attached to a parent and the reader to its child, they have two storages.
* The kernel creates the zeroed storage when the first of the two programs is attached. Let zero
  mean that nothing is configured yet.
* Several processes of the cgroup may write at once. If the value has more than one number, use a
  ``bpf_spin_lock`` in it.
""",
    rules=("create.key-id", "share.attach-types-id"),
)
