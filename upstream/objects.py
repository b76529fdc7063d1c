# SPDX-License-Identifier: GPL-2.0-only
"""``python -m upstream objects``: the kernel's own BPF programs that use these maps, checked.

They are compiled from Debian's kernel sources.  What the check must say of each is read in its
source, and in the test or program that loads it.  Left out: programs with pointers of the kernel in
values, because Debian's clang does not write their type tags.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from conformance import tools
from conformance.offers import NotRun
from reference_model import MAINLINE, Release
from reference_model.checker.examine import Examined, examine
from reference_model.checker.facts import FAULTS
from reference_model.checker.findings import page_of
from reference_model.checker.verdict import range_of
from reference_model.releases import release

from . import guest_tests, snippets, sources

PLACE = tools.REPOSITORY / "build" / "kernel-objects"
SELFTESTS = Path("tools/testing/selftests/bpf")
SAMPLES = Path("samples/bpf")

STUBS = {
    "net/ipv6.h": """\
#include <stdbool.h>
#include <stddef.h>
typedef __u32 u32;
typedef __u64 u64;
#define div64_u64(one, other) ((one) / (other))
""",
    "net/inet_ecn.h": "#define INET_ECN_MASK 3\n",
}
"""What the samples need of the kernel's internal headers."""


class Shown(NamedTuple):
    """What an object shows."""

    pages: frozenset[str]
    loads: tuple[str, ...]
    """What groups of releases answer: ``4.19 to 5.8: EBUSY``, or ``5.9 to 7.3: loads``."""
    doubts: int = 0


NEWEST = MAINLINE[-1]


def _shown(concern: Sequence[str], *loads: str, doubts: int = 0) -> Shown:
    """What an object shows, by the names of stories and faults; ``...`` is the newest release."""
    pages = frozenset(FAULTS[one][1] if one in FAULTS else page_of(one) for one in concern)
    return Shown(pages, tuple(one.replace("...", NEWEST) for one in loads), doubts)


SECOND = "second_program_may_use_the_map"
EIGHT = ("eight_byte_keys_need_5_9", "one_object_for_all_kernels")
PER_CPU = ("percpu_maps", "read_percpu_totals")
LOCK = "values_may_hold_a_spin_lock"
LOST = "lost update"
FAULTY = ("helper flags", "helper map", "always denies")

NOTHING = _shown([], "4.19 to ...: loads")
CGRP = _shown(["cgrp_storage_maps"], "4.19 to 6.1: EINVAL", "6.2 to ...: loads")
LOST_IN_CGRP = CGRP._replace(pages=CGRP.pages | {FAULTS[LOST][1]})
NEEDS_PER_CPU = _shown(PER_CPU, "4.19: EINVAL", "4.20 to ...: loads")
VERDICTS = _shown([LOCK, "programs_may_return_2_and_3"], "4.19 to 5.2: EINVAL", "5.3 to ...: loads")

EXPECTED: dict[Path, dict[str, Shown]] = {
    # The value of another map has a type that is declared nowhere in 5.10, so it has no size.
    **{
        SAMPLES / f"hbm_{name}_kern.c": {"5.10": VERDICTS._replace(doubts=1), "6.1": VERDICTS}
        for name in ("out", "edt")
    },
    **{
        SELFTESTS / "progs" / f"{name}.c": shown
        for name, shown in {
            "cg_storage_multi_egress_only": {"5.10": NOTHING},
            "cg_storage_multi_isolated": {
                "5.10": _shown([SECOND], "4.19 to 5.8: EBUSY", "5.9 to ...: loads")
            },
            "cg_storage_multi_shared": {
                "5.10": _shown(
                    [SECOND, "attach_types_share_with_8_byte_keys", *EIGHT],
                    *("4.19 to 5.8: EINVAL", "5.9 to ...: loads"),
                )
            },
            "cgroup_storage": {"6.12": NOTHING},
            "cgrp_ls_attach_cgroup": {"6.12": LOST_IN_CGRP},
            "cgrp_ls_negative": {"6.12": CGRP},
            "cgrp_ls_recursion": {"6.12": LOST_IN_CGRP},
            "cgrp_ls_sleepable": {"6.12": CGRP},
            "cgrp_ls_tp_btf": {"6.12": CGRP},
            "lsm_cgroup": {
                "6.1": _shown(
                    [SECOND, LOST, *EIGHT],
                    *("4.19 to 5.8: EINVAL", "5.9 to 5.19: EINVAL", "6.0 to ...: loads"),
                )
            },
            "map_ptr_kern": {"5.10": NEEDS_PER_CPU},
            "netcnt_prog": {
                # In 5.10 a value has 40 bytes, later as many as are possible.
                "5.10": _shown(
                    ["interrupted update", *PER_CPU], "4.19: EINVAL", "4.20 to ...: loads"
                ),
                "6.1": _shown(
                    ["interrupted update", "values_may_exceed_a_page", *PER_CPU],
                    *("4.19 to 5.14: E2BIG", "5.15 to ...: loads"),
                ),
            },
            "tailcall_cgrp_storage": {
                "7.2": _shown(
                    [SECOND, *PER_CPU],
                    *("4.19: EINVAL", "4.20 to 5.8: EBUSY", "5.9 to ...: loads"),
                )
            },
            "tailcall_cgrp_storage_owner": {"7.2": NEEDS_PER_CPU},
            "test_spin_lock": {
                # The test sets the type of the program, as the sections do not tell it.
                "5.10": _shown([LOCK], "4.19 to ...: loads", doubts=1),
                "6.1": _shown([LOCK], "4.19 to ...: EINVAL"),
                "6.12": _shown([LOCK], "4.19 to 5.0: EINVAL", "5.1 to ...: loads"),
            },
            "verifier_cgroup_storage": {
                # Two programs have a number in the place of a map, and two pass unknown flags.
                "6.12": _shown(
                    [SECOND, *FAULTY, *PER_CPU], "4.19: EINVAL", "4.20 to ...: EINVAL", doubts=4
                )
            },
        }.items()
    },
}
"""What each file shows, since the release of the source in which that was read."""


def expected(file: Path, of: str) -> Shown | None:
    """What a file of a release must show; None if its source was not read there."""
    known = [shown for since, shown in EXPECTED[file].items() if Release(since) <= Release(of)]
    return known[-1] if known else None


def headers(linux: Path, place: Path) -> list[str]:
    """Write the headers that a tree does not have; the options of the compiler, or Uncompiled."""
    place.mkdir(parents=True, exist_ok=True)
    for name, text in STUBS.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    for name, target in {"bpf": "tools/lib/bpf", "uapi": "include/uapi"}.items():
        (place / name).unlink(missing_ok=True)
        (place / name).symlink_to(linux / target)
    script = next(linux.glob("scripts/bpf*_doc.py"))
    file = str(linux / "tools" / "include" / "uapi" / "linux" / "bpf.h")
    helpers = guest_tests.run([sys.executable, str(script), "--header", "--filename", file], place)
    (place / "bpf_helper_defs.h").write_text(helpers, encoding="utf-8")
    guest_tests.write_types(place)
    include = [place, *(linux / one for one in (SELFTESTS, "tools/include/uapi", "tools/include"))]
    return [
        *(f"-I{path}" for path in include),
        f"-idirafter/usr/include/{snippets.multiarch()}",
        "-D__TARGET_ARCH_x86",
    ]


def compiled(source: Path, options: Sequence[str], place: Path) -> bytes:
    """The object of a file, or Uncompiled."""
    target = place / f"{source.stem}.o"
    command = ["clang", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wno-everything", *options]
    guest_tests.run([*command, "-c", str(source), "-o", str(target)], place)
    return target.read_bytes()


def said(data: bytes) -> Shown:
    """What the check says of an object."""
    (found,) = examine("", data, [release(name) for name in MAINLINE])
    return Shown(frozenset(one.page for one in found.findings), _loads(found), len(found.doubts))


def _loads(found: Examined) -> tuple[str, ...]:
    return tuple(
        f"{range_of(span)}: {span.refusal.text.partition(':')[0] if span.refusal else 'loads'}"
        for span in found.spans
    )


def differences(linux: Path, of: str, place: Path) -> list[str]:
    """Compare the check with what the sources of a tree say: a line for each object that differs.

    Raise Uncompiled if a file does not compile.
    """
    options = headers(linux, place)
    found = []
    for file in EXPECTED:
        wanted = expected(file, of)
        if wanted is not None:
            shown = said(compiled(linux / file, options, place))
            if shown != wanted:
                found.append(f"{file}: the check says {shown}, and the source {wanted}")
    return found


def main(*, refresh: bool = False) -> int:
    """Compare on each source that Debian offers, and print what differs; the exit status."""
    try:
        trees = sources.packages(print, refresh=refresh)
    except tools.MissingTools as error:
        print(f"python -m upstream objects: {error}", file=sys.stderr)
        return 2
    status = 3
    for tree in trees:
        if isinstance(tree, NotRun):
            print(f"{tree.branch}: not run: {tree.reason}")
            continue
        try:
            found = differences(tree.place, tree.release, PLACE / tree.release)
        except guest_tests.Uncompiled as error:
            found = [f"it does not compile:\n{error}"]
        for line in found:
            print(f"  {line}")
        print(f"Linux {tree.release}: {len(found)} differences", flush=True)
        status = 1 if found or status == 1 else 0
    return status
