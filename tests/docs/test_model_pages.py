# SPDX-License-Identifier: GPL-2.0-only
"""The pages on the model name what is there: every command, and the modules in their order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reference_model.interface import GROUPS

ROOT = Path(__file__).parents[2]

MODEL_ONLY = ("value_size_limit",)
"""Methods of the model that a real kernel does not offer."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_api_page_shows_the_groups_of_the_interface() -> None:
    shown: dict[str, list[str]] = {}
    for title, body in re.findall(r"(?m)^(.+)\n-+\n\n((?:\.\. automethod.*\n)+)", page("api.rst")):
        shown[title] = re.findall(r"Kernel\.(\w+)", body)
    assert [name for names in shown.values() for name in names if name in MODEL_ONLY] == [
        *MODEL_ONLY
    ]
    assert {
        title: tuple(name for name in names if name not in MODEL_ONLY)
        for title, names in shown.items()
    } == GROUPS
    assert list(shown) == list(GROUPS)


def imports(module: str) -> Iterator[str]:
    """The modules that a module needs to run, not only to be type checked."""
    path = ROOT / "reference_model" / f"{module}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (name.partition(".")[0] for name in names)


def test_a_module_imports_only_those_above_it() -> None:
    order = re.findall(r"(?m)^``(\w+)``  ", page("model.rst"))
    assert order[0] == "releases"
    for place, module in enumerate(order):
        assert set(imports(module)) <= set(order[:place]), module
