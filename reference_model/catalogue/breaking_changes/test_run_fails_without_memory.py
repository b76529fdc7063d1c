# SPDX-License-Identifier: GPL-2.0-only
"""A test run and RLIMIT_MEMLOCK: an invalid return value in 4.19, ENOMEM before 5.11."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    PAGE_SIZE,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Test and attach a program where the limit leaves no page for its storage."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    observe("test run", lambda: kernel.prog_test_run(count))
    observe(
        "attach",
        lambda: kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI),
    )


STORY = BreakingChange(
    title="Test runs without memory fail",
    nav="Test runs without memory",
    summary="""
Since Linux 4.20 ``BPF_PROG_TEST_RUN`` fails with ``ENOMEM`` if there is no memory for its temporary
storage. On 4.19 it succeeded, and returned 4294967295 as the result of the program. Before 5.11
that memory counts against ``RLIMIT_MEMLOCK``.
""",
    affects="both",
    affected="""
* You are affected if you test programs on 4.19 and use the return value as the verdict.
* You are affected if you test with a low ``RLIMIT_MEMLOCK`` on kernels before 5.11.
* If your programs do not use these maps, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "bpf_prog_test_run|BPF_PROG_TEST_RUN",
            "test runs, and how their result is checked",
        ),
        Sign(
            "Go",
            "\\.Test\\(|\\.Run\\(&ebpf|RunOptions",
            "test runs, and how their result is checked",
        ),
        Sign("Rust", "test_run", "test runs"),
        Sign("shell", "bpftool prog run", "test runs"),
    ),
    fix="""
Raise ``RLIMIT_MEMLOCK``, and reject a result that the program cannot return:
""",
    details="""
4294967295 is -1, the number of ``-EPERM``: 4.19 returned the errno of the rejected charge as the
return value of the program, which had not run. Since 4.20 (:change:`TEST_RUN_ERRNO`) the kernel
returns the errors of the command and the return value of the program separately
(``net/bpf/test_run.c:bpf_test_run``).

The temporary storage occupies as many pages as a storage that attaching creates, so attaching fails
with ``ENOMEM`` for the same reason. On 4.20 to 5.5 the kernel can crash there
(:change:`STORAGE_POINTERS`). The kernel frees the temporary storage at the end of the command.

The example sets the limit to one page of 4096 bytes, which the map occupies. On a real kernel the
program counts too.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"test run": 4294967295, "attach": "ENOMEM"},
            "``net/bpf/test_run.c:bpf_test_run``, ``local_storage.c:bpf_cgroup_storage_alloc`` of "
            "4.19",
        ),
        Outcome(
            changes.TEST_RUN_ERRNO,
            {"test run": "ENOMEM", "attach": "undefined"},
            "kernels 4.20.1, 5.0.0, 5.2.1 and 5.3.1; ``net/bpf/test_run.c:bpf_test_run`` of 4.20",
        ),
        Outcome(
            changes.STORAGE_POINTERS,
            {"test run": "ENOMEM", "attach": "ENOMEM"},
            "kernels 5.4.59 to 5.10.262",
        ),
        Outcome(
            changes.MEMCG_ACCOUNTING,
            {"test run": 1, "attach": "ok"},
            "kernels 6.1.192 to 7.3.4; ``local_storage.c:bpf_cgroup_storage_alloc`` of 6.1",
            step="``RLIMIT_MEMLOCK`` no longer limits the storage of a test run.",
        ),
    ),
    kernel={"memlock": PAGE_SIZE},
    unsafe=True,
    before="4.19",
    after="5.10",
    symptoms=(
        "ENOMEM from BPF_PROG_TEST_RUN",
        "a test run returns 4294967295",
    ),
    rules=("test-run.temporary", "create.memlock"),
    recipes=(),
    explains=(Explains(changes.TEST_RUN_ERRNO),),
)
