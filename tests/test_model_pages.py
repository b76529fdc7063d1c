# SPDX-License-Identifier: GPL-2.0-only
"""The pages on the model name what is there: every command, and the modules in their order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reference_model import Kernel

ROOT = Path(__file__).parent.parent

# What the rooms of the model ask of each other; no reader calls them.
INSIDE = {
    *("attach_type", "bpf_capable", "cgroup_attach", "cgroup_bpf_release"),
    *("cgroup_detach", "charge", "check_attach_type", "check_command", "check_destroy"),
    *("check_index", "check_put", "check_release", "check_unprivileged", "end"),
    *("ending", "fails", "link", "live_cgroup", "make_root", "net_admin", "new_id"),
    *("program", "put_link", "put_map", "put_program", "put_uref", "uncharge"),
}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_command_is_on_the_api_page() -> None:
    shown = re.findall(r"automethod:: Kernel\.(\w+)", page("api.rst"))
    names = {n for n in dir(Kernel) if not n.startswith("_") and callable(getattr(Kernel, n))}
    assert sorted(shown) == sorted(names - INSIDE)
    assert names >= INSIDE


def imports(module: str) -> Iterator[str]:
    """The rooms that a room needs to run, not only to be type checked."""
    path = ROOT / "reference_model" / f"{module}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (name.partition(".")[0] for name in names)


def test_rooms_only_know_those_above_them() -> None:
    order = re.findall(r"(?m)^``(\w+)``  ", page("model.rst"))
    assert order[0] == "releases"
    for place, module in enumerate(order):
        assert set(imports(module)) <= set(order[:place]), module
