# SPDX-License-Identifier: GPL-2.0-only
"""Which hooks each event passes, and which LSM hooks there are: asked of a kernel, real or not.

For each event a program at every attach type and at every LSM hook of sockets notes when it runs.
All of them share one storage with an 8-byte key, which takes Linux 5.9.  Then a program at each
hook that was passed denies, and what is passed all the same is noted too.

Runs in a guest as ``python3 -m conformance.events``, and prints a line of JSON for each answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_F_SLEEPABLE,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_LSM,
    U32,
    U64,
    Add,
    AttachType,
    BpfError,
    Copy,
    Denied,
    Kernel,
    KernelInterface,
    Return,
    Step,
    Struct,
    changes,
)
from reference_model.events import EVENTS, Event, Hook
from reference_model.lsm import MOST_HOOKS, NETWORK
from reference_model.programs import ATTACH_TYPES, ProgFd

if TYPE_CHECKING:
    from reference_model.linux import LinuxKernel

FAMILIES = {0: "", 1: " UNIX", 2: "", 10: " INET6"}


def label(event: Event) -> str:
    """The name of an event in the record, such as ``"bind INET6"``."""
    return event.action + FAMILIES[event.family]


def distinct() -> dict[str, tuple[Hook, Event]]:
    """The events by their names, each with a hook to fire."""
    found: dict[str, tuple[Hook, Event]] = {}
    for hook, event in EVENTS.items():
        found.setdefault(label(event), (hook, event))
    return found


def load(kernel: KernelInterface, hook: Hook, body: Sequence[Step]) -> tuple[ProgFd, AttachType]:
    """A program for a hook, and the attach type that attaches it there."""
    if isinstance(hook, str):
        made = kernel.prog_load(
            BPF_PROG_TYPE_LSM, body, expected_attach_type=BPF_LSM_CGROUP, lsm_hook=hook
        )
        return made, BPF_LSM_CGROUP
    return kernel.prog_load(ATTACH_TYPES[hook][0], body, expected_attach_type=int(hook)), hook


def passed(
    kernel: KernelInterface, hooks: Sequence[Hook], event: Hook, deny: Hook | None = None
) -> list[str] | str:
    """Which of the hooks an event passes, in order, and again as often as it does.

    With ``deny`` a program there denies before; the errno if such a program does not load.
    """
    cgroup = kernel.mkdir()
    names = [f"h{number}" for number in range(len(hooks))]
    shape = Struct(clock=U32, **{f"{n}_{what}": U32 for n in names for what in ("at", "runs")})
    notes = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, U64, shape)
    bodies: list[tuple[Hook, Sequence[Step]]] = []
    if deny is not None:
        bodies.append((deny, [Return(0)]))
    for name, hook in zip(names, hooks, strict=True):
        clock = Add(notes, 1, "clock"), Copy(notes, notes, "clock", f"{name}_at")
        bodies.append((hook, [*clock, Add(notes, 1, f"{name}_runs")]))
    attached = []
    try:
        for hook, body in bodies:
            prog, at = load(kernel, hook, body)
            kernel.prog_attach(cgroup, prog, at, int(BPF_F_ALLOW_MULTI))
            attached.append((prog, at))
        kernel_says = (Denied,) if deny is None else (Denied, BpfError)
        with suppress(*kernel_says):
            kernel.fire(cgroup, event)
        value = kernel.map_lookup_elem(notes, cgroup)
    except BpfError as error:
        if deny is None:
            raise
        return error.name
    finally:
        for prog, at in attached:
            kernel.prog_detach(cgroup, prog, at)
            kernel.close(prog)
        kernel.close(notes)
        kernel.rmdir(cgroup)
        kernel.close(cgroup)
    order = sorted((int(value[f"{n}_at"]), n) for n in names if value[f"{n}_runs"])
    return [
        str(hooks[names.index(name)])
        for _, name in order
        for _ in range(int(value[f"{name}_runs"]))
    ]


def answers(kernel: Kernel | LinuxKernel) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each event passes on a kernel, model or real, and what it passes if a hook denies."""
    has = [at for at, (_, since) in ATTACH_TYPES.items() if since is None or kernel.has(since)]
    types: list[Hook] = [at for at in has if at is not BPF_LSM_CGROUP]
    lsm = sorted(NETWORK) if BPF_LSM_CGROUP in has else []
    for name, (hook, event) in distinct().items():
        if not set(event.passes) & set(types) and hook not in types:
            continue
        met: list[Hook] = []
        for start in range(0, len(lsm), MOST_HOOKS):
            some = passed(kernel, lsm[start : start + MOST_HOOKS], hook)
            met += dict.fromkeys(some)
        hooks = types + met
        order = passed(kernel, hooks, hook)
        by_name = {str(one): one for one in hooks}
        denied = {one: passed(kernel, hooks, hook, by_name[one]) for one in dict.fromkeys(order)}
        yield name, {"passes": order, "denied": denied}


def lsm_hooks(kernel: KernelInterface, names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The LSM hooks that take a program, with ``void`` and ``sleepable`` where that is so."""

    def loads(number: int, name: str, flags: int = 0) -> bool:
        try:
            prog = kernel.prog_load(
                BPF_PROG_TYPE_LSM,
                Return(number),
                expected_attach_type=BPF_LSM_CGROUP,
                lsm_hook=name,
                prog_flags=flags,
            )
        except BpfError:
            return False
        kernel.close(prog)
        return True

    for name in names:
        if loads(1, name):
            void = [] if loads(0, name) else ["void"]
            yield name, void + ["sleepable"] * loads(1, name, int(BPF_F_SLEEPABLE))


def main() -> int:
    """Answer on the kernel that runs, in lines of JSON."""
    from reference_model.linux import LinuxKernel
    from reference_model.linux.btf import kernel_functions

    names = sorted(
        name.removeprefix("bpf_lsm_") for name in kernel_functions() if name.startswith("bpf_lsm_")
    )
    with LinuxKernel(allow_unsafe=True) as kernel:
        for name, answer in answers(kernel):
            print(json.dumps({"event": name, **answer}), flush=True)
        if kernel.has(changes.LSM_CGROUP):
            for name, kinds in lsm_hooks(kernel, names):
                print(json.dumps({"lsm": name, "kinds": kinds}), flush=True)
        kernel.check_invariants()
    return 0


if __name__ == "__main__":
    sys.exit(main())
