# SPDX-License-Identifier: GPL-2.0-only
"""Known maps, programs and attachments on the running kernel, for the tests of check --running.

``python3 support_running.py`` makes them in a guest, and prints what was found there and what the
probe was answered, a line each.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
)
from reference_model.linux import LinuxKernel
from reference_model.running import live, report

SKB, MULTI = BPF_PROG_TYPE_CGROUP_SKB, BPF_F_ALLOW_MULTI
EGRESS, INGRESS = BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET_INGRESS
SHARED, PERCPU = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE


def made(kernel: LinuxKernel, *, pins: bool) -> dict[str, dict[str, Any]]:
    """Make them on a kernel since 5.9, and return what must be found, by the names of maps."""
    web, gone = kernel.mkdir("web"), kernel.mkdir("gone")
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64, map_name="counts")
    narrow = kernel.map_create(SHARED, U64, U64, map_name="narrow")
    percpu = kernel.map_create(PERCPU, STORAGE_KEY, U64, map_name="percpu")
    unused = kernel.map_create(SHARED, STORAGE_KEY, U64, map_name="unused")
    one = kernel.prog_load(SKB, Add(counts), prog_name="one")
    two = kernel.prog_load(SKB, [Add(counts), Add(percpu)], prog_name="two")
    three = kernel.prog_load(SKB, Add(narrow), prog_name="three")
    kernel.prog_attach(web, one, EGRESS, MULTI)
    kernel.prog_attach(web, two, EGRESS, MULTI)
    kernel.prog_attach(web, one, INGRESS, MULTI)
    kernel.prog_detach(web, one, INGRESS)
    links = [kernel.link_create(gone, three, hook) for hook in (EGRESS, INGRESS)]
    kernel.map_freeze(unused)
    if pins:
        kernel.obj_pin("counts", counts)
    path = str(web.path)
    egress, ingress = "cgroup_inet_egress", "cgroup_inet_ingress"
    at_web = {"cgroup": path, "cgroup_id": web.id, "attach_type": egress, "multi": True}
    at_gone = {"cgroup": str(gone.path), "cgroup_id": gone.id, "multi": True}
    plain = {
        "key_size": 16, "value_size": 8, "flags": 0, "frozen": False, "pins": [],
        "type": "cgroup_storage", "programs": [], "attachments": [], "entries": 0,
        "without_attachment": [], "shared_by": [],
    }  # fmt: skip
    return {
        "counts": {
            **plain, "id": counts.id, "pins": ["counts"] if pins else [], "entries": 2,
            "programs": [_program(one, "one"), _program(two, "two")],
            "attachments": [
                {**at_web, "program": one.id, "link": None},
                {**at_web, "program": two.id, "link": None},
            ],
            "without_attachment": [
                {"cgroup_id": web.id, "cgroup": path, "attach_type": ingress, "removed": False}
            ],
            "shared_by": [
                {
                    "cgroup": path, "attach_type": egress, "programs": [one.id, two.id],
                    "attach_types": [egress],
                }
            ],
        },
        "narrow": {
            **plain, "id": narrow.id, "key_size": 8, "programs": [_program(three, "three")],
            "entries": 1,
            "attachments": [
                {**at_gone, "attach_type": hook, "program": three.id, "link": link.id}
                for hook, link in ((ingress, links[1]), (egress, links[0]))
            ],
            "shared_by": [
                {
                    "cgroup": str(gone.path), "attach_type": None, "programs": [three.id],
                    "attach_types": [egress, ingress],
                }
            ],
        },
        "percpu": {
            **plain, "id": percpu.id, "type": "percpu_cgroup_storage", "entries": 1,
            "programs": [_program(two, "two")],
            "attachments": [{**at_web, "program": two.id, "link": None}],
        },
        "unused": {**plain, "id": unused.id, "frozen": True},
    }  # fmt: skip


def _program(descriptor: Any, name: str) -> dict[str, Any]:
    return {"id": descriptor.id, "type": "cgroup_skb", "name": name}


def found() -> dict[str, dict[str, Any]]:
    """What the report says of the maps with these names, without their names."""
    maps = report.data(live.read())["maps"]
    for one in maps:
        one["pins"] = [path.rpartition("/")[2] for path in one["pins"]]
    return {one.pop("name"): one for one in maps if one["name"]}


def main() -> int:
    """Make them here, and print what is found; return the exit status."""
    from reference_model.probe import asking, questions

    with LinuxKernel(allow_unsafe=True) as kernel:
        wanted = made(kernel, pins=True)
        print(json.dumps({"wanted": wanted, "found": found()}))
    print(json.dumps(asdict(asking.ask(questions.read()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
